"""Sending records."""

import aiokafka
import scenario

from .common import common


async def produce(config, topic, count, keys):
    async with aiokafka.AIOKafkaProducer(**common(config), enable_idempotence=True) as producer:
        await send(producer, topic, scenario.pairs(keys, count))


async def send(producer, topic, pairs):
    """Sends and prints where each record was written; raises the first refusal."""
    sent = [await producer.send(topic, key=key, value=value) for key, value in pairs]
    for future in sent:
        at = await future
        scenario.line("produced", topic=at.topic, partition=at.partition, offset=at.offset)
