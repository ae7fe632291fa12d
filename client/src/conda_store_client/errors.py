"""What can go wrong, as told to the user.

ClientError
├── ServerUnreachable     nothing answers, or the answer broke off
├── ServerUnavailable     it answers that it cannot serve now (502, 503, 504)
├── RequestRefused        it answers that it will not (any other status that is no success)
└── UnexpectedAnswer      what answers is no conda-store server
"""

from typing import Self


class ClientError(Exception):
    """Ends the command with status 1; ``message`` is printed bold, ``detail`` (may be empty) below it."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail

    def __str__(self) -> str:
        return self.message

    def told_as(self, message: str) -> Self:
        """Put what the command was about in front; what was known moves into the detail."""
        self.detail = "\n".join(filter(None, (self.message, self.detail)))
        self.message = message
        return self


class ServerUnreachable(ClientError):
    """Raised when nothing answers, or when an answer broke off."""


class ServerUnavailable(ClientError):
    """Raised when the server says that it cannot serve at the moment."""


class RequestRefused(ClientError):
    """Raised when the server refuses a request; ``status`` is that of HTTP."""

    def __init__(self, status: int, message: str, detail: str = "") -> None:
        super().__init__(message, detail)
        self.status = status


class UnexpectedAnswer(ClientError):
    """Raised when an answer is not what a conda-store server would say."""


# Worth another try while something is being waited for.
PASSING = (ServerUnreachable, ServerUnavailable)
