"""The front door and the workforce, measured on generated records and by an oracle in Python.

The oracle looks at one record, one young person and one day after another.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from statistics import mean, median
from typing import Any

import numpy as np
import pytest
from small_recording_system import SmallRecordingSystem, warehouse_rows

from carepath.contract import load_contract
from carepath.documents.bank_holidays import bank_holidays_seed
from carepath.landing.tables import ensure
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt

AUTHORITY, NIGHT = "E09900001", dt.date(2019, 12, 31)
FIRST, SPAN = dt.date(2017, 1, 1), 1090
HOLIDAYS = {line.split(",")[0] for line in bank_holidays_seed().splitlines()[1:]}
TABLES = {
    "referrals": "ssd_cin_episodes: cine_referral_id cine_person_id cine_referral_date"
    " cine_close_date cine_referral_nfa",
    "assessments": "ssd_cin_assessments: cina_assessment_id cina_person_id cina_referral_id"
    " cina_assessment_start_date cina_assessment_auth_date",
    "enquiries": "ssd_s47_enquiry: s47e_s47_enquiry_id s47e_person_id s47e_s47_start_date",
    "conferences": "ssd_initial_cp_conference: icpc_icpc_id icpc_s47_enquiry_id icpc_person_id"
    " icpc_icpc_date icpc_icpc_transfer_in",
    "involvements": "ssd_involvements: invo_involvements_id invo_person_id invo_professional_id"
    " invo_professional_role_id invo_involvement_start_date invo_involvement_end_date"
    " invo_referral_id invo_professional_team",
}
KPIS = ("kpi_referrals", "kpi_assessments", "kpi_conferences", "kpi_worker_changes")

Date = dt.date | None
Figure = tuple[int, int, int]  # numerator, denominator, left out


@dataclass
class Histories:
    """Rows as the recording system holds them, in the order of TABLES' columns."""

    referrals: list[tuple[str, str, dt.date, Date, str | None]]
    assessments: list[tuple[str, str, str, dt.date, Date]]
    enquiries: list[tuple[str, str, dt.date]]
    conferences: list[tuple[str, str, str, Date, str]]
    involvements: list[tuple[str, str, str, str, dt.date, Date, str, str]]


