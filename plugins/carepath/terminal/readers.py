"""`carepath readers`: logins that read the marts of some authorities only."""

from __future__ import annotations

from rich.console import Console

from carepath.audit import note
from carepath.site.readers import read_readers
from carepath.terminal.layout import table_of
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import passwords_file
from carepath.warehouse.readers import create_logins, map_readers


def apply_readers(console: Console) -> None:
    """Create missing logins, map all of them, and print who sees what.

    Raises:
        SettingsError: site/readers.yml is not valid; nothing was changed.
        WarehouseError: a login cannot be created; no mapping was changed.
    """
    settings = read_readers()
    created = create_logins([reader.login for reader in settings.readers])
    with connect("carepath_loader") as connection:
        changed = map_readers(connection, settings.rows())
    if changed or created:
        note("changed readers", ", ".join(" ".join(row) for row in settings.rows()))
    if not settings.readers:
        console.print("site/readers.yml names no login, so each login sees all authorities.")
        return
    table = table_of("", ["login", "sees"])
    named = {reader.login: ", ".join(reader.authorities) for reader in settings.readers}
    for login, seen in {"bi_reader": "all authorities", **named}.items():
        table.add_row(login, seen)
    table.add_row("any other login", "nothing")
    console.print(table)
    if created:
        console.print(
            f"Created: {', '.join(created)}. The passwords are in {passwords_file()}.",
            soft_wrap=True,
            markup=False,
        )
