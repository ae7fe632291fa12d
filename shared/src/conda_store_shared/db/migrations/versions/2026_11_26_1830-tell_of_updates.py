"""note which change of its current build the hook of the deployment was told of.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = "ix_environment_untold"
UNTOLD = sa.text("told_generation < generation")


def upgrade() -> None:
    op.add_column("environment", sa.Column("told_generation", sa.Integer(), server_default="0", nullable=False))
    op.add_column("environment", sa.Column("tell_requested_on", sa.DateTime(), nullable=True))
    # What changed before there was anybody to be told is no news.
    op.execute("UPDATE environment SET told_generation = generation")
    op.create_index(NAME, "environment", ["id"], postgresql_where=UNTOLD, sqlite_where=UNTOLD)


def downgrade() -> None:
    op.drop_index(NAME, table_name="environment")
    op.drop_column("environment", "tell_requested_on")
    op.drop_column("environment", "told_generation")
