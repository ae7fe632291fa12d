"""A builder tells how full its disk is, again and again."""

import shutil

from conda_store_shared.contracts import events
from tests.integration.builder.conftest import Workbench


async def test_builder_tells_how_full_its_disk_is_at_its_start_and_later(bench: Workbench) -> None:
    async with bench.builder(measure_interval=0.05) as builder:
        ledger = builder.ledger
        told = await ledger.wait_for(lambda: len(found := ledger.all_of(events.StorageMeasured)) >= 3 and found)
    usage = shutil.disk_usage(bench.root)
    assert all(figures.total == usage.total for figures in told)
    assert all(0 < figures.free <= figures.total - figures.used for figures in told)
