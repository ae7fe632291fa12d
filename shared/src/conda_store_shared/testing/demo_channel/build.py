"""Writes and indexes the channel; run as a process of its own, so that its memory and threads end with it."""

import argparse
import asyncio
import json
import os
import re
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rattler.index import index_fs

from conda_store_shared.testing.demo_channel.conda_archive import TIMESTAMP, CondaPackage, write_conda_archive
from conda_store_shared.testing.demo_channel.host_packages import make_ca_certificates_package, make_libstdcxx_package
from conda_store_shared.testing.demo_channel.interpreter import DemoChannelFailed, Interpreter, describe_interpreter
from conda_store_shared.testing.demo_channel.placeholder_packages import make_placeholder_packages
from conda_store_shared.testing.demo_channel.python_package import make_python_package
from conda_store_shared.testing.demo_channel.wheel_package import UnpackedWheel, make_wheel_package, unpacked_wheels
from conda_store_shared.testing.demo_channel.wheels import PackageSet, fetch_wheels

WRITERS = 2


def write_channel(channel: Path, package_set: PackageSet, interpreter: Interpreter, key: str) -> int:
    """Fill the directory ``channel`` and return how many packages it holds.  ``key`` goes into the build strings."""
    wheels_directory = channel.with_name("wheels")
    started = time.monotonic()
    fetch_wheels(package_set, interpreter, wheels_directory)
    wheels = unpacked_wheels(wheels_directory)
    started = _report(f"{len(wheels)} wheels at hand", started)
    packages = _packages(wheels, interpreter, key[-7:])
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda package: write_conda_archive(package, channel), packages))
    started = _report(f"{len(packages)} packages written", started)
    _index(channel)
    _report("indexed", started)
    shutil.rmtree(wheels_directory)
    return len(packages)


def _packages(wheels: list[UnpackedWheel], interpreter: Interpreter, digest: str) -> list[CondaPackage]:
    """Every package, the largest first, so that both writers are busy to the end."""
    certifi = next(wheel for wheel in wheels if wheel.metadata["Name"] == "certifi")
    build = f"h{digest}_0"
    packages = [
        make_python_package(interpreter, build),
        make_libstdcxx_package(interpreter, build),
        make_ca_certificates_package(certifi.root / "certifi" / "cacert.pem", certifi.metadata["Version"], build),
        *(make_wheel_package(wheel, interpreter, digest) for wheel in wheels),
        *make_placeholder_packages(interpreter.subdir),
    ]
    return sorted(packages, key=lambda package: -len(package.files))


def _index(channel: Path) -> None:
    """Index twice: the moment of indexing stands in every record, and is kept for records that are there already."""
    asyncio.run(index_fs(channel, write_zst=False, write_shards=False))
    for repodata in channel.glob("*/repodata.json"):
        document = re.sub(r'"indexed_timestamp":\d+', f'"indexed_timestamp":{TIMESTAMP * 1000}', repodata.read_text())
        repodata.write_text(document)
    asyncio.run(index_fs(channel, write_zst=True, write_shards=True))
    shutil.rmtree(channel / ".tmp", ignore_errors=True)


def _report(what: str, started: float) -> float:
    now = time.monotonic()
    sys.stdout.write(f"demo channel: {what} ({now - started:.1f} s)\n")
    sys.stdout.flush()
    return now


def main() -> int:
    """Write a channel into the directory given; the reason of a failure goes to standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channel", type=Path, required=True)
    parser.add_argument("--interpreter", type=Path, required=True)
    parser.add_argument("--packages", type=PackageSet, required=True)
    parser.add_argument("--key", required=True)
    arguments = parser.parse_args()
    try:
        interpreter = describe_interpreter(arguments.interpreter)
        count = write_channel(arguments.channel, arguments.packages, interpreter, arguments.key)
    except DemoChannelFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    size = sum(file.stat().st_size for file in arguments.channel.rglob("*.conda"))
    document = {"key": arguments.key, "packages": count, "python": interpreter.version, "bytes": size}
    (arguments.channel / "demo-channel.json").write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # py-rattler's threads outlive its last call and now and then crash an interpreter that takes itself apart.
    os._exit(status)
