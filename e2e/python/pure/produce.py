"""Sending records."""

import kafka
import scenario

from .common import common


def produce(config, topic, count, keys):
    producer = kafka.KafkaProducer(**producing(config))
    try:
        send(producer, topic, scenario.pairs(keys, count), show)
    finally:
        producer.close(5)


def producing(config):
    limits = {"max_block_ms": 20_000, "delivery_timeout_ms": 25_000, "request_timeout_ms": 10_000}
    return common(config) | {"enable_idempotence": True} | limits


def send(producer, topic, pairs, acknowledged=lambda at: None):
    """Sends, tells where each record was written, and raises the first refusal."""
    sent = [producer.send(topic, key=key, value=value) for key, value in pairs]
    producer.flush(28)
    for future in sent:
        acknowledged(future.get(28))


def show(at):
    scenario.line("produced", topic=at.topic, partition=at.partition, offset=at.offset)
