"""keep blobs and fragments, which artifacts share.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blob",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("raw_digest", sa.String(length=64), nullable=False),
        sa.Column("raw_size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("used_on", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_blob")),
    )
    op.create_index(op.f("ix_blob_used_on"), "blob", ["used_on"])
    op.create_table(
        "fragment",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("about", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["blob.digest"], name=op.f("fk_fragment_digest_blob"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fragment")),
    )
    op.create_index(op.f("ix_fragment_digest"), "fragment", ["digest"])
    op.create_table(
        "artifact_blob",
        sa.Column("build_id", sa.Integer(), nullable=False),
        sa.Column("artifact_type", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["build_id"], ["build.id"], name=op.f("fk_artifact_blob_build_id_build"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["digest"], ["blob.digest"], name=op.f("fk_artifact_blob_digest_blob")),
        sa.PrimaryKeyConstraint("build_id", "artifact_type", "digest", name=op.f("pk_artifact_blob")),
    )
    op.create_index(op.f("ix_artifact_blob_digest"), "artifact_blob", ["digest"])


def downgrade() -> None:
    op.drop_table("artifact_blob")
    op.drop_table("fragment")
    op.drop_table("blob")
