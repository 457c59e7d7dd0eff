"""Alembic's entry: runs inside the transaction that store.migrate opened."""

from alembic import context

from mailbridge.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
