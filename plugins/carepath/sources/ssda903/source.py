"""SSDA903 return files as a source of the contract: a folder, a zip or one file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Final

from carepath.contract.model import Table, load_contract
from carepath.errors import DeliveryError
from carepath.sources.blanks import trim
from carepath.sources.delivered import (
    DeliveredFile,
    FileReader,
    FileSession,
    absolute_files_url,
    copy_blocks,
    copy_field,
    files_named_by,
    has_file,
    new_digest,
    opened,
    parse_files_url,
)
from carepath.sources.kind import Kind, SourceColumn
from carepath.sources.spec import SourceSpec
from carepath.sources.ssda903.checking import (
    CheckedReturn,
    ReturnFile,
    check_files,
    check_return,
    is_ssda903,
)
from carepath.sources.ssda903.mapping import Part, TableMapping, load_mapping, prepare
from carepath.sources.ssda903.reading import Row, Tell, read_rows, unnamed_columns, without
from carepath.sources.ssda903.xml_reading import read_records

SCHEME: Final = "ssda903:"


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

    def reach(self) -> None:
        """Look for the files; without any, `open` says so at once.

        Raises:
            MalformedFilesError: there is no file.
        """
        if not has_file(self.folder):
            self.open()

    def open(self) -> Ssda903Session:
        """Check the whole return.

        Raises:
            MalformedReturnError: names file, line and column of all errors (up to 50).
        """
        return Ssda903Session(check_return(self.folder, self.period))


class Ssda903Session(FileSession):
    """A checked return that can be read table by table, several at a time."""

    def __init__(self, checked: CheckedReturn) -> None:
        accumulates = {
            each.name: each.replaces for each in load_mapping().values() if each.accumulates
        }
        super().__init__(str(checked.period), accumulates, checked.notes)
        self.checked = checked

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
        """Return a table in PostgreSQL's COPY text format, a block at a time.

        Args:
            table: a table that `describe` names.
            columns: a name of `describe` or None (always null) for each column to send.

        Raises:
            DeliveryError: the file is no longer the one that was checked.
        """
        mapping = load_mapping()[table.name]
        lines = self._lines(mapping, columns)
        return copy_blocks(dict.fromkeys(lines) if mapping.distinct else lines)

    def count_now(self, _tables: Collection[Table]) -> Mapping[str, int]:
        """Return nothing: `stream` compares each file with the one that was checked."""
        return {}

    def _lines(self, mapping: TableMapping, columns: Sequence[str | None]) -> Iterator[str]:
        files = self.checked.files
        for part in mapping.parts:
            if part.table in files:
                values = [part.columns.get(name) if name else None for name in columns]
                for row in _rows(files[part.table], part):
                    yield (
                        "\t".join(copy_field(value(row) if value else "") for value in values)
                        + "\n"
                    )


def _rows(file: ReturnFile, part: Part) -> Iterator[Mapping[str, str]]:
    """Yield the rows of a checked file that `part` keeps, prepared, by column."""

    def tell(*_: object) -> None:
        raise _changed(file)

    names = [column.name for column in file.columns]
    kinds = [(column.name, column.type) for column in file.columns]
    digest = new_digest()
    try:
        with opened(file.file, digest) as content:
            for row in _rows_of(file, content, tell):
                while len(row.fields) > len(names) and not trim(row.fields[-1]):
                    row.fields.pop()
                if len(row.fields) != len(names):
                    raise _changed(file)
                values = dict(zip(names, row.fields, strict=True))
                for name, kind in kinds:
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
    header = next(rows, None)
    unnamed = unnamed_columns(header) if header else frozenset()
    for row in rows:
        yield without(row, unnamed)


def _changed(file: ReturnFile) -> DeliveryError:
    return DeliveryError(
        "The file changed while it was being loaded, so nothing was loaded.",
        where=f"SSDA903 return, {file.file.name}",
        todo="Wait until the export has finished, then run the night again.",
    )


def parse_url(url: str) -> tuple[Path, int | None]:
    """Return path and collection year of `ssda903:FOLDER` or `ssda903:FOLDER?period=2018`.

    Raises:
        SourceError: the URL is not that of a return, or the period is not a collection year.
    """
    return parse_files_url(SCHEME, url)


def _open_files(name: str, files: Sequence[DeliveredFile], period: int | None) -> Ssda903Session:
    return Ssda903Session(check_files(name, files, period))


READER: Final = FileReader("SSDA903 return", 1, is_ssda903, _open_files)
KIND: Final = Kind(
    example="ssda903:FOLDER",
    handles=lambda url: url.startswith(SCHEME),
    source=Ssda903Source,
    named_by=partial(files_named_by, SCHEME),
    absolute=partial(absolute_files_url, SCHEME),
    files_as=Ssda903Source.kind,
)
