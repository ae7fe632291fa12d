"""The log as server-sent events over HTTP, on both databases."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import httpx

from conda_store_client.event_frames import Frame, FrameReader
from conda_store_shared.db.engine import Database
from conda_store_shared.storage.filesystem import FilesystemStore
from tests.integration.artifacts.download_service import DownloadService, a_token, token_of

LOG = "/conda-store/api/v1/build/1/logs/?follow=1"


def frames_of(answer: httpx.Response) -> list[Frame]:
    """The events of a stream that has ended."""
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    return list(FrameReader().read(answer.content))


async def test_log_is_streamed_with_its_stages_and_positions_until_its_end(
    service: DownloadService, client: httpx.AsyncClient
) -> None:
    await service.begin_attempt("aa", 1)
    await service.add_log("aa", 0, "solving ♥\n")
    await service.add_log("aa", 1, "solved\r\n")
    await service.end_attempt("aa", "done")
    await service.become("COMPLETED")
    await service.store_log("the whole\n")
    frames = frames_of(await client.get(LOG))
    assert [(frame.event, json.loads(frame.data)) for frame in frames] == [
        ("stage", {"stage": "solve", "attempt": 1, "state": "running"}),
        ("log", {"stage": "solve", "attempt": 1, "text": "solving ♥\n"}),
        ("log", {"stage": "solve", "attempt": 1, "text": "solved\r\n"}),
        ("stage", {"stage": "solve", "attempt": 1, "state": "done"}),
        ("end", {"reason": "complete", "status": "COMPLETED"}),
    ]
    assert frames[2].last_id == frames[-1].last_id

    again = frames_of(await client.get(LOG, headers={"Last-Event-ID": frames[1].last_id}))
    assert [json.loads(frame.data)["text"] for frame in again if frame.event == "log"] == ["solved\r\n"]
    assert again == frames_of(await client.get(f"{LOG}&position={frames[1].last_id}"))
    # What a reader has seen counts, wherever its address says that it began.
    over = await client.get(f"{LOG}&position=0", headers={"Last-Event-ID": frames[-1].last_id})
    assert (over.status_code, over.content) == (204, b"")


async def test_log_that_ends_while_nothing_is_written_is_told_to_have_ended(
    service: DownloadService, client: httpx.AsyncClient
) -> None:
    async with service.listening(), service.client() as reader:
        reading = asyncio.create_task(reader.get(LOG))
        await service.become("CANCELED")
        await service.store_log("")
        [end] = frames_of(await reading)
    assert (end.event, json.loads(end.data)) == ("end", {"reason": "complete", "status": "CANCELED"})
    assert (await client.get(LOG, headers={"Last-Event-ID": end.last_id})).status_code == 204


async def test_log_stream_ends_when_the_token_of_its_reader_does(empty_database: Database, tmp_path: Path) -> None:
    async with FilesystemStore(tmp_path / "storage") as store:
        service = DownloadService(database=empty_database, store=store)
        await service.add_build()
        await service.add_log("aa", 0, "open\n")
        token = token_of({"team": ["viewer"]}, timedelta(seconds=2))
        async with service.listening(), service.client(token=token) as reader:
            reading = asyncio.create_task(reader.get(LOG))
            # As long as the token counts.
            await asyncio.sleep(2.1)
            await service.add_log("aa", 1, "secret\n")
            frames = frames_of(await reading)
    assert [frame.event for frame in frames] == ["stage", "log", "unauthorized"]


async def test_log_is_streamed_to_those_who_may_read_the_build(
    service: DownloadService, client: httpx.AsyncClient
) -> None:
    async with service.client(token=a_token(other=["viewer"])) as stranger:
        assert (await stranger.get(LOG)).status_code == 403
    assert (await client.get(LOG.replace("/1/", "/2/"))).status_code == 404
    wrong = await client.get(LOG, headers={"Last-Event-ID": "17"})
    assert (wrong.status_code, wrong.json()["message"]) == (
        400, "position=17 is not valid; give 0, or what X-Log-Position said"
    )  # fmt: skip
    head = await client.head(LOG)
    assert (head.status_code, head.content) == (200, b"")
