"""The bus a configuration asks for."""

from urllib.parse import urlsplit

from traitlets.config import Config

from conda_store_shared.bus.options import RabbitOptions
from conda_store_shared.bus.rabbitmq import RabbitBus
from conda_store_shared.config.bus import Bus
from conda_store_shared.errors import ConfigurationError


def open_bus(config: Config, name: str) -> RabbitBus:
    """Return the bus over RabbitMQ for the process ``name``; raises ConfigurationError when none is configured."""
    return RabbitBus(bus_options(config, name))


def bus_options(config: Config, name: str) -> RabbitOptions:
    """Return where the broker is for the process ``name``; raises ConfigurationError when none is configured."""
    section = Bus(config=config)
    if not section.url:
        raise ConfigurationError(
            f"{name} needs a message broker: set Bus.url=amqp://user:password@host:5672/ in the configuration file "
            "or on the command line, or run everything in one process with `conda-store-server --standalone`"
        )
    _check_address(section.url)
    return RabbitOptions(
        url=section.url,
        service=name,
        publish_timeout=section.publish_timeout,
        consumer_timeout=section.consumer_timeout,
    )


def _check_address(url: str) -> None:
    """Raise ConfigurationError, without the address, which holds a password."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("amqp", "amqps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ConfigurationError(
            "Bus.url is no address amqp://user:password@host:5672/vhost; signs such as / @ : # in the user or the "
            "password are written as %2F %40 %3A %23"
        )
