"""What settings put into a specification, and what they demand of it (contract §4.6)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from packaging.utils import canonicalize_name

from conda_store_api.use_cases.resolve_order import Submission
from conda_store_shared.conda.channels import check_channels
from conda_store_shared.conda.match_spec import match_spec_name, parse_requirement
from conda_store_shared.domain.pip_options import is_pip_option
from conda_store_shared.domain.settings import Settings
from conda_store_shared.domain.specification import Specification
from conda_store_shared.errors import RequiredPackagesMissing

NameOf = Callable[[str], str]


def apply_settings(submission: Submission, settings: Settings) -> Submission:
    """Return what is built of a submission; a lockfile is built as it is.

    Raises ChannelNotAllowed and RequiredPackagesMissing.
    """
    if submission.specification is None:
        return submission
    specification = complete_specification(submission.specification, settings)
    return replace(
        submission, specification=specification, value=specification.to_value(), sha256=specification.sha256
    )


def complete_specification(specification: Specification, settings: Settings) -> Specification:
    """Return a specification with default channels, default and included packages.

    Raises ChannelNotAllowed, and RequiredPackagesMissing naming the packages.
    """
    return complete_conda(complete_pip(complete_channels(specification, settings), settings), settings)


def complete_channels(specification: Specification, settings: Settings) -> Specification:
    """Return a specification with the default channels if it has none; raises ChannelNotAllowed."""
    channels = specification.channels or settings.conda_default_channels
    check_channels(channels, settings.conda_allowed_channels, settings.conda_channel_alias)
    return replace(specification, channels=channels)


def complete_pip(specification: Specification, settings: Settings) -> Specification:
    """Return a specification with default and included packages of PyPI; raises RequiredPackagesMissing."""
    pip = _with(specification.pip or settings.pypi_default_packages, settings.pypi_included_packages, pip_name)
    _demand("PyPi", pip, settings.pypi_required_packages, pip_name)
    return replace(specification, pip=pip)


def complete_conda(specification: Specification, settings: Settings) -> Specification:
    """Return a specification with default and included packages; raises RequiredPackagesMissing."""
    given = specification.dependencies
    conda = _with(
        given if given or specification.pip else settings.conda_default_packages,
        settings.conda_included_packages,
        match_spec_name,
    )
    _demand("Conda", conda, settings.conda_required_packages, match_spec_name)
    return replace(specification, dependencies=conda)


def pip_name(text: str) -> str:
    """What an entry of a pip section is known by; raises InvalidSpecification."""
    return text if is_pip_option(text) else canonicalize_name(parse_requirement(text).name)


def _with(present: Sequence[str], included: Sequence[str], name_of: NameOf) -> tuple[str, ...]:
    by_name = {name_of(text): text for text in included}
    names = {name_of(text) for text in present} if by_name else set()
    return (*present, *(text for name, text in by_name.items() if name not in names))


def _demand(kind: str, present: Sequence[str], required: Sequence[str], name_of: NameOf) -> None:
    wanted = {name_of(text) for text in required}
    missing = sorted(wanted - {name_of(text) for text in present}) if wanted else []
    if missing:
        names = ", ".join(repr(name) for name in missing)
        raise RequiredPackagesMissing(f"{kind} packages {{{names}}} required and missing from specification")
