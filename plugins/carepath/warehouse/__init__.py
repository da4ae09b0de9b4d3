"""The warehouse itself: embedded PostgreSQL, roles, migrations and dbt runs."""

from __future__ import annotations


def ready() -> None:
    """Make the warehouse ready for work: server up, databases and roles there, tables migrated.

    Idempotent, and a few hundredths of a second when there is nothing to do.

    Raises:
        WarehouseError: if the server cannot be started, reached or set up.
    """
    from carepath.settings import get_settings
    from carepath.warehouse import embedded, migrate, roles

    if get_settings().warehouse_url is None:
        embedded.start()
    if not roles.provisioned():
        roles.provision()
    migrate.upgrade()
