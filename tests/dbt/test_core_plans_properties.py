"""Plans and the way of a young person hold their properties on generated, messy records.

An independent oracle paints every day of every young person in Python and compares.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pytest
from small_recording_system import SmallRecordingSystem, warehouse_rows

from carepath.contract import load_contract
from carepath.landing.tables import ensure
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt

AUTHORITY = "E09900001"
NIGHT = "2019-12-31"
# records begin within SPAN days; all that end have ended before DAYS
FIRST, SPAN, DAYS = dt.date(2014, 1, 1), 1000, 2400
OPEN = DAYS
PRECEDENCE = ("NONE", "EH", "CIN", "CP", "LAC")
TABLES = {
    "EH": ("ssd_early_help_episodes", "earl_episode_id", "earl_person_id",
           "earl_episode_start_date", "earl_episode_end_date"),
    "CIN": ("ssd_cin_plans", "cinp_cin_plan_id", "cinp_person_id",
            "cinp_cin_plan_start_date", "cinp_cin_plan_end_date"),
    "CP": ("ssd_cp_plans", "cppl_cp_plan_id", "cppl_person_id",
           "cppl_cp_plan_start_date", "cppl_cp_plan_end_date"),
    "LAC": ("ssd_cla_episodes", "clae_cla_episode_id", "clae_person_id",
            "clae_cla_episode_start_date", "clae_cla_episode_ceased_date"),
    "referral": ("ssd_cin_episodes", "cine_referral_id", "cine_person_id",
                 "cine_referral_date", "cine_close_date"),
}  # fmt: skip


@dataclass(frozen=True)
class Record:
    """A record as the source holds it; days are counted from FIRST, None is not recorded."""

    kind: str
    number: int
    person: str | None
    start: int | None
    end: int | None

    @property
    def fault(self) -> str | None:
        """Why it makes no spell, in the model's words."""
        if self.person is None:
            return "no young person"
        if self.start is None:
            return "no start date"
        if self.end is not None and self.end <= self.start:
            return "ends before it starts" if self.end < self.start else "ends on the day it starts"
        return None

    @property
    def days(self) -> slice:
        """The days that it covers."""
        return slice(self.start, OPEN if self.end is None else self.end)


def generate(seed: int, people: int) -> list[Record]:
    """Return messy records: nested, touching, open, reversed, without a day, without a person."""
    rng = np.random.default_rng(seed)
    records: list[Record] = []

    def add(kind: str, person: str | None, start: int | None, end: int | None) -> None:
        records.append(Record(kind, len(records), person, start, end))

    for index in range(people):
        person = f"P{index}"
        for kind in ("EH", "CIN", "CP"):
            ends: list[int] = []
            for _ in range(rng.integers(0, 5)):
                # half of them begin on a day on which another began or ended, or the day after
                start = int(rng.integers(0, SPAN))
                if ends and rng.random() < 0.5:
                    start = int(rng.choice(ends)) + int(rng.integers(0, 2))
                end: int | None = start + int(rng.integers(0, 150))
                mess = rng.random()
                if mess < 0.1:
                    end = None
                elif mess < 0.15:
                    end = start - int(rng.integers(1, 30))
                elif mess < 0.18:
                    add(kind, None if mess < 0.165 else person, None, end)
                    continue
                ends += [start, end if end is not None and end > start else start + 1]
                add(kind, person, start, end)
        # care in chains of episodes with breaks between them; open ends are another test's
        start = int(rng.integers(0, 600))
        for _ in range(rng.integers(0, 4)):
            end = start + int(rng.integers(1, 120))
            add("LAC", person, start, end)
            start = end + int(rng.choice([0, 0, 2, 40]))
        for _ in range(rng.integers(0, 3)):
            start = int(rng.integers(0, SPAN))
            add("referral", person, start, start + int(rng.integers(0, 90)))
    return records


def iso(day: int | None) -> str | None:
    """Return the date of a day as the source writes it."""
    return None if day is None else (FIRST + dt.timedelta(days=day)).isoformat()


