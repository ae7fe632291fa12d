"""What callers see when something goes wrong, foreseen or not."""

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from structlog.testing import capture_logs

from conda_store_shared.errors import (
    ChannelNotAllowed,
    CondaStoreError,
    ConfigurationError,
    Conflict,
    DatabaseUnavailable,
    InvalidName,
    NotAuthenticated,
    NotAuthorized,
    NotFound,
    TooLarge,
)
from conda_store_shared.web.application import create_application
from conda_store_shared.web.errors import Unprocessable, status_of
from conda_store_shared.web.operation import Anyone, operation
from conda_store_shared.web.routing import route
from conda_store_shared.web.unstorable import unstorable_value


def client_raising(raised: Callable[[], BaseException]) -> httpx.AsyncClient:
    @operation("Answer", Anyone())
    async def fail(_request: Request) -> Response:
        raise raised()

    application = create_application([route("/fail/", get=fail)], translate=[unstorable_value])
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://conda-store.example")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidName("bad name"), 400),
        (ChannelNotAllowed("bad channel"), 400),
        (TooLarge("too much"), 413),
        (NotAuthenticated("wrong password"), 403),
        (NotAuthorized("request not authorized"), 403),
        (NotFound("build id does not exist"), 404),
        (Conflict("namespace already exists"), 409),
        (DatabaseUnavailable("the database does not answer"), 503),
    ],
)
async def test_caller_reads_status_and_message_of_an_error_of_the_tree(error: CondaStoreError, status: int) -> None:
    async with client_raising(lambda: error) as client:
        answer = await client.get("/fail/")
    assert answer.status_code == status
    assert answer.json() == {"status": "error", "message": error.message}


@pytest.mark.parametrize(
    "error", [DatabaseUnavailable("gone"), ConnectionRefusedError(111, "10.0.0.7:5432"), TimeoutError("10.0.0.7")]
)
async def test_caller_is_told_when_to_come_back_when_a_part_is_away(error: Exception) -> None:
    with capture_logs() as logs:
        async with client_raising(lambda: error) as client:
            answer = await client.get("/fail/")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "10.0.0.7" not in answer.text
    assert "request_unavailable" in {entry["event"] for entry in logs}


async def test_caller_learns_nothing_of_an_unforeseen_error_but_the_log_does() -> None:
    with capture_logs() as logs:
        async with client_raising(lambda: RuntimeError("password=hunter2")) as client:
            answer = await client.get("/fail/")
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "Internal Server Error"
    [entry] = [entry for entry in logs if entry["event"] == "request_failed"]
    assert isinstance(entry["exc_info"], RuntimeError)


async def test_error_that_is_no_callers_business_is_a_500() -> None:
    with capture_logs():
        async with client_raising(lambda: ConfigurationError("secret is too short")) as client:
            answer = await client.get("/fail/")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


async def test_caller_reads_the_error_of_a_task_when_a_group_wraps_it() -> None:
    async with client_raising(lambda: ExceptionGroup("tasks", [NotFound("no such build")])) as client:
        answer = await client.get("/fail/")
    assert (answer.status_code, answer.json()["message"]) == (404, "no such build")


async def test_group_with_an_unforeseen_member_is_a_500() -> None:
    with capture_logs():
        async with client_raising(lambda: ExceptionGroup("tasks", [NotFound("x"), KeyError("y")])) as client:
            answer = await client.get("/fail/")
    assert answer.status_code == 500


async def test_value_that_the_database_refuses_is_the_callers_fault() -> None:
    class Refused(Exception):
        sqlstate = "22021"

    async with client_raising(lambda: DBAPIError("INSERT", {}, Refused("invalid byte sequence: 0x00"))) as client:
        answer = await client.get("/fail/")
    assert answer.status_code == 400
    assert "INSERT" not in answer.text


async def test_caller_reads_where_the_input_does_not_fit() -> None:
    entry = {"type": "missing", "loc": ["query", "other_namespace"], "msg": "Field required", "input": None}
    async with client_raising(lambda: Unprocessable([entry])) as client:
        answer = await client.get("/fail/")
    assert (answer.status_code, answer.json()) == (422, {"detail": [entry]})


async def test_message_with_a_lone_surrogate_is_still_answered() -> None:
    async with client_raising(lambda: InvalidName("namespace=\ud800")) as client:
        answer = await client.get("/fail/")
    assert (answer.status_code, answer.json()["message"]) == (400, "namespace=?")


async def test_answer_that_breaks_off_is_not_followed_by_another() -> None:
    async def pieces() -> object:
        yield b"first"
        raise RuntimeError("disk gone")

    @operation("Answer", Anyone())
    async def download(_request: Request) -> Response:
        return StreamingResponse(pieces())  # type: ignore[arg-type]

    application = create_application([route("/download/", get=download)])
    transport = httpx.ASGITransport(application)
    with capture_logs():
        async with httpx.AsyncClient(transport=transport, base_url="http://conda-store.example") as client:
            with pytest.raises(RuntimeError, match="disk gone"):
                await client.get("/download/")


def test_every_input_error_has_a_status() -> None:
    assert status_of(Unprocessable([])) == 422
    assert status_of(CondaStoreError("whatever")) is None
