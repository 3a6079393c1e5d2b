"""Settings, and how an error is printed."""

import scenario


def refused(error):
    scenario.line("error", code=error.errno, name=error.message, message=str(error))


def common(config):
    settings = {
        "bootstrap_servers": config["bootstrap"].split(","),
        "security_protocol": config["protocol"],
    }
    if config["mechanism"] is not None:
        settings |= {
            "sasl_mechanism": config["mechanism"],
            "sasl_plain_username": config["user"],
            "sasl_plain_password": config["password"],
        }
    if config["ca"] is not None:
        settings["ssl_cafile"] = config["ca"]
    return settings


def consuming(config, **more):
    return common(config) | {"auto_offset_reset": "earliest", "enable_auto_commit": False} | more
