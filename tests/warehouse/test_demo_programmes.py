"""The two programmes of the demonstration: the report's tables 4 and 6, out of rows.

Everything is read from the recording system's database and counted again, by definition, for two
seeds, as it stands on two nights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import carepath.warehouse
from carepath.demonstration import generator as demo
from carepath.demonstration.generator import borough, programmes, system
from carepath.demonstration.generator.rows import FIRST_DAY, NEVER
from carepath.errors import SourceError
from carepath.warehouse.connect import connect, url

SCHEMA = "la_e09900001"
SUMMER, AUTUMN = date(2019, 6, 30), date(2019, 9, 30)
REPORT = date(2019, 8, 31)
Row = tuple[Any, ...]

# highest of the plans open on a day, start <= day < end; short breaks are no care
PLAN = """
    select member.person, member.cohort, member.day, case
        when exists (
            select from ssd_cla_episodes as e
            where upper(btrim(e.clae_person_id)) = member.person
                and e.clae_cla_episode_start_date <= member.day
                and coalesce(e.clae_cla_episode_ceased_date, 'infinity') > member.day
                and not exists (
                    select from ssd_legal_status as l
                    where upper(btrim(l.lega_person_id)) = member.person
                        and l.lega_legal_status in ('V3', 'V4')
                        and l.lega_legal_status_start_date <= member.day
                        and coalesce(l.lega_legal_status_end_date, 'infinity') > member.day
                )
        ) then 'LAC'
        when exists (
            select from ssd_cp_plans where upper(btrim(cppl_person_id)) = member.person
                and cppl_cp_plan_start_date <= member.day
                and coalesce(cppl_cp_plan_end_date, 'infinity') > member.day
        ) then 'CP'
        when exists (
            select from ssd_cin_plans where upper(btrim(cinp_person_id)) = member.person
                and cinp_cin_plan_start_date <= member.day
                and coalesce(cinp_cin_plan_end_date, 'infinity') > member.day
        ) then 'CIN'
        when exists (
            select from ssd_early_help_episodes where upper(btrim(earl_person_id)) = member.person
                and earl_episode_start_date <= member.day
                and coalesce(earl_episode_end_date, 'infinity') > member.day
        ) then 'EH'
        else 'NONE'
    end as plan
    from (
        select upper(btrim(prgm_person_id)) as person, prgm_cohort as cohort,
            coalesce(%(day)s::timestamp, prgm_start_date) as day
        from local_programme_membership where prgm_programme = 'FTT'
    ) as member order by member.person
"""
PLANS = ("NONE", "EH", "CIN", "CP", "LAC")

# pathway placements with what they cost, joined as the standard joins them
PLACEMENTS = """
    select p.clap_cla_placement_id, upper(btrim(p.clap_person_id)),
        p.clap_cla_placement_start_date::date, p.clap_cla_placement_end_date::date,
        c.lpco_weekly_cost, c.lpco_carer_id, p.clap_cla_placement_type,
        p.clap_cla_placement_provider, c.lpco_from_date::date, c.lpco_to_date::date
    from local_placement_costs as c
    inner join ssd_cla_placement as p on c.lpco_placement_id = p.clap_cla_placement_id
    where c.lpco_programme = 'PC' order by 1
"""


@pytest.fixture(scope="module")
def address(cluster: object) -> Iterator[str]:
    """The recording system's database, left empty."""
    carepath.warehouse.ready()
    yield url("recording_system", "recording_system")
    with connect("recording_system", "recording_system") as connection:
        connection.execute(f"drop schema if exists {SCHEMA}, demonstration cascade")


def rows(query: str, schema: str = SCHEMA, **values: object) -> list[Row]:
    """Return what the role that reads a source sees."""
    with connect("recording_reader", "recording_system") as connection:
        connection.execute("select set_config('search_path', %s, true)", [schema])
        return connection.execute(query, values).fetchall()


