"""SSDA903 return files as a source of the contract: a folder, a zip or one file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Final
from urllib.parse import parse_qs

from carepath.contract.model import Table, load_contract
from carepath.errors import DeliveryError, SourceError
from carepath.sources.delivered import new_digest, opened
from carepath.sources.kind import Kind, SourceColumn
from carepath.sources.notes import DeliveryNote
from carepath.sources.spec import SourceSpec, is_authority
from carepath.sources.ssda903.checking import CheckedReturn, ReturnFile, check_return
from carepath.sources.ssda903.mapping import Part, TableMapping, load_mapping, prepare
from carepath.sources.ssda903.reading import Row, Tell, read_rows
from carepath.sources.ssda903.xml_reading import read_records

SCHEME: Final = "ssda903:"
# Return files do not name their authority. If the command line does not either, this is its code.
UNNAMED_AUTHORITY: Final = ("E09900903", "Authority of the SSDA903 return")
BLOCK: Final = 1 << 16  # characters of COPY text sent at a time

# the characters that PostgreSQL's COPY text format escapes with a backslash
_ESCAPES: Final = str.maketrans(
    {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f", "\v": r"\v"}
)


class Ssda903Source:
    """A return as a source; see docs/sources_ssda903.md.

    Args:
        spec: its url is `ssda903:FOLDER`, optionally with `?period=2018`, the collection year
            (1 April 2017 to 31 March 2018), for when the data do not show it.
    """

    kind: Final = "ssda903"

    def __init__(self, spec: SourceSpec) -> None:
        self.name = spec.name
        self.authority = spec.authority
        self.folder, self.period = parse_url(spec.url)

    def open(self) -> Ssda903Session:
        """Check the whole return.

        Raises:
            MalformedReturnError: names file, line and column of all errors (up to 50).
        """
        return Ssda903Session(check_return(self.folder, self.period))


class Ssda903Session:
    """A checked return that can be read table by table, several at a time.

    Attributes:
        period: the collection year, as text.
        accumulates: the contract's tables in which the rows of earlier returns stay. In the
            others, the latest return replaces them.
        is_partial: always true, because a return fills only some of the contract's tables.
        parallel: None, because there is no limit: every read opens the file again.
    """

    def __init__(self, checked: CheckedReturn) -> None:
        self.checked = checked
        self.period: str | None = str(checked.period)
        self.is_partial = True
        self.parallel: int | None = None
        self.accumulates = frozenset(
            mapping.name for mapping in load_mapping().values() if mapping.accumulates
        )

    def __enter__(self) -> Ssda903Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing is held open between two reads."""

    def notes(self) -> list[DeliveryNote]:
        """Return what a person should put right, although the return was loaded."""
        return list(self.checked.notes)

    def describe(self) -> dict[str, list[SourceColumn]]:
        """Return the contract's tables that this return fills, with the columns that it fills.

        A required column that the return does not hold, such as eligibility, arrives blank. Values
        are converted to the contract's form, so columns have no type here. A table without a file
        is not delivered.
        """
        tables = load_contract().tables
        described = {}
        for name, mapping in load_mapping().items():
            parts = [part for part in mapping.parts if part.table in self.checked.files]
            if parts:
                described[name] = [
                    SourceColumn(column.name, type="")
                    for column in tables[name].columns
                    if column.required or any(column.name in part.columns for part in parts)
                ]
        return described

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        """Yield a table in PostgreSQL's COPY text format, a block at a time.

        Args:
            table: a table that `describe` names.
            columns: a name of `describe` or None (always null) for each column to send.

        Raises:
            DeliveryError: the file is no longer the one that was checked.
        """
        mapping = load_mapping()[table.name]
        sent: set[str] | None = set() if mapping.distinct else None
        block: list[str] = []
        size = 0
        for line in self._lines(mapping, columns):
            if sent is not None:
                if line in sent:
                    continue
                sent.add(line)
            block.append(line)
            size += len(line)
            if size >= BLOCK:
                yield "".join(block).encode()
                block, size = [], 0
        if block:
            yield "".join(block).encode()

    def count_now(self, _tables: Collection[Table]) -> Mapping[str, int]:
        """Return nothing: `stream` compares each file with the one that was checked."""
        return {}

    def _lines(self, mapping: TableMapping, columns: Sequence[str | None]) -> Iterator[str]:
        files = self.checked.files
        for part in mapping.parts:
            if part.table in files:
                values = [part.columns.get(name) if name else None for name in columns]
                for row in _rows(files[part.table], part):
                    yield "\t".join(_field(value(row) if value else "") for value in values) + "\n"


