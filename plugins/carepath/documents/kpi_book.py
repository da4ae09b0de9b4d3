"""The page `docs/kpis.md`, which defines every KPI, dbt's exposure of the marts, and their lists.

All are written from the YAML beside the models of the marts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from carepath.documents.templates import render
from carepath.measures import PERIODS, STATISTICS, Measure, read_measures
from carepath.settings import PROJECT_ROOT
from carepath.statistics.data_sets import counts_of_rates, published_measures

MARTS = PROJECT_ROOT / "dbt_project" / "models" / "marts"
# What the page shows of a KPI's declaration, in this order.
LABELS = {
    "Numerator": "numerator",
    "Denominator": "denominator",
    "Left out": "left_out",
    "No people": "not_people",
    "Source": "source",
    "Owner": "owner",
    "Key": "key",
    "Segments": "segments",
}
# The column that holds a figure, by statistic; a mart of values has them in `value` instead.
FIGURE_COLUMNS = {"share": "share", "rate": "rate"}
# columns of seeds/measures.csv
MEASURE_COLUMNS = (
    "measure_code", "mart", "measure", "title", "service", "topic", "statistic", "unit",
    "number_format", "direction", "standard", "official_code", "period", "period_months",
    "date_basis", "default_segment", "owner", "numerator", "denominator", "left_out", "differs",
)  # fmt: skip
KNOWN_THEN = "as known then"
AS_RECORDED = "as recorded tonight"


@dataclass(frozen=True)
class Kpi:
    """One KPI mart as its YAML declares it.

    Attributes:
        name: the model, which is also the table in schema `marts`.
        path: its YAML, from the checkout's root.
        description: grain first.
        meta: title, owner, key, numerator, denominator, left_out, not_people, source, segments.
        measures: as config.meta.measures declares them.
        unit_tests: name and, in words, what a naive version would get wrong.
    """

    name: str
    path: str
    description: str
    meta: dict[str, Any]
    measures: tuple[Measure, ...]
    unit_tests: tuple[tuple[str, str], ...]


def kpis(marts: Path = MARTS) -> Iterator[Kpi]:
    """Yield every KPI mart in alphabetical order.

    Raises:
        SettingsError: a mart does not declare its measures in full.
    """
    measures = read_measures(marts)
    for path in sorted(marts.rglob("kpi_*.yml"), key=lambda path: path.stem):
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
        (model,) = declared["models"]
        yield Kpi(
            name=model["name"],
            path=path.relative_to(marts.parents[2]).as_posix(),
            description=_one_line(model["description"]),
            meta={key: _one_line(value) for key, value in model["config"]["meta"].items()},
            measures=measures[model["name"]],
            unit_tests=tuple(
                (test["name"], _one_line(test["description"]))
                for test in declared.get("unit_tests", ())
            ),
        )


def kpi_page() -> str:
    """Return docs/kpis.md."""
    return render("kpis.md", kpis=list(kpis()), labels=LABELS)


def exposures() -> str:
    """Return models/marts/exposures.yml: every mart is Power BI's, so dbt's lineage ends there."""
    return render("exposures.yml", marts=sorted(path.stem for path in MARTS.rglob("*.sql")))


def declared_marts(marts: Path = MARTS) -> str:
    """Return macros/declared_marts.sql: the marts that others read, as their YAML declares it."""
    measures = read_measures(marts)
    of_counts: list[str] = []
    of_rates: list[str] = []
    of_values: list[str] = []
    with_open_names: list[str] = []
    compared: list[str] = []
    for path in sorted(marts.rglob("kpi_*.yml"), key=lambda path: path.stem):
        (model,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        meta = model["config"]["meta"]
        columns = {column["name"] for column in model["columns"]}
        if measures[model["name"]]:
            (
                of_counts if "share" in columns else of_rates if "rate" in columns else of_values
            ).append(model["name"])
        if any(measure.name.endswith("*") for measure in measures[model["name"]]):
            with_open_names.append(model["name"])
        if meta.get("is_compared"):
            compared.append(model["name"])
    lists = (
        ("marts_of_counts", of_counts, "The marts with measures that have shares, for kpi."),
        ("marts_of_rates", of_rates, "The marts with measures that have rates, for kpi."),
        ("marts_of_values", of_values, "The marts with measures that have values, for kpi."),
        (
            "marts_with_open_names",
            with_open_names,
            "The marts where a council words part of a measure's name: it ends with *.",
        ),
        ("compared_marts", compared, "The marts whose shares kpi_change compares: is_compared."),
    )
    return render(
        "declared_marts.sql",
        lists=lists,
        macros=(
            (
                "compared_measures",
                compared_measures(marts),
                "The measures that are beside a published figure.",
            ),
            ("rates_of_counts", rates_of_counts(marts), "The counts that become rates per 10,000."),
        ),
    )


def compared_measures(marts: Path = MARTS) -> list[dict[str, str]]:
    """Return the measures that published_measures.csv puts beside a figure, with its code.

    A measure must be of the same statistic and name one of the official codes of the figure.
    Otherwise the two could be of different definitions, and are not compared.
    """
    found = []
    declared = _by_code(marts)
    for published in published_measures():
        mart, measure = declared.get(published.measure_code, ("", None))
        if measure is None or measure.statistic != published.statistic:
            continue
        if set(measure.official_code) & set(published.official_codes):
            found.append(
                {
                    "figure_code": published.figure_code,
                    "mart": mart,
                    "measure": measure.name,
                    "segment": published.segment,
                    "code": measure.code,
                    "title": measure.title,
                    "statistic": measure.statistic,
                    "direction": measure.direction,
                    "column": _figure_column(mart, measure, marts),
                }
            )
    return found


def _figure_column(mart: str, measure: Measure, marts: Path) -> str:
    (path,) = marts.rglob(f"{mart}.yml")
    (model,) = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["models"]
    column = FIGURE_COLUMNS.get(measure.statistic, "value")
    return column if any(each["name"] == column for each in model["columns"]) else "value"


def rates_of_counts(marts: Path = MARTS) -> list[dict[str, str]]:
    """Return the rates of which the project has the count, each with that count.

    Rate and count must name the same official code.
    """
    found = []
    declared = _by_code(marts)
    for rate_code, count_code, segment in counts_of_rates():
        _, rate = declared.get(rate_code, ("", None))
        mart, counted = declared.get(count_code, ("", None))
        if rate and counted and set(rate.official_code) & set(counted.official_code):
            found.append(
                {
                    "rate": rate.name,
                    "mart": mart,
                    "measure": counted.name,
                    "segment": segment,
                    "code": counted.code,
                }
            )
    return found


def _by_code(marts: Path) -> dict[str, tuple[str, Measure]]:
    return {
        measure.code: (mart, measure)
        for mart, measures in read_measures(marts).items()
        for measure in measures
    }


def measures_seed(marts: Path = MARTS) -> str:
    """Return seeds/measures.csv: one row per measure, with what it takes over from its mart."""
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(MEASURE_COLUMNS)
    paths = {path.stem: path for path in marts.rglob("kpi_*.yml")}
    for mart, measures in read_measures(marts).items():
        (model,) = yaml.safe_load(paths[mart].read_text(encoding="utf-8"))["models"]
        meta = model["config"]["meta"]
        for measure in measures:
            writer.writerow(
                (
                    measure.code,
                    mart,
                    measure.name,
                    measure.title,
                    paths[mart].parent.name.replace("_", " "),
                    _one_line(meta["title"]),
                    measure.statistic,
                    measure.unit_in_words,
                    measure.format or STATISTICS[measure.statistic][1],
                    measure.direction,
                    measure.standard,
                    ", ".join(measure.official_code),
                    measure.period,
                    PERIODS[measure.period],
                    KNOWN_THEN if "snapshot date" in model["description"] else AS_RECORDED,
                    measure.default_segment,
                    measure.owner or meta["owner"],
                    _one_line(measure.numerator or meta["numerator"]),
                    _one_line(measure.denominator or meta["denominator"]),
                    _one_line(measure.left_out or meta["left_out"]),
                    _one_line(measure.differs or meta.get("differs", "")),
                )
            )
    return rows.getvalue()


def _one_line(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return "; ".join(f"{kind}: {_one_line(names)}" for kind, names in value.items())
    return " ".join(str(value).split())
