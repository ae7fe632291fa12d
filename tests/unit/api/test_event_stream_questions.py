"""Requests for streams that are answered before any begins."""

import pytest

from tests.unit.api.ledger_builders import Ledger
from tests.unit.api.streaming import Streaming

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("sent", ["x", "-1", "1.5", "9" * 19, "9" * 5000, "\xb2"])
async def test_what_is_no_id_is_refused_before_the_stream_begins(streaming: Streaming, sent: str) -> None:
    answer = await streaming.api.get("/event/stream/", headers={"Last-Event-ID": sent.encode("latin-1")})
    assert answer.status_code == 400
    assert answer.json()["message"].endswith("is no id of an event; send the last one you were sent, or none")


@pytest.mark.parametrize(
    ("path", "caller", "status"),
    [
        ("/event/stream/?cursor=x", "admin", 422),
        ("/event/stream/?type=build.exploded", "admin", 422),
        ("/build/77/events/", "admin", 404),
        ("/build/x/events/", "admin", 422),
    ],
)
async def test_question_that_makes_no_sense_is_answered_as_everywhere(
    streaming: Streaming, path: str, caller: str, status: int
) -> None:
    answer = await streaming.api.get(path, caller)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")


async def test_head_is_told_the_headers_at_either_spelling(streaming: Streaming) -> None:
    build_id = (await streaming.api.submit()).json()["data"]["build_id"]
    for path in ("/event/stream", "/event/stream/", f"/build/{build_id}/events", f"/build/{build_id}/events/"):
        answer = await streaming.api.ask("HEAD", path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


async def test_stream_of_a_build_one_may_not_read_is_refused(streaming: Streaming, ledger: Ledger) -> None:
    build = await ledger.released()
    reader = await streaming.read(f"/api/v1/build/{build.id}/events/", "stranger")
    assert reader.status == 403
