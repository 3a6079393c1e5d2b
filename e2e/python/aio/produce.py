"""Sending records."""

import aiokafka
import scenario

from .common import common


async def produce(config, topic, count, keys):
    async with aiokafka.AIOKafkaProducer(**common(config), enable_idempotence=True) as producer:
        await send(producer, topic, scenario.pairs(keys, count), show)


async def send(producer, topic, pairs, acknowledged=lambda at: None):
    """Sends, tells where each record was written, and raises the first refusal."""
    sent = [await producer.send(topic, key=key, value=value) for key, value in pairs]
    for future in sent:
        acknowledged(await future)


def show(at):
    scenario.line("produced", topic=at.topic, partition=at.partition, offset=at.offset)
