"""remember what was decided about watched files.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "found_specification",
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("path_digest", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("specification_sha256", sa.String(length=64), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("decided_on", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "path_digest", "digest", name=op.f("pk_found_specification")),
    )


def downgrade() -> None:
    op.drop_table("found_specification")
