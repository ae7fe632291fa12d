"""find events of a place.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_event_place", "event", ["namespace", "environment", "id"])


def downgrade() -> None:
    op.drop_index("ix_event_place", table_name="event")
