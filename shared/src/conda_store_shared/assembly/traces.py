"""The traces of a process, where they are wanted."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version

from traitlets.config import Config

from conda_store_shared.config.traces import Traces
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.telemetry.tracing import traced_by

_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"


@contextmanager
def traces(name: str, config: Config, environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Trace what a process does, if its configuration or the environment says where to.

    Raises ConfigurationError for an address that is none, and when OpenTelemetry is not installed.
    """
    section = Traces(config=config)
    endpoint = section.endpoint or environment.get(_VARIABLE, "")
    if not endpoint:
        yield
        return
    option = "Traces.endpoint" if section.endpoint else _VARIABLE
    if not endpoint.startswith(("http://", "https://")):
        raise ConfigurationError(f"{option}: {endpoint!r} is no address of a collector; it looks like http://host:4318")
    try:
        # It takes 20 MB, which a process that is not traced does without.
        otlp = import_module("conda_store_shared.telemetry.otlp")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{option} is set, but {error.name} is not installed: pip install 'conda-store-shared[traces]'"
        ) from error
    service = f"conda-store-{name.removeprefix('conda-store-')}"
    tracer = otlp.OtlpTracer(service, version("conda-store-shared"), endpoint, section.headers)
    try:
        with traced_by(tracer):
            yield
    finally:
        tracer.close()
