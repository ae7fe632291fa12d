"""Runs in the child: a specification and its channels in, a conda-lock lockfile out."""

import asyncio
import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rattler import ChannelPriority as SolverPriority
from rattler import GenericVirtualPackage, MatchSpec, PackageName, RepoDataRecord, Version, solve
from rattler.exceptions import SolverError
from rattler.package import BuildString

from conda_store_shared.child.report import Report
from conda_store_shared.conda.channels import check_package_address, strip_credentials
from conda_store_shared.conda.conda_meta import package_of_record
from conda_store_shared.conda.match_spec import channel_of_match_spec, match_spec_name, parse_match_spec
from conda_store_shared.conda.platforms import check_platforms
from conda_store_shared.conda.virtual_packages import VirtualPackage, virtual_packages
from conda_store_shared.domain.channel_priority import ChannelPriority
from conda_store_shared.domain.order import SolveOrder
from conda_store_shared.domain.platforms import NOARCH
from conda_store_shared.domain.specification import Specification
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import InvalidInput, InvalidSpecification, StageFailure
from conda_store_shared.telemetry import told
from conda_store_solver.adapters.conda_lock_writer import LockSource, write_lock
from conda_store_solver.adapters.rattler_gateway import ChannelGateway, GatewayOptions, strip_credentials_in
from conda_store_solver.adapters.uv_pip_compiler import UvOptions, UvPipCompiler
from conda_store_solver.domain.packages import CondaPackage, PlatformSolution
from conda_store_solver.domain.pip_section import PipSection
from conda_store_solver.domain.published_package import check_published
from conda_store_solver.use_cases.solve_pip import PipTarget, solve_pip

# Added, as conda-lock does, to a specification with a pip section.
_PIP = "pip"
# The part of a solve's deadline after which a silent channel is named, before the child is ended without a word.
_PATIENCE = 0.75

# Warm for the life of the child; a child serves one service, so there is one set of options.
_gateways: dict[str, ChannelGateway] = {}


