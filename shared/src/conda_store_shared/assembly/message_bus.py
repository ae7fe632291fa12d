"""The bus a configuration asks for."""

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
    return RabbitOptions(
        url=section.url,
        service=name,
        publish_timeout=section.publish_timeout,
        consumer_timeout=section.consumer_timeout,
    )
