"""note what is still to be discarded; give the ids of builds and environments once.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ERASED_BUILD = sa.text("erased_on IS NOT NULL")
ERASED_ENVIRONMENT = sa.text("erased_through > 0 OR deleted_on IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "discard",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("build_key", sa.String(length=1024), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column(
            "targets", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=True),
        sa.Column("requested_on", sa.DateTime(), nullable=True),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discard")),
    )
    op.create_index("ix_discard_build_id", "discard", ["build_id"])
    op.create_index("ix_discard_environment_id", "discard", ["environment_id"])
    op.create_index("ix_discard_kind_requests", "discard", ["kind", "requests"])
    op.add_column("build", sa.Column("erased_on", sa.DateTime(), nullable=True))
    op.add_column("environment", sa.Column("erased_through", sa.Integer(), server_default="0", nullable=False))
    if op.get_bind().dialect.name == "sqlite":
        # SQLite gives the highest ids again once their rows are gone, unless the table is made so that it does not.
        for table in ("environment", "build"):
            with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_autoincrement": True}):
                pass
    op.create_index("ix_build_erased", "build", ["id"], postgresql_where=ERASED_BUILD, sqlite_where=ERASED_BUILD)
    op.create_index(
        "ix_environment_erased",
        "environment",
        ["id"],
        postgresql_where=ERASED_ENVIRONMENT,
        sqlite_where=ERASED_ENVIRONMENT,
    )


def downgrade() -> None:
    op.drop_index("ix_environment_erased", table_name="environment")
    op.drop_index("ix_build_erased", table_name="build")
    op.drop_column("environment", "erased_through")
    op.drop_column("build", "erased_on")
    op.drop_table("discard")
