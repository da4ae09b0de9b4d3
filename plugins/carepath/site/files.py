"""The settings files that a council can have, and what each of their rows holds.

The columns and their meaning are described in `dbt_project/seeds/<name>.yml`, the defaults are
`dbt_project/site/<name>.csv`; a test keeps both lists of columns equal.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from carepath.settings import PROJECT_ROOT
from carepath.site.target_codes import code_of_name, known_measure

SITE_DEFAULTS: Final = PROJECT_ROOT / "dbt_project" / "site"
MARTS: Final = PROJECT_ROOT / "dbt_project" / "models" / "marts"


def _british_date(value: Any) -> Any:
    """Accept 30/06/2019 too, because a spreadsheet saves dates in that form."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}", value):
        day, month, year = map(int, value.split("/"))
        try:
            return dt.date(year, month, day)
        except ValueError:
            return value
    return value


def _ons_code(value: str) -> str:
    if not re.fullmatch(r"[A-Z][0-9]{8}", value):
        raise ValueError(f"'{value}' is not an ONS code such as E09000001")
    return value


def known_mart(value: str) -> str:
    """Return the name of a KPI mart.

    Raises:
        ValueError: there is no such mart.
    """
    known = sorted(path.stem for path in MARTS.rglob("kpi_*.sql"))
    if value not in known:
        raise ValueError(f"There is no KPI mart '{value}'. docs/kpis.md lists them.")
    return value


def _measure_code(value: str) -> str:
    known_measure(value)
    return value


def _segment_code(value: str) -> str:
    if (code := code_of_name(value)) != value:
        raise ValueError(f"'{value}' is not the code of a segment. Write {code} if you mean that.")
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Authority = Annotated[str, AfterValidator(_ons_code)]
Date = Annotated[dt.date, BeforeValidator(_british_date)]


