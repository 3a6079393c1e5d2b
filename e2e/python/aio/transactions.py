"""Transactional producers."""

from contextlib import asynccontextmanager

import aiokafka
import scenario
from aiokafka.errors import KafkaError

from .common import common, consuming
from .consume import offsets, poll
from .produce import send, show


async def transact(config, topic, transactional_id, count, keys, end):
    async with transactional(config, transactional_id) as producer, aborting(producer):
        await producer.begin_transaction()
        await send(producer, topic, scenario.pairs(keys, count), show)
        if end == "commit":
            await producer.commit_transaction()
        else:
            await producer.abort_transaction()


async def copy(config, source, target, group, transactional_id, count):
    settings = consuming(config, group_id=group, isolation_level="read_committed")
    async with (
        transactional(config, transactional_id) as producer,
        aiokafka.AIOKafkaConsumer(source, **settings) as consumer,
    ):
        seen = await poll(consumer, count)
        if not seen.records:
            return
        async with aborting(producer):
            await producer.begin_transaction()
            # Before the offsets: only the send itself says why a record was refused.
            await send(producer, target, seen.records.values())
            # The library sends the group's name alone, no generation: a rebalance does not stand in the way.
            await producer.send_offsets_to_transaction(offsets(seen), group)
            await producer.commit_transaction()
        seen.print()
        scenario.line("committed")


@asynccontextmanager
async def aborting(producer):
    """Aborts the transaction when an error leaves it open and that is still possible."""
    try:
        yield
    except KafkaError as error:
        try:
            await producer.abort_transaction()
        except KafkaError as second:
            error.add_note(f"and it could not be aborted: {second}")
        raise


def transactional(config, transactional_id):
    return aiokafka.AIOKafkaProducer(
        **common(config), transactional_id=transactional_id, transaction_timeout_ms=30_000
    )
