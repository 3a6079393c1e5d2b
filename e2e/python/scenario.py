"""What all Python clients share: the command line, the JSON lines, and the records of a run."""

import faulthandler
import json
import os
import sys
import time

# What a step has, whatever the other side does.
SECONDS = int(os.environ.get("TIDEGATE_STEP_SECONDS", "30"))

# A library that waits for ever is ended with its stack on stderr.
faulthandler.dump_traceback_later(SECONDS + 20, exit=True)

STEPS = {
    "list": (),
    "produce": (str, int, str),
    "transact": (str, str, int, str, str),
    "copy": (str, str, str, str, int),
    "consume": (str, str, int),
    "consume-next": (str, str, int),
    "consume-committed": (str, str, int),
    "consume-pattern": (str, str, int),
    "consume-pattern-next": (str, str, int),
    "read-from-beginning": (str, int),
    "read-from-time": (str, int, int),
    "list-groups": (),
    "describe-group": (str,),
    "reset-offsets": (str, str),
    "delete-group": (str,),
}


def step(*modules):
    """The function that the command line names, and what to call it with: CONFIG.json STEP ARGUMENT..."""
    with open(sys.argv[1], encoding="utf-8") as file:
        config = json.load(file)
    name, args = sys.argv[2], sys.argv[3:]
    if name not in STEPS:
        sys.exit(f"unknown step {name}")
    for module in modules:
        function = getattr(module, name.replace("-", "_"), None)
        if function is not None:
            return function, (config, *(kind(arg) for kind, arg in zip(STEPS[name], args, strict=True)))
    sys.exit(f"this client does not {name}")


def line(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Seen:
    """Records by their place, as many as asked for: a rebalance before the commit delivers them once more."""

    def __init__(self, count):
        self.count, self.until, self.records = count, time.monotonic() + SECONDS, {}

    def wanted(self):
        """How many are missing; none once the time is over."""
        return 0 if self.late() else self.count - len(self.records)

    def late(self):
        return time.monotonic() > self.until

    def add(self, topic, partition, offset, key, value):
        if len(self.records) < self.count:
            self.records.setdefault((topic, partition, offset), (key, value))

    def ends(self):
        """What to commit, by topic and partition: behind what was seen, and nothing that a later poll brings."""
        ends = {}
        for topic, partition, offset in self.records:
            ends[topic, partition] = max(offset + 1, ends.get((topic, partition), 0))
        return ends

    def print(self):
        for (topic, partition, offset), (key, value) in self.records.items():
            line(
                "record", topic=topic, partition=partition, offset=offset, key=text(key), value=text(value)
            )


def pairs(keys, count):
    """What every client sends."""
    return [(f"{keys}{i}".encode(), f"value of {keys}{i}".encode()) for i in range(count)]


def text(data):
    return None if data is None else data.decode()
