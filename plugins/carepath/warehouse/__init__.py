"""The warehouse itself: embedded PostgreSQL, roles, migrations and dbt runs."""

from __future__ import annotations


def ready() -> None:
    """Make the warehouse ready: start the server, make databases and roles, migrate tables.

    Idempotent. It takes a few hundredths of a second if there is nothing to do.

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


def recreate() -> None:
    """Empty the warehouse: drop the database with everything in it, and make it again.

    Roles, passwords, Airflow's metadata and the recording system of the demonstration stay.
    Its connections are ended. Marts, history and all records of past nights are deleted.
    """
    from carepath.warehouse import migrate, roles

    roles.recreate_database("warehouse")
    migrate.upgrade()
