"""Looking at topics."""

from contextlib import closing

import kafka
import scenario
from kafka.admin import KafkaAdminClient
from kafka.errors import for_code

from .common import common


def list(config):
    with closing(kafka.KafkaConsumer(**common(config))) as consumer:
        scenario.line("topics", names=sorted(consumer.topics()))


def partitions(config, topic):
    """The partitions of one topic; a consumer would keep the refusal to itself."""
    with closing(KafkaAdminClient(**common(config))) as client:
        (found,) = client.describe_topics([topic])
    if found["error_code"] != 0:
        raise for_code(found["error_code"])()
    numbers = sorted(place["partition_index"] for place in found["partitions"])
    return [kafka.TopicPartition(topic, number) for number in numbers]
