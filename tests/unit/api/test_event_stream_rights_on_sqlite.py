"""Rights of readers of streams, on SQLite."""

import asyncio

import pytest

from conda_store_shared.testing.bus_messages import eventually
from tests.unit.api.event_stream_rights_suite import EventStreamRightsSuite
from tests.unit.api.ledger_builders import Ledger
from tests.unit.api.streaming import a_token, open_streaming, told, write

pytestmark = pytest.mark.slow


class TestEventStreamRights(EventStreamRightsSuite):
    """The suite on the ledger of this directory, and what is the same on every database."""

    async def test_streams_end_when_the_token_expires_though_their_reader_is_slow(self, ledger: Ledger) -> None:
        async with open_streaming(ledger) as streaming:
            token = a_token(seconds=2.9, team=["viewer"])
            swift, slow = await streaming.read(caller=token), await streaming.read(caller=token)
            slow.reads.clear()
            await write(ledger, told(actor="sent, and not read yet"))
            await swift.has(1)
            await asyncio.sleep(0.05)  # as the first is under way
            await write(ledger, told(actor="queued"))
            await eventually(lambda: swift.complete)
            assert swift.types == ["build.queued", "build.queued", "unauthorized"]
            assert swift.events[-1].data == {"message": "the token has expired or was revoked; log in again"}
            slow.reads.set()
            await eventually(lambda: slow.complete)
            assert slow.types[-1] == "unauthorized"
            assert "queued" not in [event.data.get("actor") for event in slow.events]
