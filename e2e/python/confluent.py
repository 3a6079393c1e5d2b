"""The librdkafka client of the common scenario."""

import sys
import time

import confluent_kafka as kafka
import scenario
from confluent_kafka.admin import AdminClient


def list(config):
    try:
        names = AdminClient(common(config)).list_topics(timeout=20).topics.keys()
        scenario.line("topics", names=sorted(names))
    except kafka.KafkaException as error:
        refused(error.args[0])


def produce(config, topic, count, keys):
    producer = kafka.Producer(
        common(config) | {"enable.idempotence": True, "message.timeout.ms": 25_000}
    )
    for i in range(count):
        producer.produce(topic, key=f"{keys}{i}", value=f"value of {keys}{i}", on_delivery=delivered)
    if producer.flush(30) > 0:
        sys.exit("records are left in the queue")


def delivered(error, message):
    if error is not None:
        refused(error)
    else:
        scenario.line(
            "produced", topic=message.topic(), partition=message.partition(), offset=message.offset()
        )


def consume(config, topic, group, count):
    consumer = kafka.Consumer(
        common(config)
        | {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe([topic])
    seen, until = 0, scenario.deadline()
    while seen < count and time.monotonic() < until:
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error() is not None:
            refused(message.error())
            break
        seen += 1
        scenario.line(
            "record",
            topic=message.topic(),
            partition=message.partition(),
            offset=message.offset(),
            key=scenario.text(message.key()),
            value=scenario.text(message.value()),
        )
    if seen > 0:
        consumer.commit(asynchronous=False)
        scenario.line("committed")
    consumer.close()


def refused(error):
    scenario.line("error", code=error.code(), name=error.name(), message=error.str())


def common(config):
    properties = {"bootstrap.servers": config["bootstrap"], "security.protocol": config["protocol"]}
    if config["mechanism"] is not None:
        properties |= {
            "sasl.mechanism": config["mechanism"],
            "sasl.username": config["user"],
            "sasl.password": config["password"],
        }
    if config["ca"] is not None:
        properties["ssl.ca.location"] = config["ca"]
    return properties


if __name__ == "__main__":
    scenario.run(sys.modules[__name__])
