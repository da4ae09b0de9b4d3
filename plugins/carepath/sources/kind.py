"""What a kind of source is: which URLs it reads, and how.

A module of this package that has a `KIND` is a kind of source. To add one, you edit nothing else:
the registry finds it. The protocols say what a night asks of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol, runtime_checkable

from carepath.contract import Table, load_contract
from carepath.errors import SourceError
from carepath.sources import causes
from carepath.sources.address import Address
from carepath.sources.spec import SourceSpec

# types of the contract of which a number without a fraction is sent without a decimal point
WHOLE: Final = frozenset({"row_id", "id", "code", "integer"})


@dataclass(frozen=True)
class SourceColumn:
    """A column that a source really has; `type` is the source's name for its type."""

    name: str
    type: str


Accumulates = Mapping[str, tuple[str, ...]]
REPLACES_ALL: Final[Accumulates] = MappingProxyType({})


class SourceSession(Protocol):
    """An open source: one consistent state of its tables, where the database can show it.

    Attributes:
        period: the collection year of a return; None for a live system.
        accumulates: tables whose rows of earlier periods stay current when a later one is loaded,
            each with the columns by which a row replaces earlier ones (none: the natural key).
        is_partial: whether this kind of source only ever has some of the contract's tables.
        parallel: how many tables may be streamed at the same time; None for no limit.
    """

    @property
    def period(self) -> str | None: ...
    @property
    def accumulates(self) -> Accumulates: ...
    @property
    def is_partial(self) -> bool: ...
    @property
    def parallel(self) -> int | None: ...

    def describe(self) -> dict[str, list[SourceColumn]]:
        """Return the tables and columns that the source has, by its own names."""
        ...

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        """Return a table as PostgreSQL's COPY text format, in chunks that may split a row.

        Args:
            table: the contract's table.
            columns: the source's column for each field to send; None sends nulls.

        Raises:
            SourceError: the source fails, goes away, or is rebuilt while it is read.
        """
        ...

    def count_now(self, tables: Collection[Table], /) -> Mapping[str, int]:
        """Return how many rows the tables hold at this moment.

        The night asks after it has read all tables, to notice a source that was rebuilt during
        the reading. A table that the source does not have, or cannot count, is left out.

        Raises:
            SourceError: a table of the contract was dropped, made or replaced since.
        """
        ...


@runtime_checkable
class Readable(Protocol):
    """An open source whose account may lack rights; files have none."""

    def require_readable(self, table: Table, columns: Sequence[str]) -> None:
        """Ask for the columns of a table, without any row.

        Raises:
            DeniedError: the account may not read one of them.
            SourceError: they cannot be read for another reason.
        """
        ...


@runtime_checkable
class Reachable(Protocol):
    """A source that can be tried without reading any of it: connect, or look for the files."""

    def reach(self) -> None:
        """Do what a night does first, and nothing else.

        Raises:
            CarepathError: the source cannot be reached, in the words of a night.
        """
        ...


class Source(Protocol):
    """A recording system that can be opened; `kind` is how it is read."""

    @property
    def name(self) -> str: ...
    @property
    def authority(self) -> str: ...
    @property
    def kind(self) -> str: ...

    def open(self) -> AbstractContextManager[SourceSession]:
        """Connect.

        Raises:
            SourceError: the source cannot be reached.
        """
        ...


@dataclass(frozen=True)
class Kind:
    """A kind of source; a module declares its own as `KIND`.

    Attributes:
        example: a URL of the kind, for messages.
        handles: says whether a URL from sources.yml is of this kind.
        source: makes the source for an entry; it connects when its `open` is entered.
        at: makes the source at an address that another kind has looked up; None if not possible.
        is_general: is asked last, after all other kinds.
        named_by: makes an entry from a URL that the command line gives instead of a listed name. It
            also gets the entries of sources.yml. None if the source must be listed.
        absolute: makes relative paths in such a URL absolute, for another process.
        needs_airflow: only Airflow knows the address, so `source` imports Airflow.
        files_as: the `kind` of its sources, if it reads files that only ever have some of the
            contract's tables, such as a return. Blank for a recording system.
    """

    example: str
    handles: Callable[[str], bool]
    source: Callable[[SourceSpec], Source]
    at: Callable[[SourceSpec, Address], Source] | None = None
    is_general: bool = False
    needs_airflow: bool = False
    named_by: Callable[[str, Sequence[SourceSpec]], SourceSpec] | None = None
    absolute: Callable[[str], str] = str
    files_as: str = ""


class DeniedError(SourceError):
    """The account may not read something of the source.

    Attributes:
        columns: which columns of a table; none stands for the whole table.
    """

    columns: tuple[str, ...] = ()


