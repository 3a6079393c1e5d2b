"""Reading with a group."""

import aiokafka
import scenario
from aiokafka.errors import CommitFailedError, IllegalStateError, RebalanceInProgressError

from .common import consuming


async def consume(config, topic, group, count):
    await read(aiokafka.AIOKafkaConsumer(topic, **consuming(config, group_id=group)), count)


async def consume_committed(config, topic, group, count):
    settings = consuming(config, group_id=group, isolation_level="read_committed")
    await read(aiokafka.AIOKafkaConsumer(topic, **settings), count)


async def consume_pattern(config, pattern, group, count):
    consumer = aiokafka.AIOKafkaConsumer(**consuming(config, group_id=group))
    consumer.subscribe(pattern=f"^{pattern}$")
    await read(consumer, count)


async def read(consumer, count):
    async with consumer:
        seen = await poll(consumer, count)
        seen.print()
        if seen.records:
            await commit(consumer, seen)
            scenario.line("committed")


async def poll(consumer, count):
    """Polls until there are that many records or the time is over."""
    seen = scenario.Seen(count)
    while (wanted := seen.wanted()) > 0:
        for records in (await consumer.getmany(timeout_ms=200, max_records=wanted)).values():
            for record in records:
                seen.add(record.topic, record.partition, record.offset, record.key, record.value)
    return seen


def offsets(seen):
    return {
        aiokafka.TopicPartition(topic, partition): end for (topic, partition), end in seen.ends().items()
    }


async def commit(consumer, seen):
    while True:
        try:
            return await consumer.commit(offsets(seen))
        except (CommitFailedError, IllegalStateError, RebalanceInProgressError):
            # A rebalance came between, which the library goes through by itself.
            if seen.late():
                raise
            await consumer.getmany(timeout_ms=200)
