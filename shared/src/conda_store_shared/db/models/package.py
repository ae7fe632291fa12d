"""Channels and the packages seen in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import BigId, Model, ordered_text


class CondaChannel(Model):
    """A channel by its base address; ``last_update`` is when its packages were last listed."""

    __tablename__ = "conda_channel"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(ordered_text(1024), unique=True)
    last_update: Mapped[datetime | None]


class CondaPackage(Model):
    """A version of a package in a channel.

    ``vanished`` means that the channel has it no more, and the row is kept for the builds that installed it.
    """

    __tablename__ = "conda_package"
    __table_args__ = (
        UniqueConstraint("channel_id", "name", "version"),
        Index("ix_conda_package_name", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("conda_channel.id"))
    name: Mapped[str] = mapped_column(ordered_text(255))
    version: Mapped[str] = mapped_column(ordered_text(64))
    license: Mapped[str | None] = mapped_column(Text)
    license_family: Mapped[str | None] = mapped_column(String(64))
    summary: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    vanished: Mapped[bool] = mapped_column(server_default=false(), default=False)


class CondaPackageName(Model):
    """How many versions of a package a channel has, those that vanished left out: what a search looks through.

    Versions outnumber names tenfold, and there is no index for a piece of a text that every installation has.
    """

    __tablename__ = "conda_package_name"
    __table_args__ = (Index("ix_conda_package_name_name", "name"),)

    channel_id: Mapped[int] = mapped_column(ForeignKey("conda_channel.id"), primary_key=True)
    name: Mapped[str] = mapped_column(ordered_text(255), primary_key=True)
    versions: Mapped[int]


class CondaPackageBuild(Model):
    """One file of a version of a package; ``size`` in bytes, ``timestamp`` in milliseconds.

    ``is_outline`` is set for a file that is only known from the list of its channel: what it depends on is not there.
    """

    __tablename__ = "conda_package_build"
    __table_args__ = (UniqueConstraint("package_id", "subdir", "build", "build_number", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    package_id: Mapped[int] = mapped_column(ForeignKey("conda_package.id"))
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("conda_channel.id"))
    build: Mapped[str] = mapped_column(String(64))
    build_number: Mapped[int]
    constrains: Mapped[list[Any] | None]
    depends: Mapped[list[Any]]
    md5: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigId)
    subdir: Mapped[str | None] = mapped_column(String(64))
    timestamp: Mapped[int | None] = mapped_column(BigId)
    vanished: Mapped[bool] = mapped_column(server_default=false(), default=False)
    is_outline: Mapped[bool] = mapped_column(server_default=false(), default=False)


class CondaChannelIndex(Model):
    """The list of packages of one subdir of a channel: when it was asked for, when one came, and its digest."""

    __tablename__ = "conda_channel_index"

    channel_id: Mapped[int] = mapped_column(ForeignKey("conda_channel.id"), primary_key=True)
    subdir: Mapped[str] = mapped_column(String(64), primary_key=True)
    requested_on: Mapped[datetime | None]
    indexed_on: Mapped[datetime | None]
    digest: Mapped[str | None] = mapped_column(String(64))


class CondaIndexSection(Model):
    """A section of a list that was taken over: the packages from the name ``first`` up to the next section's."""

    __tablename__ = "conda_index_section"

    channel_id: Mapped[int] = mapped_column(ForeignKey("conda_channel.id"), primary_key=True)
    subdir: Mapped[str] = mapped_column(String(64), primary_key=True)
    first: Mapped[str] = mapped_column(ordered_text(255), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))


class RemoteSolve(Model):
    """A specification somebody waits to see solved; the row leaves with them."""

    __tablename__ = "solve"

    id: Mapped[int] = mapped_column(primary_key=True)
    solve_id: Mapped[str] = mapped_column(String(32), unique=True)
    scheduled_on: Mapped[datetime]
    ended_on: Mapped[datetime | None]
    answer_digest: Mapped[str | None] = mapped_column(String(64))
    code: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None] = mapped_column(Text)
    transient: Mapped[bool] = mapped_column(server_default=false(), default=False)


build_conda_package_build = Table(
    "build_conda_package_build",
    Model.metadata,
    Column("build_id", ForeignKey("build.id", ondelete="CASCADE"), primary_key=True),
    Column("conda_package_build_id", ForeignKey("conda_package_build.id"), primary_key=True, index=True),
)
