"""Transactional producers."""

import confluent_kafka as kafka
import scenario

from .common import SECONDS, consuming
from .consume import REBALANCED, offsets, poll
from .produce import producing, send, show


def transact(config, topic, transactional_id, count, keys, end):
    producer = transactional(config, transactional_id)
    with aborting(producer):
        producer.begin_transaction()
        send_within(producer, topic, scenario.pairs(keys, count), show)
        if end == "commit":
            producer.commit_transaction(SECONDS)
        else:
            producer.abort_transaction(SECONDS)


def copy(config, source, target, group, transactional_id, count):
    producer = transactional(config, transactional_id)
    consumer = kafka.Consumer(consuming(config, group, **{"isolation.level": "read_committed"}))
    try:
        consumer.subscribe([source])
        seen = poll(consumer, count)
        if seen.records:
            while not copied(consumer, producer, target, seen):
                consumer.poll(0.2)
            seen.print()
            scenario.line("committed")
    finally:
        consumer.close()


def copied(consumer, producer, target, seen):
    """One attempt; not done if a rebalance came between, after which there must be a new transaction."""
    try:
        with aborting(producer):
            producer.begin_transaction()
            # Before the offsets: only a delivery report says why a record was refused.
            send_within(producer, target, seen.records.values())
            metadata = consumer.consumer_group_metadata()
            producer.send_offsets_to_transaction(offsets(seen), metadata, SECONDS)
            producer.commit_transaction(SECONDS)
        return True
    except kafka.KafkaException as error:
        if error.args[0].code() not in REBALANCED or seen.late():
            raise
        return False


def send_within(producer, *records):
    try:
        send(producer, *records)
    except kafka.KafkaException as error:
        if error.args[0].code() == kafka.KafkaError._PURGE_QUEUE:
            # The transaction was refused before its records left: the commit says why.
            producer.commit_transaction(SECONDS)
        raise


class aborting:
    """Aborts the transaction when an error leaves it open and that is still possible."""

    def __init__(self, producer):
        self.producer = producer

    def __enter__(self):
        pass

    def __exit__(self, kind, error, trace):
        if isinstance(error, kafka.KafkaException) and not error.args[0].fatal():
            try:
                self.producer.abort_transaction(SECONDS)
            except kafka.KafkaException as second:
                error.add_note(f"and it could not be aborted: {second}")


def transactional(config, transactional_id):
    producer = kafka.Producer(
        producing(config) | {"transactional.id": transactional_id, "transaction.timeout.ms": 30_000}
    )
    producer.init_transactions(SECONDS)
    return producer
