"""Looking after groups."""

import scenario
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import for_code

from .common import admin


async def list_groups(config):
    async with admin(config) as client:
        scenario.line("groups", names=sorted(name for name, _ in await client.list_consumer_groups()))


async def describe_group(config, group):
    async with admin(config) as client:
        (answer,) = await client.describe_consumer_groups([group])
        stored = await client.list_consumer_group_offsets(group)
    code, name, state, _, _, members, *_ = answer.groups[0]
    if code != 0:
        raise for_code(code)()
    topics = {place.topic for place in stored}
    for _, _, _, _, assignment in members:
        if assignment:
            assigned = ConsumerProtocolMemberAssignment.decode(assignment).assignment
            topics |= {topic for topic, _ in assigned}
    scenario.line("group", name=name, state=state, members=len(members), topics=sorted(topics))
