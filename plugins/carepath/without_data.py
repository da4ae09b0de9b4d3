"""The rules and the measures that a source gives no data for, because it lacks tables or columns.

`needed_tables.csv` says what each measure needs. A line for `*` is about all measures of the mart;
what other lines need comes on top. In `needs` a blank means "and", and `|` means "or".
tests/no_database/test_without_data.py compares the file with the marts and the models behind them.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Final

from carepath.contract import load_contract
from carepath.contract.differences import SourceComparison
from carepath.domains import DOMAINS
from carepath.measures import MARTS, read_measures

FILE: Final = Path(__file__).parent / "needed_tables.csv"


@dataclass(frozen=True)
class WithoutData:
    """A rule of one table, or a measure, that has no data.

    Attributes:
        topic: the domain, in words.
        code: the rule's id or the measure's code.
        title: what it is about, in plain words.
        missing: what is not delivered: tables, or columns as table.column; "or" divides
            alternatives.
    """

    topic: str
    code: str
    title: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Need:
    """What the measures of a mart need whose code fits a pattern: one of each tuple."""

    mart: str
    measure: str
    needs: tuple[tuple[str, ...], ...]


@lru_cache(maxsize=1)
def read_needs() -> tuple[Need, ...]:
    """Read needed_tables.csv."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Need(
                row["mart"],
                row["measure"],
                tuple(tuple(one.split("|")) for one in row["needs"].split()),
            )
            for row in csv.DictReader(file)
        )


def delivered_names(comparison: SourceComparison) -> frozenset[str]:
    """Return what a source delivers: its tables, and its columns as table.column."""
    names = set()
    for found in comparison.delivered:
        table = found.table.name
        names |= {table, *(f"{table}.{name}" for name, sent in found.columns.items() if sent)}
    return frozenset(names)


def measures_without_data(delivered: Collection[str]) -> Iterator[WithoutData]:
    """Return the measures that have no data without the rest of the contract."""
    domains = {path.stem: path.parent.name for path in MARTS.rglob("kpi_*.yml")}
    for mart, measures in read_measures().items():
        for measure in measures:
            missing = [
                " or ".join(one)
                for need in read_needs()
                if need.mart == mart and fnmatchcase(measure.code, need.measure)
                for one in need.needs
                if not set(one) & set(delivered)
            ]
            if missing:
                yield WithoutData(
                    topic_in_words(domains[mart]), measure.code, measure.title, _once(missing)
                )


def rules_without_data(delivered: Collection[str]) -> Iterator[WithoutData]:
    """Return the rules that do not apply, each once for every table that it judges."""
    from expectations.register import rules
    from expectations.subjects import subject

    contract = load_contract()
    for rule in rules():
        for name in rule.subjects:
            tables = [contract.by_entity(each) for each in (subject(name).entity, *rule.needs)]
            missing = [table.name for table in tables if table.name not in delivered]
            if missing:
                yield WithoutData(
                    topic_in_words(tables[0].domain), rule.rule_id, rule.says, _once(missing)
                )


def topic_in_words(domain: str) -> str:
    """Return what a domain is about."""
    return DOMAINS[domain]


def _once(missing: list[str]) -> tuple[str, ...]:
    """Return each name once, and no column of a table that is missing itself."""
    names = dict.fromkeys(missing)
    return tuple(name for name in names if "." not in name or name.partition(".")[0] not in names)
