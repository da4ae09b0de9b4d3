"""What each KPI mart declares about gate 2, in the YAML beside its model (config.meta.judged).

    judged:
      cohort: care leavers           # no figure may count more people than this cohort
      cohort_dates: [earlier_date]   # columns with the cohort's dates, if not the mart's own
      adds_up_over: measure          # the numerators of all measures add up to the denominator
      differences: [net saving]      # may be negative; KPI-06 compares their parts instead
      wider:                         # measures that may move further than others
        - {measure: "mean *", times: 3, because: one long period moves a mean}
      by_team:                       # what a team's part of a measure is (DRIFT-02)
        - {measure: EET, segment: open cases, rows: fct_leaving_care_snapshot,
           of: eet_left_out_reason is null, counted: eet_status_code = 'EET'}

If a mart declares nothing, each of its counts, shares and values is judged separately.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from carepath.errors import SettingsError
from carepath.settings import PROJECT_ROOT

MARTS = PROJECT_ROOT / "dbt_project" / "models" / "marts"


class Wider(BaseModel):
    """Measures that may move further than others, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    measure: str = Field(description="a measure, or a pattern with *")
    times: float = Field(gt=1)
    because: str = Field(min_length=1)


class ByTeam(BaseModel):
    """How a measure is counted for each team, from a fact table of the marts.

    `rows` has the columns authority, as_at_date, young_person_key and perhaps team_key. Without
    a team_key, a row belongs to the team of the young person's latest allocation on the date.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    measure: str
    segment: str = "all"
    rows: str = Field(pattern="^fct_[a-z_]+$")
    of: str = Field(min_length=1, description="SQL: whether a row is in the denominator")
    counted: str = Field(
        min_length=1, description="SQL: whether a row is in the numerator, or what it adds"
    )


class Judged(BaseModel):
    """The section `judged` of a mart's YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cohort: Literal["care leavers"] | None = None
    cohort_dates: tuple[str, ...] = ()
    adds_up_over: Literal["measure", "segment"] | None = None
    differences: tuple[str, ...] = ()
    wider: tuple[Wider, ...] = ()
    by_team: tuple[ByTeam, ...] = ()


class Mart(BaseModel):
    """A KPI mart as its YAML declares it: its columns, its key and how gate 2 judges it."""

    model_config = ConfigDict(frozen=True)

    name: str
    columns: Mapping[str, str] = Field(description="name to PostgreSQL type")
    key: tuple[str, ...]
    judged: Judged = Judged()
    total: str = "all"
    segments: Mapping[str, tuple[str, ...]] = Field(
        {}, description="kind to the names of segments; a name in braces stands for a list"
    )

    def is_of_team(self, segment: str) -> bool:
        """Return whether a segment is one team's part of a measure."""
        if "team" not in self.segments or segment == self.total:
            return False
        return {kind for kind, names in self.segments.items() if _names(names, segment)} == {"team"}

    def times_wider(self, measure: str) -> float:
        """Return how many times further than others a measure may move."""
        return max(
            (it.times for it in self.judged.wider if fnmatchcase(measure, it.measure)), default=1.0
        )

    def is_difference(self, measure: str) -> bool:
        """Return whether a measure is the difference of others, which may be negative."""
        return any(fnmatchcase(measure, pattern) for pattern in self.judged.differences)

    def unmatched(self, measures: Iterable[str]) -> list[str]:
        """Return the declared names that match no measure of the mart."""
        there = set(measures)
        named = (
            *self.judged.differences,
            *(it.measure for it in self.judged.wider),
            *(it.measure for it in self.judged.by_team),
        )
        return [name for name in named if not any(fnmatchcase(m, name) for m in there)]


def _names(patterns: Iterable[str], segment: str) -> bool:
    return any(fnmatchcase(segment, re.sub(r"\{.*?\}", "*", pattern)) for pattern in patterns)


@lru_cache(maxsize=4)
def read_marts(marts: Path = MARTS) -> Mapping[str, Mart]:
    """Return every KPI mart by name.

    Args:
        marts: folder of the marts' models, with a kpi_*.yml beside each model.

    Raises:
        SettingsError: a declaration cannot be read or contradicts the mart's columns, or no mart
            declares something that a rule needs: that rule would always pass.
    """
    found = {}
    for path in sorted(marts.rglob("kpi_*.yml")):
        (model,) = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["models"]
        mart = _mart(model, path)
        found[mart.name] = mart
    for declaration in ("cohort", "adds_up_over"):
        if not any(getattr(mart.judged, declaration) for mart in found.values()):
            raise SettingsError(
                f"No KPI mart declares config.meta.judged.{declaration}, so the rule that needs it "
                "would always pass.",
                where=str(marts),
                todo="Declare it in the YAML of each mart that it applies to.",
            )
    return found


def _mart(model: Mapping[str, Any], path: Path) -> Mart:
    meta = model["config"]["meta"]
    try:
        mart = Mart(
            name=model["name"],
            columns={column["name"]: column["data_type"] for column in model["columns"]},
            key=tuple(meta["key"]),
            judged=Judged.model_validate(meta.get("judged", {})),
            total=meta.get("total", "all"),
            segments=meta.get("segments", {}),
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SettingsError(
            f"config.meta.judged.{place} cannot be used: {first['msg']}.",
            where=str(path),
            todo="Correct it. carepath/quality/figures/declared.py says what a mart can declare.",
        ) from error
    judged = mart.judged
    needed = set(judged.cohort_dates)
    if judged.cohort or judged.adds_up_over:
        needed |= {"numerator", "denominator"}
    if judged.differences:
        needed.add("value")
    if absent := sorted(needed - set(mart.columns)):
        raise SettingsError(
            f"config.meta.judged needs the column {absent[0]}, which the mart does not have.",
            where=str(path),
            todo="Correct the declaration, or add the column to the model.",
        )
    if judged.cohort_dates and not judged.cohort:
        raise SettingsError(
            "config.meta.judged names cohort_dates but no cohort.",
            where=str(path),
            todo="Name the cohort, or remove the dates.",
        )
    return mart
