"""The kafka-python client of the common scenario."""

import sys
import time

import kafka
import scenario
from kafka.errors import BrokerResponseError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata


def list(config):
    consumer = kafka.KafkaConsumer(**common(config))
    try:
        scenario.line("topics", names=sorted(consumer.topics()))
    except BrokerResponseError as error:
        refused(error)
    finally:
        consumer.close()


def produce(config, topic, count, keys):
    producer = kafka.KafkaProducer(
        **common(config), enable_idempotence=True, max_block_ms=20_000, delivery_timeout_ms=25_000,
        request_timeout_ms=10_000,
    )
    try:
        sent = [
            producer.send(topic, key=f"{keys}{i}".encode(), value=f"value of {keys}{i}".encode())
            for i in range(count)
        ]
        producer.flush(30)
        for future in sent:
            at = future.get(30)
            scenario.line("produced", topic=at.topic, partition=at.partition, offset=at.offset)
    except BrokerResponseError as error:
        refused(error)
    finally:
        producer.close(5)


def consume(config, topic, group, count):
    consumer = kafka.KafkaConsumer(
        **common(config),
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    try:
        # 3.0.12 may join the group before it has the topic's metadata, assigns itself nothing then and stays so:
        # seen before a bare broker. Asking first leaves nothing to race.
        consumer.partitions_for_topic(topic)
        consumer.subscribe([topic])
        # Records by their place: a rebalance before the commit delivers them once more.
        seen, until = {}, scenario.deadline()
        while len(seen) < count and time.monotonic() < until:
            for records in poll(consumer, until, count - len(seen)).values():
                seen |= {(record.partition, record.offset): record for record in records}
        for record in seen.values():
            scenario.line(
                "record",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                key=scenario.text(record.key),
                value=scenario.text(record.value),
            )
        if seen:
            commit(consumer, topic, seen, until)
            scenario.line("committed")
    except BrokerResponseError as error:
        refused(error)
    finally:
        consumer.close(autocommit=False)


def commit(consumer, topic, seen, until):
    """Commits what was seen and nothing that a later poll brings."""
    offsets = {}
    for partition, offset in sorted(seen):
        offsets[kafka.TopicPartition(topic, partition)] = OffsetAndMetadata(offset + 1, "", -1)
    while True:
        try:
            return consumer.commit(offsets)
        except RebalanceInProgressError:
            # 3.0.12 rejoins by itself when the first metadata comes after the first assignment, and asks to be
            # polled then.
            if time.monotonic() > until:
                raise
            poll(consumer, until, 1)


def poll(consumer, until, most):
    # A poll that ends while 3.0.12 waits for SyncGroup leaves it rebalancing for good: no poll is short.
    return consumer.poll(max(until - time.monotonic(), 1) * 1000, max_records=most)


def refused(error):
    scenario.line("error", code=error.errno, name=error.message, message=str(error))


def common(config):
    settings = {
        "bootstrap_servers": config["bootstrap"].split(","),
        "security_protocol": config["protocol"],
    }
    if config["mechanism"] is not None:
        settings |= {
            "sasl_mechanism": config["mechanism"],
            "sasl_plain_username": config["user"],
            "sasl_plain_password": config["password"],
        }
    if config["ca"] is not None:
        settings["ssl_cafile"] = config["ca"]
    return settings


if __name__ == "__main__":
    scenario.run(sys.modules[__name__])
