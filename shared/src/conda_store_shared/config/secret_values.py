"""Values that stand elsewhere than in the configuration: in a file, or in an environment variable.

Of every secret option ``x`` there is an option ``x_file``, the path of a file that holds it; and its own value may be
``env:NAME``.  Values that are no text are JSON there.
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
    try:
        text = Path(path).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"{name}{FILE}: {path} cannot be read: {reason}") from error
    return _parsed(f"{name}{FILE}", trait, text.rstrip("\r\n"))


def from_variable(
    name: str, trait: TraitType[object, object], variable: str, environment: Mapping[str, str]
) -> object:
    """Return what an environment variable holds; raises ConfigurationError."""
    text = environment.get(variable)
    if text is None:
        raise ConfigurationError(f"{name}: the environment variable {variable} is not set")
    return _parsed(name, trait, text)


def _parsed(name: str, trait: TraitType[object, object], text: str) -> object:
    if not isinstance(trait, Dict | Container):
        return text
    try:
        return json.loads(text)
    except ValueError:
        # Neither the text nor where in it: it is a secret.
        raise ConfigurationError(f"{name}: it is no JSON") from None
