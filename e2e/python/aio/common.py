"""Settings, and how an error is printed."""

import ssl
from contextlib import asynccontextmanager

import scenario
from aiokafka.admin import AIOKafkaAdminClient


def refused(error):
    scenario.line("error", code=error.errno, name=error.message, message=str(error))


def common(config):
    settings = {
        "bootstrap_servers": config["bootstrap"].split(","),
        "security_protocol": config["protocol"],
        "request_timeout_ms": 20_000,
    }
    if config["mechanism"] is not None:
        settings |= {
            "sasl_mechanism": config["mechanism"],
            "sasl_plain_username": config["user"],
            "sasl_plain_password": config["password"],
        }
    if config["ca"] is not None:
        settings["ssl_context"] = ssl.create_default_context(cafile=config["ca"])
    return settings


def consuming(config, **more):
    return common(config) | {"auto_offset_reset": "earliest", "enable_auto_commit": False} | more


@asynccontextmanager
async def admin(config):
    client = AIOKafkaAdminClient(**common(config))
    try:
        await client.start()
        yield client
    finally:
        await client.close()
