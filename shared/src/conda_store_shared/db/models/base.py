"""Base of all models: naming of constraints, portable column types."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import JSON, TypeEngine

# JSON on both databases; Postgres keeps it in its indexable form.
Document = JSON().with_variant(JSONB(), "postgresql")
# SQLite counts up by itself only in a column of type INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")


def ordered_text(length: int) -> TypeEngine[str]:
    """Text ordered by code point on both databases, whatever the locale, as Python orders it."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Model(DeclarativeBase):
    """Root of the models.  Times are naive UTC, as upstream stores them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy
        dict[str, Any]: Document,
        list[Any]: Document,
        datetime: DateTime(timezone=False),
    }
