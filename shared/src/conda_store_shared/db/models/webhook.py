"""Webhooks: who is told of public events at which address, what signs it, and what came of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import BigId, Model

_EVENT = text("kind = 'event'")
_PENDING = text("state = 'pending'")
# Ids that are gone must not come back: receivers keep those of pings, and people name webhooks by them.
_COUNTS_ON = {"sqlite_autoincrement": True}


class Webhook(Model):
    """An address that is told, in order, of the events of a place that its owner may read.

    ``owner`` is a primary namespace, as events name who did something; ``owner_bindings`` are the role bindings of the
    token it was made with, roles by ARN.  Neither namespace nor environment is everything, no types are all.
    ``position`` is the id of the last event of the log that it is done with; later ones wait for it.
    """

    __tablename__ = "webhook"
    __table_args__ = (Index("ix_webhook_owner", "owner"), Index("ix_webhook_namespace", "namespace"), _COUNTS_ON)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    url: Mapped[str] = mapped_column(String(2048))
    description: Mapped[str] = mapped_column(String(255), default="")
    owner: Mapped[str] = mapped_column(String(255))
    owner_bindings: Mapped[dict[str, Any]]
    namespace: Mapped[str | None] = mapped_column(String(255))
    environment: Mapped[str | None] = mapped_column(String(255))
    types: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(String(16))
    disabled_reason: Mapped[str | None] = mapped_column(String(1024))
    position: Mapped[int] = mapped_column(BigInteger)
    created_on: Mapped[datetime]
    updated_on: Mapped[datetime]
    failing_since: Mapped[datetime | None]


class WebhookSecret(Model):
    """What requests of a webhook are signed with: ``whsec_`` and base64; api alone may read it.

    ``expires_on`` is set once a newer one was made; until then both sign.
    """

    __tablename__ = "webhook_secret"
    __table_args__ = (_COUNTS_ON,)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"), index=True)
    secret: Mapped[str] = mapped_column(String(64))
    created_on: Mapped[datetime]
    expires_on: Mapped[datetime | None]


class WebhookDelivery(Model):
    """One event, or a ping, that is to reach a webhook, with every attempt at it.

    ``type`` is that of the event, kept since the log may forget it before; a ping has no ``event_id``.  ``attempts``
    are ``{"time", "seconds", "status", "error"}``.  A pending one is due at ``not_before`` (None: at once).
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index(
            "uq_webhook_delivery_event",
            "webhook_id",
            "event_id",
            unique=True,
            postgresql_where=_EVENT,
            sqlite_where=_EVENT,
        ),
        Index("ix_webhook_delivery_webhook_id_id", "webhook_id", "id"),
        Index(
            "ix_webhook_delivery_pending", "webhook_id", "id", postgresql_where=_PENDING, sqlite_where=_PENDING
        ),
        Index("ix_webhook_delivery_finished_on", "finished_on"),
        _COUNTS_ON,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    # No foreign key: the log may forget an event.
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[list[Any]]
    not_before: Mapped[datetime | None]
    created_on: Mapped[datetime]
    finished_on: Mapped[datetime | None]