QUERIES: dict[str, tuple[str, dict[str, object]]] = {
    "plans at start": (PLAN, {"day": None}),
    "plans later": (PLAN, {"day": AUTUMN}),
    "placements": (PLACEMENTS, {}),
    "members": (
        "select prgm_programme, prgm_cohort, upper(btrim(prgm_person_id)), prgm_start_date::date,"
        " prgm_end_date::date from local_programme_membership",
        {},
    ),
    "carers": ("select * from local_carers", {}),
    "costs": (
        "select lprc_programme, lprc_cost_item, lprc_period_start_date::date,"
        " lprc_period_end_date::date, lprc_amount from local_programme_costs",
        {},
    ),
    "panel": (
        "select upper(btrim(lpan_person_id)), lpan_presented_date::date from local_panel_cases"
        " where lpan_panel = 'TRAN'",
        {},
    ),
    "care": (
        "select upper(btrim(clae_person_id)), clae_cla_episode_start_date::date,"
        " clae_cla_episode_ceased_date::date, clae_cla_episode_ceased_reason,"
        " clae_cla_placement_id from ssd_cla_episodes order by 1, 2",
        {},
    ),
    "all placements": (
        "select upper(btrim(clap_person_id)), clap_cla_placement_start_date::date,"
        " clap_cla_placement_type from ssd_cla_placement",
        {},
    ),
    "ordinary costs": (
        "select p.clap_cla_placement_type, c.lpco_weekly_cost from local_placement_costs as c"
        " inner join ssd_cla_placement as p on c.lpco_placement_id = p.clap_cla_placement_id"
        " where c.lpco_programme is null",
        {},
    ),
    "born": ("select pers_person_id, pers_dob::date from ssd_person", {}),
    "care leavers": ("select distinct upper(btrim(clea_person_id)) from ssd_care_leavers", {}),
    "looked after": (
        "select day, count(distinct upper(btrim(clae_person_id))) from ssd_cla_episodes,"
        " unnest(array['2014-03-31', '2018-03-31']::timestamp[]) as day"
        " where clae_cla_episode_start_date <= day"
        " and coalesce(clae_cla_episode_ceased_date, 'infinity') > day and not exists ("
        "  select from ssd_legal_status where upper(btrim(lega_person_id))"
        "   = upper(btrim(clae_person_id)) and lega_legal_status in ('V3', 'V4')"
        "   and lega_legal_status_start_date = clae_cla_episode_start_date"
        " ) group by day order by day",
        {},
    ),
}  # fmt: skip
Night = dict[str, list[Row]]


@pytest.fixture(scope="module", params=[system.SEED, 7], ids=["seed 1034", "seed 7"])
def nights(request: pytest.FixtureRequest, address: str) -> dict[date, Night]:
    """What the recording system says of the programmes on two nights, for one seed."""
    demo.fill(address, SUMMER, seed=request.param)
    found = {SUMMER: {name: rows(query, **v) for name, (query, v) in QUERIES.items()}}
    demo.advance(address, AUTUMN)
    found[AUTUMN] = {name: rows(query, **v) for name, (query, v) in QUERIES.items()}
    return found


def counted(plans: list[Row]) -> list[int]:
    found = Counter(plan for _, cohort, _, plan in plans if cohort in ("1", "2"))
    return [found[plan] for plan in PLANS]


@pytest.mark.parametrize("night", [SUMMER, AUTUMN])
def test_plans_at_the_start_are_those_of_table_4(nights: dict[date, Night], night: date) -> None:
    assert counted(nights[night]["plans at start"]) == [0, 0, 32, 33, 2]


def test_plans_at_30_september_are_those_of_table_4(nights: dict[date, Night]) -> None:
    first, then = (nights[AUTUMN][name] for name in ("plans at start", "plans later"))
    assert counted(then) == [42, 3, 9, 13, 0]
    step = Counter(
        int(np.sign(PLANS.index(later[3]) - PLANS.index(before[3])))
        for before, later in zip(first, then, strict=True)
        if before[1] != "3"
    )
    assert step == {-1: 52, 0: 15}


def test_cohorts_start_in_the_months_that_the_report_names(nights: dict[date, Night]) -> None:
    for night in (SUMMER, AUTUMN):
        team = [row for row in nights[night]["members"] if row[0] == "FTT"]
        sizes = Counter(cohort for _, cohort, *_ in team)
        assert (sizes["1"] + sizes["2"], sizes["3"]) == (67, 34)
        months = {(cohort, start.year, start.month) for _, cohort, _, start, _ in team}
        assert months == {("1", 2018, 4), ("2", 2018, 9), ("3", 2019, 4)}
        assert all(start.weekday() < 5 for *_, start, _ in team)
        assert all(end is None for _, cohort, *_, end in team if cohort == "3")
    ended = [end for _, cohort, *_, end in team if cohort != "3"]
    assert all(end is not None and end < AUTUMN for end in ended)


