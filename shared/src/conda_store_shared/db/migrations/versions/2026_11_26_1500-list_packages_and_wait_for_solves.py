"""list the packages of channels, and wait for remote solves.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

# Compared by code point from now on, as SQLite does.
_ORDERED = (('conda_channel', 'name', 1024), ('conda_package', 'name', 255), ('conda_package', 'version', 64))


def upgrade() -> None:
    op.create_table('solve',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('solve_id', sa.String(length=32), nullable=False),
    sa.Column('scheduled_on', sa.DateTime(), nullable=False),
    sa.Column('ended_on', sa.DateTime(), nullable=True),
    sa.Column('answer_digest', sa.String(length=64), nullable=True),
    sa.Column('code', sa.String(length=64), nullable=True),
    sa.Column('detail', sa.Text(), nullable=True),
    sa.Column('transient', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_solve')),
    sa.UniqueConstraint('solve_id', name=op.f('uq_solve_solve_id'))
    )
    op.create_table('conda_channel_index',
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('subdir', sa.String(length=64), nullable=False),
    sa.Column('requested_on', sa.DateTime(), nullable=True),
    sa.Column('indexed_on', sa.DateTime(), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['channel_id'], ['conda_channel.id'], name=op.f('fk_conda_channel_index_channel_id_conda_channel')),
    sa.PrimaryKeyConstraint('channel_id', 'subdir', name=op.f('pk_conda_channel_index'))
    )
    op.create_table('conda_index_section',
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('subdir', sa.String(length=64), nullable=False),
    sa.Column('first', _ordered(255), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['channel_id'], ['conda_channel.id'], name=op.f('fk_conda_index_section_channel_id_conda_channel')),
    sa.PrimaryKeyConstraint('channel_id', 'subdir', 'first', name=op.f('pk_conda_index_section'))
    )
    op.create_table('conda_package_name',
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('name', _ordered(255), nullable=False),
    sa.Column('versions', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['channel_id'], ['conda_channel.id'], name=op.f('fk_conda_package_name_channel_id_conda_channel')),
    sa.PrimaryKeyConstraint('channel_id', 'name', name=op.f('pk_conda_package_name'))
    )
    op.create_index('ix_conda_package_name_name', 'conda_package_name', ['name'])
    op.add_column('conda_package', sa.Column('vanished', sa.Boolean(), server_default=sa.false(), nullable=False))
    for column in ('vanished', 'is_outline'):
        op.add_column('conda_package_build', sa.Column(column, sa.Boolean(), server_default=sa.false(), nullable=False))
    if op.get_context().dialect.name == 'postgresql':
        for table, column, length in _ORDERED:
            op.alter_column(table, column, type_=sa.String(length=length, collation='C'))
    op.execute(
        'INSERT INTO conda_package_name (channel_id, name, versions) '
        'SELECT channel_id, name, count(*) FROM conda_package GROUP BY channel_id, name'
    )


def downgrade() -> None:
    if op.get_context().dialect.name == 'postgresql':
        for table, column, length in _ORDERED:
            op.alter_column(table, column, type_=sa.String(length=length, collation='default'))
    op.execute('DELETE FROM conda_package_build WHERE is_outline '
               'AND id NOT IN (SELECT conda_package_build_id FROM build_conda_package_build)')
    for column in ('is_outline', 'vanished'):
        op.drop_column('conda_package_build', column)
    op.drop_column('conda_package', 'vanished')
    op.drop_index('ix_conda_package_name_name', table_name='conda_package_name')
    for table in ('conda_package_name', 'conda_index_section', 'conda_channel_index', 'solve'):
        op.drop_table(table)


def _ordered(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length=length).with_variant(sa.String(length=length, collation='C'), 'postgresql')
