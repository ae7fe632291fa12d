"""The pip section of a specification: requirements, and the options that say where wheels come from."""

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.requirements import Requirement

from conda_store_shared.conda.match_spec import parse_requirement
from conda_store_shared.domain.pip_options import is_pip_option, parse_pip_option
from conda_store_shared.errors import InvalidSpecification

_SCHEMES = ("http://", "https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipSection:
    """``index_url`` None means the index uv is set up for."""

    requirements: tuple[Requirement, ...]
    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> "PipSection":
        """Read the entries as written; raises InvalidSpecification."""
        requirements: list[Requirement] = []
        options: dict[str, list[str]] = {"--index-url": [], "--extra-index-url": [], "--trusted-host": []}
        for text in texts:
            if is_pip_option(text):
                name, value = parse_pip_option(text)
                options[name].append(value)
            else:
                requirements.append(parse_requirement(text))
        for address in (*options["--index-url"], *options["--extra-index-url"]):
            _check_address(address, "an index")
        for requirement in requirements:
            if requirement.url is not None:
                _check_address(requirement.url, f"requirement {requirement.name}")
        return cls(
            requirements=tuple(requirements),
            index_url=options["--index-url"][-1] if options["--index-url"] else None,
            extra_index_urls=tuple(options["--extra-index-url"]),
            trusted_hosts=tuple(options["--trusted-host"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PipRequest:
    """What is asked of uv for one platform.

    ``constraints`` are ``name==version``; ``glibc`` and ``macos`` are the versions the platform is taken to have.
    """

    section: PipSection
    constraints: tuple[str, ...]
    python_version: str
    platform: str
    glibc: str | None
    macos: str | None


def _check_address(address: str, what: str) -> None:
    if not address.startswith(_SCHEMES):
        raise InvalidSpecification(f"{what} of the pip section has to be reached by http or https, not by {address!r}")
