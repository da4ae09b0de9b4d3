"""Alembic's entry point: runs the revisions over the connection that `migrate.upgrade` opened."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="schema_version",
    version_table_schema="ops",
)
with context.begin_transaction():
    context.run_migrations()
