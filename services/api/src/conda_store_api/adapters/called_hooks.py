"""The hooks of a deployment: functions of its configuration, called beside the server (contract §4.6)."""

import asyncio
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from conda_store_api.adapters.hook_calls import HookCalls, Outcome
from conda_store_api.adapters.hook_signature import Function, Hook, read_hook
from conda_store_api.adapters.hook_suite import HookSuite, Lookups
from conda_store_api.domain.hook_views import EnvironmentView
from conda_store_shared.compat.specification import CondaSpecification
from conda_store_shared.conda.match_spec import check_dependencies
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.permission import Permission
from conda_store_shared.domain.settings import Settings
from conda_store_shared.domain.specification import Specification
from conda_store_shared.errors import (
    CondaStoreError,
    HookFailed,
    HookRefused,
    InvalidSpecification,
    TookTooLong,
    Unavailable,
)

Refusals = tuple[type[BaseException], ...]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOptions:
    """The functions that a configuration names, None where it names none; a call takes ``seconds`` at most.

    ``events`` are those that are told of public events, by type or pattern; nobody has looked at them yet.
    """

    validate_specification: Function | None = None
    validate_action: Function | None = None
    post_update: Function | None = None
    events: Mapping[str, object] = field(default_factory=dict)
    seconds: float = 30


class CalledHooks:
    """Calls each hook with what it takes of what is offered; raises ConfigurationError for one that asks for more."""

    def __init__(self, options: HookOptions, database: Database, defaults: Settings) -> None:
        self._database = database
        self._defaults = defaults
        self._seconds = options.seconds
        self._calls = HookCalls(options.seconds)
        offered = ("db", "conda_store", "namespace")
        self._specification = _read("validate_specification", options.validate_specification, *offered, "specification")
        self._action = _read("validate_action", options.validate_action, *offered, "action")
        self._update = options.post_update and read_hook(
            "CondaStore.post_update_environment_build_hook",
            options.post_update,
            ("db", "conda_store", "environment"),
            in_order=("conda_store", "environment"),
        )

    async def validate_specification(self, namespace: str, specification: Specification) -> Specification:
        """Return what the hook makes of a specification; raises HookRefused, HookFailed, TookTooLong."""
        if self._specification is None:
            return specification
        given = CondaSpecification.from_value(specification.to_value())
        refusals = (ValueError, CondaStoreError)
        made = await self._call(self._specification, refusals, namespace=namespace, specification=given)
        return _as_specification(self._specification, made)

    async def validate_action(self, namespace: str, action: Permission) -> None:
        """Ask the hook; raises HookRefused, HookFailed, TookTooLong."""
        if self._action is not None:
            await self._call(self._action, (CondaStoreError,), namespace=namespace, action=action)

    async def tell_update(self, environment: EnvironmentView) -> None:
        """Tell the hook, whose failure is a line in the log and nothing else; raises DatabaseUnavailable."""
        if self._update is None:
            return
        place = {"namespace": environment.namespace.name, "environment": environment.name}
        try:
            await self._call(self._update, (CondaStoreError,), environment=environment)
        except (HookRefused, HookFailed, TookTooLong) as error:
            log.warning("hook_not_told", hook=self._update.option, reason=error.message, **place)
        else:
            log.info("hook_told", hook=self._update.option, **place)

    async def _call(self, hook: Hook, refusals: Refusals, **own: object) -> Any:
        suite = HookSuite(Lookups(self._database, asyncio.get_running_loop(), self._seconds), self._defaults)
        call = hook.call_with({"db": suite.db, "conda_store": suite, **own})
        try:
            outcome = await self._calls.call(call)
        except TookTooLong as error:
            log.warning("hook_too_slow", hook=hook.option, seconds=self._seconds)
            raise TookTooLong(f"{hook.option} gave {error.message}") from None
        _raise(hook, outcome, refusals)
        return outcome.value


def _read(option: str, function: Function | None, *offered: str) -> Hook | None:
    return None if function is None else read_hook(f"CondaStore.{option}", function, offered)


def _raise(hook: Hook, outcome: Outcome, refusals: Refusals) -> None:
    error = outcome.error
    if error is None:
        return
    if isinstance(error, Unavailable):
        raise error
    if isinstance(error, refusals):
        raise HookRefused(str(error) or f"refused by {hook.option}")
    log.error("hook_failed", hook=hook.option, traceback=traceback_of(error))
    raise HookFailed(f"{hook.option} failed; the administrator finds the reason in the log")


def _as_specification(hook: Hook, made: object) -> Specification:
    try:
        if not isinstance(made, CondaSpecification):
            raise HookFailed(f"{hook.option} returned {type(made).__name__}; it has to return the specification")
        specification = Specification.from_value(made.to_value())
        check_dependencies(specification)
    except InvalidSpecification as error:
        log.error("hook_failed", hook=hook.option, reason=error.message)
        raise HookFailed(f"{hook.option} returned a specification that is none: {error.message}") from error
    return specification


def traceback_of(error: BaseException) -> str:
    """The traceback without lines of source: they are of a configuration file, which may have secrets in it."""
    told = traceback.TracebackException.from_exception(error, lookup_lines=False)
    _forget_lines(told)
    return "".join(told.format())


def _forget_lines(told: traceback.TracebackException) -> None:
    frames = [traceback.FrameSummary(one.filename, one.lineno, one.name, line="") for one in told.stack]
    told.stack = traceback.StackSummary.from_list(frames)
    for other in (told.__cause__, told.__context__, *(told.exceptions or ())):
        if other is not None:
            _forget_lines(other)
