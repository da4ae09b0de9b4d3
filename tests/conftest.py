"""Fixtures for all tests: a PostgreSQL server for the suite, in a temporary CAREPATH_HOME."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
import pytest

# Set before anything reads the settings, so that no test touches the checkout's own warehouse.
HOME = Path(tempfile.mkdtemp(prefix="carepath-tests-"))
HOME.chmod(0o755)  # as root, PostgreSQL runs as another account, which passes through here
os.environ["CAREPATH_HOME"] = str(HOME)
os.environ.pop("CAREPATH_WAREHOUSE_URL", None)

import mariadb_server  # noqa: E402
import quick_server  # noqa: E402
import redis_server  # noqa: E402
import set_back_clock  # noqa: E402
import small_disk  # noqa: E402

import carepath.warehouse  # noqa: E402
from carepath.contract import load_contract  # noqa: E402
from carepath.demonstration.settings import lay_settings  # noqa: E402
from carepath.landing.tables import ensure  # noqa: E402
from carepath.quality import waivers  # noqa: E402
from carepath.settings import get_settings  # noqa: E402
from carepath.warehouse import embedded, roles  # noqa: E402
from carepath.warehouse.connect import connect  # noqa: E402
from carepath.warehouse.passwords import ADMINISTRATOR, known_passwords  # noqa: E402
from carepath.warehouse.staging import ensure_staging  # noqa: E402

# the tests say themselves who runs them, whoever has signed in to this machine
waivers.LOGIN = HOME / "nobody"  # type: ignore[misc]

# Python looks for circular garbage after 20,000 new objects instead of 700. Most of what it looked
# through stays until the end: packages, tests and the register of rules.
gc.set_threshold(20_000, 20, 20)
MUCH_MEMORY = 1_500_000_000  # bytes

# the suite runs with the demonstration's targets, unit costs, cohorts and dates
lay_settings()

SHARED = get_settings().project_root.parent / "shared"
NO_SHARED = "no folder `shared` beside the checkout"
NO_CHROMIUM = "no browser (Debian: apt-get install chromium)"
NO_EXTRAS = "no packages of requirements-extras.lock (make extras)"
NO_ODBC = "no PostgreSQL driver for ODBC (Debian: apt-get install odbc-postgresql unixodbc)"


# The longest modules begin first and the folder without a server last, so that the workers end
# together. By itself xdist begins with the modules of the most tests, and a long one may have one.
LONGEST = (
    "night/test_demo_nights.py",
    "night/test_region_workers.py",
    "dbt/test_dbt_incremental.py",
    "dbt/test_dbt_nights.py",
    "night/test_one_night_at_a_time.py",
    "dbt/test_documents_dbt.py",
    "night/test_night_of_files.py",
    "dbt/test_gate_cohort.py",
    "night/test_power_bi_refresh.py",
    "dbt/test_small_department.py",
    "dbt/test_ssda903_return_rules.py",
    "warehouse/test_retention.py",
    "night/test_ordinary_months.py",
    "warehouse/test_gate_records.py",
)
FOLDERS = ("dbt", "night", "pages", "warehouse", "no_database")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules of a worker in the order in which they begin (`--no-loadscope-reorder`)."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=_turn)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Look for garbage after a module that leaves much: each run of dbt leaves 35 MB or more."""
    is_last = nextitem is None or nextitem.path != item.path
    if is_last and psutil.Process().memory_info().rss > MUCH_MEMORY:
        gc.collect()


def _turn(item: pytest.Item) -> tuple[int, int]:
    folder, name = item.path.parent.name, f"{item.path.parent.name}/{item.path.name}"
    return (
        LONGEST.index(name) if name in LONGEST else len(LONGEST),
        FOLDERS.index(folder) if folder in FOLDERS else 0,
    )


@pytest.fixture(scope="session")
def cluster() -> Iterator[embedded.Server]:
    """The suite's embedded PostgreSQL, running; removed when the suite ends."""
    yield quick_server.start()
    embedded.destroy()


@pytest.fixture(scope="session")
def warehouse_template(cluster: embedded.Server) -> str:
    """A copy of the migrated, empty warehouse, from which `warehouse` is made again."""
    carepath.warehouse.ready()
    _open_quickly()
    _copy_database("warehouse", "warehouse_template")
    return "warehouse_template"


