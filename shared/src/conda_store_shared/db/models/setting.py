"""Settings that were changed from their defaults, and what the builders measured of their disk."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import BigId, Document, Model


class KeyValueStore(Model):
    """One setting; ``prefix`` is its level: ``setting``, ``setting/<namespace>`` or ``setting/<namespace>/<name>``."""

    __tablename__ = "keyvaluestore"
    __table_args__ = (UniqueConstraint("prefix", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    prefix: Mapped[str]
    key: Mapped[str]
    value: Mapped[Any] = mapped_column(Document)


class CondaStoreConfiguration(Model):
    """The only row holds the newest figures of the disk with the prefixes, in bytes; before the first there is none."""

    __tablename__ = "conda_store_configuration"

    id: Mapped[int] = mapped_column(primary_key=True)
    disk_usage: Mapped[int] = mapped_column(BigId)
    free_storage: Mapped[int] = mapped_column(BigId)
    total_storage: Mapped[int] = mapped_column(BigId)
    measured_on: Mapped[datetime | None]
