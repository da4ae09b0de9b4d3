"""Databases, roles and who may connect to what. What a role may read is in the migrations."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from carepath.errors import WarehouseError
from carepath.settings import get_settings
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR, known_passwords, password

LEAST_VERSION = 160_000

# role: what it is for. None of them is a superuser or can create roles or databases.
ROLES = {
    "carepath_owner": "owns warehouse and schemas; migrates and publishes",
    "carepath_loader": "loads landing and history, runs dbt and the gate",
    "carepath_analyst": "reads history, staging, core, quality and ops",
    "carepath_steward": "reads quality and, if needed, identity",
    "carepath_desk": "what the pages of the desk read: findings, decisions and waivers",
    "carepath_caseload": "reads what is due and overdue, with case ids, and nothing else",
    "bi_reader": "reads marts, and nothing else",
    "published_reader": "reads the figures that may leave the department, and nothing else",
    "airflow_meta": "owns Airflow's metadata",
    "recording_system": "owns the recording system of the demonstration",
    "recording_reader": "reads that recording system, as a source is read",
}

# database: (owner, the others that may connect)
DATABASES = {
    "warehouse": (
        "carepath_owner",
        (
            "carepath_loader",
            "carepath_analyst",
            "carepath_steward",
            "carepath_desk",
            "carepath_caseload",
            "bi_reader",
            "published_reader",
        ),
    ),
    "airflow": ("airflow_meta", ()),
    "recording_system": ("recording_system", ("recording_reader",)),
}

# Defaults of a session. A role can change its own, so they do not protect anything.
ROLE_SETTINGS = {
    "bi_reader": {
        "default_transaction_read_only": "on",
        "statement_timeout": "5min",
        "idle_in_transaction_session_timeout": "1h",
    },
    "carepath_caseload": {"default_transaction_read_only": "on", "statement_timeout": "5min"},
    "published_reader": {"default_transaction_read_only": "on", "statement_timeout": "5min"},
    "recording_reader": {"default_transaction_read_only": "on"},
}

DATABASE_SETTINGS = {
    "warehouse": {
        "datestyle": "ISO, DMY",
        "timezone": "UTC",
        # more made transforms slower: hash tables no longer fitted the processor's cache
        "work_mem": "32MB",
        # a night's tables already run side by side; measured, neither made a difference
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
        # the server ends the statement of a killed process, so that the next night can begin
        "client_connection_check_interval": "2s",
    },
    "airflow": {
        "timezone": "UTC",
        # A commit waits 3 ms for the disk, and Airflow commits hundreds of times a night. If a
        # crash loses its last half second, it runs a task again, which every task allows.
        "synchronous_commit": "off",
    },
    "recording_system": {"datestyle": "ISO, DMY", "timezone": "UTC"},
}

# A server's log must not quote records, as DETAIL, CONTEXT, statements and parameters do. The
# embedded server has these settings. Another one gets them if its administrator is a superuser.
LOG_SETTINGS = {
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}

# Functions that PostgreSQL lets everyone run, by patterns of their names. A reader who holds the
# lock of the publication stops all nights. One who writes into the log of changes fills the disk.
LARGE_OBJECTS = "^lo_(creat|create|from_bytea|import)$"
LOG_MESSAGES = "^pg_logical_emit_message$"
ADVISORY_LOCKS = "^pg_(try_)?advisory_"

_LOCK = 0x0CA2E9A7  # of PostgreSQL's advisory locks: one set-up of a server at a time

# Read on import: an upgrade while a night runs must not mark the server as set up by the new code.
_MARK = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]


def fingerprint() -> str:
    """Return the mark of a server that this version of this module has set up."""
    return _MARK


def provisioned() -> bool:
    """Return whether this version of the roles and databases is in place."""
    if "carepath_owner" not in known_passwords():
        return False
    try:
        with connect("carepath_owner") as owner:
            found = owner.execute(
                "select shobj_description(oid, 'pg_database') from pg_database"
                " where datname = current_database()"
            ).fetchone()
    except WarehouseError:
        return False
    return found is not None and found[0] == fingerprint()


def provision() -> None:
    """Create missing roles and databases, and renew their settings. Idempotent.

    Raises:
        WarehouseError: if the server is too old, or has these roles with other passwords.
    """
    with connect(ADMINISTRATOR, "postgres", autocommit=True) as admin:
        _check_server(admin)
        admin.execute("select pg_advisory_lock(%s)", (_LOCK,))
        _create_roles(admin)
        for database, (owner, _) in DATABASES.items():
            if (present := _owner_of(admin, database)) is None:
                create_database(admin, database, owner)
            elif present != owner:
                raise WarehouseError(
                    f"The server already has a database {database}, which belongs to {present}.",
                    where="CAREPATH_WAREHOUSE_URL",
                    todo="rename that database, or use another server.",
                )
        if get_settings().warehouse_url is None:  # another server keeps its own rules
            for database in ("postgres", "template1"):
                admin.execute(_sql("revoke all on database {} from public", database))
        for database in reversed(DATABASES):  # the warehouse has the mark, so it comes last
            prepare_database(admin, database)


def create_database(admin: psycopg.Connection[Any], database: str, owner: str) -> None:
    """Create a database that sorts by code point, the same on every machine."""
    builtin = "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'"
    # PostgreSQL 16 does not have builtin locales; its C changes the case of ASCII letters only
    locale = builtin if admin.info.server_version >= 170_000 else "locale 'C.UTF-8'"
    statement = "create database {} owner {} template template0 encoding 'UTF8' " + locale
    admin.execute(_sql(statement, database, owner))


def recreate_database(database: str) -> None:
    """Drop one of our databases with everything in it, and create it empty."""
    with connect(ADMINISTRATOR, "postgres", autocommit=True) as admin:
        admin.execute(_sql("drop database if exists {} with (force)", database))
        create_database(admin, database, DATABASES[database][0])
        prepare_database(admin, database)


def prepare_database(admin: psycopg.Connection[Any], database: str) -> None:
    """Say who may connect to one of our databases, and the defaults of its sessions."""
    owner, guests = DATABASES[database]
    admin.execute(_sql("revoke all on database {} from public", database))
    for guest in guests:
        admin.execute(_sql("grant connect on database {} to {}", database, guest))
    if database == "warehouse":
        # dbt makes the schemas of a warehouse "as known at" a past date, and temporary tables
        admin.execute(_sql("grant create, temporary on database {} to carepath_loader", database))
    for name, value in DATABASE_SETTINGS[database].items():
        admin.execute(_sql("alter database {} set {} = {value}", database, name, value=value))
    with connect(ADMINISTRATOR, database, autocommit=True) as inside:
        inside.execute(_sql("grant all on schema public to {}", owner))
        inside.execute("revoke all on schema public from public")
        if _is_superuser(inside):
            _revoke_from_public(inside, LARGE_OBJECTS)
            if database == "warehouse":
                _revoke_from_public(inside, LOG_MESSAGES)
                _revoke_from_public(inside, ADVISORY_LOCKS, keeps="carepath_loader")
            for name, value in LOG_SETTINGS.items():
                inside.execute(
                    _sql("alter database {} set {} = {value}", database, name, value=value)
                )
    if database == "recording_system":
        with connect(owner, database, autocommit=True) as inside:
            inside.execute("alter default privileges grant usage on schemas to recording_reader")
            inside.execute("alter default privileges grant select on tables to recording_reader")
            inside.execute("grant usage on schema public to recording_reader")
    admin.execute(_sql("comment on database {} is {value}", database, value=fingerprint()))


def _check_server(admin: psycopg.Connection[Any]) -> None:
    if admin.info.server_version < LEAST_VERSION:
        raise WarehouseError(
            f"PostgreSQL {admin.info.server_version // 10_000} is too old; 16 or later is needed.",
            where="CAREPATH_WAREHOUSE_URL",
            todo="upgrade that server, or unset the variable to use the embedded PostgreSQL.",
        )


def _create_roles(admin: psycopg.Connection[Any]) -> None:
    ours = known_passwords()
    present = {name for (name,) in admin.execute("select rolname from pg_roles").fetchall()}
    for role in ROLES:
        if role in present and role not in ours:
            raise WarehouseError(
                f"The server already has a role {role}, and this home does not know its password.",
                where="CAREPATH_WAREHOUSE_URL",
                todo="copy passwords.json from the home that set the server up into this one.",
            )
        if role not in present:
            secret = password(role)  # kept before the role exists, so that it cannot be lost
            # hashed here, so that a server that logs statements never sees it
            scram = admin.pgconn.encrypt_password(secret.encode(), role.encode(), b"scram-sha-256")
            admin.execute(_sql("create role {} login password {value}", role, value=scram.decode()))
        for name, value in ROLE_SETTINGS.get(role, {}).items():
            admin.execute(_sql("alter role {} set {} = {value}", role, name, value=value))
    # the owner migrates and publishes tables that the loader has made
    admin.execute("grant carepath_loader to carepath_owner")
    if not _is_superuser(admin):
        for owner, _ in DATABASES.values():
            admin.execute(_sql("grant {} to current_user", owner))


def _revoke_from_public(
    inside: psycopg.Connection[Any], pattern: str, keeps: str | None = None
) -> None:
    """Take functions of PostgreSQL from everyone, and give them to one role if it needs them."""
    functions = inside.execute(
        "select p.oid::regprocedure::text from pg_proc as p"
        " where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ %s order by 1",
        (pattern,),
    ).fetchall()
    for (function,) in functions:
        name = sql.SQL(function)
        inside.execute(sql.SQL("revoke execute on function {} from public").format(name))
        if keeps is not None:
            inside.execute(
                sql.SQL("grant execute on function {} to {}").format(name, sql.Identifier(keeps))
            )


def _is_superuser(connection: psycopg.Connection[Any]) -> bool:
    return connection.info.parameter_status("is_superuser") == "on"


def _owner_of(admin: psycopg.Connection[Any], database: str) -> str | None:
    found = admin.execute(
        "select pg_get_userbyid(datdba) from pg_database where datname = %s", (database,)
    ).fetchone()
    return None if found is None else str(found[0])


def _sql(template: str, *names: str, value: str = "") -> sql.Composed:
    return sql.SQL(template).format(*map(sql.Identifier, names), value=sql.Literal(value))
