"""Write released figures as CSV files by the Department's open data standard.

Each part of the service has a data file and a metadata file that describes its columns, as the
Department's service Explore Education Statistics takes them.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from carepath.errors import CarepathError
from carepath.site.disclosure import NOT_APPLICABLE
from carepath.spreadsheets import inert
from carepath.warehouse.connect import connect

READER: Final = "published_reader"
OWNER: Final = "carepath_owner"

FIGURES: Final = """
select
    service, as_at_date, topic, measure, measure_code, statistic, unit, segment_kind, segment,
    numerator, numerator_symbol, denominator, denominator_symbol, value, value_symbol
from published.latest_figure
where authority = %s
order by service, as_at_date, topic, measure, segment_kind, segment, segment_code
"""

PLACE: Final = """
select
    authorities.name,
    coalesce(areas.old_la_code, ''),
    coalesce(areas.region_code, ''),
    coalesce(areas.region_name, '')
from ops.authorities
left join ops.statistics_areas as areas on authorities.authority = areas.area_code
where authorities.authority = %s
order by areas.time_period desc nulls last
limit 1
"""

TIME_AND_PLACE: Final = (
    "time_period", "time_identifier", "geographic_level", "country_code", "country_name",
    "region_code", "region_name", "old_la_code", "new_la_code", "la_name",
)  # fmt: skip
METADATA: Final = (
    "col_name", "col_type", "label", "indicator_grouping", "indicator_unit", "indicator_dp",
    "filter_hint", "filter_grouping_column",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of the data files, as the metadata files describe it."""

    name: str
    label: str
    hint: str = ""
    grouped_by: str = ""


FILTERS: Final = (
    Column("as_at_date", "As at", "The day for which the figure is counted"),
    Column("topic", "Topic"),
    Column("measure", "Measure", "What is counted", "topic"),
    Column("segment_kind", "Kind of group"),
    Column("segment", "Group", "Whom the figure is about", "segment_kind"),
)
# the column for a value of each statistic: the others hold z in that row
VALUES: Final = {
    "share": ("percentage", "Percentage", "%", "1"),
    "rate": ("rate", "Rate", "", "1"),
    "money": ("amount", "Amount", "£", "0"),
}
OTHER: Final = ("average", "Average or total, in the unit", "", "1")
COUNTS: Final = (
    ("numerator", "Number", "", "0"),
    ("denominator", "Out of", "", "0"),
)
INDICATORS: Final = (*COUNTS, *VALUES.values(), OTHER)
DATA: Final = (
    *TIME_AND_PLACE,
    *(each.name for each in FILTERS),
    "unit",
    *(name for name, *_ in INDICATORS),
)


@dataclass(frozen=True)
class Written:
    """A data file, its rows, and the file that describes it."""

    service: str
    data: Path
    metadata: Path
    row_count: int


def write_open_data(authority: str, folder: Path) -> list[Written]:
    """Write the last release of every date: a data file and a metadata file for each service.

    The figures are read as the role that can read nothing but released figures.

    Raises:
        CarepathError: nothing was released, or the folder has files already.
    """
    with connect(OWNER) as connection:
        place = connection.execute(PLACE, [authority]).fetchone()
    with connect(READER) as connection:
        rows = connection.execute(FIGURES, [authority]).fetchall()
    if not rows or place is None:
        raise CarepathError("No figures were released yet.", where=authority)
    services = sorted({row[0] for row in rows})
    files = {service: _files(folder, service) for service in services}
    for path in (path for pair in files.values() for path in pair):
        if path.exists():
            raise CarepathError(
                f"The folder already has {path.name}, and Carepath does not write over it.",
                where=str(folder),
                todo="name a new folder.",
            )
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for service in services:
        data, metadata = files[service]
        of_service = [row for row in rows if row[0] == service]
        _write(data, [DATA, *(_line(authority, place, row) for row in of_service)])
        _write(metadata, [METADATA, *_described()])
        written.append(Written(service, data, metadata, len(of_service)))
    return written


def _files(folder: Path, service: str) -> tuple[Path, Path]:
    name = service.replace(" ", "_")
    return folder / f"{name}.csv", folder / f"{name}.meta.csv"


def _line(authority: str, place: Sequence[str], row: Sequence[Any]) -> list[str]:
    (_, date, topic, measure, _, statistic, unit, kind, segment, *shown) = row
    name, old_code, region_code, region_name = place
    numerator, denominator, value = (
        _shown(shown[number], shown[number + 1]) for number in (0, 2, 4)
    )
    column = VALUES.get(statistic, OTHER)[0] if statistic != "count" else None
    cells = {
        "time_period": f"{date:%Y}",
        "time_identifier": _month(date),
        "geographic_level": "Local authority",
        "country_code": "E92000001",
        "country_name": "England",
        "region_code": region_code,
        "region_name": region_name,
        "old_la_code": old_code,
        "new_la_code": authority,
        "la_name": name,
        "as_at_date": date.isoformat(),
        "topic": topic,
        "measure": measure,
        "segment_kind": kind,
        "segment": segment,
        "unit": unit,
        "numerator": numerator,
        "denominator": denominator,
        **({column: value} if column else {}),
    }
    return [str(inert(cells.get(name, NOT_APPLICABLE))) for name in DATA]


def _shown(number: Any, symbol: str | None) -> str:
    return str(number) if symbol is None else symbol


def _month(date: dt.date) -> str:
    """Return the time identifier: the English name of the month, whatever the locale."""
    names = (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    )  # fmt: skip
    return names[date.month - 1]


def _described() -> list[list[str]]:
    """Return the rows of a metadata file: one for each filter and indicator."""
    filters = [
        [each.name, "Filter", each.label, "", "", "", each.hint, each.grouped_by]
        for each in (*FILTERS, Column("unit", "Unit"))
    ]
    indicators = [
        [name, "Indicator", label, "Counts" if (name, label, unit, places) in COUNTS else "Values",
         unit, places, "", ""]
        for name, label, unit, places in INDICATORS
    ]  # fmt: skip
    return [*filters, *indicators]


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
