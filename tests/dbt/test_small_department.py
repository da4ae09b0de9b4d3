"""The figures of a small department, worked out a second time, and built with another secret.

The department has every table, records that are equal but for their ids, and a report date before
its first record. No gate runs.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final

import pytest
from small_recording_system import warehouse_rows

from carepath.demonstration.ordinary import (
    AUTHORITY,
    Event,
    OrdinaryDepartment,
    source,
)
from carepath.demonstration.settings import STATISTICS, add_population
from carepath.documents.kpi_book import kpis
from carepath.night import lock, steps
from carepath.settings import PROJECT_ROOT, get_settings
from carepath.sources import write_sources
from carepath.warehouse.connect import connect
from carepath.warehouse.models import build_models

NIGHT: Final = dt.date(2019, 6, 30)
NOTHING_YET: Final = dt.date(1995, 3, 31)  # before the first record
LAST_YEAR: Final = dt.date(2018, 7, 1)

DECLARED: Final = {kpi.name: kpi for kpi in kpis()}
OPEN: Final = {
    mart: [
        measure.code
        for measure in kpi.measures
        if not (measure.not_people or kpi.meta.get("not_people"))
    ]
    for mart, kpi in DECLARED.items()
}
# patterns of codes: the name of a measure that a council words ends with *
WITHOUT_PEOPLE: Final = [
    measure.code.replace("_", r"\_").replace("*", "%")
    for mart, kpi in DECLARED.items()
    for measure in kpi.measures
    if measure.code not in OPEN[mart]
]

# Records of one day that differ in what a figure shows, and otherwise only in their ids.
TIES: Final = Event(
    NIGHT,
    "every third record is there twice, with another need, team, worker or kind of placement",
    tuple(
        statement
        for table, key, changed in (
            (
                "ssd_cin_episodes",
                "cine_referral_id",
                "cine_cin_primary_need_code = case cine_cin_primary_need_code"
                " when 'N1' then 'N5' else 'N1' end",
            ),
            (
                "ssd_cla_placement",
                "clap_cla_placement_id",
                "clap_cla_placement_type = case clap_cla_placement_type"
                " when 'U6' then 'K2' else 'U6' end",
            ),
            (
                "ssd_involvements",
                "invo_professional_id",
                "invo_professional_team = (select max(dept_team_id) from ssd_department)",
            ),
        )
        for statement in (
            f"create temporary table twin as select * from {table}"
            f" where mod(abs(hashtext({key})), 3) = 0",
            f"update twin set {key} = {key} || '-2', {changed}",
            f"insert into {table} select * from twin",
            "drop table twin",
        )
    ),
)


@pytest.fixture(scope="module")
def department(staged_warehouse: None) -> Iterator[None]:
    """The department's figures at 30 June 2019, in marts_build."""
    settings = get_settings()
    dates = settings.home / "site" / "report_dates.csv"
    before = dates.read_text()
    dates.write_text(f"{before.rstrip()}\n{AUTHORITY},{NOTHING_YET},no records yet\n")
    write_sources([source()])
    try:
        with lock.driving():
            add_population()
            OrdinaryDepartment(leavers=4, others=40, events=[TIES]).advance(NIGHT)
            steps.plan("small", NIGHT, [source().name], "demonstration")
            load_id = steps.load("small", source().name)
            steps.stage("small")
            with connect("carepath_loader", autocommit=True) as loader:
                loader.execute(
                    "insert into ops.cutoffs values (%s, %s, %s, 'gate')",
                    (AUTHORITY, load_id, NIGHT),
                )
                build_models(loader, "small")
            yield
    finally:  # the modules that follow begin without a source
        dates.write_text(before)
        settings.sources_file.unlink()


