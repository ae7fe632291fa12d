"""Shows a configuration: every option with what it means, or with the value it has and where that comes from."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from traitlets import TraitType
from traitlets.config import Configurable

from conda_store_shared.config.load import Configuration
from conda_store_shared.config.sections import FILE, MASK, SECTIONS, is_secret, options_of

_WIDTH = 100
_PASSWORD = re.compile(r"(?P<before>://[^/@:]*:)[^/@]*(?=@)")


def generated_config() -> str:
    """Return a configuration file that changes nothing: every option commented out, with its meaning and default."""
    lines = [
        "# Configuration of conda-store, for every service and command.  `c` is given.",
        "#",
        "# A later line counts more than an earlier one, and --Class.option=value on the command line counts most.",
        f"# Secrets may stand elsewhere: of each there is an option ending in {FILE}, the path of a file with it,",
        '# and "env:NAME" is the value of an environment variable.',
    ]
    for section in SECTIONS:
        lines += ["", "# " + "-" * 78, f"# {section.__name__}: {_summary(section)}", "# " + "-" * 78]
        made = section()
        for name, trait in section.class_own_traits(config=True).items():
            lines += ["", *_comment(trait), f"# c.{section.__name__}.{name} = {as_text(getattr(made, name))}"]
    return "\n".join(lines) + "\n"


def shown_config(loaded: Configuration) -> str:
    """Return each option with its value and its origin, secrets masked, and then the notes."""
    lines: list[str] = []
    for section in SECTIONS:
        shown = [
            (f"{section.__name__}.{name} = {_shown(trait, value)}", origin)
            for name, trait, value, origin in _values(section, loaded)
        ]
        width = min(_WIDTH, max((len(text) for text, _ in shown), default=0))
        lines += [f"{text:<{width}}  # {origin}" for text, origin in shown]
    return "\n".join([*lines, *(f"# NOTE: {note}" for note in loaded.notes)]) + "\n"


def options_help() -> str:
    """Return every option as the command line takes it, with its default and its meaning."""
    lines: list[str] = []
    for section in SECTIONS:
        lines += ["", f"{section.__name__}: {_summary(section)}"]
        made = section()
        for name, trait in section.class_own_traits(config=True).items():
            lines += [f"  --{section.__name__}.{name}={as_text(getattr(made, name))}"]
            lines += [f"      {line.removeprefix('# ')}" for line in _comment(trait)]
    return "\n".join(lines) + "\n"


def as_text(value: Any) -> str:
    """Return a value as it stands in a configuration file, always the same for the same value."""
    if isinstance(value, type):
        return f"{value.__module__}.{value.__name__}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {as_text(element)}" for key, element in value.items()) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(repr(element) for element in sorted(value)) + "}"
    if callable(value):
        name = getattr(value, "__qualname__", type(value).__name__)
        # The code of a configuration file is in no module.
        return f"{value.__module__}.{name}" if value.__module__ else name
    return repr(value)


def _values(
    section: type[Configurable], loaded: Configuration
) -> Iterator[tuple[str, TraitType[object, object], Any, str]]:
    """Own options, and those of its bases that are set for it."""
    made = section(config=loaded.config)
    own = section.class_own_traits(config=True)
    for name, trait in options_of(section).items():
        origin = loaded.origins.get((section.__name__, name))
        if origin or name in own:
            yield name, trait, getattr(made, name), origin or "default"


def _shown(trait: TraitType[object, object], value: Any) -> str:
    if not is_secret(trait) or not value:
        return as_text(value)
    if isinstance(value, str) and "://" in value:
        # Which broker or database it is may be seen; only the password is nobody's business.
        return repr(_PASSWORD.sub(rf"\g<before>{MASK}", value))
    return repr(MASK)


def _comment(trait: TraitType[object, object]) -> Iterator[str]:
    gone = trait.metadata.get("gone")
    text = f"{trait.help}  Has no effect: {gone}." if gone else str(trait.help)
    yield from (f"# {line}" for line in textwrap.wrap(text, _WIDTH))


def _summary(section: type[Configurable]) -> str:
    return (section.__doc__ or "").strip().partition("\n")[0]
