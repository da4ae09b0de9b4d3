"""A children in need census as a source of the contract."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from carepath.contract.model import Table, load_contract
from carepath.errors import DeliveryError, SourceError
from carepath.sources.cin_census.checking import (
    CensusFile,
    CheckedCensus,
    check_census,
    check_census_files,
)
from carepath.sources.cin_census.layout import MODULES, Row, around, records_of
from carepath.sources.cin_census.mapping import TableMapping, load_mapping
from carepath.sources.cin_census.reading import NotACensusError, read_parts
from carepath.sources.delivered import (
    DeliveredFile,
    FileReader,
    FileSession,
    copy_blocks,
    copy_field,
    files_named_by,
    has_file,
    new_digest,
)
from carepath.sources.kind import Kind, SourceColumn
from carepath.sources.spec import SourceSpec

SCHEME: Final = "cin:"
# A census does not name its authority by its ONS code. If the command line does not either, this is
# its code. It is not that of an SSDA903 return without an authority.
UNNAMED_AUTHORITY: Final = ("E09900904", "Authority of the CIN census")


class CinCensusSource:
    """A census as a source; see docs/sources_cin_census.md.

    Args:
        spec: its url is `cin:FILE` or `cin:FOLDER`, optionally with `?period=2024` (1 April 2023 to
            31 March 2024) and `?schema=FILE`, an XSD.
    """

    kind: Final = "cin_census"

    def __init__(self, spec: SourceSpec) -> None:
        self.name = spec.name
        self.authority = spec.authority
        self.place, self.period, self.schema = parse_url(spec.url)

    def reach(self) -> None:
        """Look for the files; without any, `open` says so at once.

        Raises:
            MalformedFilesError: there is no file.
        """
        if not has_file(self.place):
            self.open()

    def open(self) -> CinCensusSession:
        """Check the whole census.

        Raises:
            MalformedCensusError: names file, line and element of all errors (up to 50).
        """
        return CinCensusSession(check_census(self.place, self.period, self.schema))


class CinCensusSession(FileSession):
    """A checked census that can be read table by table; the rows of earlier censuses stay."""

    def __init__(self, checked: CheckedCensus) -> None:
        super().__init__(str(checked.period), dict.fromkeys(load_mapping(), ()), checked.notes)
        self.checked = checked

    def describe(self) -> dict[str, list[SourceColumn]]:
        """Return the contract's tables that the census fills, with the columns that it fills.

        A record that the year's layout does not have, such as pre-proceedings before 2026, is not
        delivered unless a file has it. A required column that the census does not hold arrives
        blank. Values are converted to the contract's form, so columns have no type here.
        """
        tables = load_contract().tables
        has = self.checked.elements
        described = {}
        for name, mapping in load_mapping().items():
            parts = [part for part in mapping.parts if MODULES[part.record].name in has]
            if parts:
                filled = {
                    column
                    for part in parts
                    for column, rule in part.columns.items()
                    if rule.id or rule.reads & has
                }
                described[name] = [
                    SourceColumn(column.name, type="")
                    for column in tables[name].columns
                    if column.required or column.name in filled
                ]
        return described

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        """Return a table in PostgreSQL's COPY text format, a block at a time.

        Args:
            table: a table that `describe` names.
            columns: a name of `describe` or None (always null) for each column to send.

        Raises:
            DeliveryError: a file is no longer the one that was checked.
        """
        return copy_blocks(self._lines(load_mapping()[table.name], columns))

    def count_now(self, _tables: Collection[Table]) -> Mapping[str, int]:
        """Return nothing: `stream` compares each file with the one that was checked."""
        return {}

    def _lines(self, mapping: TableMapping, columns: Sequence[str | None]) -> Iterator[str]:
        parts = [
            (part, [part.columns.get(name) if name else None for name in columns])
            for part in mapping.parts
        ]
        wanted = frozenset().union(*(around(part.record) for part in mapping.parts))
        for file in self.checked.files:
            for record, row in _rows(file, wanted):
                for part, rules in parts:
                    if part.record == record and part.keeps(row):
                        yield "\t".join(copy_field(r.value(row) if r else "") for r in rules) + "\n"


def _rows(file: CensusFile, wanted: Collection[str]) -> Iterator[tuple[str, Row]]:
    """Yield the records of a checked file: the name of the module, and the values."""
    digest = new_digest()
    try:
        for part in read_parts(file.path, digest):
            if part.tag == "Child":
                for record in records_of(part, wanted):
                    yield record.module.name, record.row
    except (NotACensusError, OSError):
        raise _changed(file) from None
    if digest.digest() != file.digest:
        raise _changed(file)


def _changed(file: CensusFile) -> DeliveryError:
    return DeliveryError(
        "The file changed while it was being loaded, so nothing was loaded.",
        where=f"CIN census, {file.path.name}",
        todo="Wait until the export has finished, then run the night again.",
    )


def parse_url(url: str) -> tuple[Path, int | None, Path | None]:
    """Return place, collection year and XSD of `cin:FILE?period=2024&schema=FILE`.

    Raises:
        SourceError: the URL is not that of a census, or the period is not a collection year.
    """
    if not url.startswith(SCHEME):
        raise SourceError("This is not a CIN census.", where=url, todo="Write cin:FILE.")
    place, _, query = url.removeprefix(SCHEME).partition("?")
    asked = parse_qs(query)
    period, schema = (asked.get(name, [""])[-1] for name in ("period", "schema"))
    if period and not (period.isdigit() and 2000 <= int(period) <= 2100):
        raise SourceError(
            f"{period} is not a collection year.",
            where=place,
            todo="Give the year of the census's last day, 31 March, such as ?period=2024.",
        )
    return (
        Path(place).expanduser(),
        int(period) if period else None,
        Path(schema).expanduser() if schema else None,
    )


def named_by(url: str, listed: Sequence[SourceSpec]) -> SourceSpec:
    """Return the source of `cin:FILE`, or of `cin:FILE?authority=E09900001`.

    All censuses of one authority belong to one source, whichever file they are in, so that the
    years follow each other.

    Raises:
        SourceError: the authority is not an ONS code.
    """
    named = files_named_by(SCHEME, url, listed, UNNAMED_AUTHORITY)
    return replace(named, url=absolute(url))


def absolute(url: str) -> str:
    """Return the URL with absolute paths, of the census and of an XSD."""
    place, mark, query = url.removeprefix(SCHEME).partition("?")
    words = [
        f"schema={Path(word.removeprefix('schema=')).expanduser().resolve()}"
        if word.startswith("schema=")
        else word
        for word in query.split("&")
    ]
    return f"{SCHEME}{Path(place).expanduser().resolve()}{mark}{'&'.join(words)}"


def _open_files(name: str, files: Sequence[DeliveredFile], period: int | None) -> CinCensusSession:
    return CinCensusSession(check_census_files(name, files, period))


def _is_census(file: DeliveredFile) -> bool:
    return file.content == "xml" and file.root == "Message"


READER: Final = FileReader("CIN census", 2, _is_census, _open_files)
KIND: Final = Kind(
    example="cin:FILE",
    handles=lambda url: url.startswith(SCHEME),
    source=CinCensusSource,
    named_by=named_by,
    absolute=absolute,
    files_as=CinCensusSource.kind,
)
