"""index what lists read.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LISTED = sa.text("deleted_on IS NULL")
OF_BUILDS = {
    "ix_build_environment_id": ["environment_id", "id", "status"],
    "ix_build_status": ["status", "id"],
    "ix_build_scheduled_on": ["scheduled_on", "id"],
    "ix_build_started_on": ["started_on", "id"],
    "ix_build_ended_on": ["ended_on", "id"],
}


def upgrade() -> None:
    op.drop_index("ix_build_environment_id", table_name="build")
    for name, columns in OF_BUILDS.items():
        op.create_index(name, "build", columns)
    op.create_index("ix_environment_place", "environment", ["namespace_id", "name", "id", "deleted_on"])
    op.create_index("ix_environment_name", "environment", ["name", "id"], postgresql_where=LISTED, sqlite_where=LISTED)
    op.create_index("ix_build_artifact_type", "build_artifact", ["artifact_type", "build_id"])


def downgrade() -> None:
    op.drop_index("ix_build_artifact_type", table_name="build_artifact")
    op.drop_index("ix_environment_name", table_name="environment")
    op.drop_index("ix_environment_place", table_name="environment")
    for name in OF_BUILDS:
        op.drop_index(name, table_name="build")
    op.create_index("ix_build_environment_id", "build", ["environment_id"])
