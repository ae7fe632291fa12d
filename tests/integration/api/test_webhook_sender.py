"""Sending webhooks: to whom, what of, and what is made of every answer there may be."""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from conda_store_api.adapters.http_webhook_sender import HttpWebhookSender
from conda_store_api.domain.webhook_address import parse_networks
from conda_store_api.domain.webhook_request import WebhookAnswer, WebhookRequest
from conda_store_shared.testing.private_server import write_certificate
from conda_store_shared.testing.servers.webhook_receiver import Reply, WebhookReceiver, says, writes

LOCAL = parse_networks(["127.0.0.1/32"])
SECONDS = 0.4


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


def request_to(url: str) -> WebhookRequest:
    return WebhookRequest(url=url, headers={"webhook-id": "evt_1", "content-type": "text/x"}, body=b"{}")


def answers(*addresses: str) -> Callable[[str, int], Sequence[tuple[Any, ...]]]:
    """A look-up by which every name leads to these addresses."""
    return lambda _host, port: [
        info for address in addresses for info in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
    ]


async def sent(url: str, networks: Sequence[str] = ("127.0.0.1/32",), *leads_to: str) -> WebhookAnswer:
    sender = HttpWebhookSender(parse_networks(networks), seconds=SECONDS, look_up=answers(*leads_to))
    return await sender.send(request_to(url))


