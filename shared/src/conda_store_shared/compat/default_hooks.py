"""The rules that a hook takes the place of, under the names by which hooks of configuration files call them.

Some releases gave them ``db`` and others did not; here it makes no difference.
"""

from typing import Any


def conda_store_validate_specification(*arguments: Any, **named: Any) -> Any:
    """Return a specification completed by the settings; raises ValueError when it is not allowed."""
    given = _given(arguments, named, "specification")
    return given["conda_store"].apply_rules(given["namespace"], given["specification"])


def conda_store_validate_action(*arguments: Any, **named: Any) -> None:
    """Refuse what there is too little room for; raises CondaStoreError."""
    given = _given(arguments, named, "action")
    given["conda_store"].guard_storage(given["action"])


def validate_environment_channels(specification: Any, settings: Any) -> Any:
    """Return a specification with default channels if it has none; raises ValueError when one is not allowed."""
    return settings.apply_rule("channels", specification)


def validate_environment_pypi_packages(specification: Any, settings: Any) -> Any:
    """Return a specification with default and included packages of PyPI; raises ValueError without required ones."""
    return settings.apply_rule("pip", specification)


def validate_environment_conda_packages(specification: Any, settings: Any) -> Any:
    """Return a specification with default and included packages; raises ValueError without required ones."""
    return settings.apply_rule("conda", specification)


def _given(arguments: tuple[Any, ...], named: dict[str, Any], last: str) -> dict[str, Any]:
    return {**dict(zip((last, "namespace", "conda_store", "db"), reversed(arguments), strict=False)), **named}
