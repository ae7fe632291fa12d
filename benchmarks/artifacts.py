"""Archive and image of the demo environment: cold, warm, against conda-pack, and what a second environment adds."""

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from benchmarks.bench import DEMO, DISTRIBUTED, STANDALONE, Bench
from benchmarks.customer import Customer, Submitted
from benchmarks.figures import Budget, Figure
from benchmarks.stage_times import stage_seconds
from benchmarks.statistic import median, rounded
from benchmarks.upload_rate import measure_upload_rate
from conda_store_artifacts.adapters.conda_pack_packer import PackOptions
from conda_store_shared.testing.servers.conda_store import DistributedSuite, Suite

KINDS = {"CONDA_PACK": "archive", "DOCKER_MANIFEST": "image"}
WARM = 0.2
NEW_BYTES = 5.0
# Ten packages; the second environment has all of them, and another one.
TEN = ("python", "numpy", "flask")
ELEVEN = (*TEN, "demo-text")
# As small as ours at its level, which is of another library.
_ZLIB_LEVEL = 1
_PACK = "import conda_pack; conda_pack.pack(prefix={!r}, output={!r}, compress_level={!r}, n_threads={!r})"


def measure(bench: Bench) -> list[Figure]:
    """Each kind alone, in each mode: once with nothing made before, then again and again."""
    figures: list[Figure] = []
    for mode in bench.modes:
        rate = None if mode == STANDALONE else measure_upload_rate(bench)
        for artifact_type in KINDS:
            with (
                artifact_suite(bench, mode, artifact_type) as suite,
                Customer(suite.url, bench.channel.url) as customer,
            ):
                first = make(customer, DEMO, artifact_type)
                repeats = [make(customer, DEMO, artifact_type) for _ in range(bench.repeats(8, 2))]
                bare = [_bare(customer.build(first.build_id), bench)] if artifact_type == "CONDA_PACK" else []
                figures += [_cold(mode, suite, artifact_type, first, bare), *bare]
                transfer = _transfer(customer, repeats[0], artifact_type, rate)
                figures.append(_warm(mode, suite, artifact_type, repeats, transfer))
                if isinstance(suite, DistributedSuite) and artifact_type == "CONDA_PACK":
                    figures.append(_elsewhere(bench, suite, customer))
                if artifact_type == "DOCKER_MANIFEST":
                    figures.append(_second(mode, customer))
    return figures


def make(customer: Customer, dependencies: Sequence[str], artifact_type: str) -> Submitted:
    """A build and its artifact; the next one does not begin before."""
    submitted = customer.submit(dependencies)
    customer.follow(submitted)
    customer.wait_for_artifact(submitted, artifact_type)
    return submitted


def artifact_suite(bench: Bench, mode: str, artifact_type: str) -> AbstractContextManager[Suite]:
    """The suite, making artifacts of one type alone."""
    return bench.suite(mode, {"CondaStore.build_artifacts": ["LOCKFILE", artifact_type]})


def _cold(mode: str, suite: Suite, artifact_type: str, first: Submitted, bare: Sequence[Figure]) -> Figure:
    seconds = stage_seconds(suite, [first.build_id])[f"artifact.{artifact_type}"][0]
    # conda-pack compiles no modules, so that it is no measure of an image.
    budget = Budget(value=bare[0].value) if bare else None
    name = f"{mode}: {KINDS[artifact_type]}, no package seen before"
    return Figure(name=name, value=seconds, unit="s", budget=budget)


def _bare(build: Mapping[str, Any], bench: Bench) -> Figure:
    """conda-pack, with as many threads, of the prefix that was just archived."""
    prefix = next(row["key"] for row in build["build_artifacts"] if row["artifact_type"] == "DIRECTORY")
    options, output = PackOptions(), bench.directory() / "bare.tar.gz"
    program = _PACK.format(prefix, str(output), _ZLIB_LEVEL, options.threads)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    details = {"level": _ZLIB_LEVEL, "threads": options.threads, "bytes": output.stat().st_size}
    return Figure(name="conda-pack of the same prefix", value=time.perf_counter() - began, unit="s", details=details)


def _warm(mode: str, suite: Suite, artifact_type: str, made: Sequence[Submitted], transfer: float) -> Figure:
    seconds = stage_seconds(suite, (one.build_id for one in made))[f"artifact.{artifact_type}"]
    name = f"{mode}: {KINDS[artifact_type]} of packages seen before, median"
    details = {"all": rounded(seconds), "upload alone": round(transfer, 3)}
    return Figure(name=name, value=median(seconds), unit="s", budget=Budget(value=WARM + transfer), details=details)


def _elsewhere(bench: Bench, suite: DistributedSuite, customer: Customer) -> Figure:
    """The archive that a worker makes of fragments which another one made, so that it reads them from the store."""
    copies = Path(suite.options["CondaStoreWorker.cache_directory"]) / "artifacts" / "fragments"
    made = []
    for _ in range(bench.repeats(8, 2)):
        shutil.rmtree(copies)
        made.append(make(customer, DEMO, "CONDA_PACK"))
    seconds = stage_seconds(suite, (one.build_id for one in made))["artifact.CONDA_PACK"]
    name = f"{DISTRIBUTED}: the same, of packages another worker has seen, median"
    return Figure(name=name, value=median(seconds), unit="s", details={"all": rounded(seconds)})


def _transfer(customer: Customer, made: Submitted, artifact_type: str, rate: float | None) -> float:
    """Seconds that nothing but the upload of the artifact takes; of an image no layer is uploaded again."""
    if rate is None or artifact_type == "DOCKER_MANIFEST":
        return 0.0
    return customer.size_of(f"/api/v1/build/{made.build_id}/archive/") / rate


def _second(mode: str, customer: Customer) -> Figure:
    """Image bytes that another environment adds to one with which it shares all packages but one."""
    first, second = (make(customer, dependencies, "DOCKER_MANIFEST") for dependencies in (TEN, ELEVEN))
    known, layers = (_layers(customer, one) for one in (first, second))
    added = sum(size for digest, size in layers.items() if digest not in known)
    share = 100 * added / sum(layers.values())
    details = {"bytes added": added, "bytes": sum(layers.values()), "layers": len(layers)}
    return Figure(name=f"{mode}: image bytes a second environment adds, ten packages shared", value=share, unit="%",
                  budget=Budget(value=NEW_BYTES), details=details)  # fmt: skip


def _layers(customer: Customer, made: Submitted) -> dict[str, int]:
    manifest = customer.manifest(f"default/{made.name}:latest")
    return {layer["digest"]: layer["size"] for layer in manifest["layers"]}