@pytest.mark.usefixtures("department")
def test_people_of_every_measure_are_as_many_as_its_figures_say() -> None:
    wrong = warehouse_rows(
        """
        with members as (
            select measure_code, segment_code,
                count(*) filter (where is_counted) as counted,
                count(*) filter (where is_in_denominator) as measured,
                count(*) filter (where not is_in_denominator) as left_out
            from marts_build.fct_kpi_member
            group by 1, 2
        )
        select measure_code, segment_code, kpi.numerator, kpi.denominator,
            left_out_count, members.counted, members.measured, members.left_out
        from marts_build.kpi
        inner join marts_build.dim_measure using (measure_code)
        inner join core.dim_report_date as dates
            on dates.authority = kpi.authority and dates.report_date = kpi.as_at_date
            and dates.is_latest
        left join members using (measure_code, segment_code)
        where
            not measure_code like any(%s)
            and (
                kpi.numerator <> coalesce(counted, 0)
                or left_out_count <> coalesce(members.left_out, 0)
                -- the denominator of a count is the number of all
                or statistic <> 'count' and coalesce(kpi.denominator, 0) <> coalesce(measured, 0)
            )
        """,
        (WITHOUT_PEOPLE,),
    )
    assert wrong == []
    ((measures, people),) = warehouse_rows(
        "select count(distinct measure_code), count(*) from marts_build.fct_kpi_member"
    )
    assert measures > 300
    assert people > 20_000


@pytest.mark.usefixtures("department")
def test_measures_that_do_not_open_to_people_say_so() -> None:
    """The YAML of a measure says why it has no people, or the model keeps them."""
    kept = {
        mart.removeprefix("members_of_")
        for (mart,) in warehouse_rows(
            "select table_name from information_schema.tables"
            " where table_schema = 'marts_build' and table_name like 'members\\_of\\_%'"
        )
    }
    silent = {mart for mart, codes in OPEN.items() if codes and mart not in kept}
    assert silent == set()
    assert (
        warehouse_rows(
            "select distinct measure_code from marts_build.fct_kpi_member"
            " where measure_code like any(%s)",
            (WITHOUT_PEOPLE,),
        )
        == []
    )


# Why a mart has no figure at a date without records.
ABSENT: Final = {
    "begins when a programme, a cohort or a practice has its first record": {
        "kpi_alliance",
        "kpi_edge_of_care",
        "kpi_edge_of_care_costs",
        "kpi_goal_agreement",
        "kpi_panel_cases",
        "kpi_pathway_costs",
        "kpi_pathway_placements",
        "kpi_pathway_sensitivity",
        "kpi_practice_quality",
        "kpi_reported_plans",
        "kpi_services_used",
    },
    "has a target only from the day on which one is set": {"kpi_targets"},
}


@pytest.mark.usefixtures("department")
def test_every_other_mart_of_report_dates_has_all_measures_at_a_date_without_records() -> None:
    absent = set().union(*ABSENT.values())
    found: dict[str, set[str]] = defaultdict(set)
    gaps = set()
    for (mart,) in warehouse_rows(
        "select table_name from information_schema.columns where table_schema = 'marts_build'"
        " and table_name like 'kpi\\_%' and column_name in ('as_at_date', 'measure')"
        " group by 1 having count(*) = 2 order by 1"
    ):
        rows = warehouse_rows(f"select distinct as_at_date, measure from marts_build.{mart}")
        dates = {day for day, _ in rows}
        if not dates - {NIGHT}:
            continue  # of snapshots, or of dates that had a load of their own
        for day, measure in rows:
            if day == NOTHING_YET:
                found[mart].add(measure)
        wanted = {measure for day, measure in rows if day != NIGHT}
        if wanted - found[mart]:
            gaps.add(mart)
    assert gaps == absent, gaps ^ absent


@pytest.mark.usefixtures("department")
def test_figures_at_a_date_without_records_are_0_or_of_nobody() -> None:
    assert (
        warehouse_rows(
            "select measure_code, segment_code, numerator, denominator, value from marts_build.kpi"
            " where as_at_date = %s and (coalesce(numerator, 0) <> 0"
            " or coalesce(value, 0) <> 0"
            " or measure_code not in (select measure_code from marts_build.dim_measure"
            " where statistic = 'rate') and coalesce(denominator, 0) <> 0)",
            (NOTHING_YET,),
        )
        == []
    )


def population(file: str, day: dt.date) -> dict[str, int]:
    """Return the children of the invented borough as its files say, by ethnic group or `all`."""
    found: Counter[str] = Counter()
    with (STATISTICS / file).open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            if "population_estimate" in row:
                mid_year = dt.date(int(row["time_period"]), 6, 30)
                if row["new_la_code"] == AUTHORITY and mid_year <= day:
                    found["all"] = int(row["population_estimate"])
            elif row["Upper tier local authorities Code"] == AUTHORITY:
                group, _, kind = row["Ethnic group (20 categories)"].partition(":")
                if group == "White":
                    group = "White British" if "British" in kind else "White other"
                else:  # "Asian, Asian British or Asian Welsh" and so on
                    group = group.replace(",", " ").split()[0]
                found[group] += int(row["Observation"])
    return dict(found)


