"""Messages over RabbitMQ, or within one process."""
