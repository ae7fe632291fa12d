"""Starts the servers of the tests and prints the variables that make test runs use them, until interrupted."""

import signal
import sys
import threading

from conda_store_shared.testing.servers import S3, Postgres, RabbitMQ


def main() -> int:
    """Run until SIGINT or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Postgres() as postgres, RabbitMQ() as rabbitmq, S3() as s3:
        account = s3.account
        lines = [
            f"export TEST_DATABASE_URL={postgres.url('postgres')}",
            f"export TEST_AMQP_URL={rabbitmq.amqp_address}",
            f"export TEST_AMQP_MANAGEMENT_PORT={rabbitmq.management_port}",
            f"export TEST_S3_URL=http://{account.access_key}:{account.secret_key}@127.0.0.1:{s3.port}",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
