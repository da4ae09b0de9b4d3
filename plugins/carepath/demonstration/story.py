"""What the demonstration's marts say, in six lines for a head of service.

Every number is read from schema `marts` as role bi_reader, as Power BI would read it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from carepath.dates import written
from carepath.demonstration.comparison import Lookup, row_of
from carepath.warehouse.connect import connect

COHORTS: Final = "Families Together Team, cohorts 1 and 2"
LOOKED_AFTER: Final = Lookup("kpi_looked_after", "looked after", "all", "")
NET_SAVING: Final = Lookup("kpi_pathway_costs", "net saving", "Pathway carers", "value")
STEPPED_DOWN: Final = Lookup("kpi_edge_of_care", "stepped down or closed", COHORTS, "")
STEPPED_UP: Final = Lookup("kpi_edge_of_care", "stepped up", COHORTS, "")
EET: Final = Lookup("kpi_eet", "EET", "open cases", "")


@dataclass(frozen=True)
class Target:
    """One target beside the actual figure, as mart kpi_targets judges it on the last night.

    Attributes:
        code: names the target in the seed `targets`.
        service: edge of care, in care or leaving care.
        measure: what was to change.
        direction: increase or decrease.
        wanted: by how many per cent of the baseline; negative for a decrease.
        baseline, wanted_value, actual: the figures; None where there is no figure.
        baseline_date, actual_date: the days of the figures.
        change: actual against baseline, in per cent of the baseline; None if not measured.
        is_met: the change is at least the wanted one; None if not measured.
        movement: towards the target, away from the target or unchanged; None if not measured.
        reason: why the change is not measured; None if it is.
        statistic: count, share or value.
        due: the day by which it was to be met.
    """

    code: str
    service: str
    measure: str
    direction: str
    wanted: Decimal
    baseline: Decimal | None
    wanted_value: Decimal | None
    actual: Decimal | None
    baseline_date: dt.date | None
    actual_date: dt.date | None
    change: Decimal | None
    is_met: bool | None
    movement: str | None
    reason: str | None
    statistic: str
    due: dt.date

    @property
    def judgement(self) -> str:
        """Whether the target is met, and if not, which way the figure moved."""
        if self.is_met is None:
            return f"not measured: {self.reason}"
        if self.is_met:
            return "met"
        return {
            "towards the target": "not met, right direction",
            "away from the target": "not met, wrong direction",
        }.get(self.movement or "", "not met, unchanged")

    def shown(self, figure: Decimal | None) -> str:
        """Return one of the figures as people write it: a share in per cent, a value in pounds."""
        if figure is None:
            return "none"
        if self.statistic == "share":
            return f"{_rounded(100 * figure, 1)}%"
        if self.statistic == "value":
            return f"£{_rounded(figure):,}"
        return f"{figure.normalize():,f}"


@dataclass(frozen=True)
class Story:
    """What the marts say on the last night.

    Attributes:
        authority: ONS code and name.
        day: the night that the figures are of.
        lines: six subjects, each with one or two sentences.
        targets: every target of the authority, in the order of the services.
    """

    authority: str
    day: dt.date
    lines: tuple[tuple[str, str], ...]
    targets: tuple[Target, ...]


def read_story(authority: str) -> Story:
    """Read the story of one authority's last night."""
    with connect("bi_reader") as connection:
        day, targets = _targets(connection, authority)
        by_code = {target.code: target for target in targets}
        entries, eet = by_code["care-entries"], by_code["eet"]

        def row(lookup: Lookup, date: dt.date | None) -> Mapping[str, Any]:
            return {} if date is None else row_of(connection, lookup, authority, date)

        lines = (
            ("Entries to care", entries_line(entries)),
            (
                "Children in care",
                in_care_line(
                    row(LOOKED_AFTER, day).get("numerator"),
                    day,
                    row(LOOKED_AFTER, entries.baseline_date).get("numerator"),
                    entries.baseline_date,
                ),
            ),
            (
                "Cost",
                cost_line(by_code["placement-budget"], row(NET_SAVING, day).get("value")),
            ),
            (
                "Edge of care",
                edge_of_care_line(row(STEPPED_DOWN, day), row(STEPPED_UP, day).get("numerator")),
            ),
            ("EET", eet_line(eet, row(EET, eet.actual_date))),
            ("Targets", targets_line(targets)),
        )
        name = connection.execute(
            "select authority_name from marts.dim_authority where authority = %s", (authority,)
        ).fetchone()
    return Story(f"{name[0]} ({authority})" if name else authority, day, lines, tuple(targets))


def entries_line(entries: Target) -> str:
    """Say how many children entered care in a year, beside the year before the baseline."""
    if entries.actual is None or entries.actual_date is None:
        return _missing("entries to care")
    said = f"{entries.actual:.0f} in the 12 months to {written(entries.actual_date)}"
    if entries.baseline is None or entries.baseline_date is None:
        return f"{said}."
    than = f"in the 12 months to {written(entries.baseline_date)}"
    return f"{said}, {_more(entries.actual - entries.baseline)} {than}."


