"""Namespaces and the roles granted in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import Model


class Namespace(Model):
    """A namespace; ``deleted_on`` set means it is being removed."""

    __tablename__ = "namespace"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255), unique=True)
    deleted_on: Mapped[datetime | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata_", default=dict)


class NamespaceRoleMapping(Model):
    """Version 1: whoever has the namespace as primary one holds ``role`` on the pattern ``entity``."""

    __tablename__ = "namespace_role_mapping"

    id: Mapped[int] = mapped_column(primary_key=True)
    namespace_id: Mapped[int] = mapped_column(ForeignKey("namespace.id", ondelete="CASCADE"), index=True)
    entity: Mapped[str]
    role: Mapped[str]


class NamespaceRoleMappingV2(Model):
    """Version 2: whoever has ``other_namespace`` as primary one holds ``role`` in ``namespace``."""

    __tablename__ = "namespace_role_mapping_v2"
    __table_args__ = (UniqueConstraint("namespace_id", "other_namespace_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    namespace_id: Mapped[int] = mapped_column(ForeignKey("namespace.id", ondelete="CASCADE"))
    other_namespace_id: Mapped[int] = mapped_column(ForeignKey("namespace.id", ondelete="CASCADE"), index=True)
    role: Mapped[str]
