"""Names of options that are not quite ours: misspelt once, or mistyped now."""

from collections.abc import Iterable
from difflib import get_close_matches

from conda_store_shared.config.sections import MISSPELT_OPTIONS, MISSPELT_SECTIONS, known_sections, options_of


def corrected(section: str, option: str) -> tuple[str, str]:
    """Return the names that a section and an option have today."""
    section = MISSPELT_SECTIONS.get(section, section)
    return MISSPELT_OPTIONS.get((section, option), (section, option))


def unknown_option(section: str, option: str) -> str:
    """Say that there is no such option, and which one was likely meant."""
    sections = known_sections()
    if section not in sections:
        return f"unknown option {section}.{option}: there is no class {section}{_meant(section, sections)}"
    known = options_of(sections[section])
    meant = _meant(option, known)
    if not meant:
        owners = [name for name, kind in sections.items() if option in options_of(kind)]
        meant = f"; {' and '.join(owners)} have it" if owners else ""
    return f"unknown option {section}.{option}{meant}"


def _meant(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = sorted(each for each in known if name in each) or get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
