"""One row of the contract: what is asked, what is to come back, and what came."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any

import httpx

Pattern = Any
"""A value that stands for itself, a type, a compiled expression, a tuple of alternatives, a dict with just these keys,
a list of one pattern for each of its elements, or ``...`` for anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A request and the answer that clients rely on.

    ``caller`` names a token (None: anonymous), ``sent`` is given to httpx, ``keep`` names values of the answer for
    later rows by their path in it, ``until`` is for how many seconds the request is repeated until the answer fits, and
    ``note`` explains an answer that is deliberately better than upstream's.
    """

    section: str
    method: str
    path: str
    status: int
    body: Pattern = ...
    headers: Mapping[str, Pattern] = field(default_factory=dict)
    caller: str | None = "admin"
    sent: Mapping[str, Any] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    until: float = 0
    note: str = ""


def differences(row: Row, answer: httpx.Response, filled: Callable[[Pattern], Pattern]) -> list[str]:
    """Return in which points an answer is not what the row expects; variables of patterns are ``filled`` in first."""
    found = [] if answer.status_code == row.status else [f"status {answer.status_code}"]
    for name, pattern in row.headers.items():
        found += _unlike(filled(pattern), answer.headers.get(name), f"header {name}")
    if row.body is not ...:
        found += _unlike(filled(row.body), _content(answer), "body")
    return found


def value_at(path: str, content: Any) -> Any:
    """Return the value at a dotted path, in which numbers lead into lists."""
    for step in path.split("."):
        content = content[int(step)] if step.lstrip("-").isdigit() else content[step]
    return content


def _content(answer: httpx.Response) -> Any:
    if answer.headers.get("content-type", "").startswith("application/json") and answer.content:
        return answer.json()
    return answer.text


def _unlike(pattern: Pattern, value: Any, where: str) -> list[str]:
    if isinstance(pattern, dict) and isinstance(value, dict):
        return _unlike_mapping(pattern, value, where)
    if isinstance(pattern, list) and isinstance(value, list) and len(pattern) == 1:
        return [told for index, each in enumerate(value) for told in _unlike(pattern[0], each, f"{where}[{index}]")][:3]
    return [] if _is_like(pattern, value) else [f"{where} is {_short(value)}"]


def _unlike_mapping(pattern: Mapping[str, Pattern], value: Mapping[str, Any], where: str) -> list[str]:
    found = [f"{where} lacks {key}" for key in pattern.keys() - value.keys()]
    found += [f"{where} has {key}" for key in value.keys() - pattern.keys()]
    for key in sorted(pattern.keys() & value.keys()):
        found += _unlike(pattern[key], value[key], f"{where}.{key}")
    return found


def _is_like(pattern: Pattern, value: Any) -> bool:
    if isinstance(pattern, EllipsisType):
        return True
    if isinstance(pattern, type):
        return isinstance(value, pattern) and not (pattern is int and isinstance(value, bool))
    if isinstance(pattern, tuple):
        return any(_is_like(each, value) for each in pattern)
    if isinstance(pattern, re.Pattern):
        return isinstance(value, str) and pattern.search(value) is not None
    return bool(pattern == value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:160]}…"