# Children of a stage in the year up to tonight, or at its end, from the records themselves.
STAGES: Final = {
    "contact in 12 months": "select person_id from staging.stg_contacts"
    " where contact_date between %(from)s and %(to)s",
    "referral in 12 months": "select person_id from staging.stg_cin_episodes"
    " where referral_date between %(from)s and %(to)s",
    "child protection plan at the date": "select person_id from staging.stg_cp_plans"
    " where start_date <= %(to)s and coalesce(end_date > %(to)s, true)",
    "looked after at the date": "select person_id from staging.stg_cla_episodes"
    " where start_date <= %(to)s and coalesce(end_date > %(to)s, true)",
    "entry to care in 12 months": "select person_id from staging.stg_cla_episodes"
    " where start_reason_code = 'S' and start_date between %(from)s and %(to)s",
}
GROUPS: Final = {
    "White British": "WBRI",
    "White other": "WIRI WOTH WIRT WROM",
    "Mixed": "MWBC MWBA MWAS MOTH",
    "Asian": "AIND APKN ABAN CHNE AOTH",
    "Black": "BCRB BAFR BOTH",
    "Other": "OOTH",
}


@pytest.mark.usefixtures("department")
@pytest.mark.parametrize("stage", STAGES)
def test_equity_of_a_stage_is_that_of_the_records(stage: str) -> None:
    """Counts by SQL over the records; ratio and interval worked out here."""
    of_code = {code: group for group, codes in GROUPS.items() for code in codes.split()}
    children: Counter[str] = Counter(
        of_code.get(code, "not known")
        for (code,) in warehouse_rows(
            f"with stage as ({STAGES[stage]})"
            " select min(ethnicity_code) from staging.stg_person where person_id in"
            " (select person_id from stage) group by person_id",
            {"from": LAST_YEAR, "to": NIGHT},
        )
    )
    people = population("population_by_ethnic_group.csv", NIGHT)
    rows = {
        row[0]: row[1:]
        for row in warehouse_rows(
            "select ethnic_group, child_count, not_known_count, population, ratio_to_white_british,"
            " ratio_low, ratio_high, reads_as, silent_reason from marts_build.kpi_equity"
            " where as_at_date = %s and measure = %s",
            (NIGHT, stage),
        )
    }
    assert rows.keys() == GROUPS.keys()
    white = children["White British"]
    for group, (count, unknown, living, ratio, low, high, reads_as, silent) in rows.items():
        assert (count, unknown, living) == (children[group], children["not known"], people[group])
        if min(count, white) < 10:
            assert (ratio, low, high, reads_as) == (None,) * 4
            assert silent.startswith("fewer than 10 ")
            continue
        expected = (count / people[group]) / (white / people["White British"])
        assert float(ratio) == pytest.approx(expected, abs=1e-4)
        if group == "White British":
            assert (low, high, reads_as) == (None, None, None)
            continue
        spread = 1.959964 * math.sqrt(1 / count + 1 / white)
        interval = math.exp(math.log(expected) - spread), math.exp(math.log(expected) + spread)
        assert (float(low), float(high)) == pytest.approx(interval, abs=1e-3)
        chance = "no difference beyond chance"
        words = "more often" if interval[0] > 1 else "less often" if interval[1] < 1 else chance
        assert reads_as == words


@pytest.mark.usefixtures("department")
def test_equity_speaks_of_some_group_and_is_silent_on_some() -> None:
    ((spoken, silent),) = warehouse_rows(
        "select count(ratio_low), count(silent_reason) from marts_build.kpi_equity"
        " where as_at_date = %s",
        (NIGHT,),
    )
    assert spoken
    assert silent


# Counts that rates divide, from the records themselves.
COUNTS: Final = {
    "referral_rate": "select count(*) from staging.stg_cin_episodes"
    " where referral_date between %(from)s and %(to)s",
    "enquiry_rate": "select count(*) from staging.stg_s47_enquiry"
    " where start_date between %(from)s and %(to)s",
    "cp_plan_rate": f"select count(distinct person_id) from"
    f" ({STAGES['child protection plan at the date']}) as stage",
    "looked_after_rate": f"select count(distinct person_id) from"
    f" ({STAGES['looked after at the date']}) as stage",
    "looked_after_started_rate": f"select count(distinct person_id) from"
    f" ({STAGES['entry to care in 12 months']}) as stage",
}


