"""Looking at topics."""

from contextlib import closing

import kafka
import scenario

from .common import common


def list(config):
    with closing(kafka.KafkaConsumer(**common(config))) as consumer:
        scenario.line("topics", names=sorted(consumer.topics()))
