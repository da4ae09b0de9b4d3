"""The figures that gate 2 judges: those of one authority, as built and as published."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from carepath.quality.figures.columns import Delivered, Profile
from carepath.quality.figures.declared import Mart, read_marts
from carepath.site.decisions import Decisions

# mart, measure and segment: the same for all dates of a figure
Series = tuple[str, str, str]


@dataclass(frozen=True)
class Point:
    """A figure on one date.

    Attributes:
        number: the share, value or count.
        numerator: what the number is made of: people counted, or the sum of a value.
        denominator: the people or records that the number is about.
    """

    as_at_date: dt.date
    number: float
    numerator: float
    denominator: float


@dataclass(frozen=True)
class Figure:
    """One row of a KPI mart of counts and shares; `denominator` is None for a plain count.

    `cohort_dates` are the dates of the cohorts that the figure counts, if not its as-at date.
    """

    mart: str
    as_at_date: dt.date
    measure: str
    segment: str
    numerator: int | None
    denominator: int | None
    share: float | None
    left_out_count: int
    cohort_dates: tuple[dt.date, ...] = ()

    @property
    def key(self) -> str:
        """The name of the row on the work list."""
        return f"{self.as_at_date.isoformat()}|{self.measure}|{self.segment}"

    @property
    def people(self) -> int:
        """The number of people that the figure is about, measured or left out."""
        counted = self.numerator if self.denominator is None else self.denominator
        return (counted or 0) + self.left_out_count

    @property
    def series(self) -> Series:
        """Mart, measure and segment: the same for all dates of the figure."""
        return self.mart, self.measure, self.segment

    @property
    def point(self) -> Point | None:
        """The figure as a point of its history; None if no people were measured."""
        if self.numerator is None or (self.denominator is not None and self.share is None):
            return None
        number = self.numerator if self.share is None else self.share
        people = self.numerator if self.denominator is None else self.denominator
        return Point(self.as_at_date, number, self.numerator, people)

    @property
    def words(self) -> str:
        """The figure as a person reads it: "48.0% of 200, 20 left out"."""
        left_out = f", {self.left_out_count:,} left out" if self.left_out_count else ""
        if self.denominator is None:
            return f"{self.numerator or 0:,}{left_out}"
        share = "no share" if self.share is None else f"{self.share:.1%}"
        return f"{share} of {self.denominator:,}{left_out}"


@dataclass(frozen=True)
class Value:
    """One row of a KPI mart of values; `value` is None if not measured, `unit` is such as days."""

    mart: str
    as_at_date: dt.date
    measure: str
    segment: str
    value: float | None
    record_count: int
    left_out_count: int
    unit: str = ""

    @property
    def key(self) -> str:
        """The name of the row on the work list."""
        return f"{self.as_at_date.isoformat()}|{self.measure}|{self.segment}"

    @property
    def series(self) -> Series:
        """Mart, measure and segment: the same for all dates of the value."""
        return self.mart, self.measure, self.segment

    @property
    def point(self) -> Point | None:
        """The value as a point of its history; None if it was not measured."""
        if self.value is None or not math.isfinite(self.value):
            return None
        return Point(self.as_at_date, self.value, self.value, self.record_count)

    @property
    def words(self) -> str:
        """The value as a person reads it: "223,590.99 GBP from 100 records"."""
        value = "no value" if self.value is None else f"{self.value:,.2f} {self.unit}".rstrip()
        return f"{value} from {self.record_count:,} records"


@dataclass(frozen=True)
class TeamFigure:
    """The part of a figure that is about the young people of one team.

    Attributes:
        is_share: whether the whole figure is a share; else it is the sum of a value.
        point: the team's part, as at the night of the whole figure. `number` is the team's own
            share, or its own sum.
    """

    mart: str
    measure: str
    segment: str
    team_key: int
    team_name: str
    is_share: bool
    point: Point

    @property
    def series(self) -> Series:
        """Mart, measure and segment of the whole figure."""
        return self.mart, self.measure, self.segment


@dataclass(frozen=True)
class LeftOut:
    """What contradictions take out of one figure of the night.

    Attributes:
        people: people or records that the figure is about, measured or left out as contradictory.
        by_rules: number left out by the rules that each of them fails ("EET-01, EET-02").
    """

    mart: str
    key: str
    people: int
    by_rules: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many are left out by all rules together; each counts once."""
        return sum(self.by_rules.values())