class Row(BaseModel):
    """A row of a settings file; a blank cell is None."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(Row):
    """What an authority wants to change, by when, and the figure that measures it."""

    authority: Authority
    target_code: Text
    service: Literal["edge of care", "in care", "leaving care"]
    measure: Text
    direction: Literal["increase", "decrease"]
    target_change_percent: Decimal
    baseline_date: Date
    due_date: Date
    computed: Text
    measure_code: Annotated[str, AfterValidator(_measure_code)]
    segment_code: Annotated[str, AfterValidator(_segment_code)]
    statistic: Literal["count", "share", "value"]
    source: Text | None

    @field_validator("target_change_percent")
    @classmethod
    def _goes_the_way_it_says(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        direction = info.data.get("direction")
        if value == 0 or (direction is not None and (value > 0) != (direction == "increase")):
            raise ValueError("An increase must be above 0, and a decrease below 0.")
        return value

    @field_validator("due_date")
    @classmethod
    def _is_due_later(cls, value: dt.date, info: ValidationInfo) -> dt.date:
        if "baseline_date" in info.data and value <= info.data["baseline_date"]:
            raise ValueError("It must be after baseline_date.")
        return value

    @field_validator("statistic")
    @classmethod
    def _is_of_the_measure(cls, value: str, info: ValidationInfo) -> str:
        if code := info.data.get("measure_code"):
            allowed = known_measure(code).statistics
            if value not in allowed:
                raise ValueError(
                    f"The measure {code} has no {value}. It has: {', '.join(allowed)}."
                )
        return value


class UnitCost(Row):
    """What a unit of a service costs."""

    authority: Authority | None
    unit_cost_code: Literal["CIN_PLAN_6_MONTHS", "RESIDENTIAL_WEEK", "FOSTER_WEEK"]
    amount_gbp: Annotated[Decimal, Field(gt=0)]
    per: Text
    price_year: Annotated[int, Field(ge=1990, le=2100)]
    source: Text


class Timescale(Row):
    """How many days after the plan began, or after the last one, a visit or review is due."""

    topic: Literal["visit", "review"]
    plan_type_code: Literal["LAC", "CP", "CIN"]
    step: Annotated[int, Field(ge=1, le=20)]
    day_count: Annotated[int, Field(ge=1, le=3660)]
    is_working_days: bool
    source: Text | None

    @field_validator("is_working_days")
    @classmethod
    def _only_first_review(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("topic") == "review" and info.data.get("step", 1) > 1:
            raise ValueError("Only the first review can be counted in working days.")
        return value


class CohortGroup(Row):
    """Cohorts of a programme that are measured together."""

    authority: Authority | None
    programme_code: Text
    cohort_group: Text
    cohort: Text


class Programme(Row):
    """A programme that young people join, or that provides placements."""

    programme_code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,19}$")]
    programme: Text
    other_spellings: Text | None
    programme_kind: Literal["edge of care", "placements", "other"]


class FirstReportDate(Row):
    """The end of the first quarter for which the pathway is counted."""

    authority: Authority | None
    first_report_date: Date


class ReportDate(Row):
    """A date other than a quarter end at which the pathway is counted."""

    authority: Authority
    report_date: Date
    published_in: Text | None


class PublishedSnapshotDate(Row):
    """A date for which a report has published figures."""

    authority: Authority
    snapshot_date: Date
    published_in: Text | None


class SensitivityValue(Row):
    """A value with which kpi_pathway_sensitivity tests an assumption."""

    assumption: Literal["residential share", "residential week"]
    value: Annotated[Decimal, Field(ge=0)]

    @field_validator("value")
    @classmethod
    def _is_a_share(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        if info.data.get("assumption") == "residential share" and value > 1:
            raise ValueError("A residential share must be between 0 and 1.")
        return value


class WorkerRole(Row):
    """A spelling of a role in a case."""

    role_pattern: Text
    role_code: Literal["SW", "PA"]
    precedence: Annotated[int, Field(ge=1)]

    @field_validator("role_pattern")
    @classmethod
    def _is_lower_case(cls, value: str) -> str:
        if value != value.lower():
            raise ValueError("Roles are compared in lower case, so it must be in lower case.")
        return value


class CaseloadLimit(Row):
    """How many cases a worker should hold at most."""

    role_code: Literal["SW", "PA"]
    case_limit: Annotated[int, Field(ge=1, le=1000)]
    source: Text | None


Rows = Sequence[tuple[int, Row]]  # each with its line in the file
Complaint = tuple[int, str, str]  # line, column, what is wrong


@dataclass(frozen=True)
class SiteFile:
    """One file of settings.

    Attributes:
        name: the name of the file without `.csv`, and of the table that dbt makes from it.
        row: what a row holds.
        key: the columns in which no two rows may be the same.
        says: what the file is for, in a few words.
        also: what else must be true of all rows together.
    """

    name: str
    row: type[Row]
    key: tuple[str, ...]
    says: str
    also: Callable[[Rows, Mapping[str, Rows]], list[Complaint]] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(self.row.model_fields)


def _needs_row_for_any(rows: Rows, _: Mapping[str, Rows]) -> list[Complaint]:
    if any(getattr(row, "authority", None) is None for _, row in rows):
        return []
    return [
        (
            0,
            "authority",
            "One row must have a blank authority. It applies to all other authorities.",
        )
    ]


def _needs_steps_in_order(rows: Rows, _: Mapping[str, Rows]) -> list[Complaint]:
    steps: dict[tuple[str, str], set[int]] = {}
    for _line, row in rows:
        if isinstance(row, Timescale):
            steps.setdefault((row.topic, row.plan_type_code), set()).add(row.step)
    return [
        (line, "step", f"Step {row.step - 1} of the same topic and plan type is missing.")
        for line, row in rows
        if isinstance(row, Timescale)
        and row.step > 1
        and row.step - 1 not in steps[row.topic, row.plan_type_code]
    ]


def _needs_known_programme(rows: Rows, files: Mapping[str, Rows]) -> list[Complaint]:
    known = [row.programme_code for _, row in files["programmes"] if isinstance(row, Programme)]
    return [
        (line, "programme_code", f"'{row.programme_code}' is not in programmes.csv.")
        for line, row in rows
        if isinstance(row, CohortGroup) and row.programme_code not in known
    ]


def _needs_one_meaning(rows: Rows, _: Mapping[str, Rows]) -> list[Complaint]:
    meaning: dict[str, str] = {}
    found: list[Complaint] = []
    for line, row in rows:
        if not isinstance(row, Programme):
            continue
        for text in (row.programme_code, row.programme, *(row.other_spellings or "").split("|")):
            key = " ".join(text.lower().split())
            if key and meaning.setdefault(key, row.programme_code) != row.programme_code:
                column = "other_spellings"
                found.append((line, column, f"'{text}' already means {meaning[key]}."))
    return found


FILES: Final[Mapping[str, SiteFile]] = {
    file.name: file
    for file in (
        SiteFile(
            "first_report_dates",
            FirstReportDate,
            ("authority",),
            "from when the pathway is counted",
            _needs_row_for_any,
        ),
        SiteFile(
            "targets",
            Target,
            ("authority", "target_code"),
            "what the council wants to change, by when",
        ),
        SiteFile(
            "unit_costs",
            UnitCost,
            ("authority", "unit_cost_code", "price_year"),
            "what a unit of a service costs",
        ),
        SiteFile(
            "timescales",
            Timescale,
            ("topic", "plan_type_code", "step"),
            "by when visits and reviews are due",
            _needs_steps_in_order,
        ),
        SiteFile(
            "programmes",
            Programme,
            ("programme_code",),
            "programmes, and what each is for",
            _needs_one_meaning,
        ),
        SiteFile(
            "cohort_groups",
            CohortGroup,
            ("authority", "programme_code", "cohort_group", "cohort"),
            "cohorts that are measured together",
            _needs_known_programme,
        ),
        SiteFile(
            "worker_roles",
            WorkerRole,
            ("role_pattern",),
            "how roles in a case are spelled",
        ),
        SiteFile(
            "caseload_limits",
            CaseloadLimit,
            ("role_code",),
            "how many cases a worker should hold at most",
        ),
        SiteFile(
            "report_dates",
            ReportDate,
            ("authority", "report_date"),
            "other dates at which the pathway is counted",
        ),
        SiteFile(
            "published_snapshot_dates",
            PublishedSnapshotDate,
            ("authority", "snapshot_date"),
            "dates for which a report published figures",
        ),
        SiteFile(
            "sensitivity_values",
            SensitivityValue,
            ("assumption", "value"),
            "values with which an assumption is tested",
        ),
    )
}
