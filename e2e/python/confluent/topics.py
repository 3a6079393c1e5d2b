"""Looking at topics."""

import confluent_kafka as kafka
import scenario
from confluent_kafka.admin import AdminClient

from .common import SECONDS, common


def list(config):
    names = AdminClient(common(config)).list_topics(timeout=SECONDS).topics.keys()
    scenario.line("topics", names=sorted(names))


def partitions(client, topic):
    """The partitions of one topic, as any client finds them."""
    found = client.list_topics(topic, timeout=SECONDS).topics[topic]
    if found.error is not None:
        raise kafka.KafkaException(found.error)
    return sorted(found.partitions)
