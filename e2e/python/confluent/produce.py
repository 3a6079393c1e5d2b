"""Sending records."""

import sys

import confluent_kafka as kafka
import scenario

from .common import common


def produce(config, topic, count, keys):
    send(kafka.Producer(producing(config)), topic, scenario.pairs(keys, count), show)


def producing(config):
    return common(config) | {"enable.idempotence": True, "message.timeout.ms": (scenario.SECONDS - 5) * 1000}


def send(producer, topic, pairs, acknowledged=lambda at: None):
    """Sends, tells what was acknowledged, and raises the first refusal."""
    errors = []

    def delivered(error, message):
        if error is not None:
            errors.append(error)
        else:
            acknowledged(message)

    for key, value in pairs:
        producer.produce(topic, key=key, value=value, on_delivery=delivered)
    if producer.flush(scenario.SECONDS - 2) > 0:
        sys.exit("records are left in the queue")
    if errors:
        raise kafka.KafkaException(errors[0])


def show(at):
    scenario.line("produced", topic=at.topic(), partition=at.partition(), offset=at.offset())
