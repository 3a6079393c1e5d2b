"""Load by librdkafka that goes on until a file appears: CONFIG.json STOP_FILE ROLE..., as Load.java.

Roles: idempotent:NAME:TOPIC, transactional:NAME:TOPIC and read:NAME:TOPIC. Settings are the library's defaults but for what makes a role
what it is.
"""

import json
import os
import sys
import threading
import time
import traceback

import confluent_kafka as kafka

PARTITIONS = 3
RECORDS_OF_TRANSACTION = 5
ABORT_EVERY = 5
BURST = 10
PAUSE = 0.05


def idempotent(config, stop, name, topic):
    producer = kafka.Producer(config | {"enable.idempotence": True, "acks": "all"})
    number = 0
    while not os.path.exists(stop):
        producer.produce(
            topic, value=f"{name} {number} 0 0", partition=number % PARTITIONS, on_delivery=delivered(name, number)
        )
        number += 1
        producer.poll(0)
        if number % BURST == 0:
            time.sleep(PAUSE)
    producer.flush()


def delivered(name, number):
    def say_so(error, message):
        if error is None:
            say("acked", name, number, message.partition(), message.offset())
        else:
            say("lost", name, number, error)

    return say_so


def transactional(config, stop, name, topic):
    producer = kafka.Producer(config | {"transactional.id": name})
    repeated(producer.init_transactions)
    number = attempt = 0
    while not os.path.exists(stop):
        try:
            producer.begin_transaction()
            for index in range(RECORDS_OF_TRANSACTION):
                producer.produce(
                    topic, value=f"{name} {number} {attempt} {index}", partition=(number + index) % PARTITIONS
                )
            if number % ABORT_EVERY == ABORT_EVERY - 1:
                producer.flush()
                repeated(producer.abort_transaction)
                say("aborted", name, number, attempt)
            else:
                repeated(producer.commit_transaction)
                say("committed", name, number, attempt, RECORDS_OF_TRANSACTION)
            number, attempt = number + 1, 0
        except kafka.KafkaException as error:
            # As its documentation tells: abort and begin again if it says so, anything else is the end.
            if not error.args[0].txn_requires_abort():
                raise
            repeated(producer.abort_transaction)
            say("aborted", name, number, attempt)
            say("retried", name, number, attempt, error)
            attempt += 1
        time.sleep(PAUSE)


def read(config, stop, name, topic):
    """With a group, from the start; what the library complains of is said."""
    own = {"group.id": name, "auto.offset.reset": "earliest", "error_cb": lambda error: say("error", name, error)}
    consumer = kafka.Consumer(config | own)
    consumer.subscribe([topic])
    while not os.path.exists(stop):
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error() is not None:
            raise kafka.KafkaException(message.error())
        say("read", name, message.partition(), message.offset())
    consumer.close()


def repeated(step):
    """What the library calls retriable may be called again, and nothing else may be done then."""
    while True:
        try:
            return step()
        except kafka.KafkaException as error:
            if not error.args[0].retriable():
                raise
            say("waits", step.__name__, error)


def run(role, config, stop):
    try:
        roles = {"idempotent": idempotent, "transactional": transactional, "read": read}
        roles[role[0]](config, stop, *role[1:])
        say("ended", *role)
    except BaseException as error:
        traceback.print_exc()
        say("failed", *role, error)
        os._exit(1)


def say(*words):
    """One write per line, so that lines of threads do not mix."""
    os.write(1, f"@ {' '.join(str(word) for word in words)}\n".encode())


def settings(path):
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    return {
        "bootstrap.servers": config["bootstrap"],
        "security.protocol": config["protocol"],
        "sasl.mechanism": config["mechanism"],
        "sasl.username": config["user"],
        "sasl.password": config["password"],
    }


if __name__ == "__main__":
    say("version", "librdkafka", kafka.libversion()[0])
    for role in sys.argv[3:]:
        threading.Thread(target=run, args=(role.split(":"), settings(sys.argv[1]), sys.argv[2])).start()