async def test_sender_posts_what_it_is_given_to_a_name_by_its_address(receiver: WebhookReceiver) -> None:
    answer = await sent(f"http://ci.example:{receiver.port}/hook?a=b%2Fc", ["127.0.0.1/32"], "127.0.0.1")
    assert (answer.status, answer.error, answer.is_success) == (204, None, True)
    (received,) = receiver.received
    assert (received.path, received.body) == ("/hook?a=b%2Fc", b"{}")
    assert received.headers == {
        "host": f"ci.example:{receiver.port}",
        "webhook-id": "evt_1",
        "content-type": "text/x",
        "content-length": "2",
        "connection": "close",
    }


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        (says(200), 200, None),
        (says(299), 299, None),
        (says(500), 500, "it answered 500"),
        (says(410), 410, "it answered 410"),
        (writes(b"HTTP/1.1 200 OK\r\n\r\nanything until the end"), 200, None),
        (writes(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Fine\r\n\r\n"), 202, None),
        (writes(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"), 200, None),
        (writes(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\ncut"), 200, None),
        (writes(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; =;;\r\nContent-Length: 0\r\n\r\n"), 200, None),
        (writes(b"\x00\xff not http at all\r\n\r\n"), None, "its answer is not HTTP"),
        (writes(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"), None, "its answer is not HTTP"),
        (writes(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000), None, "its answer is not HTTP"),
        (writes(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000), None, "its answer is not HTTP"),
        (writes(b""), None, "it closed the connection before there was an answer"),
    ],
)
async def test_sender_tells_what_came_back(
    receiver: WebhookReceiver, reply: Reply, status: int | None, error: str | None
) -> None:
    receiver.reply = reply
    answer = await sent(f"{receiver.url}/")
    assert (answer.status, answer.error) == (status, error)


async def test_sender_tells_what_the_receiver_asks_for(receiver: WebhookReceiver) -> None:
    receiver.reply = says(503, "Retry-After: 120")
    assert (await sent(receiver.url)).retry_after == "120"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_sender_follows_no_redirect(receiver: WebhookReceiver, status: int) -> None:
    receiver.reply = says(status, f"Location: {receiver.url}/inside")
    answer = await sent(f"{receiver.url}/hook")
    assert not answer.is_success
    assert "a redirect, which is not followed" in str(answer.error)
    assert [received.path for received in receiver.received] == ["/hook"]


def drips(connection: socket.socket, receiver: WebhookReceiver, start: bytes, drop: bytes) -> None:
    connection.sendall(start)
    while not receiver.stopping.wait(0.02):
        try:
            connection.sendall(drop)
        except OSError:
            return


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\n", b"Y: z\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
)
async def test_sender_gives_up_in_time_on_heads_without_end(
    receiver: WebhookReceiver, start: bytes, drop: bytes
) -> None:
    receiver.reply = lambda connection: drips(connection, receiver, start, drop)
    began = time.monotonic()
    answer = await sent(receiver.url)
    assert time.monotonic() - began < 3 * SECONDS
    assert answer.status is None
    assert answer.error in ("there was no answer within 0.4 s", "its answer is not HTTP")


async def test_sender_does_not_wait_for_the_end_of_a_body(receiver: WebhookReceiver) -> None:
    receiver.reply = lambda connection: drips(connection, receiver, b"HTTP/1.1 200 OK\r\n\r\n", b"y" * 8000)
    assert (await sent(receiver.url)).is_success


async def test_sender_waits_for_no_name_longer_than_for_the_rest() -> None:
    def hangs(_host: str, _port: int) -> Sequence[tuple[Any, ...]]:
        time.sleep(1.0)
        return []

    async def unanswered() -> WebhookAnswer:
        sender = HttpWebhookSender(LOCAL, seconds=0.2, look_up=hangs)
        return (await asyncio.gather(*(sender.send(request_to(f"http://n{n}.example/")) for n in range(20))))[0]

    began = time.monotonic()
    assert (await unanswered()).error == "there was no answer within 0.2 s"
    assert time.monotonic() - began < 0.9


async def test_sender_connects_to_nothing_that_is_not_allowed(receiver: WebhookReceiver) -> None:
    refused = "its host leads to an address that nothing may be sent to"
    for host, leads_to in [
        ("127.0.0.1", ""),
        ("ci.example", "127.0.0.1"),
        ("ci.example", "::1"),
        ("ci.example", "::ffff:127.0.0.1"),
        ("[::ffff:7f00:1]", ""),
        ("[::1]", ""),
        # By no look-up of ours, in case such a url was kept once.
        ("0x7f000001", "127.0.0.1"),
    ]:
        answer = await sent(f"http://{host}:{receiver.port}/", [], leads_to or "8.8.8.8")
        assert (host, answer.error) == (host, refused)
    for host in ("2130706433", "127.1"):
        assert (await sent(f"http://{host}:{receiver.port}/", [], "127.0.0.1")).error is not None
    assert receiver.received == []


async def test_sender_takes_of_several_addresses_those_that_are_allowed(receiver: WebhookReceiver) -> None:
    answer = await sent(f"http://ci.example:{receiver.port}/", ["127.0.0.1/32"], "127.0.0.2", "::1", "127.0.0.1")
    assert answer.is_success


async def test_sender_is_not_deceived_by_a_name_that_changes_its_mind(receiver: WebhookReceiver) -> None:
    asked: list[str] = []

    def rebinds(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        asked.append(host)
        # Allowed when it is checked, the machine itself ever after.
        return answers("127.0.0.1" if len(asked) == 1 else "127.0.0.2")(host, port)

    sender = HttpWebhookSender(LOCAL, seconds=SECONDS, look_up=rebinds)
    request = request_to(f"http://ci.example:{receiver.port}/")
    assert (await sender.send(request)).is_success
    assert len(asked) == 1
    answer = await sender.send(request)
    assert answer.error == "its host leads to an address that nothing may be sent to"
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("host", "error"),
    [("127.0.0.1:1", "it cannot be reached: "), ("no.invalid", "the name of its host cannot be looked up")],
)
async def test_sender_tells_why_there_is_no_connection(host: str, error: str) -> None:
    answer = await HttpWebhookSender(LOCAL, seconds=10).send(request_to(f"http://{host}/"))
    assert str(answer.error).startswith(error)


async def test_sender_trusts_no_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    with WebhookReceiver(certificate=write_certificate(tmp_path / "own.pem")) as receiver:
        answer = await sent(receiver.url)
        plain = await sent(receiver.url.replace("https", "http"))
    assert answer.error == "its certificate is not valid: self-signed certificate"
    assert plain.error is not None
    assert receiver.received == []


@pytest.mark.parametrize(("certified", "is_success"), [("ci.example", True), ("other.example", False)])
async def test_sender_checks_the_certificate_of_the_name_not_of_the_address(
    tmp_path: Path, certified: str, is_success: bool
) -> None:
    certificate = write_certificate(tmp_path / "own.pem", certified)
    trust = ssl.create_default_context(cafile=certificate)
    sender = HttpWebhookSender(LOCAL, seconds=SECONDS, look_up=answers("127.0.0.1"), trust=trust)
    with WebhookReceiver(certificate=certificate) as receiver:
        answer = await sender.send(request_to(f"https://ci.example:{receiver.port}/"))
    assert answer.is_success == is_success
    if not is_success:
        assert "Hostname mismatch" in str(answer.error)


async def test_sender_says_when_an_address_speaks_no_tls(receiver: WebhookReceiver) -> None:
    assert (await sent(receiver.url.replace("http", "https"))).error == "it does not speak TLS as we do"


async def test_sender_survives_what_nobody_foresaw() -> None:
    def stumbles(_host: str, _port: int) -> Sequence[tuple[Any, ...]]:
        return [(None,)]

    answer = await HttpWebhookSender(LOCAL, look_up=stumbles).send(request_to("http://ci.example/"))
    assert answer.error == "its answer cannot be understood"


async def test_sender_asks_no_proxy_of_the_environment(receiver: WebhookReceiver) -> None:
    with WebhookReceiver() as proxy:
        os.environ["http_proxy"] = proxy.url
        try:
            assert (await sent(receiver.url)).is_success
        finally:
            del os.environ["http_proxy"]
        assert proxy.received == []
