"""Values that stand elsewhere than in the configuration: in a file, or in an environment variable.

Of every secret option ``x`` there is an option ``x_file``, the path of a file that holds it; and its own value may be
``env:NAME``.  Values that are no text are JSON there.  The same holds for whatever stands inside a secret mapping.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from traitlets import Container, Dict, TraitType

from conda_store_shared.config.sections import FILE
from conda_store_shared.errors import ConfigurationError

VARIABLE = "env:"


def from_file(name: str, trait: TraitType[object, object], path: str) -> object:
    """Return what a file holds, without the line's end; raises ConfigurationError."""
    return _parsed(f"{name}{FILE}", trait, _text_of(f"{name}{FILE}", path))


def from_variable(name: str, trait: TraitType[object, object], variable: str, environment: Mapping[str, str]) -> object:
    """Return what an environment variable holds; raises ConfigurationError."""
    return _parsed(name, trait, _value_of(name, variable, environment))


def settle_inside(name: str, value: object, environment: Mapping[str, str]) -> object:
    """Return a mapping in which every text stands for itself, and anything else as it is; raises ConfigurationError."""
    if not isinstance(value, Mapping):
        return value
    settled: dict[object, object] = {}
    for key, held in value.items():
        if isinstance(held, str) and held.startswith(VARIABLE):
            settled[key] = _value_of(name, held.removeprefix(VARIABLE), environment)
        elif isinstance(held, str) and isinstance(key, str) and key.endswith(FILE):
            settled[key.removesuffix(FILE)] = _text_of(f"{name}: {key}", held)
        else:
            # Keys are not named: those of some options are secrets themselves.
            settled[key] = settle_inside(name, held, environment)
    return settled


def _text_of(name: str, path: str) -> str:
    try:
        return Path(path).expanduser().read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"{name}: {path} cannot be read: {reason}") from error


def _value_of(name: str, variable: str, environment: Mapping[str, str]) -> str:
    text = environment.get(variable)
    if text is None:
        raise ConfigurationError(f"{name}: the environment variable {variable} is not set")
    return text


def _parsed(name: str, trait: TraitType[object, object], text: str) -> object:
    if not isinstance(trait, Dict | Container):
        return text
    try:
        return json.loads(text)
    except ValueError:
        # Neither the text nor where in it: it is a secret.
        raise ConfigurationError(f"{name}: it is no JSON") from None
