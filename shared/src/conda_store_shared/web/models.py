"""Models of the answers all services share, for the API description."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class Ack(BaseModel):
    """It was done."""

    status: Literal["ok"]
    message: str | None = None


class Envelope(BaseModel, Generic[T]):
    """An answer that carries ``data``."""

    status: Literal["ok"]
    data: T
    message: str | None = None


class PageOf(BaseModel, Generic[T]):
    """One page of a list; ``count`` is the number of rows on all pages."""

    status: Literal["ok"]
    data: list[T]
    message: str | None = None
    page: int
    size: int
    count: int


class NotFoundAnswer(BaseModel):
    """There is nothing at this path."""

    detail: str


class ErrorAnswer(BaseModel):
    """What went wrong, which one, and what to do."""

    status: Literal["error"]
    message: str


class FieldError(BaseModel):
    """One value that does not have the declared shape; ``loc`` leads to it from path, query or body."""

    type: str
    loc: list[str | int]
    msg: str
    input: Any = None
    ctx: dict[str, Any] | None = None


class UnprocessableAnswer(BaseModel):
    """A path, query or body does not have the declared shape."""

    detail: list[FieldError]