@dataclass(frozen=True)
class Finding:
    """A figure that fails a rule: its mart and key, and why, where the rule says that."""

    mart: str
    key: str
    says: str = ""


@dataclass(frozen=True)
class Build:
    """The built and the published figures of one authority, which the rules judge.

    Attributes:
        night: the night that the build stands for.
        figures: counts and shares of marts_build.
        published: counts and shares of marts; empty before the first publication.
        values: values of marts_build.
        published_values: values of marts; empty before the first publication.
        not_numbers: rows of marts_build with NaN or infinity in a column of numbers.
        cohort: number of care leavers in core by snapshot date.
        failed_tests: dbt tests and models of the run that did not pass, without tests that say
            that they failed for other authorities only.
        published_dates: dates of published reports, each with true (figures of care leavers) or
            false (other figures). Their figures always stay.
        segments: mart, segment, and whether dim_segment has the segment.
        marts: what each KPI mart declares in its YAML.
        history: of each figure and team (0: the whole figure), one point for each earlier month.
        teams: parts of the built figures that are about one team.
        published_teams: the same of the published figures.
        profile: what the columns of the loaded tables say, tonight and before.
        deliveries: how many records of each table were new, load by load.
        left_out: figures of the night from which contradictions take something out.
        decisions: the council's settings: how much they may take out.
    """

    night: dt.date
    figures: Sequence[Figure] = ()
    published: Sequence[Figure] = ()
    values: Sequence[Value] = ()
    published_values: Sequence[Value] = ()
    not_numbers: Sequence[Finding] = ()
    cohort: Mapping[dt.date, int] = field(default_factory=dict)
    failed_tests: Sequence[str] = ()
    published_dates: Collection[tuple[bool, dt.date]] = ()
    segments: Sequence[tuple[str, str, bool]] = ()
    marts: Mapping[str, Mart] = field(default_factory=read_marts)
    history: Mapping[tuple[Series, int], Sequence[Point]] = field(default_factory=dict)
    teams: Sequence[TeamFigure] = ()
    published_teams: Sequence[TeamFigure] = ()
    profile: Profile = field(default_factory=Profile)
    deliveries: Mapping[str, Sequence[Delivered]] = field(default_factory=dict)
    left_out: Sequence[LeftOut] = ()
    decisions: Decisions = field(default_factory=Decisions)

    @property
    def of_cohort(self) -> list[Figure]:
        """The built figures that count the care leavers of a date."""
        return [f for f in self.figures if self.is_of_cohort(f.mart)]

    def is_of_cohort(self, mart: str) -> bool:
        """Return whether a mart declares that it counts care leavers."""
        return mart in self.marts and self.marts[mart].judged.cohort is not None

    def is_followed(self, mart: str) -> bool:
        """Return whether KPI-06 compares a mart's figures of one date with those of another.

        Those of a cohort are, over any time. What changed since an earlier date adds up over time,
        so figures of two dates are compared from night to night only.
        """
        return self.is_of_cohort(mart) and not self.marts[mart].judged.cohort_dates

    def times_wider(self, mart: str, measure: str) -> float:
        """Return how many times further than others a measure may move, as its mart declares."""
        return self.marts[mart].times_wider(measure) if mart in self.marts else 1.0

    def is_of_team(self, mart: str, segment: str) -> bool:
        """Return whether a mart declares that a segment is one team's part of its measures."""
        return mart in self.marts and self.marts[mart].is_of_team(segment)

    def is_difference(self, mart: str, measure: str) -> bool:
        """Return whether a mart declares that a measure is a difference, which may be negative."""
        return mart in self.marts and self.marts[mart].is_difference(measure)
