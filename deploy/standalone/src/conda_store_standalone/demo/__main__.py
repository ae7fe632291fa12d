"""``python -m conda_store_standalone.demo``: the main job on the embedded defaults, end to end."""

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from rich.console import Console

from conda_store_standalone.demo.channel import DEMO_CHANNEL, ServedChannel, serve_demo_channel, wait_for_channel
from conda_store_standalone.demo.display import BuildDisplay, Display
from conda_store_standalone.demo.failure import DemoFailed
from conda_store_standalone.demo.follow import Follower
from conda_store_standalone.demo.places import (
    ENVIRONMENT,
    NAMESPACE,
    PASSWORD,
    USERNAME,
    Places,
    opened_places,
)
from conda_store_standalone.demo.processes import LOOPBACK, ServerProcess, Start, free_port, started_processes
from conda_store_standalone.demo.programs import install, run_from, unpack
from conda_store_standalone.demo.session import Build, Session
from conda_store_standalone.demo.summary import Result, show_artifacts, show_places

PACKAGES = ("python", "numpy", "flask", "ipykernel")
_PORT = 8080
# Unpacked archives and installed environments of earlier runs.
_KEPT = 2
_SECONDS_TO_START = 90.0
_SECONDS_TO_BUILD = 1800.0


def run(directory: Path, channel_name: str, display: Display) -> None:
    """Show everything once; raises DemoFailed."""
    with ExitStack() as stack:
        places = stack.enter_context(opened_places(directory))
        # Beside the start of the server, which keeps another core busy.
        forgetting = stack.enter_context(ThreadPoolExecutor(1)).submit(_forget_oldest, places)
        start = stack.enter_context(started_processes())
        channel = serve_demo_channel(places, start) if channel_name == DEMO_CHANNEL else None
        address = channel.url if channel is not None else channel_name
        server, url = _start_server(places, start, address)
        session = stack.enter_context(Session(url))
        _open(channel, server, session, display)
        build, prefix = _build(session, address, server, display)
        unpacked = _unpack(session, build, places, display)
        with display.step("python -c from there"):
            display.say(run_from(unpacked))
        installed = _install(session, build, places, display)
        # From here on files are enough.
        server.begin_stop()
        with display.step("python -c from there"):
            display.say(run_from(installed))
        result = Result(build=build, prefix=prefix, unpacked=unpacked, installed=installed, url=url, channel=channel)
        show_artifacts(result, places, display)
        show_places(result, places, display)
        forgetting.result()


def _start_server(places: Places, start: Start, channel: str) -> tuple[ServerProcess, str]:
    port = free_port(_PORT)
    places.write_configuration(port=port, channel=channel)
    program = Path(sys.executable).with_name("conda-store-server")
    command = [os.fspath(program), "--standalone", "--config", os.fspath(places.configuration)]
    return start("the server", command, places.server_log), f"http://{LOOPBACK}:{port}"


def _open(channel: ServedChannel | None, server: ServerProcess, session: Session, display: Display) -> None:
    if channel is not None:
        with display.step("A conda channel, made of this machine's Python and of wheels"):
            wait_for_channel(channel, display)
    with display.step(f"conda-store in one process, at {session.url}"):
        session.wait_until_ready(server.check, _SECONDS_TO_START)
        session.log_in(USERNAME, PASSWORD)
        display.say(f"process {server.pid} is ready, logged in as {USERNAME}")


def _build(session: Session, channel: str, server: ServerProcess, display: Display) -> tuple[Build, Path]:
    """Build the environment, and run a program from its prefix while its artifacts are made."""
    specification = json.dumps({"name": ENVIRONMENT, "channels": [channel], "dependencies": list(PACKAGES)})
    with display.step("A specification becomes a lockfile and a prefix"):
        display.say(specification)
        began = time.monotonic()
        build_id = session.submit(specification, NAMESPACE)
        shown = BuildDisplay(display, began)
        follower = Follower(session, build_id, shown, server.check)
        with shown:
            build = follower.until_built(_SECONDS_TO_BUILD)
        display.say(f"build {build_id}: {session.package_count(build_id)} packages, {build.size / 1e6:.0f} MB")
    prefix = Path(build.key_of("DIRECTORY") or "")
    with display.step("python -c from the prefix, with an empty environment"):
        display.say(run_from(prefix))
    with display.step("The lockfile becomes an archive, an installer and a container image"), shown:
        return follower.until_over(_SECONDS_TO_BUILD), prefix


def _unpack(session: Session, build: Build, places: Places, display: Display) -> Path:
    _expect(build, "CONDA_PACK", places)
    target = places.unpacked(build.id)
    with display.step("The archive, fetched, unpacked elsewhere, and conda-unpack"):
        size = unpack(session.artifact(build.id, "archive"), target)
        display.say(f"{size / 1e6:.0f} MB into {target}")
    return target


def _install(session: Session, build: Build, places: Places, display: Display) -> Path:
    _expect(build, "CONSTRUCTOR_INSTALLER", places)
    target = places.installed(build.id)
    with display.step("The installer, fetched and run: -b -p PREFIX"):
        size = install(session.artifact(build.id, "installer"), target)
        display.say(f"{size / 1e6:.0f} MB into {target}")
    return target


def _expect(build: Build, artifact_type: str, places: Places) -> None:
    if build.key_of(artifact_type) is None:
        log = places.stored(build.key_of("LOGS") or "logs")
        raise DemoFailed(f"build {build.id} has no {artifact_type}; its log says why: {log}")


def _forget_oldest(places: Places) -> None:
    for old in places.outdated(_KEPT):
        if old.is_dir():
            shutil.rmtree(old)
        else:
            old.unlink(missing_ok=True)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; a failure is one message on standard error and status 1."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path("demo"), help="kept between runs; default: ./demo")
    parser.add_argument(
        "--channel",
        default=os.environ.get("CHANNEL") or DEMO_CHANNEL,
        help="a channel to use instead of the demo channel, such as conda-forge; default: $CHANNEL",
    )
    options = parser.parse_args(arguments)
    display = Display(Console())
    # Whoever ends this process by a signal wants the servers ended as well.
    signal.signal(signal.SIGTERM, _end)
    try:
        run(options.directory, options.channel, display)
    except DemoFailed as failure:
        sys.stderr.write(f"\ndemo: {failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\ndemo: interrupted; what it started is stopped\n")
        return 130
    display.heading(f"The demo took {display.seconds:.1f} s; everything it started is stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
