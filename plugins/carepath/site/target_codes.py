"""The codes by which a target names its figure, and what earlier columns of targets.csv become."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from carepath.settings import PROJECT_ROOT

# before measures had codes, a target named the mart and its labels
EARLIER: Final = ("mart", "measure_name", "segment")
_MEASURES: Final = PROJECT_ROOT / "dbt_project" / "seeds" / "measures.csv"


@dataclass(frozen=True)
class MeasureCode:
    """A measure, as the seed `measures` has it.

    Attributes:
        code: ends with * where a council words part of the name itself.
        statistics: what a target can name of it: count, share or value.
    """

    code: str
    mart: str
    name: str
    statistics: tuple[str, ...]


@lru_cache(maxsize=1)
def measure_codes() -> Mapping[str, MeasureCode]:
    """Return every measure by its code."""
    with _MEASURES.open(encoding="utf-8", newline="") as file:
        return {
            row["measure_code"]: MeasureCode(
                row["measure_code"], row["mart"], row["measure"], _statistics(row["statistic"])
            )
            for row in csv.DictReader(file)
        }


def _statistics(statistic: str) -> tuple[str, ...]:
    if statistic == "count":
        return ("count",)
    return ("count", "share") if statistic == "share" else ("value",)


def known_measure(code: str) -> MeasureCode:
    """Return the measure of a code.

    Raises:
        ValueError: no measure has this code.
    """
    known = measure_codes()
    if code in known:
        return known[code]
    for each in known.values():
        stem = each.code.removesuffix("*")
        if stem != each.code and code.startswith(stem) and len(code) > len(stem):
            return each
    raise ValueError(f"There is no measure with the code '{code}'. docs/kpis.md lists them.")


def code_of_name(name: str) -> str:
    """Return the code of a segment's name, as dim_segment has it."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def codes_of_earlier(mart: str, measure: str, segment: str) -> tuple[str, str] | None:
    """Return measure_code and segment_code for a mart and its labels; None if there are none."""
    for each in measure_codes().values():
        stem = each.name.removesuffix("*")
        if each.mart != mart:
            continue
        if each.name == measure:
            return each.code, code_of_name(segment)
        if stem != each.name and measure.startswith(stem):
            own = code_of_name(measure.removeprefix(stem))
            return each.code.removesuffix("*") + own, code_of_name(segment)
    return None


def what_to_write(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return what to do with a file that still names marts and labels, target by target.

    Args:
        names: the file's columns, with those of EARLIER among them.
        rows: its cells.
    """
    lines = []
    for cells in rows:
        row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        codes = codes_of_earlier(*(row.get(name, "") for name in EARLIER))
        said = "look up its codes in docs/kpis.md" if codes is None else ",".join(codes)
        lines.append(f"{row.get('target_code', '')}: {said}")
    return (
        "replace the columns mart, measure_name and segment by measure_code,segment_code. "
        "Write for each target: " + "; ".join(lines) + "."
    )
