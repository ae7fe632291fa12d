"""Channels and the packages seen in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import BigId, Model


class CondaChannel(Model):
    """A channel by its base address."""

    __tablename__ = "conda_channel"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(1024), unique=True)
    last_update: Mapped[datetime | None]


class CondaPackage(Model):
    """A version of a package in a channel."""

    __tablename__ = "conda_package"
    __table_args__ = (
        UniqueConstraint("channel_id", "name", "version"),
        Index("ix_conda_package_name", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("conda_channel.id"))
    name: Mapped[str] = mapped_column(String(255))
    version: Mapped[str] = mapped_column(String(64))
    license: Mapped[str | None] = mapped_column(Text)
    license_family: Mapped[str | None] = mapped_column(String(64))
    summary: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)


class CondaPackageBuild(Model):
    """One file of a version of a package; ``size`` in bytes, ``timestamp`` in milliseconds."""

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


build_conda_package_build = Table(
    "build_conda_package_build",
    Model.metadata,
    Column("build_id", ForeignKey("build.id", ondelete="CASCADE"), primary_key=True),
    Column("conda_package_build_id", ForeignKey("conda_package_build.id"), primary_key=True, index=True),
)