@pytest.fixture(scope="module")
def records(warehouse: None) -> list[Record]:
    """The records, loaded and built into core."""
    made = generate(seed=1034, people=150)
    system = SmallRecordingSystem("plans", AUTHORITY)
    for kind, (table, *columns) in TABLES.items():
        names = [column.name for column in load_contract().tables[table].columns]
        system.execute(f"create table {table} ({', '.join(f'{name} text' for name in names)})")
        rows = [
            [f"R{record.number}", record.person, *map(iso, (record.start, record.end))]
            for record in made
            if record.kind == kind
        ]
        system.execute(
            f"insert into {table} ({', '.join(columns)})"
            " select * from unnest(%s::text[], %s::text[], %s::text[], %s::text[])",
            [list(column) for column in zip(*rows, strict=True)],
        )
    load = system.load(NIGHT).load
    with connect("carepath_loader") as loader:
        loader.execute(
            "insert into ops.cutoffs values (%s, %s, %s, 'test')",
            (AUTHORITY, load.load_id, NIGHT),
        )
    ensure(load_contract())
    kinds = ["--resource-type", "model", "--resource-type", "seed"]
    run_dbt(["build", "--select", "+fct_pathway_events", *kinds], layer="core")
    return made


@pytest.fixture(scope="module")
def person_of(records: list[Record]) -> dict[int, str]:
    """Each young person's case id by key."""
    people = sorted({record.person for record in records if record.person})
    return dict(
        warehouse_rows(
            "select core.key_of(%s || '|' || p), p from unnest(%s::text[]) as p",
            (AUTHORITY, people),
        )
    )


@pytest.fixture(scope="module")
def painted(records: list[Record]) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
    """The oracle: for each young person the precedence of the plan at every day."""
    days = {record.person: np.zeros(DAYS, dtype=np.int64) for record in records if record.person}
    for precedence, kind in enumerate(PRECEDENCE):
        for record in records:
            if record.kind == kind and record.fault is None and record.person:
                days[record.person][record.days] = precedence
    return days


def timeline() -> list[tuple[int, dt.date, dt.date | None, str, str, str | None]]:
    """Return the timeline in order."""
    return warehouse_rows(
        "select young_person_key, from_date, to_date, plan_type_code, previous_plan_type_code,"
        " next_plan_type_code from core.fct_plan_timeline order by 1, 2"
    )


def day_of(date: dt.date | None) -> int:
    """Return the day of a date; an open end lies behind the last day."""
    return OPEN if date is None else (date - FIRST).days


def test_timeline_has_the_oracles_plan_at_every_date(
    person_of: dict[int, str], painted: dict[str, np.ndarray[Any, np.dtype[np.int64]]]
) -> None:
    shown = {person: np.zeros(DAYS, dtype=np.int64) for person in painted}
    rows_at = {person: np.zeros(DAYS, dtype=np.int64) for person in painted}
    for key, start, end, kind, *_ in timeline():
        days = slice(day_of(start), day_of(end))
        shown[person_of[key]][days] = PRECEDENCE.index(kind)
        rows_at[person_of[key]][days] += 1
    assert max(rows.max() for rows in rows_at.values()) == 1, "two plans at a date"
    assert [p for p in painted if not np.array_equal(shown[p], painted[p])] == []
    assert {int(level) for p in painted for level in np.unique(painted[p])} == {0, 1, 2, 3, 4}


def test_timeline_neighbours_name_each_other(person_of: dict[int, str]) -> None:
    assert person_of
    for _, rows in groupby(timeline(), key=lambda row: row[0]):
        ordered = list(rows)
        assert ordered[0][4] == "NONE"
        for (_, _, end, kind, _, following), (_, start, _, other, previous, _) in pairwise(ordered):
            assert end is not None
            assert end <= start
            assert (following, previous) == ((other, kind) if end == start else ("NONE", "NONE"))
            assert end < start or kind != other, "a change that is none"
        assert ordered[-1][5] == (None if ordered[-1][2] is None else "NONE")


