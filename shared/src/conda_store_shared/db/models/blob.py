"""What artifacts are put together from: blobs by their content, and the packages they were made of."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import BigId, Model


class Blob(Model):
    """An object that is shared by artifacts; ``digest`` is the SHA-256 (hex) of its bytes, ``size`` their number.

    ``raw_digest`` and ``raw_size`` are those of what was compressed.  One that nobody has used since ``used_on``, and
    that belongs to no artifact, may be collected; the row is there before the object is, and goes after it.
    """

    __tablename__ = "blob"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigId)
    raw_digest: Mapped[str] = mapped_column(String(64))
    raw_size: Mapped[int] = mapped_column(BigId)
    used_on: Mapped[datetime] = mapped_column(index=True)


class Fragment(Model):
    """The blob that was made of a package; ``id`` is the digest of everything it follows from.

    ``about`` tells what those who put fragments together have to know of its files.
    """

    __tablename__ = "fragment"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(ForeignKey("blob.digest", ondelete="CASCADE"), index=True)
    about: Mapped[dict[str, Any]]


class ArtifactBlob(Model):
    """A blob that an artifact of a build needs, as long as there is the artifact."""

    __tablename__ = "artifact_blob"

    build_id: Mapped[int] = mapped_column(ForeignKey("build.id", ondelete="CASCADE"), primary_key=True)
    artifact_type: Mapped[str] = mapped_column(String(32), primary_key=True)
    digest: Mapped[str] = mapped_column(ForeignKey("blob.digest"), primary_key=True, index=True)
