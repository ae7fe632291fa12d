"""record tokens: issued, used, revoked.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "token",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("primary_namespace", sa.String(length=255), nullable=False),
        sa.Column("created_on", sa.DateTime(), nullable=False),
        sa.Column("expires_on", sa.DateTime(), nullable=True),
        sa.Column("last_used_on", sa.DateTime(), nullable=True),
        sa.Column("revoked_on", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
    )
    revoked = sa.text("revoked_on IS NOT NULL")
    op.create_index("ix_token_expires_on", "token", ["expires_on"])
    op.create_index("ix_token_primary_namespace_created_on", "token", ["primary_namespace", "created_on"])
    op.create_index("ix_token_revoked_on", "token", ["revoked_on"], postgresql_where=revoked, sqlite_where=revoked)


def downgrade() -> None:
    op.drop_table("token")
