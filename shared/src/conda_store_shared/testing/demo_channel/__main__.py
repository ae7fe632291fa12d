"""``python -m conda_store_shared.testing.demo_channel build | serve``: make the demo channel, and hand it out."""

import argparse
import os
import sys
import time
from pathlib import Path

from conda_store_shared.testing.demo_channel.channel import DemoChannel, build_demo_channel, default_directory
from conda_store_shared.testing.demo_channel.interpreter import DemoChannelFailed
from conda_store_shared.testing.demo_channel.wheels import PackageSet


def parse_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m conda_store_shared.testing.demo_channel", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="make the channel if it is missing or its inputs changed")
    serve = commands.add_parser("serve", help="make it, then serve it on 127.0.0.1 until interrupted")
    for command in (build, serve):
        command.add_argument("--directory", type=Path, default=default_directory(), help="default: %(default)s")
        command.add_argument("--packages", type=PackageSet, default=PackageSet.FULL, help="full (default) or small")
        command.add_argument("--interpreter", type=Path, help="the CPython to package; default: the running one")
    serve.add_argument("--port", type=int, default=0, help="default: a free one, which is printed")
    return parser.parse_args()


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def build(arguments: argparse.Namespace) -> DemoChannel:
    """Build or find the channel, and say where it is."""
    started = time.monotonic()
    channel = build_demo_channel(
        arguments.directory, packages=arguments.packages, interpreter=arguments.interpreter, report=say
    )
    how = "built" if channel.is_new else "unchanged"
    say(
        f"demo channel: {how}, {channel.package_count} packages, {channel.size / 1e6:.0f} MB, "
        f"Python {channel.python_version} ({time.monotonic() - started:.1f} s)"
    )
    say(channel.url)
    return channel


def main() -> int:
    """Run one command; a failure is one line on standard error and exit status 1."""
    arguments = parse_arguments()
    try:
        channel = build(arguments)
    except DemoChannelFailed as error:
        sys.stderr.write(f"demo channel: {error}\n")
        return 1
    if arguments.command == "serve":
        # A process of its own kind, so that building need not load a web server first.
        server = [sys.executable, "-m", "conda_store_shared.testing.demo_channel.server"]
        os.execv(sys.executable, [*server, "--channel", os.fspath(channel.path), "--port", str(arguments.port)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
