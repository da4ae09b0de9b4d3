"""What the desk reads from the warehouse, and as whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg.rows import class_row

from carepath.warehouse.connect import connect

ROLE: Final = "carepath_desk"
STATEMENT_SECONDS: Final = 15  # a page that takes longer is a fault of ours, not a reason to wait

T = TypeVar("T")


@contextmanager
def warehouse() -> Iterator[psycopg.Connection[Any]]:
    """Connect to the warehouse for one page, in one transaction."""
    options = f"-c statement_timeout={STATEMENT_SECONDS}s"
    with connect(ROLE, options=options) as connection:
        yield connection


def read(
    connection: psycopg.Connection[Any],
    kind: type[T],
    query: str,
    values: Mapping[str, object] | None = None,
) -> list[T]:
    """Return the rows of a query, each as an instance of a dataclass with its columns."""
    return connection.cursor(row_factory=class_row(kind)).execute(query, values).fetchall()
