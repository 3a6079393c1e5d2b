"""Transactional producers."""

from contextlib import closing, contextmanager

import kafka
import scenario
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from .common import consuming
from .consume import POLL, offsets, poll, subscribe
from .produce import producing, send, show

# A rebalance came between: the next poll takes the consumer through it.
REBALANCED = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)


def transact(config, topic, transactional_id, count, keys, end):
    with transactional(config, transactional_id) as producer, aborting(producer):
        producer.begin_transaction()
        send(producer, topic, scenario.pairs(keys, count), show)
        if end == "commit":
            producer.commit_transaction()
        else:
            producer.abort_transaction()


def copy(config, source, target, group, transactional_id, count):
    settings = consuming(config, group_id=group, isolation_level="read_committed")
    with (
        transactional(config, transactional_id) as producer,
        closing(kafka.KafkaConsumer(**settings)) as consumer,
    ):
        subscribe(consumer, source)
        seen = poll(consumer, count)
        if seen.records:
            while not copied(consumer, producer, target, seen):
                consumer.poll(POLL)
            seen.print()
            scenario.line("committed")


def copied(consumer, producer, target, seen):
    """One attempt; not done if a rebalance came between, after which there must be a new transaction."""
    try:
        with aborting(producer):
            producer.begin_transaction()
            # Before the offsets: only the send itself says why a record was refused.
            send(producer, target, seen.records.values())
            producer.send_offsets_to_transaction(offsets(seen), consumer.group_metadata())
            producer.commit_transaction()
        return True
    except REBALANCED:
        if seen.late():
            raise
        return False


@contextmanager
def aborting(producer):
    """Aborts the transaction when an error leaves it open and that is still possible."""
    try:
        yield
    except KafkaError as error:
        try:
            producer.abort_transaction()
        except KafkaError as second:
            error.add_note(f"and it could not be aborted: {second}")
        raise


@contextmanager
def transactional(config, transactional_id):
    producer = kafka.KafkaProducer(
        **producing(config), transactional_id=transactional_id, transaction_timeout_ms=30_000
    )
    try:
        producer.init_transactions()
        yield producer
    finally:
        producer.close(5)
