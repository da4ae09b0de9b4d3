"""What a source holds, in counts: records, codes that Carepath does not know, records by year.

It reads through an open session, as a night does, and only columns that a night reads: the codes
of each table, and one date. It keeps counts, and no record.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from carepath.contract.code_lists import CodeList
from carepath.contract.differences import TableComparison
from carepath.sources.blanks import without_blanks
from carepath.sources.kind import SourceSession

# A value may be shown if it looks like a code and cannot be a word, a name, initials or an id: one
# letter, or at most two letters and two digits with a digit among them. It must also stand in
# this many records, so that it says nothing about a person.
CODE_SHAPE: Final = re.compile(r"[A-Za-z]|[A-Za-z]{0,2}[0-9]{1,2}")
FEWEST_RECORDS: Final = 10

_DATE: Final = re.compile(r"\s*(?:(\d{4})-\d\d-\d\d|\d{1,2}/\d{1,2}/(\d{4})(?=\s|$))")
_NO_DATE: Final = ("1900-01-01", "01/01/1900", "1/1/1900")
_ESCAPED: Final = re.compile(r"\\(.)")
_MEANS: Final = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(frozen=True)
class UnknownCodes:
    """The values of one column that its code list does not know.

    Attributes:
        column: the contract's name.
        record_count: records with such a value.
        value_count: different values; capitals and blanks do not make a value different.
        shown: values that may be shown, with their records, the most frequent first.
    """

    column: str
    code_list: str
    record_count: int
    value_count: int
    shown: Mapping[str, int]


@dataclass(frozen=True)
class TableContent:
    """What a source holds of one table.

    Attributes:
        date_column: the contract's name of the date by which records are counted; None without one.
        years: records by year.
        undated_count: records whose date is blank, or is not a date.
    """

    table: str
    row_count: int
    unknown_codes: tuple[UnknownCodes, ...]
    date_column: str | None
    years: Mapping[int, int]
    undated_count: int


def read_content(
    session: SourceSession,
    delivered: Iterable[TableComparison],
    code_lists: Mapping[str, CodeList],
    not_by: Mapping[str, Iterable[str]],
) -> Iterator[TableContent]:
    """Count what each delivered table holds, table by table.

    Args:
        session: the open source.
        delivered: its tables, and what it calls their columns.
        code_lists: by name; a council's own lists too.
        not_by: dates by which records are not counted, because they may be planned: names in
            staging by entity.

    Raises:
        SourceError: the source fails, or goes away.
    """
    for found in delivered:
        yield _read_table(session, found, code_lists, frozenset(not_by.get(found.table.entity, ())))


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Return the rows of COPY text, of which a chunk may end in the middle of a row."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


def year_of(value: str) -> int | None:
    """Return the year of a date as staging reads it; None for anything else, and 1 January 1900."""
    found = _DATE.match(value)
    if found is None or value.lstrip().startswith(_NO_DATE):
        return None
    return int(found[1] or found[2])


def may_be_shown(value: str, record_count: int) -> bool:
    """Say whether an unknown value looks like a code, and stands in enough records."""
    return record_count >= FEWEST_RECORDS and CODE_SHAPE.fullmatch(value) is not None


def years_in_words(years: Mapping[int, int], today: dt.date) -> list[str]:
    """Return the last ten years and the next one, each with its records, and the rest together."""
    first, last = today.year - 9, today.year + 1
    before = sum(count for year, count in years.items() if year < first)
    after = sum(count for year, count in years.items() if year > last)
    shown = [f"{year}: {years[year]:,}" for year in range(first, last + 1) if year in years]
    if before:
        shown.insert(0, f"before {first}: {before:,}")
    if after:
        shown.append(f"after {last}: {after:,}")
    return shown


def _read_table(
    session: SourceSession,
    found: TableComparison,
    code_lists: Mapping[str, CodeList],
    not_by: frozenset[str],
) -> TableContent:
    there = [column for column in found.table.columns if found.columns[column.name] is not None]
    codes = [column for column in there if column.code_list]
    date = next(
        (c for c in there if c.type == "date" and not c.personal and c.as_name not in not_by), None
    )
    # without a code and a date, any column tells how many records there are
    wanted = [*codes, *([date] if date else [])] or there[:1]
    sent = session.stream(found.table, [found.columns[column.name] for column in wanted])
    rows = without_blanks(sent, found.table, [column.name for column in wanted])
    counts = [Counter[bytes]() for _ in wanted]
    row_count = 0
    for line, times in Counter(lines(rows)).items():
        row_count += times
        for counter, field in zip(counts, line.split(b"\t"), strict=True):
            counter[field] += times
    years: Counter[int] = Counter()
    undated = 0
    for value, times in _values(counts[-1]) if date else ():
        year = year_of(value)
        if year is None:
            undated += times
        else:
            years[year] += times
    unknown = [
        _unknown(column.name, code_lists[column.code_list], counter)
        for column, counter in zip(codes, counts, strict=False)
        if column.code_list
    ]
    return TableContent(
        found.table.name,
        row_count,
        tuple(each for each in unknown if each.record_count),
        date.name if date else None,
        years,
        undated,
    )


def _unknown(column: str, code_list: CodeList, counter: Counter[bytes]) -> UnknownCodes:
    values: Counter[str] = Counter()
    for value, times in _values(counter):
        if value.strip() and code_list.normalise(value) is None:
            values[" ".join(value.split()).upper()] += times
    shown = {value: times for value, times in values.most_common() if may_be_shown(value, times)}
    return UnknownCodes(column, code_list.name, values.total(), len(values), shown)


def _values(counter: Counter[bytes]) -> Sequence[tuple[str, int]]:
    """Return the fields of COPY text as values; a null is a blank."""
    return [
        ("" if field == rb"\N" else _unescaped(field.decode("utf-8", "replace")), times)
        for field, times in counter.items()
    ]


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda m: _MEANS.get(m[1], m[1]), text) if "\\" in text else text
