"""Names that no store could keep a build's objects under."""

import pytest

from conda_store_shared.errors import InvalidName
from tests.unit.api.ledger_builders import Ledger


async def test_submission_is_refused_when_its_name_is_too_long_for_the_store(ledger: Ledger) -> None:
    with pytest.raises(InvalidName, match="too long"):
        await ledger.submit(name="a" * 250)
    # It would never get its order stored, and would keep every other build from being released.
    other = await ledger.submit()
    assert await ledger.release() == 1
    assert set(await ledger.stages(other)) == {"solve"}
    assert await ledger.namespaces() == [other.order["namespace"] if other.order else None]


async def test_submission_is_taken_when_its_name_just_fits(ledger: Ledger) -> None:
    build = await ledger.submit(name="a" * 200)
    assert await ledger.release() == 1
    assert (await ledger.build(build.id)).released_on == ledger.now
