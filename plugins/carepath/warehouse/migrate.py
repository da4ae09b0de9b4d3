"""The warehouse's own tables (schemas ops and quality) and privileges, by Alembic."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg

from carepath.warehouse.connect import connect, url

MIGRATIONS = Path(__file__).parent / "migrations"
# read as text, because Alembic takes half a second to import
_OWN = re.compile(r'^revision = "(\w+)"', re.MULTILINE)
_BEFORE = re.compile(r'^down_revision = "(\w+)"', re.MULTILINE)
LOCK = "select pg_advisory_xact_lock(hashtext('carepath.migrate'))"  # one migration at a time


def head() -> str:
    """Return the newest revision that this code has: the one that no other comes after."""
    texts = [path.read_text() for path in (MIGRATIONS / "versions").glob("[0-9]*.py")]
    own = {found[1] for text in texts if (found := _OWN.search(text))}
    before = {found[1] for text in texts if (found := _BEFORE.search(text))}
    return max(own - before)


def upgrade(dbname: str = "warehouse", revision: str | None = None) -> None:
    """Bring a database to a revision, as carepath_owner, unless it is there already.

    Args:
        dbname: the database.
        revision: an earlier revision to stop at; by default the newest.
    """
    target = revision or head()
    with connect("carepath_owner", dbname) as owner:
        if _revision(owner) == target:
            return
        owner.execute(LOCK)
        owner.execute("create schema if not exists ops")
    # imported late, so that a night with nothing to migrate does not wait for them
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = create_engine(url("carepath_owner", dbname), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(LOCK))
        config.attributes["connection"] = connection
        command.upgrade(config, target)


def _revision(owner: psycopg.Connection[Any]) -> str | None:
    known = owner.execute("select to_regclass('ops.schema_version') is not null").fetchone()
    if known is None or not known[0]:
        return None
    found = owner.execute("select version_num from ops.schema_version").fetchone()
    return None if found is None else str(found[0])
