"""Reading without a group."""

import confluent_kafka as kafka

from .common import SECONDS, consuming
from .consume import poll


def read_from_beginning(config, topic, count):
    assigned(config, topic, count, lambda consumer, partitions: partitions)


def read_from_time(config, topic, timestamp, count):
    def at(consumer, partitions):
        for partition in partitions:
            partition.offset = timestamp
        return consumer.offsets_for_times(partitions, timeout=SECONDS)

    assigned(config, topic, count, at)


def assigned(config, topic, count, start):
    # The library wants a group id even where it joins no group and commits nothing.
    consumer = kafka.Consumer(consuming(config, "no-group"))
    try:
        metadata = consumer.list_topics(topic, timeout=SECONDS).topics[topic]
        if metadata.error is not None:
            raise kafka.KafkaException(metadata.error)
        partitions = [
            kafka.TopicPartition(topic, partition, kafka.OFFSET_BEGINNING) for partition in metadata.partitions
        ]
        consumer.assign(start(consumer, partitions))
        poll(consumer, count).print()
    finally:
        consumer.close()
