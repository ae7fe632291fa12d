"""Solves against a channel and installs, as a process of its own: the work order is JSON in the first argument.

Prints the records as JSON.  Ends without taking the interpreter apart: py-rattler's threads may still be at work.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from rattler import BuildString, Gateway, GenericVirtualPackage, PackageName, Version, install, solve


def a_virtual_package(name: str, version: str) -> Any:
    return GenericVirtualPackage(PackageName(name), Version(version), BuildString("0"))


async def run(order: dict[str, Any]) -> list[dict[str, Any]]:
    records = await solve(
        [order["channel"]],
        order["specs"],
        gateway=Gateway(cache_dir=Path(order["cache"], "repodata")),
        platforms=order["platforms"],
        virtual_packages=[a_virtual_package(name, version) for name, version in order["virtual_packages"].items()],
    )
    if order["prefix"] is not None:
        await install(
            records,
            order["prefix"],
            cache_dir=Path(order["cache"], "packages"),
            execute_link_scripts=True,
            show_progress=False,
        )
    return [
        {
            "name": record.name.normalized,
            "version": str(record.version),
            "subdir": record.subdir,
            "url": record.url,
            "has_digests": bool(record.md5 and record.sha256),
        }
        for record in records
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
    sys.stdout.flush()
    os._exit(0)
