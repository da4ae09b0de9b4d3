"""Rules for what changed a lot, so that a steward asks why (DRIFT-01 to DRIFT-06).

They are warnings and never hold a night: docs/adr/0015 says why. Each finding says what changed,
from what to what, since when, and which team explains it, if one does.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from carepath.dates import written
from carepath.quality.figures.columns import BLANK, OTHER, Codes, Said, pairs
from carepath.quality.figures.figure import (
    Build,
    Figure,
    Finding,
    Point,
    Series,
    TeamFigure,
    Value,
)
from carepath.quality.figures.limits import limits_of
from carepath.quality.figures.movement import FEW_PEOPLE, moved, moved_of_teams, tolerance
from carepath.settings import PROJECT_ROOT

# a code or a column is judged if this many records concern it: fewer change by chance
FEW_RECORDS: Final = 20
# a code appears if it takes this share of what was recorded since
APPEARING_SHARE: Final = 0.2
# a code vanishes if it had this share before, or ten new records would have been expected
VANISHING_SHARE: Final = 0.05
EXPECTED: Final = 10
# blanks jump by five points of all records, or thirty points of what is newly recorded
BLANKS_OF_ALL, BLANKS_OF_NEW = 0.05, 0.3
FEWEST_NEW: Final = 50
# a fortnight has ten working days, without bank holidays
FORTNIGHT: Final = 10
# a table normally moves if it gets this many new records in a fortnight: none by chance in 1 of 150
NEW_IN_A_FORTNIGHT: Final = 5
# one team explains a movement if it alone would have moved the figure by this part of it
MOST_OF_IT: Final = 2 / 3
# a team's mean value changes by this factor if three records or more have changed together
TEAM_FACTOR, TEAM_RECORDS = 3, 3
# a factor as large as this is not a change of placement, even if the team has only one
ANY_FACTOR: Final = 20
TEAM_SHARE: Final = 0.25

_Text = Callable[[float], str]

HOLIDAYS: Final = PROJECT_ROOT / "dbt_project" / "seeds" / "bank_holidays.csv"


def moved_and_why(build: Build) -> tuple[int, list[Finding]]:
    """Find what KPI-06 finds (`moved`), and say which team explains it, if one does."""
    judged, found = moved(build)
    return judged, [
        replace(finding, says=finding.says + _because(build, (finding.mart, *_measure(finding))))
        for finding in found
    ]


def unusual(build: Build) -> tuple[int, list[Finding]]:
    """Find figures that left the limits of their own history in one step (`limits`).

    Only figures of the night are judged, as they were last published in each earlier month. The
    change must concern five people, or five average records of a value.
    """
    judged, found = 0, []
    figures: list[Figure | Value] = [*build.figures, *build.values]
    for figure in figures:
        if figure.as_at_date != build.night or (new := figure.point) is None:
            continue
        if build.is_difference(figure.mart, figure.measure):
            continue  # a small difference changes a lot; its parts are judged
        points = build.history.get((figure.series, 0), ())
        limits = limits_of([point.number for point in points])
        if limits is None:
            continue
        judged += 1
        old = points[-1]
        if limits.broken_by(new.number, old.number) and _concerns_enough(figure, old, new):
            text = _number(figure)
            because = _because(build, figure.series)
            usual = (
                f" In the months before it was between {text(max(limits.low, 0.0))} and "
                f"{text(limits.high)}."
            )
            found.append(
                Finding(
                    figure.mart,
                    _key(figure.series),
                    f"{_moved(figure.series, old, new, text)}{usual}{because}",
                )
            )
    return judged, found


def moved_by_one_team(build: Build) -> tuple[int, list[Finding]]:
    """Find figures that one team moved, and teams with a part that changed beyond belief.

    A figure is compared with the last one of an earlier month, or with the published one in the
    first month. It must have moved by half of what KPI-06 allows. A mart's segment of one team is
    compared as KPI-06 compares the whole.
    """
    judged, found = moved_of_teams(build)
    for series, parts in sorted(_teams(build).items()):
        judged += len(parts)
        is_share = parts[0][0].is_share
        if (whole := _explained_by(parts)) is not None:
            team, old, new = whole
            found.append(
                Finding(
                    series[0],
                    f"{series[1]}|{series[2]}",
                    f"{_moved(series, old, new, _text(is_share=is_share))} The team "
                    f"{team.team_name} explains most of it.",
                )
            )
            continue
        for team, before in parts:
            if before is not None and _beyond_belief(team, before):
                found.append(
                    Finding(
                        series[0],
                        f"{series[1]}|{series[2]}|team {team.team_key}",
                        f"{_moved(series, before, team.point, _text(is_share=is_share))} This is "
                        f"about the team {team.team_name} alone.",
                    )
                )
    return judged, found


def codes_appeared(build: Build) -> tuple[int, list[Finding]]:
    """Find codes that no record had four weeks ago and that many new records have."""
    judged, found = 0, []
    for (table, column), before, tonight in pairs(build.profile):
        if not _is_coded(tonight):
            continue
        judged += len(tonight)
        new = _all(tonight).opened - _all(before).opened
        for code, said in sorted(tonight.items()):
            opened = said.opened - before.get(code, Said()).opened
            if (
                code != BLANK
                and _filled(before) >= FEW_RECORDS
                and not before.get(code, Said()).standing
                and said.standing >= FEW_RECORDS
                and opened > APPEARING_SHARE * new
            ):
                found.append(
                    Finding(
                        table,
                        f"{column}|{code}",
                        f"{_code(code)} of {column} was not in use on {_day(build.profile.since)}. "
                        f"Since then {opened:,} of {new:,} new or changed records have it.",
                    )
                )
    return judged, found


def codes_vanished(build: Build) -> tuple[int, list[Finding]]:
    """Find codes that were in use and that no record has now, or no new record."""
    judged, found = 0, []
    for (table, column), before, tonight in pairs(build.profile):
        if not _is_coded(tonight):
            continue
        judged += len(before)
        new = _all(tonight).opened - _all(before).opened
        usual = build.profile.usual.get((table, column), {})
        usually_new = _all(before).opened - _all(usual).opened if usual else 0
        for code, was in sorted(before.items()):
            if code in (BLANK, OTHER):
                continue
            now = tonight.get(code, Said())
            if (
                was.standing >= max(FEW_RECORDS, VANISHING_SHARE * _filled(before))
                and not now.standing
            ):
                found.append(
                    Finding(
                        table,
                        f"{column}|{code}",
                        f"{was.standing:,} of {_filled(before):,} records had the code {code} of "
                        f"{column} on {_day(build.profile.since)}. None has it now.",
                    )
                )
                continue
            usually = was.opened - usual.get(code, Said()).opened if usual else 0
            expected = usually / usually_new * new if usually_new else 0.0
            if usually >= FEW_RECORDS and expected >= EXPECTED and now.opened == was.opened:
                found.append(
                    Finding(
                        table,
                        f"{column}|{code}",
                        f"No new or changed record has the code {code} of {column} since "
                        f"{_day(build.profile.since)}. About {expected:.0f} of {new:,} were "
                        "expected, as in the year before.",
                    )
                )
    return judged, found


def blanks_jumped(build: Build) -> tuple[int, list[Finding]]:
    """Find columns with many more blanks than four weeks ago, in all records or in new ones.

    If there are enough months, the limits of the column's own history decide about all records.
    """
    judged, found = 0, []
    for (table, column), before, tonight in pairs(build.profile):
        judged += 1
        blank, was = tonight.get(BLANK, Said()), before.get(BLANK, Said())
        all_now, all_then = _all(tonight), _all(before)
        if blank.standing - was.standing >= FEW_RECORDS and all_then.standing:
            now = blank.standing / all_now.standing
            then = was.standing / all_then.standing
            limits = limits_of(build.profile.blanks.get((table, column), ()))
            if limits is None:
                jumped = now - then > BLANKS_OF_ALL
            else:
                jumped = now > then and limits.broken_by(now, then) and now - then > 0.01
            if jumped:
                found.append(
                    Finding(
                        table,
                        column,
                        f"{column} is blank in {now:.1%} of the records. On "
                        f"{_day(build.profile.since)} it was blank in {then:.1%}.",
                    )
                )
                continue
        usual = build.profile.usual.get((table, column))
        if usual is None:
            continue
        new, usually = all_now.opened - all_then.opened, all_then.opened - _all(usual).opened
        if new < FEWEST_NEW or usually < FEWEST_NEW:
            continue
        now = (blank.opened - was.opened) / new
        then = (was.opened - usual.get(BLANK, Said()).opened) / usually
        if now - then > BLANKS_OF_NEW:
            found.append(
                Finding(
                    table,
                    column,
                    f"{column} is blank in {now:.0%} of the {new:,} records that are new or "
                    f"changed since {_day(build.profile.since)}. In the year before it was blank "
                    f"in {then:.0%}.",
                )
            )
    return judged, found


def stood_still(build: Build) -> tuple[int, list[Finding]]:
    """Find tables that normally grow and got no new record for ten working days."""
    judged, found = 0, []
    for table, loads in sorted(build.deliveries.items()):
        moved = [load for load in loads if load.new]
        if not moved:
            continue
        judged += 1
        last = moved[-1].night
        since = [load for load in loads if load.night > last]
        before = _working_days(loads[0].night, last)
        usual = sum(load.new for load in moved) / max(before, 1) * FORTNIGHT
        still = _working_days(last, build.night)
        if (
            still >= FORTNIGHT
            and len(since) > 1
            and before >= 2 * FORTNIGHT
            and usual >= NEW_IN_A_FORTNIGHT
        ):
            found.append(
                Finding(
                    table,
                    "no new record",
                    f"{table} got no new record since {_day(last)}, which is {still} working days. "
                    f"Usually it gets about {usual:.0f} in ten.",
                )
            )
    return judged, found


def _is_coded(codes: Codes) -> bool:
    return not set(codes) <= {BLANK, OTHER}


def _all(codes: Codes) -> Said:
    return sum(codes.values(), Said())


def _filled(codes: Codes) -> int:
    return sum(said.standing for code, said in codes.items() if code != BLANK)


def _code(code: str) -> str:
    return "A value that is not in the code list" if code == OTHER else f"The code {code}"


def _day(day: dt.date | None) -> str:
    return "the first night" if day is None else written(day)


def _key(series: Series) -> str:
    """Return the name of a figure on the work list: without its date, so that it stays the same."""
    return f"{series[1]}|{series[2]}"


def _text(*, is_share: bool) -> _Text:
    return (lambda number: f"{number:.1%}") if is_share else (lambda number: f"{number:,.0f}")


def _number(figure: Figure | Value) -> _Text:
    return _text(is_share=isinstance(figure, Figure) and figure.share is not None)


def _moved(series: Series, old: Point, new: Point, text: _Text) -> str:
    return (
        f"{series[1]} ({series[2]}) went from {text(old.number)} on {_day(old.as_at_date)} to "
        f"{text(new.number)} on {_day(new.as_at_date)}."
    )


def _concerns_enough(figure: Figure | Value, old: Point, new: Point) -> bool:
    change = abs(new.number - old.number)
    if isinstance(figure, Value):
        of_one = max(abs(p.number) / max(p.denominator, 1.0) for p in (old, new))
        return change >= FEW_PEOPLE * of_one
    if figure.share is None:
        return change >= FEW_PEOPLE
    return change * max(old.denominator, new.denominator) >= FEW_PEOPLE


def _measure(finding: Finding) -> tuple[str, str]:
    """Return the measure and segment that a finding of KPI-06 is about: date|measure|segment."""
    _, measure, segment = finding.key.split("|", 2)
    return measure, segment


def _because(build: Build, series: Series) -> str:
    """Return which team explains most of a figure's movement, as a sentence."""
    parts = _teams(build).get(series, [])
    explained = _explained_by(parts, at_least=0.0) if parts else None
    return "" if explained is None else f" The team {explained[0].team_name} explains most of it."


