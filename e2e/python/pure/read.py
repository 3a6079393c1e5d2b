"""Reading without a group."""

from contextlib import closing

import kafka

from .common import consuming
from .consume import poll
from .topics import partitions


def read_from_beginning(config, topic, count):
    places = partitions(config, topic)
    with closing(kafka.KafkaConsumer(**consuming(config))) as consumer:
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        poll(consumer, count).print()


def read_from_time(config, topic, timestamp, count):
    places = partitions(config, topic)
    with closing(kafka.KafkaConsumer(**consuming(config))) as consumer:
        consumer.assign(places)
        found = consumer.offsets_for_times(dict.fromkeys(places, timestamp))
        for place in places:
            if found.get(place) is None:
                consumer.seek_to_end(place)
            else:
                consumer.seek(place, found[place].offset)
        poll(consumer, count).print()
