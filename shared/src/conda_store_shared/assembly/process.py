"""One process: its services on one bus, their routes with health and metrics on one port."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import structlog
import uvloop
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from traitlets.config import Config

from conda_store_shared.assembly.figures import process_figures
from conda_store_shared.assembly.memory import give_back_what_is_free, give_large_blocks_back
from conda_store_shared.assembly.open_files import allow_many_open_files
from conda_store_shared.assembly.traces import traces
from conda_store_shared.bus.port import Bus
from conda_store_shared.config.command_line import parser
from conda_store_shared.config.describe import generated_config, shown_config
from conda_store_shared.config.load import Configuration, load_config
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.config.worker import CondaStoreWorker
from conda_store_shared.contracts.topology import WORKERS
from conda_store_shared.errors import BusUnavailable, ConfigurationError
from conda_store_shared.logs import configure_logging
from conda_store_shared.web.application import WebOptions, create_application
from conda_store_shared.web.errors import Translate
from conda_store_shared.web.forwarded import NOBODY, TrustedProxies
from conda_store_shared.web.health import Check, Readiness, health_routes
from conda_store_shared.web.metrics import RequestMetrics, metrics_routes
from conda_store_shared.web.routing import prefixed
from conda_store_shared.web.server import Listening, serve
from conda_store_shared.worker.service import Service, run_services


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The wired services of a process; ``translate`` turns errors of libraries into errors of the tree."""

    services: Sequence[Service]
    bus: Bus
    translate: Sequence[Translate] = ()


_log = structlog.get_logger()
_WORKING = (*WORKERS, "conda-store-worker")
Assemble = Callable[[Config], AbstractAsyncContextManager[Process]]


async def run_process(process: Process, config: Config) -> None:
    """Run until told to stop by SIGTERM or SIGINT; raises ConfigurationError for a port or proxies nobody can have."""
    section = CondaStoreServer(config=config)
    listening = Listening(
        address=section.address or "0.0.0.0",  # noqa: S104 - as upstream; standalone sets loopback
        port=section.port,
        proxies=TrustedProxies.parse(section.trusted_proxies) if section.behind_proxy else NOBODY,
    )
    application = make_application(process, section)
    allow_many_open_files()
    give_back_what_is_free()
    await run_services(process.services, process.bus, lambda: serve(application, listening))


def make_application(process: Process, section: CondaStoreServer) -> Starlette:
    """Return the web application of a process."""

    async def check_bus() -> None:
        if not process.bus.healthy:
            raise BusUnavailable("the broker cannot be reached")

    registry = CollectorRegistry()
    checks: dict[str, Check] = {"bus": check_bus}
    for service in process.services:
        checks.update(service.checks)
    routes = [route for service in process.services for route in service.routes]
    readiness = Readiness(checks)
    routes += metrics_routes(registry, process_figures(registry, process.services, readiness))
    enabled = [route for route in routes if _is_enabled(route.declared_path, section)]
    return create_application(
        [*health_routes(readiness), *prefixed(section.url_prefix, enabled)],
        WebOptions(
            cors_origins=tuple(section.cors_allow_origins),
            cors_origin_regex=section.cors_allow_origin_regex,
            streams=section.max_open_streams,
        ),
        translate=process.translate,
        observe=RequestMetrics(registry),
    )


def _is_enabled(path: str, section: CondaStoreServer) -> bool:
    """Whether the configuration wants a route served; logging in and out stays whatever else goes."""
    if path == "/":
        return section.enable_ui
    switches = {
        "/api/": section.enable_api,
        "/metrics": section.enable_metrics,
        "/celery": section.enable_metrics,
        "/v2/": section.enable_registry,
    }
    return all(enabled for start, enabled in switches.items() if path.startswith(start))


def run_command(name: str, description: str, assemble: Assemble) -> None:
    """Run one service as the command ``conda-store-<name>``; exits with status 1 when it cannot run as configured."""
    package = f"conda-store-{name}"
    arguments, overrides = parser(package, f"conda-store: {description}", package).parse_known_args()

    async def run(config: Config) -> None:
        async with assemble(config) as process:
            await run_process(process, config)

    execute(name, arguments, lambda: load_config(arguments, overrides), run)


def execute(
    name: str,
    arguments: argparse.Namespace,
    load: Callable[[], Configuration],
    run: Callable[[Config], Coroutine[Any, Any, None]],
) -> None:
    """Load the configuration, set logging up, run; a ConfigurationError ends the process with one clear line.

    When the arguments ask to generate or to show a configuration, that is all that is done.
    """
    try:
        if arguments.generate_config:
            sys.stdout.write(generated_config())
            return
        loaded = load()
        if arguments.show_config:
            sys.stdout.write(shown_config(loaded))
            return
        give_large_blocks_back()
        configure_logging(name, wanted_level(name, loaded.config))
        for note in loaded.notes:
            _log.warning("configuration_note", note=note)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, traces(name, loaded.config):
            runner.run(run(loaded.config))
    except ConfigurationError as error:
        sys.exit(f"ERROR: {error.message}")
    except BaseExceptionGroup as group:
        wrong = group.subgroup(ConfigurationError)
        if wrong is None:
            raise
        sys.exit(f"ERROR: {_first(wrong)}")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def wanted_level(name: str, config: Config) -> int:
    """Return the level of the log of a process by its name: those that work for servers have one of their own."""
    section = CondaStoreWorker if name in _WORKING else CondaStoreServer
    return log_level(section(config=config).log_level)


def log_level(value: int | str) -> int:
    """Return a level of Python's by number or name; raises ConfigurationError."""
    known: dict[str, int] = logging.getLevelNamesMapping()
    level = value if isinstance(value, int) else known.get(value.upper(), int(value) if value.isdecimal() else None)
    if level is None:
        raise ConfigurationError(f"log level {value!r} is not known; use DEBUG, INFO, WARNING, ERROR or a number")
    return level