def failure(
    what: str, cause: causes.Cause, source: str, table: str = "", reason: str = ""
) -> SourceError:
    """Return the error for what a database refused or could not do.

    Args:
        what: what did not work, such as "The table cannot be read".
        cause: why, and what to do about it.
        source: its name.
        table: which table it was about, if it was about one.
        reason: the cause in other words; by default its own.
    """
    kind = DeniedError if cause.words == causes.RIGHTS.words else SourceError
    return kind(
        f"{what}: {reason or cause}",
        where=f"source {source}" + (f", table {table}" if table else ""),
        todo=cause.todo,
    )


def refuse_unreadable(
    source: str, session: SourceSession, tables: Iterable[tuple[Table, Sequence[str]]]
) -> None:
    """Refuse a source of which the account may not read some columns, if there are any.

    A night asks before it reads the first row, so that one attempt names everything.

    Args:
        source: its name.
        session: the open source.
        tables: each with the columns that a night reads, as the source calls them.

    Raises:
        DeniedError: names all tables and columns.
        SourceError: a column cannot be read for another reason.
    """
    if isinstance(session, Readable):
        asked = {table.name: (table, columns) for table, columns in tables}
        refuse_denied(
            source,
            denied_among(
                lambda name, columns: session.require_readable(asked[name][0], columns),
                {name: columns for name, (_, columns) in asked.items()},
            ),
        )


def denied_among(
    ask: Callable[[str, Sequence[str]], None], tables: Mapping[str, Sequence[str]]
) -> dict[str, DeniedError]:
    """Return an error for each table of which the account may not read all columns.

    Args:
        ask: asks for columns of a table, and raises DeniedError if one of them is denied.
        tables: the columns of each table. A database names only the first that is denied, so each
            is then asked for on its own.
    """

    def refused(name: str, columns: Sequence[str]) -> DeniedError | None:
        try:
            ask(name, columns)
        except DeniedError as error:
            return error
        return None

    found = {}
    for name, columns in tables.items():
        if error := refused(name, columns):
            denied = tuple(column for column in columns if refused(name, [column]))
            error.columns = denied if len(denied) < len(columns) else ()
            found[name] = error
    return found


def refuse_denied(source: str, denied: Mapping[str, DeniedError]) -> None:
    """Refuse a source of which the account may not read some tables, if there are any.

    Args:
        source: its name.
        denied: the error of each table, by its name.

    Raises:
        DeniedError: names all of them, so that the rights can be granted at once.
    """
    if not denied:
        return
    names = sorted(denied)
    if len(names) == 1 and not denied[names[0]].columns:
        raise denied[names[0]]
    many = len(names) > 1
    raise DeniedError(
        f"{f'{len(names)} tables' if many else 'The table'} cannot be read: {causes.RIGHTS}",
        where=f"source {source}, table{'s' if many else ''} "
        + ", ".join(name + _in_brackets(denied[name].columns) for name in names),
        todo=causes.RIGHTS.todo,
    )


def _in_brackets(columns: Sequence[str]) -> str:
    """Return the names of columns as they follow that of their table."""
    if not columns:
        return ""
    return f" (column{'s' if len(columns) > 1 else ''} {', '.join(columns)})"


def rebuilt(source: str, table: str) -> SourceError:
    """Return the error for a source whose tables were replaced while a night read them."""
    return SourceError(
        "The source was rebuilt while it was being read, so nothing was loaded.",
        where=f"source {source}, table {table}",
        todo="Run the night again when the rebuild has ended. If the source is always rebuilt at "
        "this time, start the night later.",
    )


def sent_types(table: Table, spelling: str | None) -> dict[str, str]:
    """Return the contract's type of each column, by the source's name for it in lower case."""
    types = {column.name.lower(): str(column.type) for column in table.columns}
    for column in table.columns:
        if theirs := column.spelling(spelling).name:
            types[theirs.lower()] = str(column.type)
    return types


def refuse_namesakes(source: str, names: Sequence[str]) -> None:
    """Refuse a source of which two tables of the contract differ only by upper and lower case.

    Raises:
        SourceError: names the table.
    """
    there = [name.lower() for name in names]
    for name in sorted(load_contract().tables):
        if there.count(name) > 1:
            raise SourceError(
                "The source has this table more than once, in names that differ only by upper and "
                "lower case.",
                where=f"source {source}, table {name}",
                todo="Rename or remove all but one of them, or let the account read only one.",
            )


def asked_for(table: Table, found: Sequence[SourceColumn], spelling: str | None) -> list[str]:
    """Return the columns of a source's table that the contract asks for, as the source has them."""
    wanted = sent_types(table, spelling)
    return [column.name for column in found if column.name.lower() in wanted]
