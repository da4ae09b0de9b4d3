"""The page `docs/indicators.md`: what the field asks for, and which measure answers it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from carepath.documents.templates import render
from carepath.measures import Measure

LIST: Final = Path(__file__).with_name("indicators.csv")
STATUSES: Final[Mapping[str, str]] = {
    "same": "there, by the official definition, or by a local one where there is no official one",
    "both": "there by the official definition, and beside it a local measure that counts otherwise",
    "partly": "there, without the part for which no contracted table carries the data",
    "differs": "counted otherwise, because no contracted table carries what is asked for",
    "data missing": "not there, because no contracted table carries the data",
}
# only data that no table of the contract has may leave an indicator in one of these
GAPS: Final = ("partly", "differs", "data missing")
NO_DATA: Final = "no contracted table"


@dataclass(frozen=True)
class Indicator:
    """One indicator that the Department, Ofsted or the field's own tools ask for.

    Attributes:
        number: its number on the page, which stays.
        status: one of STATUSES.
        measures: codes of the measures that answer it; empty where a table or a command does.
        note: what is counted otherwise or missing, and why; may be blank.
    """

    number: int
    topic: str
    indicator: str
    status: str
    measures: tuple[str, ...]
    note: str


def read_indicators(path: Path = LIST) -> list[Indicator]:
    """Return all indicators, in the order of their numbers."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Indicator(
                int(row["number"]),
                row["topic"],
                row["indicator"],
                row["status"],
                tuple(row["measures"].split()),
                row["note"],
            )
            for row in csv.DictReader(file)
        ]


def faults(indicators: list[Indicator], measures: Mapping[str, tuple[Measure, ...]]) -> list[str]:
    """Return what is wrong with the list, in sentences: codes, statuses, reasons."""
    known = {measure.code for of_mart in measures.values() for measure in of_mart}
    found = []
    for number, each in enumerate(indicators, 1):
        place = f"indicator {each.number}"
        if each.number != number:
            found.append(f"{place}: its number should be {number}.")
        if each.status not in STATUSES:
            found.append(f"{place}: '{each.status}' is not a status.")
        found += [
            f"{place}: there is no measure {code}." for code in each.measures if code not in known
        ]
        if each.status == "data missing" and each.measures:
            found.append(f"{place}: its data are missing, so no measure can answer it.")
        if each.status in GAPS and NO_DATA not in each.note:
            found.append(f"{place}: only missing data excuse it, so the note must name them.")
        if each.status == "both" and len(each.measures) < 2:
            found.append(f"{place}: both measures must be named.")
        if not each.note and not each.measures:
            found.append(f"{place}: the note must say why.")
    return found


def indicators_page() -> str:
    """Return the page: every indicator by topic, with its status, measures and note."""
    indicators = read_indicators()
    return render(
        "indicators.md",
        topics=[(topic, list(each)) for topic, each in groupby(indicators, lambda one: one.topic)],
        statuses=STATUSES,
        counts=Counter(each.status for each in indicators),
        total=len(indicators),
    )
