"""Looking at topics."""

import scenario
from confluent_kafka.admin import AdminClient

from .common import SECONDS, common


def list(config):
    names = AdminClient(common(config)).list_topics(timeout=SECONDS).topics.keys()
    scenario.line("topics", names=sorted(names))
