"""Which of the arguments on offer a hook takes: those of old know no ``db``, others name what they need alone."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conda_store_api.adapters.hook_calls import Call
from conda_store_shared.errors import ConfigurationError

Function = Callable[..., Any]
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Hook:
    """A function of the configuration, under the name of its option, and how it is called."""

    option: str
    function: Function
    names: Sequence[str]
    by_position: bool = False

    def call_with(self, offered: Mapping[str, object]) -> Call:
        """Return the call with what the function takes of what is offered."""
        chosen = {name: offered[name] for name in self.names}
        if self.by_position:
            return lambda: self.function(*chosen.values())
        return lambda: self.function(**chosen)


def read_hook(option: str, function: Function, offered: Sequence[str], *, in_order: Sequence[str] = ()) -> Hook:
    """Return how a function is called by names on offer, or with ``in_order`` when it calls its parameters otherwise.

    Raises ConfigurationError when it cannot be called.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        # Made by another language: it tells nothing of its parameters.
        return Hook(option, function, offered)
    parameters = signature.parameters.values()
    missing = [one.name for one in parameters if not _is_served(one, offered)]
    if missing and in_order and _takes(signature, len(in_order)):
        return Hook(option, function, in_order, by_position=True)
    if missing:
        raise ConfigurationError(
            f"{option}: the function asks for {', '.join(missing)}; it is given {', '.join(offered)}, by name"
        )
    takes_all = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)
    named = {one.name for one in parameters if one.kind in _NAMED}
    return Hook(option, function, [name for name in offered if takes_all or name in named])


def _is_served(parameter: inspect.Parameter, offered: Sequence[str]) -> bool:
    if parameter.kind in _ANY or parameter.default is not inspect.Parameter.empty:
        return True
    return parameter.kind in _NAMED and parameter.name in offered


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True
