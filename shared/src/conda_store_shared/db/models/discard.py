"""What is still to go from disk and bucket."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import Model


class Discard(Model):
    """A prefix, objects or a link to be removed; the row goes when their owner says that they are gone.

    ``kind`` is ``prefix``, ``artifacts`` or ``link``, ``targets`` are paths or keys, ``generation`` is that of a link.
    Each is requested at ``not_before`` (None: at once) and again until it is confirmed.  Nothing waits for a ``late``
    one: it takes what work that was under way left after the first.
    """

    __tablename__ = "discard"
    __table_args__ = (
        Index("ix_discard_build_id", "build_id"),
        Index("ix_discard_environment_id", "environment_id"),
        Index("ix_discard_kind_requests", "kind", "requests"),
    )

    # Not a number: ids of rows that are gone must not come back, since confirmations may come late.
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    # No foreign keys: these rows may outlive what they are about.
    build_id: Mapped[int | None]
    build_key: Mapped[str] = mapped_column(String(1024), default="")
    environment_id: Mapped[int | None]
    generation: Mapped[int] = mapped_column(default=0)
    targets: Mapped[list[Any]]
    late: Mapped[bool] = mapped_column(default=False)
    not_before: Mapped[datetime | None]
    requested_on: Mapped[datetime | None]
    requests: Mapped[int] = mapped_column(default=0)
