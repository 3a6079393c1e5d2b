"""What both Python clients share: the command line and the JSON lines."""

import json
import sys
import time

CONSUME_SECONDS = 30


def run(client):
    """CONFIG.json list | produce TOPIC N KEYPREFIX | consume TOPIC GROUP N"""
    with open(sys.argv[1], encoding="utf-8") as file:
        config = json.load(file)
    command, args = sys.argv[2], sys.argv[3:]
    if command == "list":
        client.list(config)
    elif command == "produce":
        client.produce(config, args[0], int(args[1]), args[2])
    elif command == "consume":
        client.consume(config, args[0], args[1], int(args[2]))
    else:
        sys.exit(f"unknown command {command}")


def line(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def text(data):
    return None if data is None else data.decode()


def deadline():
    return time.monotonic() + CONSUME_SECONDS