def test_no_child_entered_care_and_two_returned_home(nights: dict[date, Night]) -> None:
    night = nights[AUTUMN]
    started = {
        person: start for programme, cohort, person, start, _ in night["members"]
        if programme == "FTT" and cohort != "3"
    }  # fmt: skip
    care = [row for row in night["care"] if row[0] in started]
    assert {person for person, *_ in care} == {
        person for person, _, _, plan in night["plans at start"] if plan == "LAC"
    } & set(started)
    first = {person: entered for person, entered, *_ in reversed(care)}
    assert all(entered < started[person] for person, entered in first.items())
    assert [reason for *_, reason, _ in care if reason != "X1"] == ["E4A", "E4A"]


def test_children_of_programmes_are_no_care_leavers(nights: dict[date, Night]) -> None:
    leaving = {person for (person,) in nights[AUTUMN]["care leavers"]}
    assert leaving.isdisjoint(person for _, _, person, *_ in nights[AUTUMN]["members"])


def test_pathway_placements_are_those_of_table_6(nights: dict[date, Night]) -> None:
    placed = nights[AUTUMN]["placements"]
    assert len(placed) == len({person for _, person, *_ in placed}) == 19
    lasting = [row for row in placed if row[3] is None or row[3] > REPORT]
    ended = [row for row in placed if row not in lasting]
    first_year = [row for row in placed if row[2] <= date(2018, 8, 31)]
    assert min(start for _, _, start, *_ in placed) >= date(2017, 9, 1)
    assert max(start for _, _, start, *_ in placed) <= REPORT
    assert (len(first_year), len(lasting), len(ended)) == (14, 11, 8)
    assert len([row for row in first_year if row in lasting]) == 6
    assert {row[6] for row in placed} <= {"U4", "U6"}
    assert {row[7] for row in placed} == {"PR1"}
    assert all(row[2:4] == row[8:10] for row in placed), "the cost is that of the placement"

    days = {row[0]: (min(row[3] or NEVER_DATE, AFTER) - row[2]).days for row in placed}
    assert sum(days.values()) == 5254
    avoided = Decimal(sum(days.values())) / 7 * 1000
    assert round(avoided) == 750_571
    spent = sum(Decimal(days[row[0]]) / 7 * row[4] for row in placed)
    assert abs(spent - 485_177) < Decimal("0.5")
    assert round(sum(row[4] for row in lasting) / len(lasting)) == 541
    assert round(sum(row[4] for row in ended) / len(ended)) == 628
    assert all(250 < row[4] < 950 for row in placed)


NEVER_DATE, AFTER = date.max, REPORT + timedelta(days=1)


def test_ended_placements_went_where_the_report_says(nights: dict[date, Night]) -> None:
    night = nights[AUTUMN]
    went: Counter[str] = Counter()
    for placement, person, _, end, *_ in night["placements"]:
        if end is None:
            continue
        then = [
            kind for who, start, kind in night["all placements"] if (who, start) == (person, end)
        ]
        reasons = [
            reason for who, _, ceased, reason, of in night["care"]
            if (who, ceased, of) == (person, end, placement)
        ]  # fmt: skip
        assert len(reasons) == 1
        assert len(then) == (reasons[0] == "X1")
        went[then[0] if then else reasons[0]] += 1
    assert went == {"E4A": 2, "E47": 1, "U1": 1, "U3": 1, "K2": 1, "U4": 1, "U6": 1}


def test_placement_of_a_pathway_child_follows_the_one_before(nights: dict[date, Night]) -> None:
    night = nights[AUTUMN]
    for _, person, start, *_ in night["placements"]:
        before = [row for row in night["care"] if row[0] == person and row[1] < start]
        assert before, "nobody enters care with a pathway carer"
        assert max(row[2] for row in before) == start
        spells = [row[1:3] for row in night["care"] if row[0] == person]
        assert all(a[1] == b[0] for a, b in pairwise(spells))


def test_pathway_members_are_the_children_placed(nights: dict[date, Night]) -> None:
    for night in (SUMMER, AUTUMN):
        members = {row[2:] for row in nights[night]["members"] if row[0] == "PC"}
        assert {row[:2] for row in members} == {row[1:3] for row in nights[night]["placements"]}
    assert members == {row[1:4] for row in nights[AUTUMN]["placements"]}


@pytest.mark.parametrize("night", [SUMMER, AUTUMN])
def test_14_carers_were_recruited_and_12_remain(nights: dict[date, Night], night: date) -> None:
    carers = {row[0]: row for row in nights[night]["carers"]}
    assert len(carers) == 14
    assert sum(left is None for *_, left, _ in carers.values()) == 12
    assert Counter(row[-1] for row in carers.values())["DONE"] == 8
    for _, _, start, end, _, carer, *_ in nights[night]["placements"]:
        _, _, recruited, left, _ = carers[carer]
        assert recruited.date() < start
        assert left is None or (end is not None and end < left.date())


