"""An Annex A workbook as a source of the contract."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

from carepath.contract.model import Table, load_contract
from carepath.sources.annex_a.layout import load_layout
from carepath.sources.annex_a.reading import ADOPTERS, ListRow, is_annex_a, read_lists
from carepath.sources.delivered import (
    DeliveredFile,
    EnoughErrorsError,
    FileReader,
    FileSession,
    MalformedFilesError,
    Notices,
    copy_blocks,
    copy_field,
)
from carepath.sources.kind import REPLACES_ALL, SourceColumn
from carepath.sources.ssda903.mapping import Rule, Value, as_rule
from carepath.yaml_files import read_yaml, validate

MAPPING: Final = Path(__file__).with_name("mapping.yml")
Record = dict[str, str]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Part:
    """Which rows of which lists become rows of a contract table; see the top of mapping.yml."""

    lists: frozenset[int]
    columns: Mapping[str, Annotated[Rule, BeforeValidator(as_rule)]]
    filled: tuple[str, ...] = ()
    where: Mapping[str, frozenset[str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _reads_fields(self) -> Self:
        fields = load_layout().fields
        for rule in self.columns.values():
            for name in rule.reads - fields.keys():
                raise ValueError(f"The lists have no field {name}. | Use a name of layout.yml.")
        return self

    def record_of(self, row: ListRow) -> Record | None:
        """Return the row of the contract table that a row of a list becomes, if it does."""
        values = {name: row.values.get(name, "") for name in load_layout().fields}
        if row.number not in self.lists or not all(values[name] for name in self.filled):
            return None
        if not all(values[name] in wanted for name, wanted in self.where.items()):
            return None
        return {name: value(values) for name, value in _functions(self).items()}

    def __hash__(self) -> int:
        return id(self)  # a part is read once, with the file that it stands in


@cache
def _functions(part: Part) -> Mapping[str, Value]:
    return {name: rule.compiled() for name, rule in part.columns.items()}


_TABLE: Final = TypeAdapter(tuple[Part, ...])


@lru_cache(maxsize=1)
def load_mapping() -> Mapping[str, tuple[Part, ...]]:
    """Read the mapping, by the contract's table, once per process.

    Raises:
        SettingsError: the file is wrong; the message names the table and the key.
    """
    return {
        name: validate(_TABLE, entry, where=f"{MAPPING.name}, {name}")
        for name, entry in read_yaml(MAPPING).items()
    }


class AnnexASession(FileSession):
    """A checked workbook; its tables are held in memory."""

    def __init__(self, rows: Sequence[ListRow], notices: Notices) -> None:
        self._lists = {row.number for row in rows}
        self._tables = {
            name: _records(name, parts, rows, notices) for name, parts in load_mapping().items()
        }
        # it holds the records of the day on which it was made, and replaces the one before
        super().__init__(None, REPLACES_ALL, notices.all_notes())

    def describe(self) -> dict[str, list[SourceColumn]]:
        """Return the contract's tables that these lists fill, with the columns that they fill.

        A required column that the lists do not hold arrives blank. A table without a list is not
        delivered.
        """
        tables = load_contract().tables
        described = {}
        for name, parts in load_mapping().items():
            of = [part for part in parts if part.lists & self._lists]
            if of:
                described[name] = [
                    SourceColumn(column.name, type="")
                    for column in tables[name].columns
                    if column.required or any(column.name in part.columns for part in of)
                ]
        return described

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        """Return a table in PostgreSQL's COPY text format, a block at a time."""
        return copy_blocks(
            "\t".join(copy_field(record.get(name, "") if name else "") for name in columns) + "\n"
            for record in self._tables[table.name]
        )

    def count_now(self, _tables: Collection[Table]) -> Mapping[str, int]:
        """Return nothing: the lists are in memory."""
        return {}


def _records(
    table: str, parts: Sequence[Part], rows: Sequence[ListRow], notices: Notices
) -> list[Record]:
    """Return a table's records. Rows with one key are one record; notes say where they differ."""
    key = load_contract().tables[table].natural_key
    found: dict[tuple[str, ...], Record] = {}
    for part in parts:
        for row in rows:
            record = part.record_of(row)
            if record is None:
                continue
            first = found.setdefault(tuple(record.get(name, "").upper() for name in key), record)
            for name, value in record.items():
                if value and not first.get(name):
                    first[name] = value
                elif value and value.upper() != first[name].upper():
                    title = load_contract().tables[table].column(name).description
                    notices.note(
                        row.file,
                        row.line,
                        title,
                        "This differs from another row of the same record, whose value is kept."
                        " Correct one of them.",
                    )
    return list(found.values())


def open_workbooks(name: str, files: Sequence[DeliveredFile], _period: int | None) -> AnnexASession:
    """Check workbooks and open them.

    Args:
        name: what was given, for the message.
        files: workbooks that hold lists of Annex A; each list may be in one of them.

    Raises:
        MalformedFilesError: names sheet, row and heading of up to 50 errors.
    """
    notices = Notices()
    rows: list[ListRow] = []
    try:
        seen: dict[int, str] = {}
        for file in files:
            of_file = read_lists(file, notices.error, notices.note)
            for number in sorted({row.number for row in of_file}):
                first = seen.setdefault(number, file.name)
                if first != file.name:
                    what = f"{first} also has list {number}. Keep one of them."
                    notices.error(file.name, 0, "", what)
            rows += of_file
        if not rows and not notices.errors:
            notices.error(name, 0, "", "The workbook has no row in any list. Export it again.")
    except EnoughErrorsError:
        pass
    if notices.errors:
        raise MalformedFilesError.of(f"Annex A, {name}", notices.errors)
    if any(row.number == ADOPTERS for row in rows):
        place = next(row.file for row in rows if row.number == ADOPTERS)
        what = "List 11 (adopters) was read but not loaded: the contract has no table for it."
        notices.note(place, 0, "", what)
    return AnnexASession(rows, notices)


def _is_annex_a(file: DeliveredFile) -> bool:
    return file.content == "workbook" and is_annex_a(file)


READER: Final = FileReader("Annex A", 3, _is_annex_a, open_workbooks)