@pytest.fixture(scope="module")
def warehouse(warehouse_template: str) -> None:
    """A migrated, empty database `warehouse` for the tests of one module (0.1 s).

    Connect with `carepath.warehouse.connect.connect(role)`. What one test of a module writes, the
    next one finds; close connections, or they are cut off when the next module begins.
    """
    _make_again(warehouse_template)


@pytest.fixture(scope="session")
def staged_template(warehouse_template: str) -> str:
    """A copy of the empty warehouse with the tables of the contract and the views of staging."""
    _make_again(warehouse_template)
    ensure(load_contract())
    with connect("carepath_loader", autocommit=True) as loader:
        assert ensure_staging(loader, None)
    _copy_database("warehouse", "staged_template")
    return "staged_template"


@pytest.fixture(scope="module")
def staged_warehouse(staged_template: str) -> None:
    """`warehouse`, with the tables of the contract and the views of staging.

    A night finds the views as the night before left them, which saves 8 s of dbt.
    """
    _make_again(staged_template)


def _open_quickly() -> None:
    """Let a connection hash its password once, and not 4,096 times (0.003 s of the client).

    The rounds protect a password that somebody could guess. These have 24 random bytes.
    """
    passwords = known_passwords()
    with connect(ADMINISTRATOR, "postgres", autocommit=True) as admin:
        admin.execute("set scram_iterations = 1")
        ours = admin.execute(
            "select rolname from pg_roles where rolcanlogin and rolname = any(%s)",
            (list(passwords),),
        )
        for (role,) in ours.fetchall():
            admin.execute(
                psycopg.sql.SQL("alter role {} password {}").format(
                    psycopg.sql.Identifier(role), psycopg.sql.Literal(passwords[role])
                )
            )


def _make_again(template: str) -> None:
    _copy_database(template, "warehouse")
    with connect(ADMINISTRATOR, "postgres", autocommit=True) as admin:
        roles.prepare_database(admin, "warehouse")


def _copy_database(template: str, database: str) -> None:
    with connect(ADMINISTRATOR, "postgres", autocommit=True) as admin:
        admin.execute(
            psycopg.sql.SQL("drop database if exists {} with (force)").format(
                psycopg.sql.Identifier(database)
            )
        )
        admin.execute(
            psycopg.sql.SQL(
                "create database {} template {} owner carepath_owner strategy file_copy"
            ).format(psycopg.sql.Identifier(database), psycopg.sql.Identifier(template))
        )


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder `shared` beside the checkout, with samples and reference tables."""
    if not SHARED.is_dir():
        pytest.skip(NO_SHARED)
    return SHARED


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of a browser."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip(NO_CHROMIUM)
    return found


@pytest.fixture(scope="session")
def odbc_driver() -> str:
    """The name of PostgreSQL's ODBC driver."""
    found = (
        subprocess.run(["odbcinst", "-q", "-d"], capture_output=True, text=True, check=False)
        if shutil.which("odbcinst")
        else None
    )
    if found is None or "[PostgreSQL Unicode]" not in found.stdout:
        pytest.skip(NO_ODBC)
    return "PostgreSQL Unicode"


@pytest.fixture(scope="session")
def power_bi_operators() -> None:
    """Microsoft's operators for Airflow."""
    if find_spec("airflow.providers.microsoft") is None:
        pytest.skip(NO_EXTRAS)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[mariadb_server.MariaDB]:
    """A MariaDB server of the suite's own, empty."""
    if mariadb_server.program() is None:
        pytest.skip(mariadb_server.MISSING)
    with mariadb_server.MariaDB.running() as server:
        yield server


@pytest.fixture(scope="session")
def mysql() -> Iterator[mariadb_server.MySQL]:
    """A MySQL server of the suite's own, empty."""
    with mariadb_server.MySQL.running() as server:
        yield server


def pytest_unconfigure() -> None:
    """Remove the suite's home."""
    shutil.rmtree(HOME, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the tests that were left out because something outside the checkout is missing."""
    skipped = terminalreporter.stats.get("skipped", [])
    for missing in (
        *(NO_SHARED, NO_CHROMIUM, NO_ODBC, NO_EXTRAS),
        *(small_disk.MISSING, mariadb_server.MISSING, redis_server.MISSING),
        set_back_clock.MISSING,
    ):
        names = [report.nodeid for report in skipped if missing in str(report.longrepr)]
        if names:
            terminalreporter.section(f"{len(names)} tests left out: {missing}")
            for name in names:
                terminalreporter.line(name)
