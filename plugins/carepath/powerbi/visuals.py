"""What each visual of the report asks PostgreSQL, if its tables are switched to DirectQuery.

The model imports its tables, so Power BI answers a visual from memory. Who needs figures of this
minute can switch tables to DirectQuery. Then PostgreSQL answers, and must be quick. Power BI's own
SQL cannot be had here. So these queries are written from the same things: the fields of a visual,
the columns that its measures read, the relationships, and the filters of page and visual.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from carepath.powerbi.catalogue import Mart, read_catalogue, read_figures
from carepath.powerbi.dax import DaxMeasure, measure_name, measures
from carepath.powerbi.report import Field, Visual, pages
from carepath.powerbi.sources import BY_NAME, RELATIONSHIPS, Source, column_name

# What a reader chooses where a visual asks for a choice.
CHOICES: Final = {"measure_code": "care_leavers_eet", "event_type_code": "entry_to_care"}
_COLUMN: Final = re.compile(r"'([^']+)'\[([^\]]+)\]")
_MEASURE: Final = re.compile(r"(?<!')\[([^\]]+)\]")
_CODE: Final = re.compile(r"'Measures'\[Measure code\] = \"([^\"]+)\"")
_NUMERIC: Final = ("numeric", "integer", "bigint", "double precision", "smallint")


@dataclass(frozen=True)
class VisualQuery:
    """One query of a visual.

    Attributes:
        page, visual: their titles in the report.
        table: the table of the model that it is about.
        statement: SQL with its values in it.
    """

    page: str
    visual: str
    table: str
    statement: str


def visual_queries(authority: str | None = None) -> list[VisualQuery]:
    """Return the queries of all visuals but the headings, in the order of the report.

    Args:
        authority: ONS code that a reader has chosen; None if none is chosen.
    """
    titles = {row["measure_code"]: measure_name(row["title"]) for row in read_figures()}
    return [
        VisualQuery(page.title, visual.title, table, statement)
        for page in pages(titles)
        for visual in page.visuals
        if visual.roles
        for table, statement in _of_visual(visual, {**page.only, **visual.only}, authority)
    ]


def _of_visual(
    visual: Visual, only: Mapping[Field, Sequence[str]], authority: str | None
) -> Iterator[tuple[str, str]]:
    shown = [field for fields in visual.roles.values() for field in fields]
    columns = [field for field in shown if not field.is_measure]
    reads: dict[str, set[str]] = {}
    codes: list[str] = []
    for field in shown:
        if field.is_measure:
            _read_by(field.name, reads, codes)
    facts = {table: names for table, names in reads.items() if table not in _one_sides()}
    if not facts:
        base = next(
            (each.table for each in columns if each.table not in _one_sides()), columns[0].table
        )
        facts = {base: set()}
    for table, names in facts.items():
        yield from _of_fact(_Fact(table, columns, names), visual, only, codes, authority)


@dataclass(frozen=True)
class _Fact:
    table: str
    columns: Sequence[Field]
    reads: set[str]

    @property
    def source(self) -> Source:
        return BY_NAME[self.table]

    @property
    def mart(self) -> Mart:
        return _marts()[self.source.mart]

    def said(self, table: str, name: str) -> str:
        """Return a column as SQL names it."""
        column = _column(table, name)
        return f'"{table}"."{column}"'


def _of_fact(
    fact: _Fact,
    visual: Visual,
    only: Mapping[Field, Sequence[str]],
    codes: Sequence[str],
    authority: str | None,
) -> Iterator[tuple[str, str]]:
    reached = {fact.table, *(each.to_table for each in RELATIONSHIPS if each.table == fact.table)}
    groups = [field for field in fact.columns if field.table in reached]
    filters = {field: values for field, values in only.items() if field.table in reached}
    joined = {field.table for field in (*groups, *filters)} - {fact.table}
    where = [
        f"{fact.said(field.table, field.name)}::text in ({', '.join(map(_literal, values))})"
        for field, values in filters.items()
    ]
    if codes and "measure_code" in fact.mart.columns:
        where.append(f'"{fact.table}"."measure_code" in ({", ".join(map(_literal, codes))})')
    if "choose one" in visual.title:
        where += [
            f'"{fact.table}"."{column}" = {_literal(value)}'
            for column, value in CHOICES.items()
            if column in fact.mart.columns
        ]
    if authority is not None and "authority" in fact.mart.columns:
        where.append(f'"{fact.table}"."authority" = {_literal(authority)}')
    group = [fact.said(field.table, field.name) for field in groups]
    begin = "\n".join(_from(fact, joined))
    if not fact.reads:
        rows = f"select distinct {', '.join(group)}\n{begin}{_where(where)}\norder by 1\nlimit 1001"
        yield fact.table, rows
        return
    aggregates = list(_aggregates(fact))
    if "As-at date" in fact.reads:
        by_date = any(field.table == "Calendar" for field in groups)
        date = fact.said(fact.table, "As-at date")
        yield fact.table, _grouped([*group, f"max({date})"], begin, where, len(group))
        if not by_date:
            where = [*where, f"{date} = (select max({date})\n{begin}{_where(where)})"]
    if "Is total" in fact.reads and not any(field.table == "Segments" for field in groups):
        where = [*where, fact.said(fact.table, "Is total")]
    yield fact.table, _grouped([*group, *aggregates], begin, where, len(group))


def _from(fact: _Fact, joined: set[str]) -> Iterator[str]:
    yield f'from "marts"."{fact.source.mart}" as "{fact.table}"'
    for each in RELATIONSHIPS:
        if each.table == fact.table and each.to_table in joined:
            to = BY_NAME[each.to_table]
            ones = to.keys.get(each.to_column, (each.to_column,))
            many = fact.source.keys.get(each.column, (each.column,))
            on = " and ".join(
                f'"{fact.table}"."{a}" = "{to.name}"."{b}"' for a, b in zip(many, ones, strict=True)
            )
            yield f'left join "marts"."{to.mart}" as "{to.name}" on {on}'


def _aggregates(fact: _Fact) -> Iterator[str]:
    yield "count(*)"
    for name in sorted(fact.reads):
        said, column = fact.said(fact.table, name), _column(fact.table, name)
        type_ = fact.mart.columns[column].type
        if column.endswith("_key") or type_ == "text":
            yield f"count(distinct {said})"
        elif type_.startswith(_NUMERIC):
            yield from (f"sum({said})", f"min({said})", f"max({said})")
        elif type_ == "date":
            yield f"max({said})"


def _grouped(selected: Sequence[str], begin: str, where: Sequence[str], groups: int) -> str:
    text = f"select {', '.join(selected)}\n{begin}{_where(where)}"
    by = ", ".join(str(number) for number in range(1, groups + 1))
    return f"{text}\ngroup by {by}\nlimit 1000001" if by else text


def _where(where: Sequence[str]) -> str:
    return "\nwhere " + " and ".join(where) if where else ""


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _read_by(name: str, reads: dict[str, set[str]], codes: list[str]) -> None:
    """Add the columns that a measure reads, also through other measures."""
    expression = _measures()[name].expression
    codes += _CODE.findall(expression)
    for table, column in _COLUMN.findall(expression):
        reads.setdefault(table, set()).add(column)
    for other in _MEASURE.findall(_COLUMN.sub("", expression)):
        if other in _measures():
            _read_by(other, reads, codes)


@lru_cache(maxsize=1)
def _marts() -> dict[str, Mart]:
    return read_catalogue()


@lru_cache(maxsize=1)
def _measures() -> dict[str, DaxMeasure]:
    return {each.name: each for each in measures(_marts())}


@lru_cache(maxsize=1)
def _one_sides() -> set[str]:
    return {each.to_table for each in RELATIONSHIPS}


@lru_cache(maxsize=512)
def _column(table: str, name: str) -> str:
    source = BY_NAME[table]
    return next(
        column for column in _marts()[source.mart].columns if column_name(source, column) == name
    )
