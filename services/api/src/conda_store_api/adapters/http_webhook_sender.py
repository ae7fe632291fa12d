"""Sends webhooks by HTTP: one request on a connection of its own, to an address that was checked."""

import asyncio
import ssl
import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import aiohttp
import structlog
from yarl import URL

from conda_store_api.adapters.checked_addresses import (
    AddressNotAllowed,
    CheckedResolver,
    CheckedSockets,
    LookUp,
    look_up,
)
from conda_store_api.domain.webhook_address import Network
from conda_store_api.domain.webhook_request import WebhookAnswer, WebhookRequest

SECONDS = 15.0
# Of an answer this much is read and thrown away, so that the receiver is not cut off; its head is what counts.
_MOST_READ = 4096
_READING_SECONDS = 1.0
_REASONS: Mapping[type[Exception], str] = {
    aiohttp.ClientConnectorDNSError: "the name of its host cannot be looked up",
    aiohttp.ClientSSLError: "it does not speak TLS as we do",
    aiohttp.ServerDisconnectedError: "it closed the connection before there was an answer",
    aiohttp.ClientConnectionResetError: "it closed the connection before there was an answer",
}
_OURS = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")

log = structlog.get_logger()


class HttpWebhookSender:
    """Sends webhooks; a whole exchange takes ``seconds`` at most, from looking up the name.

    Nothing is shared between two requests: neither connections, which would outlive the check of their address, nor
    cookies.  Proxies of the environment are not asked, and redirects not followed.
    """

    def __init__(
        self,
        allowed_networks: Sequence[Network],
        *,
        seconds: float = SECONDS,
        look_up: LookUp = look_up,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """Certificates are checked as the system says, or as ``trust`` does."""
        self._sockets = CheckedSockets(allowed_networks)
        self._resolver = CheckedResolver(self._sockets, look_up)
        self._seconds = seconds
        self._trust = trust or True

    async def send(self, request: WebhookRequest) -> WebhookAnswer:
        """Send, within a time; whatever goes wrong is told in the answer."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._exchange(request)
        except TimeoutError:
            return WebhookAnswer(error=f"there was no answer within {self._seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return WebhookAnswer(error=_told(error))
        except Exception as error:
            # What a receiver may make a library of HTTP stumble over is no reason to stop.  Its words may have the url.
            where = traceback.extract_tb(error.__traceback__)[-1]
            log.error("webhook_answer_surprises", kind=type(error).__name__, at=f"{where.filename}:{where.lineno}")
            return WebhookAnswer(error="its answer cannot be understood")

    async def _exchange(self, request: WebhookRequest) -> WebhookAnswer:
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            use_dns_cache=False,
            socket_factory=self._sockets,
            force_close=True,
            ssl=self._trust,
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_OURS,
                auto_decompress=False,
                read_bufsize=_MOST_READ,
            ) as session,
            session.post(
                URL(request.url, encoded=True), data=request.body, headers=request.headers, allow_redirects=False
            ) as answer,
        ):
            await _read_a_little(answer)
            return WebhookAnswer(
                status=answer.status, error=_complaint(answer.status), retry_after=answer.headers.get("Retry-After")
            )


async def _read_a_little(answer: aiohttp.ClientResponse) -> None:
    read = 0
    try:
        async with asyncio.timeout(_READING_SECONDS):
            while read < _MOST_READ and (chunk := await answer.content.read(_MOST_READ)):
                read += len(chunk)
    except (TimeoutError, aiohttp.ClientError, OSError):
        # What it says besides is of no interest.
        pass


def _complaint(status: int) -> str | None:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"it answered {status}, a redirect, which is not followed; give the address it leads to"
    return f"it answered {status}"


def _told(error: Exception) -> str:
    """What went wrong, without an address that only the network here knows, and without the url."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, AddressNotAllowed):
        return "its host leads to an address that nothing may be sent to"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "")
        return ": ".join(filter(None, ("its certificate is not valid", reason)))
    for kind, text in _REASONS.items():
        if isinstance(error, kind):
            return text
    if isinstance(error, aiohttp.ClientOSError):
        return f"it cannot be reached: {(error.strerror or 'no connection').lower()}"
    return "its answer is not HTTP"
