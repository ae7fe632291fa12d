"""Reads a configuration: file, then command line, the later winning (contract §5)."""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from traitlets import TraitError, Type
from traitlets.config import Config, Configurable

from conda_store_shared.compat.imports import foreign_names
from conda_store_shared.config.names import corrected, unknown_option
from conda_store_shared.config.secret_values import VARIABLE, from_file, from_variable, settle_inside
from conda_store_shared.config.sections import FILE, MASK, SECTIONS, is_secret, options_of, trait_of
from conda_store_shared.config.sources import Source, command_line_source, file_sources
from conda_store_shared.errors import ConfigurationError

_BROKER_SCHEMES = ("amqp://", "amqps://")


@dataclass(slots=True, kw_only=True)
class Configuration:
    """Options that were set, ``origins`` of each by section and option, and ``notes`` for whoever set them."""

    config: Config = field(default_factory=Config)
    origins: dict[tuple[str, str], str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def set(self, section: str, option: str, value: Any, origin: str) -> None:
        """Set an option; what was set before is forgotten."""
        self.config[section][option] = value
        self.origins[section, option] = origin


def load_config(
    arguments: argparse.Namespace, overrides: Sequence[str], environment: Mapping[str, str] = os.environ
) -> Configuration:
    """Return the configuration of the file and of the overrides; raises ConfigurationError naming what is wrong."""
    made = Configuration()
    # Classes may be told by the names they had elsewhere, in the file and by text.
    with foreign_names():
        if arguments.config:
            for source in file_sources(Path(arguments.config)):
                _take_over(made, source)
        _take_over(made, command_line_source(overrides))
        for (section, option), origin in list(made.origins.items()):
            _settle(made, (section, option), origin, environment)
        for kind in SECTIONS:
            try:
                kind(config=made.config)
            except TraitError as error:
                told = _without_secrets(str(error), kind, made)
                # Without the error: what it quotes may be a secret.
                raise ConfigurationError(f"Bad config encountered during initialization: {told}") from None
    _use_broker_of_celery(made)
    return made


def _take_over(made: Configuration, source: Source) -> None:
    for section, values in source.values.items():
        if not isinstance(values, Mapping):
            made.notes.append(f"{source.where}: c.{section} is no section; options are c.Class.option")
            continue
        for option, value in values.items():
            names = corrected(section, option)
            if names != (section, option):
                made.notes.append(f"{source.where}: {section}.{option} is called {'.'.join(names)}")
            if trait_of(*names) is None:
                made.notes.append(f"{source.where}: {unknown_option(*names)}; it has no effect")
            else:
                _set(made, *names, value, source.where)


def _set(made: Configuration, section: str, option: str, value: Any, where: str) -> None:
    """Set an option; a secret and the file that holds it are one option, of which the later counts."""
    other = option.removesuffix(FILE) if option.endswith(FILE) else option + FILE
    if made.origins.get((section, other)) == where:
        raise ConfigurationError(f"{where}: {section}.{option} and {section}.{other} are the same; set one of them")
    if made.origins.pop((section, other), None):
        del made.config[section][other]
    made.set(section, option, value, where)


def _settle(made: Configuration, names: tuple[str, str], origin: str, environment: Mapping[str, str]) -> None:
    """Replace what stands for a value by the value; note what has no effect any more."""
    section, option = names
    trait, value, name = trait_of(section, option), made.config[section][option], f"{section}.{option}"
    assert trait is not None  # noqa: S101 - only known options are set
    if trait.name != option:
        real = str(trait.name)
        del made.config[section][option], made.origins[section, option]
        held = settle_inside(name, from_file(f"{section}.{real}", trait, str(value)), environment)
        made.set(section, real, held, f"{origin}, from the file {value}")
    elif is_secret(trait) and isinstance(value, str) and value.startswith(VARIABLE):
        variable = value.removeprefix(VARIABLE)
        held = from_variable(name, trait, variable, environment)
        made.set(section, option, settle_inside(name, held, environment), f"{origin}, from the variable {variable}")
    elif is_secret(trait) and isinstance(value, Mapping):
        made.set(section, option, settle_inside(name, value, environment), origin)
    elif isinstance(trait, Type) and isinstance(value, str):
        made.set(section, option, _class(trait, name, value), origin)
    if (gone := trait.metadata.get("gone")) and not _names_our_broker(section, option, value):
        made.notes.append(f"{origin}: {name} has no effect: {gone}")


def _without_secrets(text: str, kind: type[Configurable], made: Configuration) -> str:
    """The text of an error about a section, which quotes what was set, without secrets."""
    for name, trait in options_of(kind).items():
        value = made.config[kind.__name__].get(name)
        if is_secret(trait):
            for told in sorted(set(_texts(value)), key=len, reverse=True):
                text = text.replace(told, MASK)
    return text


def _texts(value: object) -> Iterator[str]:
    """Every text in a value, of whichever type it is."""
    if isinstance(value, Mapping):
        yield from _texts([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif value:
        yield str(value)


def _class(trait: Type[Any, Any], name: str, text: str) -> object:
    try:
        return trait._resolve_string(text)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"{name}={text!r}: {error}") from error


def _names_our_broker(section: str, option: str, value: Any) -> bool:
    is_broker = (section, option) == ("CondaStore", "celery_broker_url")
    return is_broker and isinstance(value, str) and value.startswith(_BROKER_SCHEMES)


def _use_broker_of_celery(made: Configuration) -> None:
    url = made.config.CondaStore.get("celery_broker_url")
    if not _names_our_broker("CondaStore", "celery_broker_url", url):
        return
    if "url" in made.config.Bus:
        made.notes.append("CondaStore.celery_broker_url has no effect: Bus.url is set")
    else:
        made.set("Bus", "url", url, "CondaStore.celery_broker_url")
        made.notes.append("CondaStore.celery_broker_url names RabbitMQ and is used as Bus.url, which is not set")
