"""Reading with a group."""

import kafka
import scenario
from kafka.errors import CommitFailedError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

from .common import consuming

# Milliseconds, long enough for a whole rebalance: 3.0.12 forgets a join that ends between two polls and begins
# another, for ever if every poll is shorter than a join. Records end a poll at once.
POLL = 20_000


def consume(config, topic, group, count):
    grouped(consuming(config, group_id=group), topic, count)


def consume_committed(config, topic, group, count):
    grouped(consuming(config, group_id=group, isolation_level="read_committed"), topic, count)


def consume_pattern(config, pattern, group, count):
    consumer = kafka.KafkaConsumer(**consuming(config, group_id=group))
    try:
        # Asking first leaves nothing to race, as in `subscribe`.
        consumer.topics()
        consumer.subscribe(pattern=f"^{pattern}$")
        read(consumer, count)
    finally:
        consumer.close(autocommit=False)


def grouped(settings, topic, count):
    consumer = kafka.KafkaConsumer(**settings)
    try:
        subscribe(consumer, topic)
        read(consumer, count)
    finally:
        consumer.close(autocommit=False)


def subscribe(consumer, topic):
    # 3.0.12 may join the group before it has the topic's metadata, assigns itself nothing then and stays so:
    # seen before a bare broker. Asking first leaves nothing to race.
    consumer.partitions_for_topic(topic)
    consumer.subscribe([topic])


def read(consumer, count):
    seen = poll(consumer, count)
    seen.print()
    if seen.records:
        commit(consumer, seen)
        scenario.line("committed")


def poll(consumer, count):
    """Polls until there are that many records or the time is over."""
    seen = scenario.Seen(count)
    while (wanted := seen.wanted()) > 0:
        for records in consumer.poll(POLL, max_records=wanted).values():
            for record in records:
                seen.add(record.topic, record.partition, record.offset, record.key, record.value)
    return seen


def offsets(seen):
    return {
        kafka.TopicPartition(topic, partition): OffsetAndMetadata(end, "", -1)
        for (topic, partition), end in seen.ends().items()
    }


def commit(consumer, seen):
    while True:
        try:
            return consumer.commit(offsets(seen))
        except (RebalanceInProgressError, CommitFailedError):
            # 3.0.12 rejoins by itself when the first metadata comes after the first assignment, and asks to be
            # polled then: seen before a bare broker.
            if seen.late():
                raise
            consumer.poll(POLL)