def generate(seed: int, people: int) -> Histories:
    """Return records of which many lie on the edges: days alike, anniversaries, open ends."""
    rng = np.random.default_rng(seed)
    made = Histories([], [], [], [], [])

    def later(day: dt.date, least: int, most: int) -> dt.date:
        return day + dt.timedelta(int(rng.integers(least, most)))

    def some(day: dt.date, open_share: float) -> Date:
        return None if rng.random() < open_share or day > NIGHT else day

    for person in (f"P{index}" for index in range(people)):
        start = later(FIRST, 0, SPAN)
        for _ in range(rng.integers(1, 5)):
            # again on the day, around the anniversary, or at any time
            start = later(start, *((0, 1), (364, 368), (1, 300))[rng.integers(0, 3)])
            if start > NIGHT:
                break
            referral = f"R{len(made.referrals)}"
            nfa = (None, "Y", "N", "N", "N")[rng.integers(0, 5)]
            close = some(later(start, 0, 500), 0.3)
            made.referrals.append((referral, person, start, close, nfa))
            for _ in range(rng.integers(0, 4)):
                begun = later(start, 0, 60)
                signed = some(later(begun, -2, 90), 0.25)
                number = f"A{len(made.assessments)}"
                made.assessments.append((number, person, referral, begun, signed))
            if rng.random() < 0.5:
                begun = later(start, 0, 20)
                enquiry = f"S{len(made.enquiries)}"
                made.enquiries.append((enquiry, person, begun))
                for _ in range(rng.integers(0, 3)):
                    held, moved_in = some(later(begun, -3, 35), 0.25), "NY"[rng.random() < 0.2]
                    number = f"C{len(made.conferences)}"
                    made.conferences.append((number, enquiry, person, held, moved_in))
            for _ in range(rng.integers(0, 5)):
                worker = f"W{rng.integers(0, 12)}"
                role = ("Social Worker", "Allocated case worker", "Duty Worker", "Personal Advisor")
                begun = later(start, 0, 200)
                ended = some(later(begun, -5, 200), 0.3)
                if rng.random() < 0.3:  # the last day of a quarter is the last allocated
                    ended = dt.date(begun.year + 1, (begun.month - 1) // 3 * 3 + 1, 1)
                made.involvements.append((
                    f"I{len(made.involvements)}", person, worker,
                    role[rng.integers(0, 4)], begun, ended, referral,
                    f"T{len(made.involvements) % 3}",
                ))  # fmt: skip
    return made


@pytest.fixture(scope="module")
def histories(warehouse: None) -> Histories:
    """The records, loaded and built."""
    made = generate(seed=45, people=220)
    system = SmallRecordingSystem("front_door", AUTHORITY)
    for name, table_and_columns in TABLES.items():
        table, columns = table_and_columns.split(": ")
        names = [column.name for column in load_contract().tables[table].columns]
        system.execute(f"create table {table} ({', '.join(f'{each} text' for each in names)})")
        rows = getattr(made, name)
        system.execute(
            f"insert into {table} ({', '.join(columns.split())}) select * from unnest("
            + ", ".join("%s::text[]" for _ in columns.split())
            + ")",
            [[None if v is None else str(v) for v in each] for each in zip(*rows, strict=True)],
        )
    load = system.load(NIGHT.isoformat()).load
    with connect("carepath_loader") as loader:
        loader.execute(
            "insert into ops.cutoffs values (%s, %s, %s, 'test')",
            (AUTHORITY, load.load_id, NIGHT),
        )
    ensure(load_contract())
    run_dbt(
        ["build", "--select", *(f"+{name}" for name in (*KPIS, "kpi_caseload")),
         "--resource-type", "model", "--resource-type", "seed"],
        layer="marts",
    )  # fmt: skip
    return made


def working_days(first: dt.date, last: dt.date) -> int:
    """Count them one after another; negative when they would run backwards."""
    if last < first:
        return -1
    days = (first + dt.timedelta(n) for n in range(1, (last - first).days + 1))
    return sum(day.isoweekday() <= 5 and day.isoformat() not in HOLIDAYS for day in days)


def a_year_before(day: dt.date) -> dt.date:
    """Return the same day of the year before; 28 February for 29."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def is_open(start: dt.date, end: Date, day: dt.date) -> bool:
    """Whether a half-open interval holds the day."""
    return start <= day and (end is None or end > day)


def report_dates() -> list[dt.date]:
    """Return the report dates from which a year of records lies back."""
    rows = warehouse_rows("select report_date from core.dim_report_date order by 1")
    return [day for (day,) in rows if day.year >= 2017]


def figures(mart: str) -> dict[tuple[dt.date, str, str], Figure]:
    """Return what a mart says of the dates: its figures by date, measure and segment."""
    return {
        (day, measure, segment): (numerator, denominator, left_out)
        for day, measure, segment, numerator, denominator, left_out in warehouse_rows(
            "select as_at_date, measure, segment, numerator, denominator, left_out_count"
            f" from marts_build.{mart} where as_at_date >= '2017-01-01'"
        )
    }


def figure(judged: Iterable[bool | None]) -> Figure:
    """Count what is in time, what is measured, and what is left out (None)."""
    found = Counter(judged)
    return found[True], found[True] + found[False], found[None]


def test_referrals_and_rereferrals_are_the_oracles(histories: Histories) -> None:
    days: dict[str, list[dt.date]] = defaultdict(list)
    for _, person, day, _, _ in histories.referrals:
        days[person].append(day)

    def is_again(person: str, day: dt.date) -> bool:
        return any(a_year_before(day) <= other < day for other in days[person])

    expected = {}
    for date in report_dates():
        year = [r for r in histories.referrals if a_year_before(date) < r[2] <= date]
        expected[date, "referrals", "all"] = (len(year), None, 0)
        expected[date, "re-referrals within 12 months", "all"] = figure(
            is_again(person, day) for _, person, day, _, _ in year
        )
        expected[date, "no further action", "all"] = figure(
            None if nfa is None else nfa == "Y" for *_, nfa in year
        )
    assert figures("kpi_referrals") == expected
    edge = [r for r in histories.referrals if a_year_before(r[2]) in days[r[1]]]
    assert len(edge) > 5, "no re-referral on the anniversary"


def test_assessments_in_time_are_the_oracles_and_segments_add_up(histories: Histories) -> None:
    referrals = {number: (day, close) for number, _, day, close, _ in histories.referrals}
    first: dict[str, tuple[dt.date, str]] = {}
    for number, _, referral, begun, _ in histories.assessments:
        first[referral] = min(first.get(referral, (dt.date.max, "")), (begun, number))
    expected = {}
    for date in report_dates():
        judged: dict[bool, list[bool | None]] = {True: [], False: []}
        for number, _, referral, begun, signed in histories.assessments:
            is_first = first[referral][1] == number
            clock = referrals[referral][0] if is_first else begun
            close = referrals[referral][1]
            if clock > date or (signed is not None and signed <= a_year_before(date)):
                continue
            verdict: bool | None
            if signed is not None and signed <= date:
                verdict = None if signed < clock else working_days(clock, signed) <= 45
            elif close is not None and close <= date:
                verdict = None
            else:
                is_overdue = working_days(clock, date) > 45 and clock > a_year_before(date)
                verdict = False if is_overdue else None
            judged[is_first].append(verdict)
        measure = "assessments within 45 working days"
        expected[date, measure, "all"] = figure(judged[True] + judged[False])
        expected[date, measure, "first of a referral"] = figure(judged[True])
        expected[date, measure, "later in an open case"] = figure(judged[False])
    found = figures("kpi_assessments")
    assert found == expected
    assert min(found[report_dates()[-1], measure, "all"]) > 10


def test_conferences_in_time_are_the_oracles(histories: Histories) -> None:
    held: dict[str, list[Date]] = defaultdict(list)
    for _, enquiry, _, day, moved_in in histories.conferences:
        if moved_in == "N":
            held[enquiry].append(day)
    expected = {}
    for date in report_dates():
        judged: list[bool | None] = []
        for enquiry, _, begun in histories.enquiries:
            conference = min((day for day in held[enquiry] if day), default=None)
            if not held[enquiry] or (conference and conference <= a_year_before(date)):
                continue
            if conference and conference <= date:
                in_time = working_days(begun, conference) <= 15
                judged.append(None if conference < begun else in_time)
            elif begun <= date:
                is_overdue = working_days(begun, date) > 15 and begun > a_year_before(date)
                judged.append(False if is_overdue else None)
        expected[date, "conferences within 15 working days of the enquiry", "all"] = figure(judged)
    assert figures("kpi_conferences") == expected


def allocated(histories: Histories) -> dict[tuple[str, str, str], set[dt.date]]:
    """Return each day up to the night on which a person, worker and role were together."""
    roles = {"Social Worker": "SW", "Allocated case worker": "SW", "Personal Advisor": "PA"}
    days: dict[tuple[str, str, str], set[dt.date]] = defaultdict(set)
    for _, person, worker, role, begun, ended, *_ in histories.involvements:
        if role in roles:
            until = (ended or NIGHT + dt.timedelta(1)) - begun
            days[person, worker, roles[role]] |= {
                begun + dt.timedelta(n) for n in range(until.days)
            }
    until_night = {key: {day for day in found if day <= NIGHT} for key, found in days.items()}
    return {key: found for key, found in until_night.items() if found}


def test_allocations_never_overlap_and_cover_the_days_of_the_records(
    histories: Histories,
) -> None:
    rows = warehouse_rows(
        "select role_code, sum(least(coalesce(end_date, %(after)s), %(after)s) - start_date),"
        " count(distinct (young_person_key, worker_key)) from core.fct_allocations"
        " where start_date < %(after)s group by 1",
        {"after": NIGHT + dt.timedelta(1)},
    )
    expected: dict[str, tuple[int, int]] = {}
    for (_, _, role), days in allocated(histories).items():
        total, pairs = expected.get(role, (0, 0))
        expected[role] = (total + len(days), pairs + 1)
    assert {role: (days, pairs) for role, days, pairs in rows} == expected
    assert warehouse_rows(
        "select count(*) from core.fct_allocations as a inner join core.fct_allocations as b"
        " using (young_person_key, worker_key, role_code) where a.start_date < b.start_date"
        " and (a.end_date is null or a.end_date > b.start_date"
        " or a.end_date = b.start_date and a.team_key = b.team_key)"
    ) == [(0,)]


def test_allocations_have_on_each_day_the_team_of_the_record_that_began_last(
    histories: Histories,
) -> None:
    rows = warehouse_rows(
        "select role_code, sum(least(coalesce(end_date, %(after)s), %(after)s) - start_date)"
        " from core.fct_allocations where start_date < %(after)s group by role_code, team_key",
        {"after": NIGHT + dt.timedelta(1)},
    )
    records = defaultdict(list)
    for _, person, worker, role, begun, ended, _, team in histories.involvements:
        if role != "Duty Worker":
            role_code = "PA" if role == "Personal Advisor" else "SW"
            records[person, worker, role_code].append((begun, ended, team))
    expected: Counter[tuple[str, str]] = Counter()
    for key, days in allocated(histories).items():
        for day in days:
            covering = [
                (NIGHT - begun, team)
                for begun, ended, team in records[key]
                if begun <= day and (ended is None or day < ended)
            ]
            expected[key[2], min(covering)[1]] += 1
    assert sorted(rows) == sorted((role, days) for (role, _), days in expected.items())


def open_cases(histories: Histories, date: dt.date) -> set[str]:
    """Return whose case is open at a date."""
    return {
        person
        for _, person, start, close, nfa in histories.referrals
        if nfa != "Y" and is_open(start, close, date)
    }


def test_changes_of_worker_are_the_oracles(histories: Histories) -> None:
    days = allocated(histories)
    expected = {}
    for date in report_dates():
        workers = Counter(
            person
            for (person, _, role), found in days.items()
            if role == "SW" and any(a_year_before(date) < day <= date for day in found)
        )
        people = open_cases(histories, date)
        for least, words in ((2, "two or more"), (3, "three or more")):
            expected[date, f"{words} social workers in 12 months", "open cases"] = figure(
                workers[person] >= least if workers[person] else None for person in people
            )
    found = figures("kpi_worker_changes")
    assert found == expected
    assert min(found[report_dates()[-1], "three or more social workers in 12 months",
                     "open cases"]) > 0  # fmt: skip


def test_caseloads_are_the_oracles(histories: Histories) -> None:
    days = allocated(histories)
    expected: dict[tuple[dt.date, str], Any] = {}
    names = {"SW": "cases per social worker", "PA": "young people per personal adviser"}
    roles = {role for (_, _, role), found in days.items() if found}
    for date in report_dates():
        people = open_cases(histories, date)
        for role, name in names.items():
            cases = Counter(
                worker
                for (person, worker, as_role), found in days.items()
                if as_role == role and date in found and (role == "PA" or person in people)
            )
            closed = sum(
                as_role == "SW" and date in found and person not in people
                for (person, _, as_role), found in days.items()
            )
            if role in roles:  # a date without a case has its row too
                counts = list(cases.values())
                left_out = closed if role == "SW" else 0
                for word, value in (
                    ("mean", round(Decimal(mean(map(Decimal, counts))), 4) if counts else None),
                    ("median", Decimal(str(median(counts))) if counts else None),
                    ("maximum", Decimal(max(counts)) if counts else None),
                ):
                    expected[date, f"{name}, {word}"] = (value, len(counts), left_out)
    found = {
        (day, measure): values
        for day, measure, *values in warehouse_rows(
            "select as_at_date, measure, value, record_count, left_out_count"
            " from marts_build.kpi_caseload"
            " where segment = 'all teams' and as_at_date >= '2017-01-01'"
        )
    }
    assert {key: tuple(values) for key, values in found.items()} == expected
