"""number the attempts at a stage; find builds without a log.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('stage_attempt', sa.Column('number', sa.Integer(), server_default='0', nullable=False))
    without = sa.text('logs_stored_on IS NULL')
    op.create_index('ix_build_without_log', 'build', ['id'], postgresql_where=without, sqlite_where=without)


def downgrade() -> None:
    op.drop_index('ix_build_without_log', table_name='build')
    with op.batch_alter_table('stage_attempt') as batch_op:
        batch_op.drop_column('number')
