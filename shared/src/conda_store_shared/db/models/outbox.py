"""Messages that wait for the broker, and the log of public events."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import BigId, Model


class Outbox(Model):
    """A message written with the rows it belongs to; the relay removes it once the broker has confirmed it."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_service_id", "service", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    service: Mapped[str] = mapped_column(String(32))
    build_id: Mapped[int | None]
    message_id: Mapped[str] = mapped_column(String(32))
    routing_key: Mapped[str] = mapped_column(String(64))
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class PublicEvent(Model):
    """One public event; ids are in the order of the commits, so reading ``id > n`` skips nothing."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_place", "namespace", "environment", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    type: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime]
    namespace: Mapped[str] = mapped_column(String(255))
    environment: Mapped[str | None] = mapped_column(String(255))
    build_id: Mapped[int | None] = mapped_column(index=True)
    actor: Mapped[str | None] = mapped_column(String(255))
    data: Mapped[dict[str, Any]]


class EventCursor(Model):
    """How far one of those who are told of public events has come; what it was told last is ``position``."""

    __tablename__ = "event_cursor"

    reader: Mapped[str] = mapped_column(String(255), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