@pytest.mark.usefixtures("person_of")
def test_spells_cover_the_records_days_and_count_them(records: list[Record]) -> None:
    expected = Counter[tuple[str, int, int, int]]()
    by_kind: dict[tuple[str | None, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.fault is None and record.kind in PRECEDENCE:
            by_kind[record.person, record.kind].append(record)
    for (_, kind), of_kind in by_kind.items():
        days = np.zeros(OPEN + 1, dtype=bool)
        for record in of_kind:
            days[record.days] = True
        edges = np.flatnonzero(np.diff(np.concatenate(([False], days[:OPEN], [False]))))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            within = sum(start <= r.days.start < end for r in of_kind)
            # the records of care are periods, which area care has merged
            expected[kind, int(start), int(end), 1 if kind == "LAC" else within] += 1
    found = Counter(
        (kind, day_of(start), day_of(end), count)
        for kind, start, end, count in warehouse_rows(
            "select plan_type_code, start_date, end_date, record_count from core.fct_plan_spells"
        )
    )
    assert found == expected
    assert any(count > 2 for *_, count in found)


@pytest.mark.usefixtures("person_of")
def test_records_that_make_no_spell_are_all_counted_with_their_reason(
    records: list[Record],
) -> None:
    expected = Counter(
        (record.kind, record.fault)
        for record in records
        if record.kind in ("EH", "CIN", "CP") and record.fault
    )
    found = warehouse_rows(
        "select plan_type_code, left_out_reason, count(*) from core.fct_plan_records"
        " where left_out_reason is not null group by 1, 2"
    )
    assert {(kind, reason): count for kind, reason, count in found} == expected
    assert len({reason for _, reason in expected}) == 4


def events() -> dict[int, list[dict[str, Any]]]:
    """Return each young person's events in order."""
    names = (
        "young_person_key", "event_number", "event_date", "event_type_code", "stage",
        "previous_stage", "is_stage_change", "days_in_previous_stage",
        "previous_event_type_code", "previous_event_date", "days_since_previous",
        "next_event_type_code", "next_event_date", "days_to_next", "day_rank",
    )  # fmt: skip
    found = warehouse_rows(
        f"select {', '.join(names)} from core.fct_pathway_events"
        " join core.dim_event_type using (event_type_code) order by 1, 2"
    )
    rows = [dict(zip(names, row, strict=True)) for row in found]
    return {key: list(of) for key, of in groupby(rows, key=lambda row: row["young_person_key"])}


@pytest.mark.usefixtures("person_of")
def test_events_name_the_ones_around_them() -> None:
    ways = events()
    assert sum(map(len, ways.values())) > 1500
    for way in ways.values():
        assert [event["event_number"] for event in way] == list(range(1, len(way) + 1))
        assert way[0]["previous_event_date"] is None
        assert way[-1]["next_event_date"] is None
        for event, after in pairwise(way):
            order = [(e["event_date"], e["day_rank"]) for e in (event, after)]
            assert order == sorted(order)
            assert after["previous_event_type_code"] == event["event_type_code"]
            assert after["previous_event_date"] == event["event_date"]
            assert event["next_event_type_code"] == after["event_type_code"]
            assert event["next_event_date"] == after["event_date"]
            assert event["days_to_next"] == after["days_since_previous"]
            assert event["days_to_next"] == (after["event_date"] - event["event_date"]).days
            assert after["previous_stage"] == event["stage"]


def test_events_change_the_stage_just_when_the_oracles_plan_changes(
    person_of: dict[int, str], painted: dict[str, np.ndarray[Any, np.dtype[np.int64]]]
) -> None:
    for key, way in events().items():
        plan = painted[person_of[key]]
        changes = [
            (day, PRECEDENCE[before], PRECEDENCE[after])
            for day, (before, after) in enumerate(pairwise([0, *plan.tolist()]))
            if before != after
        ]
        told = [event for event in way if event["is_stage_change"]]
        assert [(day_of(e["event_date"]), e["previous_stage"], e["stage"]) for e in told] == changes
        assert [e["days_in_previous_stage"] for e in told] == [
            None if before is None else day - before
            for before, day in pairwise([None, *(day for day, *_ in changes)])
        ]
        for _, of_day in groupby(way, key=lambda event: event["event_date"]):
            last = list(of_day)[-1]
            assert last["stage"] == PRECEDENCE[plan[day_of(last["event_date"])]]


@pytest.mark.usefixtures("person_of")
def test_events_tell_each_start_of_a_plan_once() -> None:
    told = warehouse_rows(
        "select count(*), count(e.pathway_event_key), count(distinct e.pathway_event_key)"
        " from core.fct_plan_spells as s left join core.fct_pathway_events as e"
        " on e.young_person_key = s.young_person_key and e.event_date = s.start_date"
        " and (e.detail_code = s.plan_type_code"
        "   and e.event_type_code in ('plan_start', 'step_up', 'step_down')"
        "   or s.plan_type_code = 'LAC' and e.event_type_code = 'entry_to_care')"
    )
    ((spells, events_of_spells, distinct_events),) = told
    assert spells == events_of_spells == distinct_events


@pytest.mark.usefixtures("person_of")
def test_build_again_gives_the_same_events_and_keys() -> None:
    query = "select t::text from core.fct_pathway_events as t order by 1"
    before = warehouse_rows(query)
    models = ("fct_plan_records", "fct_plan_spells", "fct_plan_timeline", "fct_pathway_events")
    run_dbt(["run", "--full-refresh", "--select", *models], layer="core")
    assert warehouse_rows(query) == before
