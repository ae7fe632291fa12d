"""What hooks of a deployment are given as ``db`` and ``conda_store`` (docs/how-to/write-hooks.md)."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.hook_views import BuildView, EnvironmentView, NamespaceView
from conda_store_api.repositories.hook_views import find_environment_view, find_namespace_view, list_build_views
from conda_store_api.repositories.settings import effective_settings
from conda_store_api.repositories.storage import find_free_storage
from conda_store_api.use_cases.apply_settings import (
    complete_channels,
    complete_conda,
    complete_pip,
    complete_specification,
)
from conda_store_api.use_cases.check_storage import guard_storage
from conda_store_shared.compat.specification import CondaSpecification
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.permission import Permission
from conda_store_shared.domain.settings import Settings
from conda_store_shared.domain.specification import Specification
from conda_store_shared.errors import InvalidInput

T = TypeVar("T")
Complete = Callable[[Specification, Settings], Specification]
_RULES: Mapping[str, Complete] = {"channels": complete_channels, "pip": complete_pip, "conda": complete_conda}
# The actions that need room on the disk of the prefixes.
_GROWING = (Permission.ENVIRONMENT_CREATE, Permission.ENVIRONMENT_UPDATE)


@dataclass(frozen=True, slots=True)
class Lookups:
    """Answers questions of threads on the loop of the server, each in a session of its own."""

    database: Database
    loop: asyncio.AbstractEventLoop
    seconds: float

    def ask(self, question: Callable[[AsyncSession], Coroutine[Any, Any, T]]) -> T:
        """Return the answer; called in any thread but that of the loop.  Raises DatabaseUnavailable, TimeoutError."""
        return asyncio.run_coroutine_threadsafe(self._answer(question), self.loop).result(self.seconds)

    async def _answer(self, question: Callable[[AsyncSession], Coroutine[Any, Any, T]]) -> T:
        async with self.database.session() as session:
            return await question(session)


class HookDatabase:
    """``db``: reads what is stored, and changes nothing."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups

    def namespace(self, name: str) -> NamespaceView | None:
        """Return a namespace; None when there is none."""
        return self._lookups.ask(lambda session: find_namespace_view(session, name))

    def environment(self, namespace: str, name: str) -> EnvironmentView | None:
        """Return an environment with its current build; None when there is none."""
        return self._lookups.ask(lambda session: find_environment_view(session, namespace, name))

    def builds(self, namespace: str, name: str, limit: int = 100) -> list[BuildView]:
        """Return the newest builds of an environment, the newest first."""
        return self._lookups.ask(lambda session: _builds(session, (namespace, name), limit))

    def free_storage(self) -> int | None:
        """Return the bytes free on the disk of the prefixes; None until they were measured."""
        return self._lookups.ask(find_free_storage)


class HookSettings(SimpleNamespace):
    """Settings as attributes, to be changed at will, and the rules that follow from them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(**settings.model_dump(mode="json"))

    def apply_rule(self, kind: str, specification: CondaSpecification) -> CondaSpecification:
        """Complete one part of a specification: channels, pip or conda; raises ValueError when it is not allowed."""
        return _completed(specification, Settings.model_validate(vars(self)), _RULES[kind])


class HookSuite:
    """``conda_store``: tells settings, writes to the log, and knows the rules that a hook takes the place of.

    The settings of the deployment are its attributes as well: ``conda_store.conda_channel_alias``.
    """

    def __init__(self, lookups: Lookups, defaults: Settings) -> None:
        self._lookups = lookups
        self._defaults = defaults
        self.db = HookDatabase(lookups)
        self.log = logging.getLogger("conda_store.hooks")

    def get_settings(
        self, db: object = None, namespace: str | None = None, environment_name: str | None = None
    ) -> "HookSettings":
        """Return the settings that hold for an environment, a namespace, or the deployment."""
        del db
        return HookSettings(self._settings(namespace, environment_name))

    def get_setting(self, key: str, namespace: str | None = None, environment_name: str | None = None) -> Any:
        """Return one setting; raises AttributeError when there is none of that name."""
        return getattr(self.get_settings(None, namespace, environment_name), key)

    def apply_rules(self, namespace: str, specification: CondaSpecification) -> CondaSpecification:
        """Return a specification completed by the settings, as without a hook; raises ValueError when not allowed."""
        return _completed(specification, self._settings(namespace, specification.name), complete_specification)

    def guard_storage(self, action: str) -> None:
        """Refuse an action for which there is too little room, as without a hook; raises CondaStoreError."""
        if action in _GROWING:
            guard_storage(self.db.free_storage(), self._settings(None, None).storage_threshold, action)

    def __getattr__(self, name: str) -> Any:
        if name not in Settings.model_fields:
            known = "db, log, get_settings, get_setting, apply_rules, guard_storage and the settings of the deployment"
            raise AttributeError(f"conda_store has no {name!r}; a hook is given {known}")
        return getattr(self.get_settings(), name)

    def _settings(self, namespace: str | None, environment: str | None) -> Settings:
        return self._lookups.ask(lambda session: effective_settings(session, self._defaults, namespace, environment))


async def _builds(session: AsyncSession, names: tuple[str, str], limit: int) -> list[BuildView]:
    environment = await find_environment_view(session, *names)
    return [] if environment is None else list(await list_build_views(session, environment.id, limit))


def _completed(specification: CondaSpecification, settings: Settings, complete: Complete) -> CondaSpecification:
    try:
        made = complete(Specification.from_value(specification.to_value()), settings)
    except InvalidInput as error:
        raise ValueError(error.message) from error
    return CondaSpecification.from_value(made.to_value())
