"""Checks the dependencies of a specification: MatchSpecs, pip requirements and pip options (contract §2.4)."""

import re
from collections.abc import Callable, Iterator

from packaging.requirements import InvalidRequirement, Requirement
from rattler import MatchSpec
from rattler.exceptions import InvalidMatchSpecError

from conda_store_shared.domain.pip_options import VARIABLE, is_pip_option, parse_pip_option
from conda_store_shared.domain.specification import Specification
from conda_store_shared.errors import InvalidSpecification

MAXIMUM_LENGTH = 1000
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_BRACKETS = re.compile(r"\s*\[(?P<inside>.*)\]\s*$")
_CHANNEL = re.compile(r"(?:https?://[^\s\[\]]+|[A-Za-z0-9_][A-Za-z0-9_./+-]*)::")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# The spaces people put around the signs of one version: ``>=1.2 , <2``, ``>= 1.2``.
_LOOSE = re.compile(r"\s*([,|])\s*|([<>=!~])\s+(?=[0-9A-Za-z*])")
_CLASSIC = re.compile(r"=?(?P<version>[^\s=<>!~,|]+)=(?P<build>[^\s=]+)")
_BUILD = re.compile(r"[A-Za-z0-9_.+*^$|()?-]+")
_VERSION = re.compile(r"(?=[<>=!~(]|.*[0-9*])[0-9A-Za-z<>=!~,|()*._+-]+")


def parse_match_spec(text: str) -> MatchSpec:
    """Return the MatchSpec; raises InvalidSpecification.

    rattler's lenient mode takes nearly anything and its strict mode refuses forms that conda documents
    (``numpy 1.26``, ``python=3.11.*``, ``python=3.11=build``), so the form is checked here.
    """
    if not _has_known_form(text):
        raise _invalid_match_spec(text)
    try:
        return MatchSpec(text, extras=False, conditionals=False, flags=False)
    except InvalidMatchSpecError as error:
        raise _invalid_match_spec(text) from error


def match_spec_name(text: str) -> str:
    """Name of the package a MatchSpec asks for, in lower case; raises InvalidSpecification."""
    return str(parse_match_spec(text).name.normalized)


def channel_of_match_spec(text: str) -> str | None:
    """What stands before ``::``, or None."""
    channel, separator, _ = text.partition("::")
    return channel.strip() if separator else None


def parse_requirement(text: str) -> Requirement:
    """Return a requirement of the pip section; raises InvalidSpecification."""
    try:
        if len(text) > MAXIMUM_LENGTH or _UNPRINTABLE.search(text) or VARIABLE in text:
            raise InvalidRequirement(text)
        return Requirement(text)
    except InvalidRequirement as error:
        raise InvalidSpecification(
            f'Invalid pypi package dependency "{text}" ensure it follows peps '
            "https://peps.python.org/pep-0508/ and https://peps.python.org/pep-0440/"
        ) from error


def check_dependencies(specification: Specification) -> None:
    """Raise InvalidSpecification with a line for each dependency that is not valid."""
    problems = list(_problems(specification))
    if problems:
        raise InvalidSpecification("\n".join(f"{one} (type=value_error, loc=('dependencies',))" for one in problems))


def _problems(specification: Specification) -> Iterator[str]:
    for text in specification.dependencies:
        if problem := _problem(parse_match_spec, text):
            yield problem
    for text in specification.pip:
        if problem := _problem(parse_pip_option if is_pip_option(text) else parse_requirement, text):
            yield problem


def _problem(parse: Callable[[str], object], text: str) -> str | None:
    try:
        parse(text)
    except InvalidSpecification as error:
        return error.message
    return None


def _invalid_match_spec(text: str) -> InvalidSpecification:
    return InvalidSpecification(f"Invalid conda package dependency specification {text[:MAXIMUM_LENGTH]}")


def _has_known_form(text: str) -> bool:
    if len(text) > MAXIMUM_LENGTH or _UNPRINTABLE.search(text) or "#" in text:
        return False
    brackets = _BRACKETS.search(text)
    outside = (text[: brackets.start()] if brackets else text).strip()
    if channel := _CHANNEL.match(outside):
        outside = outside[channel.end() :]
    name = _NAME.match(outside)
    if name is None or "[" in outside:
        return False
    return _has_known_constraint(_LOOSE.sub(r"\1\2", outside[name.end() :]).strip())


def _has_known_constraint(text: str) -> bool:
    """Whether ``text`` is a version, a version and a build, or nothing."""
    if classic := _CLASSIC.fullmatch(text):
        return bool(_BUILD.fullmatch(classic["build"]))
    version, _, build = text.partition(" ")
    if build:
        return bool(_VERSION.fullmatch(version) and _BUILD.fullmatch(build.strip().removeprefix("=")))
    return not version or bool(_VERSION.fullmatch(version))
