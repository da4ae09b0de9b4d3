"""`carepath readers`: logins that see some authorities only, or some teams only."""

from __future__ import annotations

from rich.console import Console

from carepath.audit import note
from carepath.site.readers import read_readers
from carepath.terminal.layout import table_of
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import passwords_file
from carepath.warehouse.readers import create_logins, map_readers, unknown_teams


def apply_readers(console: Console) -> None:
    """Create missing logins, map all of them, and print who sees what.

    Raises:
        SettingsError: site/readers.yml is not valid; nothing was changed.
        WarehouseError: a login cannot be created; no mapping was changed.
    """
    settings = read_readers()
    created = create_logins([reader.login for reader in settings.readers])
    with connect("carepath_loader") as connection:
        changed = map_readers(connection, settings.rows(), settings.team_rows())
        unknown = unknown_teams(connection, settings)
        row = connection.execute("select exists (select from ops.readers)").fetchone()
        is_limited = row == (True,)
    if changed or created:
        named = [*settings.rows(), *settings.team_rows()]
        note("changed readers", ", ".join(" ".join(row) for row in named))
    if not settings.readers and not settings.desk:
        console.print(
            "site/readers.yml names no login. It named some before, so bi_reader and"
            " carepath_caseload see all authorities, and each other login sees none."
            if is_limited
            else "site/readers.yml names no login, so each login sees all authorities."
        )
        return
    table = table_of("", ["login", "authorities", "teams"])
    table.add_row("bi_reader", "all", "all")
    for reader in settings.readers:
        table.add_row(
            reader.login, ", ".join(reader.authorities), ", ".join(reader.teams or ("all",))
        )
    if settings.readers:
        table.add_row("any other login", "none", "none")
    for person in settings.desk:
        table.add_row(
            f"{person.person}, on the desk", ", ".join(person.authorities), ", ".join(person.teams)
        )
    console.print(table)
    if unknown:
        console.print(
            f"No published team has the name {' or '.join(unknown)}. A login sees no row of it.",
            soft_wrap=True,
            markup=False,
        )
    if created:
        console.print(
            f"Created: {', '.join(created)}. The passwords are in {passwords_file()}.",
            soft_wrap=True,
            markup=False,
        )
