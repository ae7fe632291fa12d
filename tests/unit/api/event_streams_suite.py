"""Streams of events: what they tell, to whom, and from where on; on every database."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from conda_store_api.repositories.event_log import forget_before
from conda_store_api.repositories.events import EventFilter
from conda_store_api.use_cases.follow_events.stream import EventSource, Followed
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.domain.stage import SOLVE
from conda_store_shared.testing.bus_messages import eventually
from conda_store_shared.web.authentication import Principal
from tests.unit.api.ledger_builders import NOON, Attempt, Ledger
from tests.unit.api.streaming import STREAM, Streaming, told, write

SUBMITTED = ["namespace.created", "environment.created", "build.queued"]


class EventStreamsSuite:
    """Suites below run on the ledger of their directory."""

    async def test_reader_is_sent_what_happens_from_now_on_as_it_would_be_listed(self, streaming: Streaming) -> None:
        await streaming.api.submit(namespace="lab")
        reader = await streaming.read()
        await streaming.api.submit()
        await eventually(lambda: reader.types == SUBMITTED)
        listed = (await streaming.api.get("/event/?order=asc&namespace=team")).json()["data"]
        assert [event.data for event in reader.events] == listed
        assert [event.id for event in reader.events] == [event["id"] for event in listed]
        assert reader.headers["content-type"] == "text/event-stream; charset=utf-8"

    @pytest.mark.parametrize("header", [True, False])
    async def test_reader_that_connects_again_is_sent_each_event_once(
        self, streaming: Streaming, ledger: Ledger, header: bool
    ) -> None:
        first = await streaming.read()
        await write(ledger, told("build.queued"), told("build.started"))
        await first.has(2)
        first.left.set()
        await write(ledger, told("build.solved"))
        asked: dict[str, Any] = {"last_id": first.last_id, "cursor": 1} if header else {"cursor": first.last_id}
        second = await streaming.read(**asked)
        await write(ledger, told("build.completed"))
        await eventually(lambda: second.types == ["build.solved", "build.completed"])

    async def test_reader_that_saw_nothing_yet_misses_nothing_when_it_connects_again(
        self, streaming: Streaming, ledger: Ledger
    ) -> None:
        await write(ledger, told("build.queued"))
        first = await streaming.read()
        first.left.set()
        await write(ledger, told("build.started"))
        second = await streaming.read(last_id=first.last_id)
        await eventually(lambda: second.types == ["build.started"])

    async def test_silent_reader_is_told_how_far_the_log_was_read_for_it(
        self, streaming: Streaming, ledger: Ledger
    ) -> None:
        await write(ledger, told("build.queued"))
        position = await streaming.feed.newest()
        filters = EventFilter(types=(PublicEventType.BUILD_FAILED,))
        nobody = Principal(authenticated=False, primary_namespace="", sources={})
        source = EventSource(streaming.feed, nobody, Followed(filters=filters, position=position, now=True))
        assert await source.take(10) == f"id: {position}\n\n".encode()
        assert await source.take(0.01) == b""
        await write(ledger, told("build.started"), told("build.solved"))
        async with asyncio.timeout(10):
            while not (frames := await source.take(0.01)):
                pass
        assert frames == f"id: {position + 2}\n\n".encode()
        source.close()

    async def test_reader_is_sent_the_whole_log_when_it_asks_so(self, streaming: Streaming, ledger: Ledger) -> None:
        await write(ledger, *(told("build.queued", actor=str(number)) for number in range(120)))
        reader = await streaming.read(cursor=0)
        await reader.has(120)
        assert [event.data["actor"] for event in reader.events] == [str(number) for number in range(120)]

    async def test_reader_is_sent_only_what_fits_every_filter(self, streaming: Streaming, ledger: Ledger) -> None:
        place = {"namespace": "team", "environment": "weather"}
        asked: dict[str, Any] = {"type": ["build.failed", "build.queued"], "actor": "a", **place}
        live = await streaming.read(**asked)
        fitting = told("build.failed", actor="a")
        others = [
            told("build.solved", actor="a"),
            told("build.failed", "lab", actor="a"),
            told("build.failed", environment="snow", actor="a"),
            told("build.failed"),
        ]
        await write(ledger, *others, fitting)
        await live.has(1)
        later = await streaming.read(cursor=0, **asked)
        await later.has(1)
        assert live.events == later.events
        assert [event["id"] for event in await self._listed(streaming)][-1] == live.last_id

    async def test_reader_is_sent_only_what_it_may_read(self, streaming: Streaming, ledger: Ledger) -> None:
        callers = ("owner", "viewer", "guest", "stranger", None)
        readers = {caller: await streaming.read(caller=caller) for caller in callers}
        places = [("team", "weather"), ("lab", "rain"), ("lab", "snow"), ("default", "weather")]
        of_environments = [
            told(kind, namespace, environment=environment)
            for kind in ("build.queued", "environment.deleted", "specification.rejected", "settings.changed")
            for namespace, environment in places
        ]
        of_namespaces = [
            told(kind, namespace)
            for kind in ("settings.changed", "role.granted", "namespace.created", "specification.rejected")
            for namespace in ("team", "lab", "default")
        ]
        await write(ledger, *of_environments, *of_namespaces, told("settings.changed", ""), told("channel.indexed", ""))
        for caller, reader in readers.items():
            listed = (await streaming.api.get("/event/?order=asc", caller)).json()["data"]
            await reader.has(len(listed))
            assert [event.id for event in reader.events] == [event["id"] for event in listed], caller

    async def test_reader_whose_past_is_gone_is_told_where_to_look(self, streaming: Streaming, ledger: Ledger) -> None:
        events = [told(time=NOON + timedelta(days=day)) for day in range(4)]
        await write(ledger, *events)
        ids = [event["id"] for event in await self._listed(streaming)]
        async with ledger.transactions.begin() as transaction:
            assert await forget_before(transaction.session, NOON + timedelta(days=2), None, 1000) == 2
        snapshots = {
            "environment/": {},
            "namespace/team/": {"namespace": "team"},
            "environment/team/weather/": {"namespace": "team", "environment": "weather"},
        }
        for snapshot, query in snapshots.items():
            reader = await streaming.read(last_id=ids[0], **query)
            await reader.has(1)
            assert reader.types == ["reset"]
            assert reader.events[0].data == {"snapshot": f"/api/v1/{snapshot}"}
            assert reader.last_id == ids[-1]
        await write(ledger, told("build.failed"))
        await eventually(lambda: reader.types == ["reset", "build.failed"])
        whole = await streaming.read(cursor=0)
        await eventually(lambda: whole.types == ["build.queued"] * 2 + ["build.failed"])

    async def test_reader_who_comes_from_another_log_is_told_where_to_look(
        self, streaming: Streaming, ledger: Ledger
    ) -> None:
        await write(ledger, told())
        reader = await streaming.read(last_id="1000000")
        await write(ledger, told("build.failed"))
        await eventually(lambda: reader.types == ["reset", "build.failed"])

    async def test_stream_of_a_build_begins_and_ends_with_it(self, streaming: Streaming, ledger: Ledger) -> None:
        build = await ledger.completed()
        path = f"/api/v1/build/{build.id}/events/"
        live = await streaming.read(path)
        stored, failed = Attempt(build, "artifact.YAML", NOON), Attempt(build, "artifact.CONDA_PACK", NOON)
        await ledger.apply(stored.started(), stored.product(), failed.started())
        await eventually(lambda: "artifact.stored" in live.types)
        assert not live.complete
        await ledger.apply(failed.failed("disk_full"))
        await eventually(lambda: live.complete)
        assert live.types == [
            "build.queued", "build.started", "build.solved", "build.completed", "environment.current_build_changed",
            "artifact.stored", "artifact.failed", "build.artifacts_completed",
        ]  # fmt: skip
        again = await streaming.read(path, last_id=live.last_id)
        assert (again.status, again.text) == (204, "")
        whole = await streaming.read(path)
        await eventually(lambda: whole.complete)
        assert whole.events == live.events
        rest = await streaming.read(path, last_id=live.events[-2].id)
        await eventually(lambda: rest.complete)
        assert rest.types == live.types[-1:]

    @pytest.mark.parametrize("end", ["build.failed", "build.canceled", "build.deleted"])
    async def test_stream_of_a_build_ends_however_it_ends(
        self, streaming: Streaming, ledger: Ledger, end: str
    ) -> None:
        build = await (ledger.completed() if end == "build.deleted" else ledger.released())
        reader = await streaming.read(f"/api/v1/build/{build.id}/events/", "viewer")
        if end == "build.failed":
            attempt = Attempt(build, SOLVE, NOON)
            await ledger.apply(attempt.started(), attempt.failed("unsatisfiable"))
        elif end == "build.canceled":
            await ledger.cancel(build)
        else:
            await ledger.delete(build)
        await eventually(lambda: reader.complete)
        assert reader.types[-1] == end

    async def test_stream_of_a_build_whose_beginning_is_gone_tells_where_to_look(
        self, streaming: Streaming, ledger: Ledger
    ) -> None:
        build = await ledger.completed()
        await write(ledger, told("namespace.created", "lab"))
        async with ledger.transactions.begin() as transaction:
            await forget_before(transaction.session, NOON + timedelta(days=9), None, 1000)
        reader = await streaming.read(f"/api/v1/build/{build.id}/events/")
        await eventually(lambda: reader.types == ["reset"])
        assert reader.events[0].data == {"snapshot": f"/api/v1/build/{build.id}/"}
        await ledger.cancel(build)
        await eventually(lambda: reader.complete)
        assert reader.types == ["reset", "build.artifacts_completed"]

    async def test_slow_reader_is_sent_each_event_once_from_the_log(
        self, streaming: Streaming, ledger: Ledger
    ) -> None:
        reader = await streaming.read()
        reader.reads.clear()
        for start in range(0, 300, 50):
            await write(ledger, *(told("build.failed", actor=str(start + n), detail="x" * 2000) for n in range(50)))
        swift = await streaming.read(cursor=0)
        await swift.has(300)
        assert reader.events == []
        reader.reads.set()
        await reader.has(300)
        assert [event.data["actor"] for event in reader.events] == [str(number) for number in range(300)]

    async def test_reader_is_not_sent_what_only_a_newer_release_knows(
        self, streaming: Streaming, ledger: Ledger
    ) -> None:
        reader = await streaming.read()
        async with ledger.transactions.begin() as transaction:
            unknown = "INSERT INTO event (type, time, namespace, data) VALUES ('build.sung', :now, 'team', '{}')"
            await transaction.session.execute(text(unknown), {"now": ledger.now})
        await write(ledger, told("build.queued"))
        await reader.has(1)
        whole = await streaming.read(cursor=0)
        await whole.has(1)
        assert reader.types == whole.types == ["build.queued"]

    async def test_stream_is_one_of_the_open_ones_until_its_reader_leaves(self, streaming: Streaming) -> None:
        reader = await streaming.read(STREAM)
        assert len(streaming.application.state.open_streams) == 1
        reader.left.set()
        await eventually(lambda: len(streaming.application.state.open_streams) == 0)

    async def _listed(self, streaming: Streaming) -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = (await streaming.api.get("/event/?order=asc")).json()["data"]
        return data
