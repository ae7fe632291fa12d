"""`docker pull` of a second image: how many of its layers the engine has already."""

import time

from benchmarks.artifacts import ELEVEN, TEN, artifact_suite, make
from benchmarks.bench import STANDALONE, Bench
from benchmarks.customer import Customer
from benchmarks.figures import Figure
from conda_store_shared.testing.servers.docker_engine import DockerEngine

_HAS_ALREADY = "Already exists"


def measure(bench: Bench) -> list[Figure]:
    """Pull the image of an environment, then that of one with one more package."""
    with (
        artifact_suite(bench, STANDALONE, "DOCKER_MANIFEST") as suite,
        Customer(suite.url, bench.channel.url) as customer,
        DockerEngine() as engine,
    ):
        registry = suite.url.partition("://")[2]
        engine.login(registry, "bench", customer.token())
        names = [make(customer, dependencies, "DOCKER_MANIFEST").name for dependencies in (TEN, ELEVEN)]
        pulled = [_pull(engine, f"{registry}/default/{name}:latest") for name in names]
    (first, _, _), (second, layers, reused) = pulled
    details = {"layers": layers, "layers reused": reused}
    return [
        Figure(name="docker pull of an image, ten packages", value=first, unit="s"),
        Figure(name="docker pull of a second image, one package more", value=second, unit="s", details=details),
        Figure(name="layers of the second image that the engine has already", value=100 * reused / layers, unit="%"),
    ]


def _pull(engine: DockerEngine, image: str) -> tuple[float, int, int]:
    """Seconds, layers, and layers that were there already."""
    began = time.perf_counter()
    lines = engine.docker("pull", image).splitlines()
    seconds = time.perf_counter() - began
    reused = sum(_HAS_ALREADY in line for line in lines)
    return seconds, reused + sum("Pull complete" in line for line in lines), reused
