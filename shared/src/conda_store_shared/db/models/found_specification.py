"""What was decided about the files of watched paths."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import Model


class FoundSpecification(Model):
    """The decision about one content of one watched file, for the namespace such files are registered in.

    ``digest`` is that of the text, and empty when it could not be read.  Either the text was registered, as the
    specification ``specification_sha256``, or it was rejected for ``code``.
    """

    __tablename__ = "found_specification"

    namespace: Mapped[str] = mapped_column(String(255), primary_key=True)
    # A path may be longer than what an index can hold.
    path_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    path: Mapped[str] = mapped_column(Text)
    specification_sha256: Mapped[str | None] = mapped_column(String(64))
    code: Mapped[str | None] = mapped_column(String(64))
    decided_on: Mapped[datetime]
