"""Reading without a group."""

import confluent_kafka as kafka

from .common import SECONDS, consuming
from .consume import poll
from .topics import partitions


def read_from_beginning(config, topic, count):
    assigned(config, topic, count, lambda consumer, places: places)


def read_from_time(config, topic, timestamp, count):
    def at(consumer, places):
        for place in places:
            place.offset = timestamp
        return consumer.offsets_for_times(places, timeout=SECONDS)

    assigned(config, topic, count, at)


def assigned(config, topic, count, start):
    # The library wants a group id even where it joins no group and commits nothing.
    consumer = kafka.Consumer(consuming(config, "no-group"))
    try:
        places = [
            kafka.TopicPartition(topic, partition, kafka.OFFSET_BEGINNING)
            for partition in partitions(consumer, topic)
        ]
        consumer.assign(start(consumer, places))
        poll(consumer, count).print()
    finally:
        consumer.close()
