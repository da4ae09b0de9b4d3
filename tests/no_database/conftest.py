"""Tests in this folder need no database: one that asks for it by mistake fails."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def cluster() -> None:
    """Refuse to start a server: a test that needs one belongs in another folder."""
    pytest.fail("tests in no_database cannot use a database: move this one to tests/warehouse")
