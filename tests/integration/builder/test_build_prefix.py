"""The builder installs what a lockfile says, on real packages."""

import os
import stat
import subprocess
from pathlib import Path

from conda_store_shared.contracts import events

from tests.integration.builder.conftest import Builder, Workbench


async def test_builder_makes_a_prefix_that_works(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("python", "numpy", "flask", "demo-prefix", "demo-link-script"))
    record = await builder.built(request)
    prefix = bench.path_of(request)
    code = "import numpy, flask, ssl, sqlite3, sys; print(sys.prefix, int(numpy.ones(3).sum()))"
    ran = subprocess.run([prefix / "bin/python", "-c", code], env={}, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(prefix), "3"]
    assert record.path == str(prefix)
    assert {"python", "numpy", "flask"} <= {package.name for package in record.packages}


async def test_builder_leaves_no_mention_of_attempt_or_cache(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("python", "demo-prefix"))
    await builder.built(request)
    prefix = bench.path_of(request)
    for word in (".attempt-", f"{bench.store_directory}/.cache"):
        found = subprocess.run(["grep", "-rl", word, prefix], capture_output=True, text=True, check=False)
        assert found.stdout == ""
    assert bench.hidden() == []
