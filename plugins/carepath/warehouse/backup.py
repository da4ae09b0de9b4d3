"""Back up the warehouse and everything else that cannot be made again, and restore it.

A backup is a folder: a dump of each database (pg_dump's custom format), the passwords, the
council's settings, and a checksum of every table as at the dump. A restore begins with an empty
warehouse and ends when every table has its checksum again.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from carepath.errors import WarehouseError
from carepath.settings import get_settings
from carepath.warehouse import embedded, migrate, ready, roles
from carepath.warehouse.code_version import code_version
from carepath.warehouse.connect import connect, parameters
from carepath.warehouse.passwords import ADMINISTRATOR

# database: the role that owns it and may read all of it
DATABASES: Final[Mapping[str, str]] = {
    "warehouse": "carepath_owner",
    "airflow": "airflow_meta",
}
CHECKSUMS: Final = "checksums.json"
SECRETS: Final = (
    *("passwords.json", "alert_urls"),
    # Windows trusts this root, so a restored home goes on with it
    *("tls/carepath_root.crt", "tls/carepath_root.key"),
)
# a row as text depends on these
AS_TEXT: Final = "set datestyle = 'ISO, DMY'; set timezone = 'UTC'; set extra_float_digits = 1"
TABLES: Final = (
    "select n.nspname, c.relname from pg_class as c"
    " join pg_namespace as n on c.relnamespace = n.oid"
    " where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema)' order by 1, 2"
)


def back_up(folder: Path) -> dict[str, str]:
    """Write a backup into a new folder; nights and readers go on meanwhile.

    Args:
        folder: it must not be there yet, or be empty. Only its owner may read it.

    Returns:
        The checksum of each table of the warehouse.

    Raises:
        WarehouseError: the folder is not empty, or pg_dump failed.
    """
    ready()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise WarehouseError(
            "The folder is not empty.", where=str(folder), todo="name a new one for each backup."
        )
    folder.chmod(0o700)
    sums: dict[str, str] = {}
    for database, owner in DATABASES.items():
        with connect(owner, database) as connection:
            connection.execute("set transaction isolation level repeatable read")
            row = connection.execute("select pg_export_snapshot()").fetchone()
            if database == "warehouse":
                sums = checksums(connection)
            _run_client(
                ["pg_dump", "--format=custom", "--snapshot", str(row[0] if row else "")],
                ["--file", str(folder / f"{database}.dump")],
                parameters(owner, database),
            )
    home = get_settings().home
    _copy_missing(home, folder)
    site = home / "site"
    if site.is_dir():
        shutil.copytree(site, folder / "site")
    about = {
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "code_version": code_version(),
        "tables": sums,
    }
    (folder / CHECKSUMS).write_text(json.dumps(about, indent=1), encoding="utf-8")
    return sums


def restore(folder: Path) -> int:
    """Restore a backup into an empty warehouse, and bring it to this version of the code.

    The passwords and settings of the backup are put into the home where it has none.

    Returns:
        How many tables were compared and found as they were.

    Raises:
        WarehouseError: the folder is not a backup, this warehouse has records, pg_restore
            failed, or a table is not as it was.
    """
    try:
        wanted = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))["tables"]
    except (OSError, ValueError, KeyError):
        raise WarehouseError(
            "The folder is not a complete backup.",
            where=str(folder),
            todo="name a folder that `carepath backup` has written to its end.",
        ) from None
    home = get_settings().home
    home.mkdir(parents=True, exist_ok=True)
    _copy_missing(folder, home)
    ready()
    _refuse_records()
    if (folder / "site").is_dir() and not (home / "site").exists():
        shutil.copytree(folder / "site", home / "site")
    for database in DATABASES:
        roles.recreate_database(database)
        _run_client(
            ["pg_restore", "--exit-on-error", "--dbname", database],
            [str(folder / f"{database}.dump")],
            parameters(ADMINISTRATOR, database),
        )
    with connect("carepath_owner") as connection:
        found = checksums(connection)
    different = sorted(
        name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
    )
    if different:
        raise WarehouseError(
            f"{len(different)} tables are not as they were: {', '.join(different[:5])}.",
            where=str(folder),
            todo="restore an older backup into an empty home; this one is damaged.",
        )
    with suppress(FileNotFoundError):  # Airflow brings what was restored to its own version
        (home / "airflow" / "migrated").unlink()
    migrate.upgrade()
    return len(found)


def checksums(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Return for each table its count of rows and a sum over their hashes, whatever their order."""
    connection.execute(AS_TEXT)
    found = {}
    for schema, table in connection.execute(TABLES).fetchall():
        row = connection.execute(
            sql.SQL(
                "select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) from {} as t"
            ).format(sql.Identifier(schema, table))
        ).fetchone()
        found[f"{schema}.{table}"] = f"{row[0]} rows, {row[1]}" if row else ""
    return found


def _copy_missing(source: Path, target: Path) -> None:
    """Copy the secret files that the target does not have, for their owner only."""
    for name in SECRETS:
        if (source / name).is_file() and not (target / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).touch(mode=0o600)
            shutil.copyfile(source / name, target / name)


def _refuse_records() -> None:
    with connect("carepath_owner") as connection:
        row = connection.execute("select count(*) from ops.loads").fetchone()
    if row and row[0]:
        raise WarehouseError(
            f"This warehouse holds {row[0]:,} loads of records; a restore would delete them.",
            where=str(get_settings().home),
            todo="restore into a home of its own: CAREPATH_HOME=/some/folder carepath restore ...",
        )


def _run_client(
    command: Sequence[str], arguments: Sequence[str], server: Mapping[str, str]
) -> None:
    """Run a client program of PostgreSQL; the password goes by the environment."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    names |= {"dbname": "PGDATABASE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    settings = {names[name]: value for name, value in server.items() if name in names}
    done = subprocess.run(
        [str(embedded.binaries() / command[0]), *command[1:], *arguments],
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        # its first line names the object; further ones may quote rows
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise WarehouseError(
            f"{command[0]} failed ({reason})",
            where=server["dbname"],
            todo="check that the disk has room and that the server runs (`carepath doctor`).",
        )
