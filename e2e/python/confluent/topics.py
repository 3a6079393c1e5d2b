"""Looking at topics."""

import time

import confluent_kafka as kafka
import scenario
from confluent_kafka.admin import AdminClient

from .common import SECONDS, common

# After as long it looks whether it was refused.
ATTEMPT = 4


def list(config):
    told = []
    client = AdminClient(common(config) | {"error_cb": told.append})
    until = time.monotonic() + SECONDS
    while True:
        try:
            names = client.list_topics(timeout=ATTEMPT).topics.keys()
            break
        except kafka.KafkaException:
            # That a login is refused is told to the callback alone.
            client.poll(0)
            for error in told:
                if error.code() == kafka.KafkaError._AUTHENTICATION:
                    raise kafka.KafkaException(error) from None
            if time.monotonic() > until:
                raise
    scenario.line("topics", names=sorted(names))


def partitions(client, topic):
    """The partitions of one topic, as any client finds them."""
    found = client.list_topics(topic, timeout=SECONDS).topics[topic]
    if found.error is not None:
        raise kafka.KafkaException(found.error)
    return sorted(found.partitions)
