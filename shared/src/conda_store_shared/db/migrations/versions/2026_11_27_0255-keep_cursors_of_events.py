"""keep how far those have come who are told of public events.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_cursor",
        sa.Column("reader", sa.String(length=255), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_event_cursor")),
    )
    # What was written before there was an exchange is read with GET /event/.
    op.execute("INSERT INTO event_cursor (reader, position) SELECT 'exchange', COALESCE(MAX(id), 0) FROM event")


def downgrade() -> None:
    op.drop_table("event_cursor")
