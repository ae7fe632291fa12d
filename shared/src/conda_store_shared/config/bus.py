"""Options of the message bus."""

from traitlets import Float, Unicode
from traitlets.config import Configurable


class Bus(Configurable):
    """The broker."""

    url = Unicode("", help="Address of RabbitMQ: amqp://user:password@host:5672/vhost.").tag(
        config=True, secret=True
    )
    publish_timeout = Float(10.0, help="Seconds to wait for the broker to confirm a message.").tag(config=True)
    consumer_timeout = Float(
        1800.0, help="The broker's consumer_timeout in seconds; every stage deadline must stay below 0.8 of it."
    ).tag(config=True)
