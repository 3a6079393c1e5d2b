"""Sending records."""

import sys

import confluent_kafka as kafka
import scenario

from .common import common


def produce(config, topic, count, keys):
    send(kafka.Producer(producing(config)), topic, scenario.pairs(keys, count))


def producing(config):
    return common(config) | {"enable.idempotence": True, "message.timeout.ms": 25_000}


def send(producer, topic, pairs):
    """Sends and prints where each record was written; raises the first refusal."""
    errors = []

    def delivered(error, message):
        if error is not None:
            errors.append(error)
            return
        scenario.line(
            "produced", topic=message.topic(), partition=message.partition(), offset=message.offset()
        )

    for key, value in pairs:
        producer.produce(topic, key=key, value=value, on_delivery=delivered)
    if producer.flush(28) > 0:
        sys.exit("records are left in the queue")
    if errors:
        raise kafka.KafkaException(errors[0])