def _teams(build: Build) -> Mapping[Series, list[tuple[TeamFigure, Point | None]]]:
    """Return the team parts of each figure, each with the point that it is compared with."""
    published = {(t.series, t.team_key): t.point for t in build.published_teams}
    found: dict[Series, list[tuple[TeamFigure, Point | None]]] = {}
    for team in build.teams:
        points = build.history.get((team.series, team.team_key), ())
        had_history = any(key[0] == team.series and key[1] for key in build.history)
        old = points[-1] if points else None
        if old is None and not had_history:
            old = published.get((team.series, team.team_key))
        found.setdefault(team.series, []).append((team, old))
    return found


def _explained_by(
    parts: Sequence[tuple[TeamFigure, Point | None]], at_least: float = 0.5
) -> tuple[TeamFigure, Point, Point] | None:
    """Return the team that explains a movement of the whole, and the whole before and after.

    Only teams that are there at both times count, so a team that is new or gone explains nothing.

    Args:
        parts: the teams of one figure, each with its earlier point.
        at_least: part of KPI-06's tolerance that the whole must have moved by.
    """
    both = [(team, old) for team, old in parts if old is not None]
    if len(both) < 2:
        return None
    is_share = both[0][0].is_share
    old = _sum([point for _, point in both], is_share=is_share)
    new = _sum([team.point for team, _ in both], is_share=is_share)
    days = (new.as_at_date - old.as_at_date).days
    change = new.number - old.number
    allowed = at_least * tolerance(days, of_share=is_share)
    if is_share:
        if abs(change) <= allowed or abs(change) * max(old.denominator, 1) < FEW_PEOPLE:
            return None
    elif abs(change) <= allowed * abs(old.number):
        return None

    def alone(team: TeamFigure, before: Point) -> float:
        """Return how the whole would have moved if this team only had changed."""
        numerator = old.numerator - before.numerator + team.point.numerator
        denominator = old.denominator - before.denominator + team.point.denominator
        number = numerator / denominator if is_share and denominator else numerator
        return (number - old.number) / change

    team, part = max(((team, alone(team, before)) for team, before in both), key=lambda it: it[1])
    return (team, old, new) if part >= MOST_OF_IT else None