async def solve_order(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return the lockfile as a document; ``arguments`` are a solve order, gateway options and uv options.

    Raises StageFailure.
    """
    try:
        return await _solve_order(arguments, report)
    except InvalidInput as error:
        raise StageFailure(error.code, error.message) from error


async def find_packages(arguments: dict[str, Any], report: Report) -> list[dict[str, Any]]:
    """Return the conda packages of all platforms, each once; arguments are those of ``solve_order``.

    The pip section is solved as well, so that one without a solution is told.  Raises StageFailure.
    """
    try:
        solving, _ = await _find_solutions(arguments, report)
    except InvalidInput as error:
        raise StageFailure(error.code, error.message) from error
    records = {record.url: record for found in solving.records.values() for record in found}
    return [dataclasses.asdict(package_of_record(json.loads(record.to_json()))) for record in records.values()]


async def _solve_order(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    began = time.monotonic()
    solving, solutions = await _find_solutions(arguments, report)
    for solution in solutions:
        with_pip = f", {len(solution.pip)} by pip" if solution.pip else ""
        report.log(f"{solution.platform}: {len(solution.conda)} conda packages{with_pip}")
    value = write_lock(solving.source(), solutions)
    report.log(f"solved in {time.monotonic() - began:.2f} s")
    return value


async def _find_solutions(arguments: dict[str, Any], report: Report) -> tuple["_Solving", list[PlatformSolution]]:
    order = _order(arguments["order"])
    solving = _Solving(order, _gateway(arguments["gateway"]))
    report.log(f"solving for {', '.join(solving.platforms)}")
    report.log(f"channels: {', '.join(map(strip_credentials, order.channels))}")
    report.progress(0, len(solving.platforms), "platforms")
    solutions = await solving.solve(report)
    if solving.specification.pip:
        compiler = UvPipCompiler(UvOptions(**arguments["uv"]))
        with told.step("pip_solve"):
            solutions = await solving.add_pip(solutions, compiler, report)
    return solving, solutions


def _order(value: Mapping[str, Any]) -> SolveOrder:
    fields: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in value.items()}
    return SolveOrder(**fields | {"channels": tuple(dict.fromkeys(value["channels"]))})


def _gateway(options: Mapping[str, Any]) -> ChannelGateway:
    key = json.dumps(options, sort_keys=True)
    if key not in _gateways:
        _gateways.clear()
        _gateways[key] = ChannelGateway(GatewayOptions(**options))
    return _gateways[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A package asked for; ``constraint`` is its MatchSpec without a channel."""

    name: str
    constraint: str
    channel: str | None


class _Solving:
    """One order on its way to a solution; ``records`` are those found, by platform."""

    def __init__(self, order: SolveOrder, gateway: ChannelGateway) -> None:
        self.specification = Specification.from_value(order.specification)
        self.platforms = check_platforms(order.platforms)
        self.records: dict[str, list[RepoDataRecord]] = {}
        self._order = order
        self._gateway = gateway
        pip = (_PIP,) if self.specification.pip else ()
        self._wanted = [self._wanted_package(text) for text in (*self.specification.dependencies, *pip)]

    def source(self) -> LockSource:
        """What the lockfile is made for."""
        return LockSource(
            specification=self.specification,
            channels=self.specification.channels or self._order.channels,
            platforms=self.platforms,
            virtual_packages={platform: self._virtual_packages(platform) for platform in self.platforms},
        )

    async def solve(self, report: Report) -> list[PlatformSolution]:
        """Solve for all platforms at once; raises StageFailure with every platform's explanation."""
        if not self._order.channels:
            raise InvalidSpecification("the specification has no channels, and no default channels are set")
        await self._gateway.prepare(self._order.channels, self.platforms, _PATIENCE * self._order.deadline)
        done = 0

        async def solve_platform(platform: str) -> PlatformSolution:
            nonlocal done
            records = self.records[platform] = await self._solve_platform(platform)
            done += 1
            report.progress(done, len(self.platforms), "platforms")
            return PlatformSolution(platform=platform, conda=tuple(self._package(record) for record in records))

        ended = await asyncio.gather(*map(solve_platform, self.platforms), return_exceptions=True)
        return self._raise_unsatisfiable(ended)

    async def add_pip(
        self, solutions: Sequence[PlatformSolution], compiler: UvPipCompiler, report: Report
    ) -> list[PlatformSolution]:
        """Return the solutions with what the pip section adds to each."""
        section = PipSection.from_texts(self.specification.pip)
        report.log(f"resolving {len(section.requirements)} pip requirements")

        async def add_to(solution: PlatformSolution) -> PlatformSolution:
            versions = {package.name: package.version for package in self._virtual_packages(solution.platform)}
            target = PipTarget(platform=solution.platform, glibc=versions.get("__glibc"), macos=versions.get("__osx"))
            pip = await solve_pip(section, target, solution.conda, compiler=compiler)
            return PlatformSolution(platform=solution.platform, conda=solution.conda, pip=pip)

        return await asyncio.gather(*map(add_to, solutions))

    def _raise_unsatisfiable(self, ended: Sequence[PlatformSolution | BaseException]) -> list[PlatformSolution]:
        solutions: list[PlatformSolution] = []
        explanations: list[str] = []
        for platform, end in zip(self.platforms, ended, strict=True):
            if isinstance(end, SolverError):
                text = strip_credentials_in(str(end))
                explanations.append(f"{platform}: {text}" if len(self.platforms) > 1 else text)
            elif isinstance(end, BaseException):
                raise end
            else:
                solutions.append(end)
        if explanations:
            raise StageFailure(FailureCode.UNSATISFIABLE, "\n".join(explanations))
        return solutions

    async def _solve_platform(self, platform: str) -> list[RepoDataRecord]:
        if self._order.channel_priority == ChannelPriority.FLEXIBLE:
            with suppress(SolverError):
                return await self._solve_specs(self._specs(platform, strict=True), platform, strict=True)
        strict = self._order.channel_priority == ChannelPriority.STRICT
        specs = self._specs(platform, strict=strict)
        try:
            return await self._solve_specs(specs, platform, strict=strict)
        except SolverError:
            # rattler loads no more than matches what was asked for, and then says of the rest that there are no
            # candidates; asked for by name as well, everything is loaded and can be explained.
            names = [MatchSpec(wanted.name) for wanted in self._wanted]
            return await self._solve_specs([*specs, *names], platform, strict=strict)

    async def _solve_specs(self, specs: list[MatchSpec], platform: str, *, strict: bool) -> list[RepoDataRecord]:
        priority = SolverPriority.Strict if strict else SolverPriority.Disabled

        def question() -> Any:
            return solve(
                list(self._order.channels),
                specs,
                gateway=self._gateway.gateway,
                platforms=[platform, NOARCH],
                virtual_packages=[_generic(package) for package in self._virtual_packages(platform)],
                channel_priority=priority,
                # A channel may name others to be searched with it; those were never checked against the allow-list.
                channel_relations="disabled",
            )

        return list(await self._gateway.ask(self._order.channels, question))

    def _virtual_packages(self, platform: str) -> tuple[VirtualPackage, ...]:
        overrides = self._order.virtual_packages.get(platform)
        return virtual_packages(platform, self.specification.variables, overrides)

    def _wanted_package(self, text: str) -> _Wanted:
        name, channel = match_spec_name(text), channel_of_match_spec(text)
        if channel is None:
            return _Wanted(name=name, constraint=text, channel=None)
        for address in self._order.channels:
            if address == channel or address.endswith(f"/{channel.strip('/')}"):
                return _Wanted(name=name, constraint=text.partition("::")[2].strip(), channel=address)
        raise InvalidSpecification(
            f"{text!r} asks for channel {channel}, which is none of the specification's channels: "
            + ", ".join(map(strip_credentials, self._order.channels))
        )

    def _specs(self, platform: str, *, strict: bool) -> list[MatchSpec]:
        return [self._match_spec(wanted, platform, strict=strict) for wanted in self._wanted]

    def _match_spec(self, wanted: _Wanted, platform: str, *, strict: bool) -> MatchSpec:
        """The MatchSpec with its channel, if it can come from one alone.

        rattler drops records that do not match before it looks which channel comes first, so that a package asked for
        by version could come from a later one; and of channel names it knows but one alias, its own.
        """
        channels = self._order.channels
        channel = wanted.channel
        if strict and channel is None:
            channel = self._gateway.first_channel(wanted.name, channels, platform)
        if channel is None or len(channels) == 1:
            return parse_match_spec(wanted.constraint)
        return MatchSpec(f"{channel}::{wanted.constraint}")

    def _package(self, record: RepoDataRecord) -> CondaPackage:
        name = str(record.name.normalized)
        url = strip_credentials(record.url)
        if record.md5 is None:
            raise StageFailure(
                FailureCode.INVALID_LOCKFILE, f"package {url} cannot be locked: its channel publishes no md5 for it"
            )
        if self._order.allowed_channels:
            check_package_address(url, self._order.allowed_channels)
        package = CondaPackage(
            name=name,
            version=str(record.version),
            build=str(record.build),
            url=url,
            md5=record.md5.hex(),
            sha256=record.sha256.hex() if record.sha256 else None,
            depends=tuple(record.depends),
            purls=_purls(record) if self.specification.pip else (),
        )
        check_published(package, self._order.channels)
        return package


def _generic(package: VirtualPackage) -> GenericVirtualPackage:
    return GenericVirtualPackage(PackageName(package.name), Version(package.version), BuildString(package.build or "0"))


def _purls(record: RepoDataRecord) -> tuple[str, ...]:
    return tuple(json.loads(record.to_json()).get("purls") or ())
