"""What is sent to a webhook, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """One POST; the address was checked when the webhook was made."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
    """What came back: a status, or the reason why there is none, for the owner of the webhook to read.

    ``retry_after`` is what the receiver asks for, as it says so.
    """

    status: int | None = None
    error: str | None = None
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        return self.status == HTTPStatus.GONE
