"""Functions of a configuration that are told of public events, called beside the server."""

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import structlog

from conda_store_api.adapters.called_hooks import traceback_of
from conda_store_api.adapters.hook_calls import HookCalls
from conda_store_api.adapters.hook_signature import Function, Hook, read_hook
from conda_store_api.adapters.hook_suite import HookSuite, Lookups
from conda_store_api.domain.webhook import Scope, parse_types
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.domain.settings import Settings
from conda_store_shared.errors import ConfigurationError, DatabaseUnavailable, InvalidInput, TookTooLong

EVERYTHING = "*"
_OFFERED = ("event", "conda_store", "db")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _EventHook:
    """A function, what it is told of, and its thread: one call at a time, however long the last one takes."""

    hook: Hook
    types: Collection[PublicEventType]
    calls: HookCalls


class EventHooks:
    """Calls the function of each type or pattern; raises ConfigurationError for what is none, or takes no event."""

    def __init__(
        self, functions: Mapping[str, object], seconds: float, database: Database, defaults: Settings
    ) -> None:
        self._database = database
        self._defaults = defaults
        self._seconds = seconds
        self._hooks = {pattern: _read(pattern, function, seconds) for pattern, function in functions.items()}

    @property
    def patterns(self) -> Mapping[str, Collection[PublicEventType]]:
        """What is told of which types."""
        return {pattern: hook.types for pattern, hook in self._hooks.items()}

    async def tell(self, pattern: str, event: bytes) -> None:
        """Call a function with an event as CloudEvents in JSON; that it fails is a line in the log and nothing else.

        Returns when it returned or took too long; one that took too long and goes on is waited for before the next
        call.  Raises DatabaseUnavailable when that is why it failed.
        """
        chosen = self._hooks[pattern]
        suite = HookSuite(Lookups(self._database, asyncio.get_running_loop(), self._seconds), self._defaults)
        told = json.loads(event)
        call = chosen.hook.call_with({"event": told, "conda_store": suite, "db": suite.db})
        fields = {"hook": chosen.hook.option, "event_id": told["id"]}
        try:
            error = (await chosen.calls.call(call)).error
        except TookTooLong:
            log.warning("hook_too_slow", seconds=self._seconds, **fields)
            return
        if isinstance(error, DatabaseUnavailable):
            raise error
        if error is None:
            log.info("hook_told", **fields)
        else:
            log.error("hook_failed", traceback=traceback_of(error), **fields)


def _read(pattern: object, function: object, seconds: float) -> _EventHook:
    option = f"CondaStore.event_hooks[{pattern!r}]"
    try:
        types = _types(pattern)
    except InvalidInput as error:
        raise ConfigurationError(f"{option}: {error.message}, and '{EVERYTHING}' for all") from error
    if not callable(function):
        raise ConfigurationError(f"{option} is {function!r}, which is no function")
    return _EventHook(_with_event(option, function), types, HookCalls(seconds, at_once=1, is_patient=True))


def _types(pattern: object) -> Collection[PublicEventType]:
    if pattern == EVERYTHING:
        return tuple(PublicEventType)
    return Scope(types=parse_types([str(pattern)])).event_types


def _with_event(option: str, function: Function) -> Hook:
    """Return how a function is called: by names, or with the event alone when it calls its only parameter otherwise."""
    hook = read_hook(option, function, _OFFERED, in_order=_OFFERED[:1])
    if _OFFERED[0] not in hook.names:
        raise ConfigurationError(
            f"{option}: the function takes no event; it is given {', '.join(_OFFERED)}, by name, or the event alone"
        )
    return hook
