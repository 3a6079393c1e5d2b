"""Sending records."""

import kafka
import scenario

from .common import common


def produce(config, topic, count, keys):
    producer = kafka.KafkaProducer(**producing(config))
    try:
        send(producer, topic, scenario.pairs(keys, count))
    finally:
        producer.close(5)


def producing(config):
    limits = {"max_block_ms": 20_000, "delivery_timeout_ms": 25_000, "request_timeout_ms": 10_000}
    return common(config) | {"enable_idempotence": True} | limits


def send(producer, topic, pairs):
    """Sends and prints where each record was written; raises the first refusal."""
    sent = [producer.send(topic, key=key, value=value) for key, value in pairs]
    producer.flush(28)
    for future in sent:
        at = future.get(28)
        scenario.line("produced", topic=at.topic, partition=at.partition, offset=at.offset)
