"""Alembic's entry: runs on the connection handed over by ``db.migrate``."""

from alembic import context

from conda_store_shared.db.models import Model

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Model.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
