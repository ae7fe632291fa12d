"""What a handler does: told to callers in the API description, and whom it lets in, checked before it runs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]


class Access(Protocol):
    """A rule about who may call an operation."""

    @property
    def told(self) -> str:
        """The rule, for a person who reads the API description."""
        ...

    async def check(self, request: Request) -> None:
        """Raise NotAuthorized, or what comes before it by contract (NotFound), unless the caller may go on."""
        ...


@dataclass(frozen=True, slots=True)
class Anyone:
    """Everybody may call, and who calls makes no difference."""

    @property
    def told(self) -> str:
        """The rule in words."""
        return "Open to everybody."

    async def check(self, request: Request) -> None:
        """Let everybody in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """An answer in another form: its status and meaning; its media type when it has a body, and the model of that."""

    told: str
    status: int = 200
    media_type: str | None = None
    model: type[BaseModel] | None = None


Answer = Any  # a pydantic model, a parametrised one, or Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    ``query`` and ``body`` are the models that the handler parses, ``answers`` what it gives when all is well, or what
    has another form than the usual error, and ``errors`` the meaning of each status that tells what went wrong, besides
    those every operation shares.
    """

    summary: str
    access: Access
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_optional: bool = False
    answers: tuple[Answer, ...] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A handler behind its access rule; nothing else can stand in a route table."""

    handler: Handler
    operation: Operation

    @property
    def name(self) -> str:
        """Name of the handler, unique within its service."""
        return str(getattr(self.handler, "__name__", type(self.handler).__name__))

    async def __call__(self, request: Request) -> Response:
        """Check who calls, then answer."""
        await self.operation.access.check(request)
        return await self.handler(request)


def operation(summary: str, access: Access, *answers: Answer, **told: Any) -> Callable[[Handler], Endpoint]:
    """Declare a handler.

        @operation("Show one build", OnBuild(Permission.ENVIRONMENT_READ), Envelope[BuildModel])
        async def show_build(request: Request) -> Response: ...

    ``told`` are the other fields of Operation.
    """
    declared = Operation(summary=summary, access=access, answers=answers, **told)
    return lambda handler: Endpoint(handler, declared)