def test_programme_costs_are_those_of_tables_5_and_6(nights: dict[date, Night]) -> None:
    costs = nights[SUMMER]["costs"]
    assert costs == nights[AUTUMN]["costs"]
    total: Counter[tuple[str, str]] = Counter()
    for programme, item, first, last, amount in costs:
        assert 364 <= (last - first).days <= 365
        total[programme, item] += int(amount)
    assert total == {
        ("PC", "Advanced practitioners"): 182_000,
        ("PC", "Training"): 12_000,
        ("PC", "Family therapist"): 59_000,
        ("FTT", "Families Together Team"): 760_000,
    }


@pytest.mark.parametrize("night", [SUMMER, AUTUMN])
def test_36_cases_came_to_the_transitions_panel(nights: dict[date, Night], night: date) -> None:
    cases = nights[night]["panel"]
    assert len(cases) == len({person for person, _ in cases}) == 36
    assert all(date(2017, 9, 1) <= day <= date(2019, 6, 30) for _, day in cases)
    assert all(day.weekday() == 2 for _, day in cases)
    born = dict(nights[night]["born"])
    assert all(16 < (day - born[person]).days / 365.25 < 25 for person, day in cases)


def test_children_of_programmes_are_among_the_206_and_250(nights: dict[date, Night]) -> None:
    for night in (SUMMER, AUTUMN):
        assert [count for _, count in nights[night]["looked after"]] == [206, 250]
    members = {row[2] for row in nights[AUTUMN]["members"]}
    day = date(2018, 3, 31)
    care = [row for row in nights[AUTUMN]["care"] if row[0] in members]
    there = [row for row in care if row[1] <= day < (row[2] or NEVER_DATE)]
    assert len(there) >= 5


def test_residential_placements_cost_three_to_five_times_fostering(
    nights: dict[date, Night],
) -> None:
    costs = nights[AUTUMN]["ordinary costs"]
    fostering = np.mean([float(cost) for kind, cost in costs if kind in ("U4", "U6")])
    residential = np.mean([float(cost) for kind, cost in costs if kind == "K2"])
    assert 3 < residential / fostering < 5
    assert len(costs) > 4000
    assert min(cost for _, cost in costs) > 100


def test_some_entries_of_programmes_are_late_but_not_by_a_month() -> None:
    delays = []
    for table in borough.tables(1, system.SEED, demo.DirtRates()):
        happened = {
            "local_programme_membership": "prgm_start_date",
            "local_panel_cases": "lpan_presented_date",
        }.get(table.table)
        if happened:
            every = np.arange(len(table.recorded), dtype=np.int32)
            day = table.columns[happened].at(0, every) + FIRST_DAY
            delays.append(table.recorded - day)
    delay = np.concatenate(delays)
    assert delay.min() >= 0
    assert delay.max() <= 20
    assert 0 < (delay >= 10).mean() < 0.1


def test_another_authority_has_programmes_of_its_own(address: str) -> None:
    demo.fill(address, AUTUMN, scale=2)
    for table in ("local_programme_membership", "local_carers", "local_placement_costs",
                  "local_programme_costs", "local_panel_cases"):  # fmt: skip
        first, second = (
            rows(f"select * from {table}", schema) for schema in (SCHEMA, "la_e09900002")
        )
        assert second
        assert {row[1:] for row in first} != {row[1:] for row in second}, table
    demo.fill(address, system.FIRST)


def test_advancing_to_autumn_gives_what_filling_gives(address: str) -> None:
    def whole() -> dict[str, list[Row]]:
        return {
            table: rows(f"select count(*), sum(hashtextextended(t::text, 0)) from {table} as t")
            for table in system.layout()
        }

    demo.fill(address, date(2019, 8, 30))
    demo.advance(address, AUTUMN)
    advanced = whole()
    demo.fill(address, AUTUMN)
    assert whole() == advanced


@pytest.mark.parametrize("seed", range(40))
def test_any_seed_holds_the_figures_of_the_programmes(seed: int) -> None:
    made = programmes.make(np.random.default_rng(seed))
    assert len(made) == 67 + 34 + 19


def test_figures_that_do_not_come_out_are_refused() -> None:
    made = programmes.make(np.random.default_rng(1))
    made.conference[made.conference < NEVER] += 200
    with pytest.raises(SourceError, match="the plans at the start"):
        programmes.check(made)
