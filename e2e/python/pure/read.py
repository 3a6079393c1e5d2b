"""Reading without a group."""

from contextlib import closing

import kafka

from .common import consuming
from .consume import poll


def read_from_beginning(config, topic, count):
    with closing(kafka.KafkaConsumer(**consuming(config))) as consumer:
        consumer.seek_to_beginning(*assign(consumer, topic))
        poll(consumer, count).print()


def read_from_time(config, topic, timestamp, count):
    with closing(kafka.KafkaConsumer(**consuming(config))) as consumer:
        partitions = assign(consumer, topic)
        found = consumer.offsets_for_times({partition: timestamp for partition in partitions})
        for partition in partitions:
            if found.get(partition) is None:
                consumer.seek_to_end(partition)
            else:
                consumer.seek(partition, found[partition].offset)
        poll(consumer, count).print()


def assign(consumer, topic):
    partitions = [kafka.TopicPartition(topic, i) for i in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(partitions)
    return partitions