def in_care_line(
    now: int | None, day: dt.date, before: int | None, before_day: dt.date | None
) -> str:
    """Say how many children are looked after, beside how many were."""
    if now is None:
        return _missing("children in care")
    if before is None or before_day is None:
        return f"{now} on {written(day)}."
    return f"{now} on {written(day)}, {_more(Decimal(now - before))} on {written(before_day)}."


def cost_line(budget: Target, saving: object) -> str:
    """Say what a week of all placements costs, and what pathway carers have saved."""
    if budget.actual is None or budget.actual_date is None:
        said = _missing("placement costs")
    else:
        said = (
            f"The placements open on {written(budget.actual_date)} cost "
            f"{budget.shown(budget.actual)} a week"
        )
        if budget.change is not None and budget.baseline_date is not None:
            change = _rounded(abs(budget.change))
            than = f"than on {written(budget.baseline_date)}"
            said += f", {change}% {'more' if budget.change > 0 else 'less'} {than}"
        said += "."
    if saving is None:
        return said
    net = _rounded(Decimal(str(saving)))
    words = f"saved £{net:,} compared" if net >= 0 else f"cost £{-net:,} more compared"
    return f"{said} Pathway carers have {words} with residential care."


def edge_of_care_line(down: Mapping[str, Any], up: int | None) -> str:
    """Say how many young people at the edge of care stepped down, and how many stepped up."""
    if not down.get("denominator"):
        return _missing("plans at the edge of care")
    share = _rounded(Decimal(100 * down["numerator"]) / down["denominator"])
    more = "" if up is None else f" {up} stepped up."
    return (
        f"{down['numerator']} of {down['denominator']} young people ({share}%) with the Families "
        f"Together Team stepped down to a lower plan or closed.{more}"
    )


def eet_line(eet: Target, now: Mapping[str, Any]) -> str:
    """Say how many care leavers are in education, employment or training."""
    if not now.get("denominator") or eet.actual is None or eet.actual_date is None:
        return _missing("care leavers in education, employment or training")
    said = (
        f"{now['numerator']} of {now['denominator']} care leavers with an open case "
        f"({_rounded(100 * eet.actual)}%) were in education, employment or training on "
        f"{written(eet.actual_date)}."
    )
    if eet.baseline is None or eet.baseline_date is None:
        return said
    return f"{said} On {written(eet.baseline_date)} it was {_rounded(100 * eet.baseline)}%."


def targets_line(targets: Sequence[Target]) -> str:
    """Say which targets are met, and which way the others moved."""
    groups = (
        ("Met", [t for t in targets if t.is_met]),
        ("Right direction", [t for t in targets if t.judgement == "not met, right direction"]),
        ("Wrong direction", [t for t in targets if t.judgement == "not met, wrong direction"]),
        ("Unchanged", [t for t in targets if t.judgement == "not met, unchanged"]),
        ("Not measured", [t for t in targets if t.is_met is None]),
    )
    met = len(groups[0][1])
    said = [f"{met} of {len(targets)} {'is' if met == 1 else 'are'} met."]
    said += [
        f"{heading}: {', '.join(target.measure for target in group)}."
        for heading, group in groups
        if group
    ]
    return " ".join(said)


def _targets(connection: psycopg.Connection[Any], authority: str) -> tuple[dt.date, list[Target]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "select * from marts.kpi_targets where authority = %s and is_latest"
            " order by array_position(array['edge of care', 'in care', 'leaving care'], service),"
            " target_code",
            (authority,),
        ).fetchall()
    return rows[0]["as_at_date"], [
        Target(
            code=row["target_code"],
            service=row["service"],
            measure=row["measure"],
            direction=row["direction"],
            wanted=row["target_change_percent"],
            baseline=row["baseline_value"],
            wanted_value=row["target_value"],
            actual=row["actual_value"],
            baseline_date=row["baseline_figure_date"],
            actual_date=row["actual_figure_date"],
            change=row["change_percent"],
            is_met=row["is_reached"],
            movement=row["movement"],
            reason=row["not_measured_reason"],
            statistic=row["statistic"],
            due=row["due_date"],
        )
        for row in rows
    ]


def percent(number: Decimal | None) -> str:
    """Return a change in per cent with its sign, as people write it: -10%, +4.5%."""
    if number is None:
        return "none"
    return f"{_rounded(number, 1).normalize():+f}%" if number else "0%"


def _missing(what: str) -> str:
    return f"The marts hold no figure for {what}."


def _more(change: Decimal) -> str:
    if change == 0:
        return "as many as"
    return f"{abs(change):.0f} {'more' if change > 0 else 'fewer'} than"


def _rounded(number: Decimal, decimals: int = 0) -> Decimal:
    """Round half up, as people do."""
    return number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
