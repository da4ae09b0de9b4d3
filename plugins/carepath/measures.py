"""What each KPI mart declares about its measures, in the YAML beside its model (config.meta).

    measures:
      - name: EET                    # a value of the column `measure`
        code: care_leavers_eet       # stable, and used by one measure only
        title: Care leavers in education, employment or training (EET)
        statistic: share
        direction: higher
        standard: RR1034
        period: at the date
        default_segment: open cases

Where a council words part of a name itself, the name and the code end with *: each name that
the mart has is then a measure. Numerator, denominator, left_out, owner and not_people (why the
figure does not open to young people) are those of the mart (config.meta), unless a measure has
its own. Marts that compare two dates, or judge the figures of others, have no measures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from carepath.errors import SettingsError
from carepath.settings import PROJECT_ROOT

MARTS = PROJECT_ROOT / "dbt_project" / "models" / "marts"
KEY: Final = ["authority", "as_at_date", "measure", "segment"]

# each with the months before the date that it covers, where that is always the same number
PERIODS: Final[Mapping[str, int | None]] = {
    "at the date": None,
    "up to the date": None,
    "month to the date": 1,
    "3 months to the date": 3,
    "year to the date": 12,
    "2 years to the date": 24,
    "3 years to the date": 36,
    "financial year to the date": None,
    "followed for a year": None,
}
# unit and number format of each statistic; None means that the measure says its unit
STATISTICS: Final[Mapping[str, tuple[str | None, str]]] = {
    "count": ("number", "#,##0"),
    "share": ("share", "0.0%"),
    "rate": ("per 10,000 children", "#,##0.0"),
    "mean": (None, "#,##0.0"),
    "median": (None, "#,##0.0"),
    "maximum": (None, "#,##0"),
    "total": (None, "#,##0"),
    "money": ("GBP", "£#,##0"),
    "days": ("days", "#,##0"),
}
Words = Annotated[str, Field(min_length=1)]


class Measure(BaseModel):
    """One measure of a KPI mart: one value of its column `measure`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Words = Field(description="the value of the column `measure`")
    code: str = Field(pattern=r"^[a-z][a-z0-9_]*\*?$", description="stable and unique")
    title: Words = Field(description="plain words that say whose figure it is")
    statistic: Literal[
        "count", "share", "rate", "mean", "median", "maximum", "total", "money", "days"
    ]
    direction: Literal["higher", "lower", "neither"] = Field(description="which is better")
    standard: Literal["DfE", "Ofsted", "CFSR", "RR1034", "local"]
    official_code: tuple[str, ...] = ()
    period: str = "at the date"
    default_segment: str = "all"
    unit: str | None = None
    format: str | None = None
    owner: str | None = None
    numerator: str | None = None
    denominator: str | None = None
    left_out: str | None = None
    differs: str | None = None
    not_people: str | None = Field(None, description="why no young person is behind the figure")

    @field_validator("name", "default_segment", mode="before")
    @classmethod
    def _text(cls, value: Any) -> str:
        return " ".join(str(value).split())

    @field_validator(
        "title", "differs", "numerator", "denominator", "left_out", "not_people", mode="before"
    )
    @classmethod
    def _one_line(cls, value: Any) -> Any:
        # a folded text of YAML ends with a line end, which breaks the row of a table
        return " ".join(value.split()) if isinstance(value, str) else value

    @field_validator("official_code", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (str(value),) if isinstance(value, str | int) else value

    @field_validator("period")
    @classmethod
    def _known_period(cls, value: str) -> str:
        if value not in PERIODS:
            raise ValueError(f"'{value}' is not a period. Use one of: {', '.join(PERIODS)}")
        return value

    @model_validator(mode="after")
    def _both_or_neither_open(self) -> Measure:
        if self.name.endswith("*") != self.code.endswith("*"):
            raise ValueError("name and code must both end with *, or neither")
        return self

    @property
    def unit_in_words(self) -> str | None:
        """The unit: its own, or that of its statistic."""
        return self.unit or STATISTICS[self.statistic][0]


@lru_cache(maxsize=4)
def read_measures(marts: Path = MARTS) -> Mapping[str, tuple[Measure, ...]]:
    """Return the measures of every KPI mart, by the mart's name.

    Args:
        marts: folder of the marts' models, with a kpi_*.yml beside each model.

    Raises:
        SettingsError: a mart does not declare its measures in full, or two have the same code.
    """
    found: dict[str, tuple[Measure, ...]] = {}
    mart_of_code: dict[str, str] = {}
    for path in sorted(marts.rglob("kpi_*.yml"), key=lambda path: path.stem):
        (model,) = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["models"]
        measures = tuple(_measures(model, path))
        names = [measure.name for measure in measures]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise _wrong(path, f"declares the measure '{twice}' twice", "Declare it once.")
        for measure in measures:
            if other := mart_of_code.get(measure.code):
                raise _wrong(
                    path,
                    f"uses the code {measure.code}, which {other} uses too",
                    "Choose a code that no other measure has.",
                )
            mart_of_code[measure.code] = model["name"]
        found[model["name"]] = measures
    return found


def _measures(model: Mapping[str, Any], path: Path) -> Iterator[Measure]:
    meta = model["config"]["meta"]
    declared = meta.get("measures", [])
    if meta["key"] == KEY and not declared:
        raise _wrong(path, "declares no measures", "Add `measures` to config.meta.")
    if meta["key"] != KEY and declared:
        raise _wrong(
            path,
            "declares measures, but its key is not authority, as_at_date, measure and segment",
            "Remove `measures`, or change the key.",
        )
    for number, entry in enumerate(declared, 1):
        try:
            measure = Measure.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise _wrong(
                path,
                f"has a measure (number {number}) whose {place} cannot be used: {first['msg']}",
                "Correct it. carepath/measures.py says what a measure declares.",
            ) from error
        if measure.unit_in_words is None:
            raise _wrong(
                path,
                f"has the measure '{measure.name}' without a unit, which a "
                f"{measure.statistic} needs",
                "Add `unit`, for example `unit: days`.",
            )
        yield measure


def _wrong(path: Path, what: str, todo: str) -> SettingsError:
    return SettingsError(f"The KPI mart {path.stem} {what}.", where=str(path), todo=todo)
