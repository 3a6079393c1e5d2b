"""Reading with a group."""

import confluent_kafka as kafka
import scenario

from .common import consuming

# A rebalance came between: the next poll takes the consumer through it.
REBALANCED = {
    kafka.KafkaError.ILLEGAL_GENERATION,
    kafka.KafkaError.UNKNOWN_MEMBER_ID,
    kafka.KafkaError.REBALANCE_IN_PROGRESS,
    kafka.KafkaError.STALE_MEMBER_EPOCH,
    kafka.KafkaError._ASSIGNMENT_LOST,
}


def consume(config, topic, group, count):
    subscribed(consuming(config, group), topic, count)


def consume_next(config, topic, group, count):
    subscribed(consuming(config, group, **{"group.protocol": "consumer"}), topic, count)


def consume_committed(config, topic, group, count):
    subscribed(consuming(config, group, **{"isolation.level": "read_committed"}), topic, count)


def consume_pattern(config, pattern, group, count):
    subscribed(consuming(config, group), f"^{pattern}$", count)


def consume_pattern_next(config, pattern, group, count):
    subscribed(consuming(config, group, **{"group.protocol": "consumer"}), f"^{pattern}$", count)


def subscribed(properties, topic, count):
    consumer = kafka.Consumer(properties)
    try:
        consumer.subscribe([topic])
        seen = poll(consumer, count)
        seen.print()
        if seen.records:
            commit(consumer, seen)
            scenario.line("committed")
    finally:
        consumer.close()


def poll(consumer, count):
    """Polls until there are that many records or the time is over."""
    seen = scenario.Seen(count)
    try:
        while seen.wanted() > 0:
            message = consumer.poll(0.2)
            if message is None:
                continue
            if message.error() is not None:
                raise kafka.KafkaException(message.error())
            seen.add(message.topic(), message.partition(), message.offset(), message.key(), message.value())
    except kafka.KafkaException:
        seen.print()
        raise
    return seen


def offsets(seen):
    return [kafka.TopicPartition(topic, partition, end) for (topic, partition), end in seen.ends().items()]


def commit(consumer, seen):
    while True:
        try:
            for committed in consumer.commit(offsets=offsets(seen), asynchronous=False):
                if committed.error is not None:
                    raise kafka.KafkaException(committed.error)
            return
        except kafka.KafkaException as error:
            if error.args[0].code() not in REBALANCED or seen.late():
                raise
            consumer.poll(0.2)
