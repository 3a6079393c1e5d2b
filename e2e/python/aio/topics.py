"""Looking at topics."""

import scenario

from .common import admin


async def list(config):
    async with admin(config) as client:
        scenario.line("topics", names=sorted(await client.list_topics()))
