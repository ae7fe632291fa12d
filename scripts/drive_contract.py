"""Prints the contract as a table: what is asked, what clients rely on, what each mode of the suite answers."""

import sys
import tempfile
from pathlib import Path

from conda_store_shared.testing.demo_channel import build_demo_channel
from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers import S3, Postgres, RabbitMQ
from conda_store_shared.testing.servers.conda_store import (
    Backing,
    DistributedSuite,
    StandaloneSuite,
    Suite,
    migrate_database,
    start_together,
)
from tests.acceptance.contract.driver import Driver, Seen


def main() -> int:
    """Drive both modes; the exit status says whether any answer was another one."""
    seen: dict[str, list[Seen]] = {}
    with ChannelServer(build_demo_channel().path) as channel, tempfile.TemporaryDirectory() as directory:
        with StandaloneSuite(Path(directory) / "standalone") as alone:
            seen["standalone"] = _drive(alone, channel.url)
        servers = Postgres(), RabbitMQ(), S3()
        try:
            start_together(servers)
            with DistributedSuite(Path(directory) / "distributed", _backing(*servers)) as five:
                seen["distributed"] = _drive(five, channel.url)
        finally:
            for server in servers:
                server.discard()
    differing = sum(_print(*pair) for pair in zip(seen["standalone"], seen["distributed"], strict=True))
    print(f"\n{len(seen['standalone'])} rows in 2 modes, {differing} of which differ")
    return 1 if differing else 0


def _drive(suite: Suite, channel: str) -> list[Seen]:
    return list(Driver(suite.url, channel).drive())


def _backing(postgres: Postgres, rabbitmq: RabbitMQ, s3: S3) -> Backing:
    database_url = postgres.create_database()
    migrate_database(database_url)
    return Backing(database_url=database_url, amqp_url=rabbitmq.create_vhost(), bucket=s3.create_bucket())


def _print(alone: Seen, five: Seen) -> bool:
    row = alone.row
    answers = [("; ".join(each.differences) or "as expected") for each in (alone, five)]
    told = answers[0] if answers[0] == answers[1] else f"standalone: {answers[0]} | distributed: {answers[1]}"
    asked = f"{row.method} {row.path}"
    caller = row.caller or "anonymous"
    print(f"{row.section:4} {asked[:84]:84} {caller:10} {row.status}  {told}{f'  (Δ {row.note})' if row.note else ''}")
    return bool(alone.differences or five.differences)


if __name__ == "__main__":
    sys.exit(main())
