"""The published figures that Carepath knows: `dbt_project/seeds/published_measures.csv`."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from carepath.settings import PROJECT_ROOT

RATES: Final = Path(__file__).with_name("rates.csv")
MEASURES: Final = PROJECT_ROOT / "dbt_project" / "seeds" / "published_measures.csv"

# Data sets that are not in the list of measures.
POPULATION_CHILDREN: Final = "population aged 0 to 17"
POPULATION_BY_AGE: Final = "population by age and sex"
POPULATION_BY_ETHNICITY: Final = "population by ethnic group"
NEIGHBOURS: Final = "statistical neighbours"


@dataclass(frozen=True)
class PublishedMeasure:
    """One figure of a data set of the Department.

    Attributes:
        figure_code: its stable code.
        data_set: the data set that it is in.
        official_codes: the codes by which a measure of a KPI names the same definition.
        statistic: share, rate or mean.
        measure_code: the measure of a KPI with the same definition; empty while there is none.
        segment: the segment of that measure with the same definition.
        columns: the columns with its value, numerator and denominator.
        filters: the columns that must have a value, with that value.
    """

    figure_code: str
    data_set: str
    official_codes: tuple[str, ...]
    statistic: str
    measure_code: str
    segment: str
    columns: tuple[str, ...]
    filters: Mapping[str, str]

    def is_on(self, cells: Mapping[str, str]) -> bool:
        """Whether a line of the data set holds this figure."""
        return all(cells[column] == value for column, value in self.filters.items())


@lru_cache(maxsize=1)
def published_measures() -> tuple[PublishedMeasure, ...]:
    """Return every figure of the list, in its order."""
    with MEASURES.open(encoding="utf-8", newline="") as file:
        return tuple(
            PublishedMeasure(
                figure_code=line["figure_code"],
                data_set=line["data_set"],
                official_codes=tuple(line["official_codes"].split("|")),
                statistic=line["statistic"],
                measure_code=line["measure_code"],
                segment=line["segment"],
                columns=tuple(
                    line[name]
                    for name in ("value_column", "numerator_column", "denominator_column")
                    if line[name]
                ),
                filters={
                    line[f"filter_{number}_column"]: line[f"filter_{number}_value"]
                    for number in (1, 2)
                    if line[f"filter_{number}_column"]
                },
            )
            for line in csv.DictReader(file)
        )


@lru_cache(maxsize=1)
def measures_by_data_set() -> Mapping[str, tuple[PublishedMeasure, ...]]:
    """Return the figures of each data set."""
    found: dict[str, tuple[PublishedMeasure, ...]] = {}
    for measure in published_measures():
        found[measure.data_set] = (*found.get(measure.data_set, ()), measure)
    return found


def counts_of_rates() -> list[tuple[str, str, str]]:
    """Return each rate per 10,000 with the measure and the segment that it divides."""
    with RATES.open(encoding="utf-8", newline="") as file:
        return [
            (line["rate_code"], line["count_code"], line["segment"])
            for line in csv.DictReader(file)
        ]
