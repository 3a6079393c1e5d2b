"""Reading without a group."""

import aiokafka
from aiokafka.errors import for_code

from .common import admin, consuming
from .consume import poll


async def read_from_beginning(config, topic, count):
    partitions = await partitions_of(config, topic)
    async with aiokafka.AIOKafkaConsumer(**consuming(config)) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        (await poll(consumer, count)).print()


async def read_from_time(config, topic, timestamp, count):
    partitions = await partitions_of(config, topic)
    async with aiokafka.AIOKafkaConsumer(**consuming(config)) as consumer:
        consumer.assign(partitions)
        found = await consumer.offsets_for_times({partition: timestamp for partition in partitions})
        for partition in partitions:
            if found.get(partition) is None:
                await consumer.seek_to_end(partition)
            else:
                consumer.seek(partition, found[partition].offset)
        (await poll(consumer, count)).print()


async def partitions_of(config, topic):
    # A consumer knows no topic before it is assigned one.
    async with admin(config) as client:
        (found,) = await client.describe_topics([topic])
    if found["error_code"] != 0:
        raise for_code(found["error_code"])()
    return [aiokafka.TopicPartition(topic, place["partition"]) for place in found["partitions"]]
