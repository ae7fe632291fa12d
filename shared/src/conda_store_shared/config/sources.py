"""What a configuration is put together from: files, then the command line (contract §5)."""

import json
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlets import TraitError
from traitlets.config import Config
from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

from conda_store_shared.config.names import corrected, unknown_option
from conda_store_shared.config.sections import is_secret, trait_of
from conda_store_shared.errors import ConfigurationError

# What the code of a configuration file may raise, short of ending the process.
_BROKEN = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, OSError, RuntimeError,
    SyntaxError, TypeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Values by section and option, and ``where`` they come from, in words."""

    where: str
    values: Mapping[str, Mapping[str, Any]]


def file_sources(path: Path) -> Iterator[Source]:
    """Read a file and, before it, the JSON file of the same stem; raises ConfigurationError naming what is wrong."""
    beside = path.with_suffix(".json")
    if beside != path and beside.exists():
        yield _file_source(beside)
    yield _file_source(path)


def command_line_source(arguments: Sequence[str]) -> Source:
    """Read ``--Class.option=value``; raises ConfigurationError for what is no known option or does not fit."""
    config = Config()
    for argument in arguments:
        _apply(config, argument)
    return Source(where="command line", values=config)


def _file_source(path: Path) -> Source:
    loader = JSONFileConfigLoader if path.suffix == ".json" else PyFileConfigLoader
    try:
        return Source(where=str(path), values=loader(path.name, path=str(path.parent)).load_config())
    except ConfigFileNotFound:
        raise ConfigurationError(f"Failed to find specified config file: {path}") from None
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    except _BROKEN as error:
        raise ConfigurationError(f"{path}{_line(error, path)}: {type(error).__name__}: {error}") from error


def _line(error: BaseException, path: Path) -> str:
    """Where in the file it broke, as far as that is known."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).absolute() == path.absolute()]
    return f", line {lines[-1]}" if lines else ""


def _apply(config: Config, argument: str) -> None:
    name, separator, text = argument.removeprefix("--").partition("=")
    section, _, option = name.partition(".")
    if not argument.startswith("--") or not separator or not option:
        raise ConfigurationError(f"unrecognized argument {argument!r}; options are given as --Class.option=value")
    real = corrected(section, option)
    trait = trait_of(*real)
    if trait is None:
        raise ConfigurationError(unknown_option(section, option))
    names_a_file = trait.name != real[1]
    try:
        config[section][option] = text if names_a_file else _from_text(trait, text)
    except (TraitError, ValueError) as error:
        # An error quotes what was given.
        told = "the value does not fit" if is_secret(trait) else error
        raise ConfigurationError(f"Bad config encountered during initialization: {name}: {told}") from None


def _from_text(trait: Any, text: str) -> Any:
    if hasattr(trait, "from_string_list"):
        return trait.from_string_list([part for part in text.split(",") if part])
    return trait.from_string(text)


