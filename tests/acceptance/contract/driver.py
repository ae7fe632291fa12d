"""Drives rows of the contract against a running suite, in order, and says what came back."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.acceptance.contract.builds import BUILDS, DELETIONS, ENVIRONMENTS, SOLVE, SPECIFICATIONS
from tests.acceptance.contract.catalogue import CATALOGUE, FILES, REGISTRY, SETTINGS
from tests.acceptance.contract.identity import LOGIN, STATUS, TOKENS
from tests.acceptance.contract.namespaces import GOODBYE, NAMESPACES
from tests.acceptance.contract.row import Pattern, Row, differences, value_at

ROWS = [
    *LOGIN, *STATUS, *TOKENS, *NAMESPACES, *SPECIFICATIONS, *BUILDS, *SOLVE, *ENVIRONMENTS, *CATALOGUE, *SETTINGS,
    *FILES, *REGISTRY, *DELETIONS, *GOODBYE,
]  # fmt: skip
_ROLES = {
    "viewer": {"team/*": ["viewer"]},
    "developer": {"team/*": ["developer"]},
    "stranger": {"elsewhere/*": ["admin"]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A row, and in which points the answer was not what it expects."""

    row: Row
    differences: list[str]


class Driver:
    """A client with tokens of every role, and the values that earlier rows kept."""

    def __init__(self, url: str, channel: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=60, follow_redirects=False)
        self._values: dict[str, Any] = {"url": url, "channel": channel}
        self._tokens = {"garbage": "not.a.token"}

    def drive(self, rows: Iterable[Row] = tuple(ROWS)) -> Iterator[Seen]:
        """Ask for each row in turn."""
        with self._client:
            self._log_in()
            for row in rows:
                yield Seen(row=row, differences=self._ask(row))

    def _log_in(self) -> None:
        answer = self._client.post("/login/", json={"username": "alice", "password": "password"})
        self._tokens["admin"] = answer.cookies["conda-store-auth"]
        self._client.cookies.clear()
        for name, bindings in _ROLES.items():
            answer = self._request("POST", "/api/v1/token/", "admin", json={"role_bindings": bindings})
            self._tokens[name] = self._values[f"{name}_token"] = answer.json()["data"]["token"]

    def _ask(self, row: Row) -> list[str]:
        give_up = time.monotonic() + row.until
        while True:
            answer = self._request(row.method, self._filled(row.path), row.caller, **self._filled(dict(row.sent)))
            found = differences(row, answer, self._filled)
            if not found:
                content = answer.json() if row.keep else None
                self._values |= {name: value_at(path, content) for name, path in row.keep.items()}
            if not found or time.monotonic() > give_up:
                return found
            time.sleep(0.2)

    def _request(self, method: str, path: str, caller: str | None, **sent: Any) -> httpx.Response:
        headers = dict(sent.pop("headers", {}))
        if caller is not None:
            headers["authorization"] = f"Bearer {self._tokens[caller]}"
        answer = self._client.request(method, path, headers=headers, **sent)
        # Each request stands for itself.
        self._client.cookies.clear()
        return answer

    def _filled(self, pattern: Pattern) -> Pattern:
        """Return ``pattern`` with kept values in place of their names in braces."""
        if isinstance(pattern, str):
            for name, value in self._values.items():
                pattern = pattern.replace(f"{{{name}}}", str(value))
            return pattern
        if isinstance(pattern, dict):
            return {key: self._filled(value) for key, value in pattern.items()}
        return [self._filled(each) for each in pattern] if isinstance(pattern, list) else pattern
