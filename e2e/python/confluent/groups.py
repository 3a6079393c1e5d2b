"""Looking after groups."""

import confluent_kafka as kafka
import scenario
from confluent_kafka.admin import AdminClient, OffsetSpec

from .common import SECONDS, common
from .topics import partitions


def list_groups(config):
    client = admin(config)
    found = client.list_consumer_groups(request_timeout=SECONDS).result()
    if found.errors:
        raise kafka.KafkaException(found.errors[0])
    scenario.line("groups", names=sorted(group.group_id for group in found.valid))


def describe_group(config, group):
    client = admin(config)
    found = client.describe_consumer_groups([group], request_timeout=SECONDS)[group].result()
    spec = kafka.ConsumerGroupTopicPartitions(group)
    stored = client.list_consumer_group_offsets([spec], request_timeout=SECONDS)[group].result()
    topics = {place.topic for place in stored.topic_partitions}
    for member in found.members:
        topics |= {place.topic for place in member.assignment.topic_partitions}
    scenario.line(
        "group",
        name=found.group_id,
        # Kafka's own spelling: PREPARING_REBALANCING is PreparingRebalancing here.
        state="".join(word.title() for word in found.state.name.split("_")),
        members=len(found.members),
        topics=sorted(topics),
    )


def reset_offsets(config, group, topic):
    client = admin(config)
    places = partitions(client, topic)
    earliest = {kafka.TopicPartition(topic, partition): OffsetSpec.earliest() for partition in places}
    offsets = [
        kafka.TopicPartition(place.topic, place.partition, future.result().offset)
        for place, future in client.list_offsets(earliest, request_timeout=SECONDS).items()
    ]
    spec = kafka.ConsumerGroupTopicPartitions(group, offsets)
    done = client.alter_consumer_group_offsets([spec], request_timeout=SECONDS)[group].result()
    for place in done.topic_partitions:
        if place.error is not None:
            raise kafka.KafkaException(place.error)
    scenario.line("committed")


def delete_group(config, group):
    client = admin(config)
    client.delete_consumer_groups([group], request_timeout=SECONDS)[group].result()


def admin(config):
    # To be kept in a variable: an unnamed one is destroyed under its own futures.
    return AdminClient(common(config))
