"""keep webhooks: their secrets, and what reached them.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("owner_bindings", _DOCUMENT, nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=True),
        sa.Column("environment", sa.String(length=255), nullable=True),
        sa.Column("types", _DOCUMENT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("disabled_reason", sa.String(length=1024), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_on", sa.DateTime(), nullable=False),
        sa.Column("updated_on", sa.DateTime(), nullable=False),
        sa.Column("failing_since", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_namespace", "webhook", ["namespace"])
    op.create_index("ix_webhook_owner", "webhook", ["owner"])
    _create_deliveries()
    op.create_table(
        "webhook_secret",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("webhook_id", _BIG_ID, nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("created_on", sa.DateTime(), nullable=False),
        sa.Column("expires_on", sa.DateTime(), nullable=True),
        _of_webhook("webhook_secret"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_secret")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_webhook_secret_webhook_id"), "webhook_secret", ["webhook_id"])


def _create_deliveries() -> None:
    op.create_table(
        "webhook_delivery",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("webhook_id", _BIG_ID, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", _DOCUMENT, nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=True),
        sa.Column("created_on", sa.DateTime(), nullable=False),
        sa.Column("finished_on", sa.DateTime(), nullable=True),
        _of_webhook("webhook_delivery"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sqlite_autoincrement=True,
    )
    columns, pending, event = ["webhook_id", "id"], sa.text("state = 'pending'"), sa.text("kind = 'event'")
    op.create_index("ix_webhook_delivery_finished_on", "webhook_delivery", ["finished_on"])
    op.create_index("ix_webhook_delivery_webhook_id_id", "webhook_delivery", columns)
    op.create_index(
        "ix_webhook_delivery_pending", "webhook_delivery", columns, postgresql_where=pending, sqlite_where=pending
    )
    op.create_index(
        "uq_webhook_delivery_event",
        "webhook_delivery",
        ["webhook_id", "event_id"],
        unique=True,
        postgresql_where=event,
        sqlite_where=event,
    )


def _of_webhook(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["webhook_id"], ["webhook.id"], name=op.f(f"fk_{table}_webhook_id_webhook"), ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_table("webhook_secret")
    op.drop_table("webhook_delivery")
    op.drop_table("webhook")
