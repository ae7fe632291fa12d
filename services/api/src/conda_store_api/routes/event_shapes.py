"""How public events look to who lists them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel


class EventModel(BaseModel):
    """A public event; ``data`` depends on its type, and has where it happened and links."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str | None
    time: datetime
    datacontenttype: Literal["application/json"]
    actor: str | None
    data: dict[str, Any]