def _sum(points: Sequence[Point], *, is_share: bool) -> Point:
    numerator = sum(point.numerator for point in points)
    denominator = sum(point.denominator for point in points)
    number = numerator / denominator if is_share and denominator else numerator
    return Point(max(point.as_at_date for point in points), number, numerator, denominator)


def _beyond_belief(team: TeamFigure, before: Point) -> bool:
    """Return whether one team's part changed so much that a person must look at its records."""
    now = team.point
    if team.is_share:
        change = abs(now.number - before.number)
        return change > TEAM_SHARE and change * min(now.denominator, before.denominator) >= (
            FEW_PEOPLE
        )
    if not before.denominator or not now.denominator:
        return False
    smaller, larger = sorted((now.numerator / now.denominator,
                              before.numerator / before.denominator))  # fmt: skip
    if smaller <= 0:
        return larger > 0 and min(now.denominator, before.denominator) >= TEAM_RECORDS
    few = min(now.denominator, before.denominator) < TEAM_RECORDS
    return larger / smaller >= (ANY_FACTOR if few else TEAM_FACTOR)


def _working_days(after: dt.date, until: dt.date) -> int:
    """Return the number of working days after a day, up to and including another."""
    days: Iterator[dt.date] = (
        after + dt.timedelta(days=number) for number in range(1, (until - after).days + 1)
    )
    return sum(day.isoweekday() <= 5 and day not in _holidays() for day in days)


@lru_cache(maxsize=1)
def _holidays() -> frozenset[dt.date]:
    with HOLIDAYS.open(encoding="utf-8", newline="") as file:
        return frozenset(dt.date.fromisoformat(row["holiday_date"]) for row in csv.DictReader(file))
