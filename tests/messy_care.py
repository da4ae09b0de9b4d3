"""A recording system of messy care histories, and what an independent reading of them is.

The oracle reads days, one by one, where the models compare intervals: on which days is a child in
care, and where does the child live on each of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from psycopg import sql

from carepath.contract import load_contract
from carepath.landing import LoadResult, load_source
from carepath.sources import SourceSpec
from carepath.warehouse.connect import connect, url

TABLES: Final = ("ssd_cla_episodes", "ssd_legal_status", "ssd_cla_placement")
FIRST_DAY: Final = dt.date(2018, 1, 1)
HORIZON: Final = 200  # later than anything that has an end
TEMPORARY: Final = frozenset({"T0", "T1", "T2", "T3", "T4"})
SHORT_BREAKS: Final = frozenset({"V3", "V4"})

Row = dict[str, Any]
Spans = list[tuple[int, int]]


class MessyCare:
    """Episodes, legal statuses and placements of children, with every fault at a high rate."""

    def __init__(self, schema: str, authority: str, *, seed: int, children: int) -> None:
        self.spec = SourceSpec(
            name=schema.replace("_", "-"),
            authority=authority,
            authority_name=f"Authority {authority}",
            url=url("recording_system", "recording_system", driver=""),
            schema=schema,
            is_partial=True,
        )
        self.rng = np.random.default_rng(seed)
        self.children = [f"CHILD{number}" for number in range(children)]
        self.rows: dict[str, list[Row]] = {name: [] for name in TABLES}
        for child in self.children:
            self._invent(child)
        contract = load_contract()
        with connect("recording_system", "recording_system") as connection:
            connection.execute(
                sql.SQL("drop schema if exists {0} cascade; create schema {0}").format(
                    sql.Identifier(schema)
                )
            )
            for name in TABLES:
                connection.execute(
                    sql.SQL("create table {} ({})").format(
                        sql.Identifier(schema, name),
                        sql.SQL(", ").join(
                            sql.SQL("{} text").format(sql.Identifier(column))
                            for column in contract.tables[name].column_names
                        ),
                    )
                )

    def _invent(self, child: str) -> None:
        """Give a child up to seven episodes and placements and three legal statuses."""
        for _ in range(self._some(8)):
            start, end = self._span(allow_blank=True)
            self.rows["ssd_cla_episodes"].append({
                "clae_person_id": child,
                "clae_cla_episode_start_date": start,
                "clae_cla_episode_start_reason": self._one("S", "L", "P", "P", "B"),
                "clae_cla_primary_need_code": self._one("N1", "N2", "N0"),
                "clae_cla_episode_ceased_date": end,
                "clae_cla_episode_ceased_reason": end and self._one("X1", "E4A", "E8"),
            })  # fmt: skip
        for _ in range(self._some(4)):
            start, end = self._span(longest=40)
            self.rows["ssd_legal_status"].append({
                "lega_person_id": child,
                "lega_legal_status": self._one("V2", "C1", "C2", "V3", "V4"),
                "lega_legal_status_start_date": start,
                "lega_legal_status_end_date": end,
            })  # fmt: skip
        for number in range(self._some(8)):
            start, end = self._span(allow_blank=True, longest=25)
            self.rows["ssd_cla_placement"].append({
                "clap_cla_placement_id": f"{child}-{self._some(number + 1) or number}",
                "clap_person_id": child,
                "clap_cla_placement_start_date": start,
                "clap_cla_placement_end_date": end,
                "clap_cla_placement_type": self._one("U6", "K2", "P1", "T1", "A6"),
                "clap_cla_placement_urn": self._one("ZZ1", "ZZ2", None),
            })  # fmt: skip

    def _some(self, below: int) -> int:
        return int(self.rng.integers(0, below))

    def _one(self, *choices: str | None) -> str | None:
        return choices[self._some(len(choices))]

    def _span(
        self, *, allow_blank: bool = False, longest: int = 15
    ) -> tuple[str | None, str | None]:
        """Return two dates: now and then none, the same day twice, or the later one first."""
        start = self._some(60)
        end = start + self._some(longest + 3) - 2
        return (
            None if allow_blank and self._some(40) == 0 else self._day(start),
            None if self._some(4) == 0 else self._day(end),
        )

    def _day(self, day: int) -> str:
        """Return a day as one of the forms that staging reads: records of a day may differ."""
        date = FIRST_DAY + dt.timedelta(days=day)
        return f"{date:%d/%m/%Y}" if self._some(10) == 0 else date.isoformat()

    def load(
        self, night: dt.date, without: Mapping[str, Iterable[int]] | None = None
    ) -> LoadResult:
        """Load it without the rows `without` (positions by table)."""
        with connect("recording_system", "recording_system") as connection:
            for name in TABLES:
                gone = set((without or {}).get(name, ()))
                target = sql.Identifier(self.spec.schema or "", name)
                connection.execute(sql.SQL("truncate {}").format(target))
                with connection.cursor() as cursor:
                    for position, row in enumerate(self.rows[name]):
                        if position not in gone:
                            cursor.execute(
                                sql.SQL("insert into {} ({}) values ({})").format(
                                    target,
                                    sql.SQL(", ").join(map(sql.Identifier, row)),
                                    sql.SQL(", ").join(sql.Placeholder() * len(row)),
                                ),
                                list(row.values()),
                            )
        return load_source(None, self.spec, night, accept_truncation=TABLES)

    def of(
        self, table: str, child: str, without: Mapping[str, Iterable[int]] | None = None
    ) -> list[Row]:
        """Return the rows of a child."""
        gone = set((without or {}).get(table, ()))
        return [
            row
            for position, row in enumerate(self.rows[table])
            if position not in gone and child in row.values()
        ]


def day_of(text: str | None) -> int | None:
    """Return the day that a date stands for, counted from the first one."""
    if text is None:
        return None
    form = "%d/%m/%Y" if "/" in text else "%Y-%m-%d"
    return (dt.datetime.strptime(text, form).date() - FIRST_DAY).days  # noqa: DTZ007


def runs(days: Iterable[int]) -> Spans:
    """Return unbroken runs of days as (first, day after the last)."""
    found: Spans = []
    for day in sorted(days):
        if found and found[-1][1] == day:
            found[-1] = (found[-1][0], day + 1)
        else:
            found.append((day, day + 1))
    return found


def episodes_by_start(
    episodes: Sequence[Row], statuses: Sequence[Row]
) -> dict[bool, dict[int, tuple[int, str]]]:
    """Return end and reason of the episode of each first day, short breaks (True) apart."""
    legal = [
        (
            day_of(row["lega_legal_status_start_date"]),
            day_of(row["lega_legal_status_end_date"]),
            row["lega_legal_status"],
        )
        for row in statuses
    ]

    def is_short_break(day: int) -> bool:
        in_force = [
            (start, code not in SHORT_BREAKS)
            for start, end, code in legal
            if start is not None and start <= day and (end is None or day < end)
        ]
        return bool(in_force) and not max(in_force)[1]

    by_start: dict[int, list[tuple[int, str, str, str]]] = {}
    for row in episodes:
        start = day_of(row["clae_cla_episode_start_date"])
        end = day_of(row["clae_cla_episode_ceased_date"])
        if start is not None:
            by_start.setdefault(start, []).append((
                HORIZON if end is None else end,
                row["clae_cla_episode_ceased_reason"] or "~",
                row["clae_cla_primary_need_code"],
                row["clae_cla_episode_start_reason"],
            ))  # fmt: skip
    # of several from one day: one with an end after it before an open one
    chosen: dict[bool, dict[int, tuple[int, str]]] = {True: {}, False: {}}
    for start, records in by_start.items():
        closed = [end for end, *_ in records if start < end < HORIZON]
        if closed or any(end == HORIZON for end, *_ in records):
            latest = max(closed) if closed else HORIZON
            reason = min(record[1:] for record in records if record[0] == latest)[-1]
            chosen[is_short_break(start)][start] = (latest, reason)
    return chosen


def days_in_care(episodes: Sequence[Row], statuses: Sequence[Row]) -> set[int]:
    """Return the days on which a child is in care; an open end lasts to the horizon."""
    chosen = episodes_by_start(episodes, statuses)[False]
    starts = sorted(chosen)
    in_care: set[int] = set()
    for position, start in enumerate(starts):
        end, _ = chosen[start]
        if end == HORIZON and position + 1 < len(starts):
            end = starts[position + 1]
            # who starts to be looked after was not looked after the day before
            if chosen[end][1] == "S" and end - 1 > start:
                end -= 1
        in_care.update(range(start, end))
    return in_care


def home_by_day(
    placements: Sequence[Row], periods: Spans, short_breaks: Collection[tuple[int, int]] = ()
) -> dict[int, str]:
    """Return the type of placement that a child lives in, on each day that has one."""

    def is_absence(span: tuple[int, int, str, int, int]) -> bool:
        return span[2] in TEMPORARY or span[3:] in short_breaks

    by_number: dict[str, list[tuple[int, int, str]]] = {}
    for row in placements:
        start = day_of(row["clap_cla_placement_start_date"])
        end = day_of(row["clap_cla_placement_end_date"])
        if start is not None:
            by_number.setdefault(row["clap_cla_placement_id"], []).append(
                (start, HORIZON if end is None else end, row["clap_cla_placement_type"])
            )
    kept = []
    for spans in by_number.values():
        lasting = [span for span in spans if span[0] < span[1]]
        closed = [span for span in lasting if span[1] < HORIZON]
        pool = closed or lasting
        if pool:
            latest = max(end for _, end, _ in pool)
            first = min(start for start, end, _ in pool if end == latest)
            kept.append(min(span for span in pool if span[:2] == (first, latest)))
    homes: dict[int, str] = {}
    for first, after in periods:
        inside = [
            (max(start, first), min(end, after), kind, start, end)
            for start, end, kind in kept
            if start < after and end > first
        ]
        inside = [
            span
            for span in inside
            if not is_absence(span)
            or not any(
                other[0] <= span[0] and other[1] >= span[1]
                for other in inside
                if not is_absence(other)
            )
        ]
        chosen: dict[int, tuple[int, int, int]] = {}
        for day in range(first, after):
            in_force = [span for span in inside if span[0] <= day < span[1]]
            # the one that began last, cut to care or not; of several the one that lasts longest
            latest = max(((span[0], span[3], span[1]) for span in in_force), default=None)
            if latest is not None:
                chosen[day] = latest
        for day, latest in chosen.items():
            # a child does not come back to an earlier placement for a single day
            is_alone = latest not in (chosen.get(day - 1), chosen.get(day + 1))
            if is_alone and any(chosen.get(earlier) == latest for earlier in range(first, day)):
                continue
            kinds = {span[2] for span in inside if (span[0], span[3], span[1]) == latest}
            # nothing tells apart two that are equal but for the type
            homes[day] = kinds.pop() if len(kinds) == 1 else "?"
    return homes


def status_by_day(statuses: Sequence[Row], periods: Spans) -> dict[int, str]:
    """Return the legal status of a child on each day that has one."""

    def is_break_in_care(start: int, code: str) -> bool:
        return code in SHORT_BREAKS and any(first <= start < after for first, after in periods)

    spans = [
        (
            day_of(row["lega_legal_status_start_date"]),
            day_of(row["lega_legal_status_end_date"]),
            row["lega_legal_status"],
        )
        for row in statuses
    ]
    found: dict[int, str] = {}
    for day in range(HORIZON):
        in_force = [
            # of those that began last: no short break before another, then the longest; one that
            # begins in care comes after all others
            (
                not is_break_in_care(start, code),
                start,
                code not in SHORT_BREAKS,
                HORIZON if end is None else end,
                -ord(code[1]),
                code,
            )
            for start, end, code in spans
            if start is not None and start <= day < (HORIZON if end is None else end)
        ]
        if in_force:
            found[day] = max(in_force)[-1]
    return found
