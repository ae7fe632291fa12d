"""Environments and specifications."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import Model

_LISTED = text("deleted_on IS NULL")
_UNTOLD = text("told_generation < generation")


class Specification(Model):
    """What a user asked for; the same content is kept once."""

    __tablename__ = "specification"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    spec: Mapped[dict[str, Any]]
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_on: Mapped[datetime]
    is_lockfile: Mapped[bool] = mapped_column(default=False)


class Environment(Model):
    """A name in a namespace that points at its current build.

    ``generation`` counts the changes of the pointer, ``linked_generation`` is the one the symbolic link shows,
    ``told_generation`` the one the deployment's hook was told of, for which it was last asked at ``tell_requested_on``;
    ``chosen_on`` is when a user last set the pointer by hand.  ``deleted_on`` set means it is being removed; builds up
    to ``erased_through`` go with all they left behind, even when the name is in use again.
    """

    __tablename__ = "environment"
    __table_args__ = (
        UniqueConstraint("namespace_id", "name"),
        # Lists are read from these alone; only the rows of a page are looked at.
        Index("ix_environment_place", "namespace_id", "name", "id", "deleted_on"),
        Index(
            "ix_environment_current_build_id",
            "current_build_id",
            "namespace_id",
            "name",
            "id",
            postgresql_where=_LISTED,
            sqlite_where=_LISTED,
        ),
        Index("ix_environment_name", "name", "id", postgresql_where=_LISTED, sqlite_where=_LISTED),
        Index(
            "ix_environment_erased",
            "id",
            postgresql_where=text("erased_through > 0 OR deleted_on IS NOT NULL"),
            sqlite_where=text("erased_through > 0 OR deleted_on IS NOT NULL"),
        ),
        Index("ix_environment_untold", "id", postgresql_where=_UNTOLD, sqlite_where=_UNTOLD),
        # Links are ordered by the ids of their environments: the id of a row that is gone is never given again.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    namespace_id: Mapped[int] = mapped_column(ForeignKey("namespace.id"))
    name: Mapped[str] = mapped_column(String(255))
    # No foreign key: build points here already, and SQLite cannot add the second half of a circle afterwards.
    current_build_id: Mapped[int | None]
    deleted_on: Mapped[datetime | None]
    description: Mapped[str | None]
    generation: Mapped[int] = mapped_column(default=0, server_default="0")
    chosen_on: Mapped[datetime | None]
    linked_generation: Mapped[int] = mapped_column(default=0, server_default="0")
    link_requested_on: Mapped[datetime | None]
    told_generation: Mapped[int] = mapped_column(default=0, server_default="0")
    tell_requested_on: Mapped[datetime | None]
    erased_through: Mapped[int] = mapped_column(default=0, server_default="0")