def _rows(file: ReturnFile, part: Part) -> Iterator[Mapping[str, str]]:
    """Yield the rows of a checked file that `part` keeps, prepared, by column."""

    def tell(*_: object) -> None:
        raise _changed(file)

    names = [column.name for column in file.columns]
    prepared = [(c.name, c.type) for c in file.columns if c.type != "text"]
    digest = new_digest()
    try:
        with opened(file.file, digest) as content:
            for row in _rows_of(file, content, tell):
                while len(row.fields) > len(names) and not row.fields[-1].strip():
                    row.fields.pop()
                if len(row.fields) != len(names):
                    raise _changed(file)
                values = dict(zip(names, row.fields, strict=True))
                for name, kind in prepared:
                    if value := values[name]:
                        values[name] = prepare(value, kind)
                if part.keeps(values):
                    yield values
    except OSError:
        raise _changed(file) from None
    if digest.digest() != file.digest:
        raise _changed(file)


def _rows_of(file: ReturnFile, content: BufferedReader, tell: Tell) -> Iterator[Row]:
    """Yield the rows of a table from a file that has been checked."""
    if file.file.content == "xml":
        for record in read_records(content, tell):
            if record.table is file.table and record.row:
                yield record.row
        return
    rows = read_rows(content, tell)
    next(rows, None)
    yield from rows


def _changed(file: ReturnFile) -> DeliveryError:
    return DeliveryError(
        "The file changed while it was being loaded, so nothing was loaded.",
        where=f"SSDA903 return, {file.file.name}",
        todo="Wait until the export has finished, then run the night again.",
    )


def _field(value: str) -> str:
    return value.translate(_ESCAPES) if value else r"\N"


def parse_url(url: str) -> tuple[Path, int | None]:
    """Return folder and collection year of `ssda903:FOLDER` or `ssda903:FOLDER?period=2018`.

    Raises:
        SourceError: the URL is not that of a return, or the period is not a collection year.
    """
    if not url.startswith(SCHEME):
        raise SourceError("This is not an SSDA903 return.", where=url, todo="Write ssda903:FOLDER.")
    folder, _, query = url.removeprefix(SCHEME).partition("?")
    period = parse_qs(query).get("period", [""])[-1]
    if period and not (period.isdigit() and 2000 <= int(period) <= 2100):
        raise SourceError(
            f"{period} is not a collection year.",
            where=folder,
            todo="Give the year of the return's last day, 31 March, such as ?period=2018.",
        )
    return Path(folder).expanduser(), int(period) if period else None


def named_by(url: str, listed: Sequence[SourceSpec]) -> SourceSpec:
    """Return the source of `ssda903:FOLDER`, or of `ssda903:FOLDER?authority=E09900001`.

    All returns of one authority belong to one source, whichever folder they are in, so that the
    years follow each other.

    Raises:
        SourceError: the authority is not an ONS code.
    """
    query = parse_qs(url.partition("?")[2])
    authority = query.get("authority", [UNNAMED_AUTHORITY[0]])[-1].upper()
    try:
        is_authority(authority)
    except ValueError as error:
        what, _, todo = str(error).partition(" | ")
        raise SourceError(what, where=url, todo=todo) from None
    known = {spec.authority: spec.authority_name for spec in listed} | dict([UNNAMED_AUTHORITY])
    return SourceSpec(
        name=f"ssda903-{authority.lower()}",
        authority=authority,
        authority_name=known.get(authority, authority),
        url=absolute(url),
    )


def absolute(url: str) -> str:
    """Return `ssda903:FOLDER` with the folder's absolute path."""
    folder, mark, query = url.removeprefix(SCHEME).partition("?")
    return f"{SCHEME}{Path(folder).expanduser().resolve()}{mark}{query}"


KIND: Final = Kind(
    example="ssda903:FOLDER",
    handles=lambda url: url.startswith(SCHEME),
    source=Ssda903Source,
    named_by=named_by,
    absolute=absolute,
)
