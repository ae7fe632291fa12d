"""Builds, their stages and attempts, and what they leave behind."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import BigId, Model


class Build(Model):
    """One build: public status, rank, and the order it was created with.

    ``released_on`` is when the first stage was requested (None: it waits its turn); ``deadline`` is when the ledger
    stops requesting again; ``size`` is in bytes.  A deleted build stays as a row, unless ``erased_on`` says since when
    the row is to go as well, with its environment.  ``traceparent`` is of the request that asked for it.
    """

    __tablename__ = "build"
    __table_args__ = (
        Index(
            "ix_build_active",
            "id",
            postgresql_where=text("status IN ('QUEUED', 'BUILDING')"),
            sqlite_where=text("status IN ('QUEUED', 'BUILDING')"),
        ),
        Index(
            "ix_build_without_log",
            "id",
            postgresql_where=text("logs_stored_on IS NULL"),
            sqlite_where=text("logs_stored_on IS NULL"),
        ),
        # In whatever order a list may come, and by what it may be filtered.
        Index("ix_build_environment_id", "environment_id", "id", "status"),
        Index("ix_build_status", "status", "id"),
        Index("ix_build_scheduled_on", "scheduled_on", "id"),
        Index("ix_build_started_on", "started_on", "id"),
        Index("ix_build_ended_on", "ended_on", "id"),
        Index(
            "ix_build_erased",
            "id",
            postgresql_where=text("erased_on IS NOT NULL"),
            sqlite_where=text("erased_on IS NOT NULL"),
        ),
        # Messages name builds by id, and may be late: the id of a row that is gone is never given again.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    specification_id: Mapped[int] = mapped_column(ForeignKey("specification.id"), index=True)
    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id"))
    status: Mapped[str] = mapped_column(String(16))
    status_info: Mapped[str | None] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigId, default=0)
    scheduled_on: Mapped[datetime]
    started_on: Mapped[datetime | None]
    ended_on: Mapped[datetime | None]
    deleted_on: Mapped[datetime | None]
    erased_on: Mapped[datetime | None]
    hash: Mapped[str | None] = mapped_column(String(32), unique=True)
    build_key_version: Mapped[int]
    build_key: Mapped[str] = mapped_column(String(1024), index=True)
    rank: Mapped[int] = mapped_column(default=0)
    scheduled: Mapped[bool] = mapped_column(default=False)
    order: Mapped[dict[str, Any] | None] = mapped_column("order")
    order_digest: Mapped[str | None] = mapped_column(String(64))
    lockfile_digest: Mapped[str | None] = mapped_column(String(64))
    released_on: Mapped[datetime | None]
    deadline: Mapped[datetime | None]
    log_bytes: Mapped[int] = mapped_column(default=0)
    logs_stored_on: Mapped[datetime | None]
    traceparent: Mapped[str | None] = mapped_column(String(55))


class BuildStage(Model):
    """A stage of a build, or the making of one artifact.

    ``state`` is ``waiting`` (until ``not_before``), ``requested``, ``running``, ``done``, ``failed`` or ``canceled``.
    """

    __tablename__ = "build_stage"
    __table_args__ = (
        Index(
            "ix_build_stage_open",
            "state",
            postgresql_where=text("state IN ('waiting', 'requested', 'running')"),
            sqlite_where=text("state IN ('waiting', 'requested', 'running')"),
        ),
    )

    build_id: Mapped[int] = mapped_column(ForeignKey("build.id", ondelete="CASCADE"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    requested_on: Mapped[datetime | None]
    heard_on: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(BigId, default=0)
    total: Mapped[int] = mapped_column(BigId, default=0)
    unit: Mapped[str] = mapped_column(String(32), default="")
    code: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None] = mapped_column(Text)


class StageAttempt(Model):
    """One worker's try; ``outcome`` is None while nothing was heard of its end.

    ``number`` counts the attempts at a stage in the order they were heard of; ``started_at`` is by the worker's clock.
    """

    __tablename__ = "stage_attempt"

    build_id: Mapped[int] = mapped_column(ForeignKey("build.id", ondelete="CASCADE"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(64), primary_key=True)
    attempt_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(server_default="0")
    started_at: Mapped[datetime]
    outcome: Mapped[str | None] = mapped_column(String(64))


class BuildLog(Model):
    """A piece of the log of one attempt."""

    __tablename__ = "build_log"

    build_id: Mapped[int] = mapped_column(ForeignKey("build.id", ondelete="CASCADE"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(64), primary_key=True)
    attempt_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    attempt_started_at: Mapped[datetime]
    lines: Mapped[str] = mapped_column(Text)


class BuildArtifact(Model):
    """Something a build left behind; the key of a DIRECTORY is its absolute path."""

    __tablename__ = "build_artifact"
    __table_args__ = (
        Index("uq_build_artifact_key", "build_id", "artifact_type", "key", unique=True),
        Index("ix_build_artifact_type", "artifact_type", "build_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    build_id: Mapped[int] = mapped_column(ForeignKey("build.id", ondelete="CASCADE"))
    artifact_type: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(1024))
    size: Mapped[int | None] = mapped_column(BigId)
    digest: Mapped[str | None] = mapped_column(String(64))
