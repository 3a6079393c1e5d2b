"""Settings, and how an error is printed."""

import scenario

# Every call but sending ends within this time.
SECONDS = 20

# librdkafka shortens a name.
NAMES = {"UNKNOWN_TOPIC_OR_PART": "UNKNOWN_TOPIC_OR_PARTITION"}


def refused(error):
    name = error.name()
    scenario.line("error", code=error.code(), name=NAMES.get(name, name), message=error.str())


def common(config):
    properties = {"bootstrap.servers": config["bootstrap"], "security.protocol": config["protocol"]}
    if config["token_endpoint"] is not None:
        properties |= {
            "sasl.mechanism": config["mechanism"],
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.token.endpoint.url": config["token_endpoint"],
            "sasl.oauthbearer.client.id": config["user"],
            "sasl.oauthbearer.client.secret": config["password"],
        }
    elif config["mechanism"] is not None:
        properties |= {
            "sasl.mechanism": config["mechanism"],
            "sasl.username": config["user"],
            "sasl.password": config["password"],
        }
    if config["ca"] is not None:
        properties["ssl.ca.location"] = config["ca"]
    if config["keystore"] is not None:
        properties["ssl.certificate.location"] = config["keystore"]
        properties["ssl.key.location"] = config["keystore"]
    return properties


def consuming(config, group, **more):
    return (
        common(config)
        | {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
        | more
    )
