"""The page `docs/faults.md`: each fault that the tests cause, and what Carepath promises then."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carepath.documents.templates import render
from carepath.errors import SettingsError
from carepath.settings import PROJECT_ROOT

# test modules: what the faults of their marked tests happen to
PARTS: Final = {
    "tests/warehouse/test_sources_rebuilt.py": "The source",
    "tests/warehouse/test_sources_databases.py": "The source",
    "tests/warehouse/test_landing_all_or_nothing.py": "Loading",
    "tests/warehouse/test_findings.py": "The gate",
    "tests/night/test_night_closed.py": "The gate",
    "tests/dbt/test_dbt_incremental.py": "The build",
    "tests/warehouse/test_publish_marts.py": "Publication",
    "tests/night/test_one_night_at_a_time.py": "A whole night",
    "tests/night/test_region_workers.py": "A whole night",
    "tests/night/test_night_timetable.py": "The clock",
    "tests/night/test_dag_nightly_load.py": "The clock",
    "tests/warehouse/test_warehouse_embedded.py": "The database server",
    "tests/warehouse/test_disk_full.py": "The database server",
    "tests/warehouse/test_read_replica.py": "The database server",
    "tests/warehouse/test_tls_door.py": "Readers on other machines",
    "tests/warehouse/test_backup.py": "Backup",
}


@dataclass(frozen=True)
class Fault:
    """A fault that a test causes.

    Attributes:
        part: what it happens to.
        happens: what happens, as a sentence.
        holds: what Carepath promises then, as a sentence.
        test: the test's path from the project's root, and its name.
    """

    part: str
    happens: str
    holds: str
    test: str


def faults_page() -> str:
    """Return the page: the faults by the part that they happen to, each with its test."""
    found = list(faults())
    parts = {part: [fault for fault in found if fault.part == part] for part in PARTS.values()}
    return render("faults.md", parts=parts)


def faults() -> Iterator[Fault]:
    """Yield the faults of all tests that are marked `@pytest.mark.fault(happens, holds)`.

    Raises:
        SettingsError: a marked test is in a module that `PARTS` does not list.
    """
    for path in sorted((PROJECT_ROOT / "tests").rglob("test_*.py")):
        module = path.relative_to(PROJECT_ROOT).as_posix()
        for name, happens, holds in _marked(path):
            if module not in PARTS:
                raise SettingsError(
                    "A test that is marked as a fault belongs to no part of docs/faults.md.",
                    where=f"{module}::{name}",
                    todo="add its module to PARTS in plugins/carepath/documents/faults.py.",
                )
            yield Fault(PARTS[module], happens, holds, f"{module}::{name}")


def _marked(path: Path) -> Iterator[tuple[str, str, str]]:
    tests = ast.parse(path.read_text(encoding="utf-8")).body
    for node in (test for test in tests if isinstance(test, ast.FunctionDef)):
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                happens, holds = (ast.literal_eval(argument) for argument in mark.args)
                yield node.name, happens, holds