@pytest.mark.usefixtures("department")
@pytest.mark.parametrize("code", COUNTS)
def test_rate_is_that_of_the_records(code: str) -> None:
    ((count,),) = warehouse_rows(COUNTS[code], {"from": LAST_YEAR, "to": NIGHT})
    children = population("population_of_children.csv", NIGHT)["all"]
    ((numerator, denominator, value),) = warehouse_rows(
        "select numerator, denominator, value from marts_build.kpi"
        " where as_at_date = %s and measure_code = %s",
        (NIGHT, code),
    )
    assert (numerator, denominator) == (count, children)
    assert float(value) == pytest.approx(count * 10_000 / children, abs=1e-6)


@pytest.mark.usefixtures("department")
def test_every_rate_divides_its_own_count_at_every_date() -> None:
    with (PROJECT_ROOT / "plugins/carepath/statistics/rates.csv").open() as lines:
        counted = {
            row["rate_code"]: (row["count_code"], row["segment"]) for row in csv.DictReader(lines)
        }
    counts: dict[tuple[Any, ...], int] = {
        (day, code, segment): number
        for day, code, segment, number in warehouse_rows(
            "select as_at_date, measure_code, segment, numerator from marts_build.kpi"
            " where numerator is not null"
        )
    }
    rates = warehouse_rows(
        "select as_at_date, measure_code, kpi.numerator, kpi.denominator, value"
        " from marts_build.kpi inner join marts_build.dim_measure using (measure_code)"
        " where mart = 'kpi_rates'"
    )
    dates = {day for day, *_ in rates}
    assert {(day, code) for day, code, *_ in rates} == {
        (day, code) for day in dates for code in counted
    }
    for day, code, numerator, denominator, value in rates:
        assert numerator == counts.get((day, *counted[code]), 0), (day, code)
        children = population("population_of_children.csv", day).get("all")
        assert denominator == (children if day != NOTHING_YET else None)
        if denominator:
            assert float(value) == pytest.approx(numerator * 10_000 / denominator, abs=1e-6)


def figures() -> dict[str, list[tuple[Any, ...]]]:
    """Return what a reader sees, without keys: every figure, and whom teams and bands count."""
    return {
        "figures": warehouse_rows(
            "select as_at_date, measure_code, segment, numerator, denominator, value,"
            " left_out_count, left_out_reason from marts_build.kpi order by 1, 2, 3"
        ),
        "members": warehouse_rows(
            "select measure_code, segment_code, is_counted, left_out_reason, team_name,"
            " age_band, sex_code, ethnicity_code, count(*) from marts_build.fct_kpi_member"
            " left join core.dim_team using (team_key) group by 1, 2, 3, 4, 5, 6, 7, 8"
            " order by 1, 2, 3, 4, 5, 6, 7, 8"
        ),
        "needs": warehouse_rows(
            "select as_at_date, need_code, team_name, count(*) from core.fct_children_in_need"
            " left join core.dim_team using (team_key) group by 1, 2, 3 order by 1, 2, 3"
        ),
        "placements": warehouse_rows(
            "select start_date, end_date, placement_type_code, count(*) from core.fct_placements"
            " group by 1, 2, 3 order by 1, 2, 3"
        ),
        "due": warehouse_rows(
            "select due_type, due_date, team_name, count(*) from core.fct_due"
            " left join core.dim_team using (team_key) group by 1, 2, 3 order by 1, 2, 3"
        ),
    }


@pytest.mark.usefixtures("department")
def test_figures_are_the_same_in_a_warehouse_with_another_secret() -> None:
    before = figures()
    keys = "select young_person_key from core.dim_young_person order by 1"
    old = warehouse_rows(keys)
    with connect("carepath_owner") as owner:
        owner.execute("update identity.key_secret set secret = sha256(secret)")
    with connect("carepath_loader", autocommit=True) as loader:
        assert build_models(loader, "small")
    new = warehouse_rows(keys)
    assert len(new) == len(old)
    assert not set(new) & set(old)
    after = figures()
    for name, rows in before.items():
        assert rows
        assert after[name] == rows, name
