"""find environments by their builds in an index alone.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME = "ix_environment_current_build_id"
LISTED = sa.text("deleted_on IS NULL")


def upgrade() -> None:
    op.drop_index(NAME, table_name="environment")
    columns = ["current_build_id", "namespace_id", "name", "id"]
    op.create_index(NAME, "environment", columns, postgresql_where=LISTED, sqlite_where=LISTED)


def downgrade() -> None:
    op.drop_index(NAME, table_name="environment")
    op.create_index(NAME, "environment", ["current_build_id"])
