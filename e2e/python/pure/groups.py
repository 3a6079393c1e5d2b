"""Looking after groups."""

from contextlib import closing

import scenario
from kafka import errors
from kafka.admin import KafkaAdminClient, OffsetSpec

from .common import common
from .topics import partitions


def list_groups(config):
    with admin(config) as client:
        scenario.line("groups", names=sorted(group["group_id"] for group in client.list_groups()))


def describe_group(config, group):
    with admin(config) as client:
        found = client.describe_groups([group])[group]
        topics = {place.topic for place in client.list_group_offsets(group)[group]}
    for member in found["members"]:
        assignment = member["member_assignment"]
        if assignment:
            topics |= {assigned["topic"] for assigned in assignment["assigned_partitions"]}
    scenario.line(
        "group",
        name=found["group_id"],
        state=found["group_state"],
        members=len(found["members"]),
        topics=sorted(topics),
    )


def reset_offsets(config, group, topic):
    earliest = dict.fromkeys(partitions(config, topic), OffsetSpec.EARLIEST)
    with admin(config) as client:
        for done in client.reset_group_offsets(group, earliest).values():
            if done["error"] is not errors.NoError:
                raise done["error"]()
        scenario.line("committed")


def delete_group(config, group):
    with admin(config) as client:
        # The library gives the name of its error class.
        done = client.delete_groups([group])[group]
        if done != "OK":
            raise getattr(errors, done)()


def admin(config):
    return closing(KafkaAdminClient(**common(config)))
