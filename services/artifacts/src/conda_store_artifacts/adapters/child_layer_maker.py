"""LayerMaker by calls in child processes."""

import asyncio
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conda_store_artifacts.adapters.machine_base import find_base, machine_platform
from conda_store_artifacts.domain.fragment import FragmentFormat
from conda_store_artifacts.domain.image_files import ImageFile
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.ports import MadeLayer, RestOrder
from conda_store_shared.child.pool import ChildCall, ChildPool
from conda_store_shared.child.report import Report

MODULE = "conda_store_artifacts.adapters.layer_child"
REST_MODULE = "conda_store_artifacts.adapters.rest_child"


class ChildLayerMaker:
    """Makes layers in the children of ``pool``; ``threads`` compress one."""

    def __init__(self, pool: ChildPool, threads: int) -> None:
        self._pool = pool
        self._threads = threads
        self._base: tuple[ImageFile, ...] | None = None

    @property
    def machine(self) -> ImagePlatform | None:
        """What the base that is made of this machine is for."""
        return machine_platform()

    async def find_base(self) -> tuple[ImageFile, ...]:
        """Return the files of the base that is made of this machine."""
        if self._base is None:
            self._base = await asyncio.to_thread(find_base)
        return self._base

    async def write(
        self, files: Sequence[ImageFile], wanted: FragmentFormat, output: Path, deadline: float, report: Report
    ) -> MadeLayer:
        """Write a layer of ``files`` to the new file ``output``."""
        told = {"files": [dataclasses.asdict(file) for file in files]}
        return await self._call(f"{MODULE}:write_layer", told, wanted, output, (deadline, report))

    async def merge(
        self, layers: Sequence[Path], wanted: FragmentFormat, output: Path, deadline: float, report: Report
    ) -> MadeLayer:
        """Write one layer of what is in ``layers`` to the new file ``output``."""
        told = {"layers": [os.fspath(layer) for layer in layers]}
        return await self._call(f"{MODULE}:merge_layers", told, wanted, output, (deadline, report))

    async def write_rest(
        self, order: RestOrder, wanted: FragmentFormat, output: Path, deadline: float, report: Report
    ) -> MadeLayer:
        """Write what an installed prefix has besides its packages to the new file ``output``."""
        told = {"prefix": os.fspath(order.prefix), "wheels": list(order.wheels), "target": wanted.prefix}
        return await self._call(f"{REST_MODULE}:write_rest", told, wanted, output, (deadline, report))

    async def _call(
        self,
        function: str,
        told: dict[str, Any],
        wanted: FragmentFormat,
        output: Path,
        limits: tuple[float, Report],
    ) -> MadeLayer:
        arguments = {
            **told, "codec": wanted.codec, "level": wanted.level, "threads": self._threads, "output": os.fspath(output),
        }  # fmt: skip
        deadline, report = limits
        made = await self._pool.call(ChildCall(function=function, arguments=arguments, timeout=deadline), report)
        return MadeLayer(path=output, **made)
