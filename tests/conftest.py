"""Fixtures for all tests: a PostgreSQL of the suite's own, in a temporary CAREPATH_HOME."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Set before anything reads the settings, so that no test touches the checkout's own warehouse.
HOME = Path(tempfile.mkdtemp(prefix="carepath-tests-"))
HOME.chmod(0o755)  # as root, PostgreSQL runs as another account, which passes through here
os.environ["CAREPATH_HOME"] = str(HOME)
os.environ.pop("CAREPATH_WAREHOUSE_URL", None)

from carepath.settings import get_settings  # noqa: E402
from carepath.warehouse import embedded  # noqa: E402

SHARED = get_settings().project_root.parent / "shared"
LEFT_OUT: list[str] = []


@pytest.fixture(scope="session")
def cluster() -> Iterator[embedded.Server]:
    """The suite's embedded PostgreSQL, running; removed when the suite ends."""
    yield embedded.start()
    embedded.destroy()


@pytest.fixture
def shared_dir(request: pytest.FixtureRequest) -> Path:
    """The folder `shared` beside the checkout, with samples and reference tables."""
    if not SHARED.is_dir():
        LEFT_OUT.append(request.node.nodeid)
        pytest.skip(f"left out {request.node.name}: no folder `shared` beside the checkout")
    return SHARED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the tests that were left out because the folder `shared` is missing."""
    if LEFT_OUT:
        terminalreporter.section("left out: no folder `shared` beside the checkout")
        for name in LEFT_OUT:
            terminalreporter.line(name)
