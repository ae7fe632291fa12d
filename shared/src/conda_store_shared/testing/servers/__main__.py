"""Starts the servers of the tests; runs a command that uses them, or prints how others do, until interrupted."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from conda_store_shared.testing.servers import S3, Postgres, RabbitMQ, ServerNotInstalled, ServerNotReady
from conda_store_shared.testing.servers.conda_store import start_together


def main(command: Sequence[str]) -> int:
    """Return the status of ``command``, which finds the servers in its environment; without one, wait for a signal."""
    try:
        servers = postgres, rabbitmq, s3 = Postgres(), RabbitMQ(), S3()
        try:
            start_together(servers)
            variables = addresses(postgres, rabbitmq, s3)
            return run(command, variables) if command else show(variables)
        finally:
            for server in servers:
                server.discard()
    except (ServerNotInstalled, ServerNotReady) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1


def addresses(postgres: Postgres, rabbitmq: RabbitMQ, s3: S3) -> dict[str, str]:
    """The variables by which a test run uses running servers."""
    account = s3.account
    return {
        "TEST_DATABASE_URL": postgres.url("postgres"),
        "TEST_AMQP_URL": rabbitmq.amqp_address,
        "TEST_AMQP_MANAGEMENT_PORT": str(rabbitmq.management_port),
        "TEST_S3_URL": f"http://{account.access_key}:{account.secret_key}@127.0.0.1:{s3.port}",
    }


def run(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a command to its end; what interrupts us ends it first."""
    child = subprocess.Popen(command, env={**os.environ, **variables})
    # Ctrl-C at a terminal has reached it already.
    with child, handled({signal.SIGINT: lambda: None, signal.SIGTERM: child.terminate}):
        return child.wait()


def show(variables: Mapping[str, str]) -> int:
    """Print the variables, and wait for a signal."""
    ended = threading.Event()
    with handled({signal.SIGINT: ended.set, signal.SIGTERM: ended.set}):
        sys.stdout.write("".join(f"export {name}={value}\n" for name, value in variables.items()))
        sys.stdout.flush()
        ended.wait()
    return 0


@contextmanager
def handled(actions: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Do this when such a signal comes, for a while."""
    before = {number: signal.signal(number, lambda *_, act=act: act()) for number, act in actions.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
