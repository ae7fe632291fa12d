"""What pip must add to the conda packages of one platform."""

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_solver.domain.packages import CondaPackage, PipPackage
from conda_store_solver.domain.pip_section import PipRequest, PipSection
from conda_store_solver.domain.pypi_names import distributions
from conda_store_solver.ports import PipCompiler


@dataclass(frozen=True, slots=True, kw_only=True)
class PipTarget:
    """The platform wheels are wanted for, and the versions of its system it is taken to have."""

    platform: str
    glibc: str | None
    macos: str | None


async def solve_pip(
    section: PipSection, target: PipTarget, conda: tuple[CondaPackage, ...], *, compiler: PipCompiler
) -> tuple[PipPackage, ...]:
    """Return the wheels to be installed on top of ``conda``, in order of their names.

    What conda provides constrains the wheels and is then left out: leaving it out of the question instead would lose
    the extras asked of it.  Raises StageFailure.
    """

    python = next((package.version for package in conda if package.name == "python"), None)
    if python is None:
        raise StageFailure(FailureCode.UNSATISFIABLE, "the pip section needs python among the conda dependencies")
    provided = _provided(conda)
    found = await compiler.compile(
        PipRequest(
            section=section,
            constraints=tuple(f"{name}=={version}" for name, version in sorted(provided.items()) if version),
            python_version=python,
            platform=target.platform,
            glibc=target.glibc,
            macos=target.macos,
        )
    )
    added = [package for package in found if canonicalize_name(package.name) not in provided]
    return tuple(sorted(added, key=lambda package: package.name))


def _provided(conda: Iterable[CondaPackage]) -> dict[NormalizedName, Version | None]:
    found: dict[NormalizedName, Version | None] = {}
    for package in conda:
        found.update(distributions(package))
    return found
