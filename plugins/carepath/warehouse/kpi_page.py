"""The page that defines every KPI, written from the YAML beside the models of the marts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from carepath.settings import PROJECT_ROOT

MARTS = PROJECT_ROOT / "dbt_project" / "models" / "marts"


@dataclass(frozen=True)
class Kpi:
    """One KPI mart as its YAML declares it.

    Attributes:
        name: the model, which is also the table in schema `marts`.
        path: its YAML, from the checkout's root.
        description: grain first.
        meta: title, owner, key, numerator, denominator, left_out, source, segments.
        unit_tests: name and, in words, what a naive version would get wrong.
    """

    name: str
    path: str
    description: str
    meta: dict[str, Any]
    unit_tests: tuple[tuple[str, str], ...]


def kpis(marts: Path = MARTS) -> Iterator[Kpi]:
    """Yield every KPI mart in alphabetical order."""
    for path in sorted(marts.rglob("kpi_*.yml"), key=lambda path: path.stem):
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
        (model,) = declared["models"]
        yield Kpi(
            name=model["name"],
            path=path.relative_to(marts.parents[2]).as_posix(),
            description=_one_line(model["description"]),
            meta={key: _one_line(value) for key, value in model["config"]["meta"].items()},
            unit_tests=tuple(
                (test["name"], _one_line(test["description"]))
                for test in declared.get("unit_tests", ())
            ),
        )


def kpi_page() -> str:
    """Return docs/kpis.md."""
    found = list(kpis())
    lines = [
        "# KPIs",
        "",
        "Written by `carepath docs` from the YAML beside each model of "
        "`dbt_project/models/marts`; change it there.",
        "",
        "Every KPI table of schema `marts` has the columns authority, snapshot_date, measure and",
        "segment. A table of counts has numerator, denominator, share, left_out_count and",
        "left_out_reason; a table of values (pounds, days, scores) has value, unit, record_count",
        "and the assumption that the figure rests on. Care leavers are counted at month ends,",
        "dates that a report has published and the last accepted night, each as known then; a",
        "record that the gate found contradictory is left out of the measure that it would",
        "falsify, and `kpi_left_out` counts them by reason. Everything else is counted at quarter",
        "ends, the dates of a report and the last accepted night, as recorded tonight "
        "([why](adr/0008-two-kinds-of-dates.md)).",
        "",
        "| KPI | table | owner |",
        "|---|---|---|",
        *(
            f"| [{k.meta['title']}](#{k.name}) | `marts.{k.name}` | {k.meta['owner']} |"
            for k in found
        ),
    ]
    for kpi in found:
        lines += _section(kpi)
    return "\n".join(lines) + "\n"


def _section(kpi: Kpi) -> Iterator[str]:
    yield from ("", f"## {kpi.name}", "", kpi.description, "", "| | |", "|---|---|")
    for label, key in (
        ("Numerator", "numerator"),
        ("Denominator", "denominator"),
        ("Left out", "left_out"),
        ("Source", "source"),
        ("Owner", "owner"),
        ("Key", "key"),
        ("Segments", "segments"),
    ):
        if key in kpi.meta:
            yield f"| {label} | {kpi.meta[key]} |"
    yield f"| Model | [{kpi.path}](../{kpi.path}) |"
    yield from ("", "Unit tests:", "")
    yield from (f"- `{name}`: {description}" for name, description in kpi.unit_tests)


def _one_line(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return "; ".join(f"{kind}: {_one_line(names)}" for kind, names in value.items())
    return " ".join(str(value).split())


def exposures() -> str:
    """Return models/marts/exposures.yml: every mart is Power BI's, so dbt's lineage ends there."""
    marts = sorted(path.stem for path in MARTS.rglob("*.sql"))
    return "\n".join(
        [
            "# written by `carepath docs`",
            "exposures:",
            "  - name: power_bi",
            "    label: Power BI",
            "    type: dashboard",
            "    maturity: medium",
            "    description: >",
            "      The star schema and the KPI tables, read from schema marts as bi_reader.",
            "    owner:",
            "      name: BI team",
            "    depends_on:",
            *(f"      - ref('{mart}')" for mart in marts),
            "",
        ]
    )
