"""The demonstration, whole: the real command, the real DAG, two authorities, four nights.

The first authority carries the report's figures and is held on the second night; the other is not.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import quick_server
from docs_queries import DocumentedQuery, as_shown, queries_of
from family_figures import FIGURES, Figure
from indicator_figures import INDICATORS
from leavers_recounted import RECOUNTED
from lxml import html
from openpyxl import load_workbook
from powerbi_model import DaxModel
from psycopg import sql
from rich.console import Console

from carepath.demonstration.comparison import compare, lookups
from carepath.demonstration.evaluation_report import report_figures
from carepath.documents.indicators import read_indicators
from carepath.measures import read_measures
from carepath.powerbi.catalogue import PUBLICATION, read_catalogue
from carepath.powerbi.dax import measure_name
from carepath.powerbi.report import CODE, SERVICE, TITLE, VALUE, pages
from carepath.quality.figures.limits import limits_of
from carepath.settings import get_settings
from carepath.statistics.data_sets import RATES
from carepath.terminal.changes import read_moved
from carepath.terminal.due import print_due
from carepath.warehouse import embedded
from carepath.warehouse.connect import connect

ASHMERE, OTHER = "E09900001", "E09900002"
DOCUMENTED = [*queries_of("journey.md"), *queries_of("statistics.md")]
BASELINE, MUDDLED, FOLLOW_UP = dt.date(2017, 11, 30), dt.date(2019, 6, 27), dt.date(2019, 6, 30)
COHORT_END = dt.date(2019, 9, 30)


def carepath(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in the demonstration's home."""
    return subprocess.run(
        [sys.executable, "-c", "from carepath.cli import main; main()", *arguments],
        env={**os.environ, "CAREPATH_HOME": str(get_settings().home), "COLUMNS": "100"},
        capture_output=True,
        text=True,
    )


def rows(role: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return what a role reads."""
    with connect(role) as connection:
        return connection.execute(query, values or None).fetchall()


@pytest.fixture(scope="module")
def terminal_text() -> Iterator[str]:
    """What `carepath demo` prints for two authorities, in its own home.

    The first has the report's figures. The second is of a ninth of its size: what is shown with
    it (a hold that stops nobody else, totals over authorities) needs a second, not a large one.

    The home is not in pytest's folder. Another session of root closes that folder to other
    accounts, and PostgreSQL, which runs as one, then cannot open its control file.
    """
    folder = Path(tempfile.mkdtemp(prefix="carepath-demo-"))
    folder.chmod(0o755)
    settings = get_settings()
    suite, settings.home = settings.home, folder / "home"
    try:
        quick_server.start()
        done = carepath("demo", "--scale", "2", "--people", "3500")
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
        yield done.stdout
    finally:
        embedded.destroy()
        settings.home = suite
        shutil.rmtree(folder)


def test_demo_prints_each_night_and_explains_every_figure(terminal_text: str) -> None:
    assert terminal_text.count("Outcome: published") == 3
    assert terminal_text.count("Outcome: partly") == 1
    words = " ".join(terminal_text.split())
    assert (
        f"Of {len(report_figures())} figures, 124 equal the evaluation report's. 10 differ" in words
    )
    assert "0 differ without an explanation" in words
    assert "What to do" in terminal_text


def test_demo_figures_differ_only_where_the_report_contradicts_itself(terminal_text: str) -> None:
    lines = list(compare(ASHMERE))
    assert [line.report for line in lines if not line.is_explained] == []
    differing = {(line.report.table, line.report.measure) for line in lines if not line.equal}
    assert differing == {
        ("T2", "purposefulness"),  # no whole scores have this mean and standard deviation
        ("T4", "plan now: early help"),  # 3 of 67 printed as 5 %
        ("T4", "stepped down or closed"),  # 52 of 67 printed as 77 %
        ("T5", "on a CiN or CP plan at start"),  # 67 for 65
        ("T5", "on a CiN or CP plan now"),  # 23 for 22
        ("T5", "reduction in children on a plan"),
        ("T5", "savings in 6 months"),
        ("T5", "annualised savings"),
        ("T6", "children on the programme"),  # 13 for 11
        ("WAI", "total"),  # 17.62 for 17.63
    }


def test_demo_ends_with_six_lines_read_from_the_marts(terminal_text: str) -> None:
    """Each number is asked of the marts again, in other words."""

    def one(query: str) -> Any:
        ((found,),) = rows("bi_reader", query, ASHMERE)
        return found

    def entries(day: str) -> Any:
        return one(
            "select numerator from marts.kpi_care_entries where authority = %s and segment = 'all'"
            f" and measure = 'entries to care in 12 months' and as_at_date = '{day}'"
        )

    words = " ".join(terminal_text.split())
    assert words.index("Children in care") < words.index("Carepath beside the evaluation report")
    now, before = entries("2019-09-30"), entries("2017-09-30")
    than = "more than" if now > before else "fewer than"
    assert f"Entries to care {now} in the 12 months to 30 September 2019" in words
    assert f"{abs(now - before)} {than} in the 12 months to 30 September 2017." in words
    in_care = one(
        "select count(*) from marts.kpi_looked_after where authority = %s"
        f" and numerator = {words.partition('Children in care ')[2].split()[0]}"
        " and measure = 'looked after' and segment = 'all' and as_at_date = '2019-09-30'"
    )
    assert in_care == 1
    weekly = one(
        "select value from marts.kpi_placement_budget where authority = %s and segment = 'all'"
        " and measure = 'weekly cost of open placements' and as_at_date = '2019-09-30'"
    )
    assert f"cost £{weekly:,.0f} a week" in words
    assert "52 of 67 young people (78%)" in words
    targets = rows(
        "bi_reader",
        "select measure, is_reached, change_percent, movement from marts.kpi_targets"
        " where authority = %s and is_latest",
        ASHMERE,
    )
    met = [measure for measure, is_met, _, _ in targets if is_met]
    assert len(targets) == 7
    assert f"{len(met)} of 7 {'is' if len(met) == 1 else 'are'} met." in words
    headings = {
        "towards the target": "Right direction:",
        "away from the target": "Wrong direction:",
        "unchanged": "Unchanged:",
        None: "Not measured:",
    }
    line = words.partition("Targets ")[2].partition("Targets and actual figures")[0]
    for measure, is_met, _, movement in targets:
        heading = "Met:" if is_met else headings[movement]
        after = line.partition(heading)[2]
        assert measure in after, measure


def test_demo_comparison_is_a_page_and_a_file_of_every_figure(terminal_text: str) -> None:
    home = get_settings().home
    with (home / "comparison.csv").open(encoding="utf-8", newline="") as file:
        results = Counter(row["result"] for row in csv.DictReader(file))
    assert results == {"equal": len(report_figures()) - 10, "explained": 10}
    page = (home / "comparison.html").read_text(encoding="utf-8")
    assert page.count("<tr><td>") == 7 + 10 + len(report_figures())
    assert str(home / "comparison.html") in terminal_text


def test_demo_report_has_the_figures_of_the_marts(terminal_text: str, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    done = carepath("report", "--authority", ASHMERE, "--to", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    page = html.fromstring(file.read_text(encoding="utf-8"))

    def card(code: str) -> str:
        (found,) = page.xpath("//*[@id=$id]", id=f"headline-{code}")
        return " ".join(found.text_content().split())

    counted = (
        ("care_leavers_eet", "kpi_eet", "EET", "open cases"),
        ("care_leavers_suitable_accommodation", "kpi_accommodation",
         "accommodation recorded as suitable", "all"),
        ("visits_regulation_28", "kpi_care_visits", "visited in time by regulation 28", "all"),
    )  # fmt: skip
    for code, mart, measure, segment in counted:
        ((numerator, denominator),) = rows(
            "bi_reader",
            f"select numerator, denominator from marts.{mart} where authority = %s"
            " and measure = %s and segment = %s and as_at_date = %s",
            ASHMERE,
            measure,
            segment,
            COHORT_END,
        )
        assert f"{numerator:,} of {denominator:,}, " in card(code), code
    ((in_care, entries, weekly),) = rows(
        "bi_reader",
        "select (select numerator from marts.kpi_looked_after where authority = a.authority"
        " and measure = 'looked after' and segment = 'all' and as_at_date = %s),"
        " (select numerator from marts.kpi_care_entries where authority = a.authority and"
        " measure = 'entries to care in 12 months' and segment = 'all' and as_at_date = %s),"
        " (select value from marts.kpi_placement_budget where authority = a.authority"
        " and segment = 'all' and as_at_date = %s)"
        " from marts.dim_authority as a where a.authority = %s",
        COHORT_END,
        COHORT_END,
        COHORT_END,
        ASHMERE,
    )
    assert f" {in_care} 30 September 2019" in card("looked_after_children")
    assert f" {entries} 30 September 2019" in card("care_entries_12_months")
    assert f" £{weekly:,.0f} from " in card("placement_weekly_cost")
    text = " ".join(page.text_content().split())
    assert "124 equal the evaluation report's" in text
    assert "Nothing is held." in text


def test_demo_snapshot_rebuilt_as_known_then_is_the_one_stored_then(terminal_text: str) -> None:
    done = carepath("as-known-at", "--date", FOLLOW_UP.isoformat())

    assert done.returncode == 0, done.stdout + done.stderr
    query = (
        "select to_jsonb(s) from {}.fct_leaving_care_snapshot as s where authority = %s"
        " and as_at_date <= %s order by as_at_date, young_person_key"
    )
    then = rows(
        "carepath_analyst", query.replace("{}", "core_as_known_20190630"), ASHMERE, FOLLOW_UP
    )
    now = rows("carepath_analyst", query.replace("{}", "core"), ASHMERE, FOLLOW_UP)
    of_day = [row for row in now if row[0]["as_at_date"] == FOLLOW_UP.isoformat()]
    assert len(of_day) == 265
    assert [row for row in then if row[0]["as_at_date"] == FOLLOW_UP.isoformat()] == of_day


# children in care without a break since 1 October 2018, and those adopted in three years,
# from the records; `id` is what core makes of a person's id
IN_CARE_A_YEAR = """
with kept as (
    select young_person_key as id,
        extract(year from age(date '2019-09-30', birth_date)) as years
    from core.fct_care_periods as c inner join staging.stg_person as p on young_person_key
        = core.key_of(p.authority || '|' || person_id)
    where c.authority = 'E09900001' and start_date < '2018-10-02'
        and (end_date is null or end_date > '2019-09-30')
), {table} as (
    select *, core.key_of(authority || '|' || person_id) as id
    from staging.stg_{table}
)
"""
HEALTH = {
    ("health assessment up to date", 115, 131): (
        "cla_health",
        "select count(*) filter (where (select count(*) from cla_health as h where h.id = kept.id"
        " and check_type = 'Health Assessment' and check_status_code = 'COMPLETED'"
        " and check_date > '2018-09-30' and check_date < '2019-10-01')"
        " > case when years < 5 then 1 else 0 end), count(*) from kept",
    ),
    ("dental check in 12 months", 124, 131): (
        "cla_health",
        "select count(*) filter (where id in (select id from cla_health"
        " where check_type = 'Dental Check' and check_status_code = 'COMPLETED'"
        " and check_date > '2018-09-30')), count(*) from kept",
    ),
    ("immunisations up to date", 118, 131): (
        "cla_immunisations",
        "select count(*) filter (where id in (select id from cla_immunisations"
        " where is_up_to_date)), count(*) from kept",
    ),
    ("SDQ completed in 12 months", 77, 87): (
        "sdq_scores",
        "select count(*) filter (where id in (select id from sdq_scores where sdq_score >= 0"
        " and completed_date > '2018-09-30')), count(*) from kept where years between 5 and 16",
    ),
    ("SDQ score of concern", 37, 77): (
        "sdq_scores",
        "select count(*) filter (where score >= 17), count(score) from (select (select sdq_score"
        " from sdq_scores as s where s.id = kept.id and sdq_score is not null"
        " and completed_date > '2018-09-30' order by completed_date desc limit 1) as score"
        " from kept where years between 5 and 16) as scores",
    ),
    ("substance misuse identified in 12 months", 3, 131): (
        "cla_substance_misuse",
        "select count(*) filter (where id in (select id from cla_substance_misuse"
        " where misuse_date > '2018-09-30')), count(*) from kept",
    ),
    ("convicted or cautioned in 12 months", 3, 114): (
        "cla_convictions",
        "select count(*) filter (where id in (select id from cla_convictions"
        " where offence_date > '2018-09-30')), count(*) from kept where years >= 10",
    ),
    ("has an EHC plan", 3, 131): (
        "person",
        "select count(*) filter (where id in (select id from person where has_ehc_plan)), count(*)"
        " from kept",
    ),
}


@pytest.mark.parametrize(
    ("measure", "counted", "of", "table", "query"),
    [(*figure, *again) for figure, again in HEALTH.items()],
    ids=[measure for measure, _, _ in HEALTH],
)
def test_demo_health_of_children_in_care_a_year_is_what_the_records_say(
    terminal_text: str, measure: str, counted: int, of: int, table: str, query: str
) -> None:
    published = rows(
        "bi_reader",
        "select numerator, denominator from marts.kpi_care_health"
        " where authority = %s and as_at_date = %s and measure = %s and segment = 'all'",
        ASHMERE,
        COHORT_END,
        measure,
    )
    assert published == [(counted, of)]
    asked = IN_CARE_A_YEAR.replace("{table}", table) + query
    assert rows("carepath_analyst", asked) == published


def test_demo_mean_sdq_score_is_of_the_last_scores(terminal_text: str) -> None:
    published = rows(
        "bi_reader",
        "select round(value, 1), record_count from marts.kpi_sdq_score"
        " where authority = %s and as_at_date = %s and segment = 'all'",
        ASHMERE,
        COHORT_END,
    )
    assert [(float(mean), count) for mean, count in published] == [(16.9, 77)]


def test_demo_days_to_adoption_are_what_the_records_say(terminal_text: str) -> None:
    """41 children left care by adoption in three years; 8 of them lack the day of fostering."""
    asked = """
        select round(avg(placed_for_adoption_date - c.start_date), 4), count(*),
            round(avg(greatest(matched_date - placement_order_date, 0)), 4),
            round(avg(placed_for_adoption_date - c.start_date)
                filter (where not is_adopted_by_carer), 4),
            count(*) filter (where is_adopted_by_carer)
        from core.fct_care_periods as c inner join staging.stg_permanence as p
            on c.young_person_key
                = core.key_of(p.authority || '|' || person_id)
            and placed_for_adoption_date >= c.start_date and placed_for_adoption_date <= c.end_date
        where c.authority = %s and end_reason_code in ('E11', 'E12')
            and c.end_date > '2016-09-30' and c.end_date <= '2019-09-30'
    """
    ((a1, children, a2, a10, by_carers),) = rows("carepath_analyst", asked, ASHMERE)
    published = rows(
        "bi_reader",
        "select left(measure, strpos(measure, ':') - 1), value, record_count, left_out_count"
        " from marts.kpi_adoption_days where authority = %s and as_at_date = %s",
        ASHMERE,
        COHORT_END,
    )
    assert sorted(published) == [
        ("A1", a1, children, 0),
        ("A10", a10, children - by_carers, by_carers),
        ("A2", a2, children, 0),
    ]
    assert (children, by_carers, round(a2)) == (41, 8, 10)


def test_demo_decisions_for_adoption_of_all_quarters_are_those_recorded(
    terminal_text: str,
) -> None:
    """March 2014 is a date of the report; every quarter end is one from September 2015 on."""
    first = dt.date(2015, 9, 30)
    query = (
        "select sum(numerator) from marts.kpi_adoption as k inner join marts.dim_snapshot as d"
        " on k.authority = d.authority and k.as_at_date = d.as_at_date"
        " where k.authority = %s and is_quarter_end and measure = %s and k.as_at_date >= %s"
    )
    for measure, column in {
        "decisions for adoption in 3 months": "adm_decision_date",
        "placement orders in 3 months": "placement_order_date",
        "placed for adoption in 3 months": "placed_for_adoption_date",
    }.items():
        recorded = rows(
            "carepath_analyst",
            f"select count(*) from staging.stg_permanence where authority = %s"
            f" and {column} > %s - interval '3 months'",
            ASHMERE,
            first,
        )
        assert rows("bi_reader", query, ASHMERE, measure, first) == recorded
        assert recorded[0][0] > 20


def test_demo_annex_a_is_a_workbook_and_a_file_of_each_list(
    terminal_text: str, tmp_path: Path
) -> None:
    """A second tool reads the workbook; the marts and the records count again."""
    folder = tmp_path / "annex_a"
    asked = ("annex-a", "--date", COHORT_END.isoformat(), "--authority", ASHMERE)
    done = carepath(*asked, "--to", str(folder))

    assert done.returncode == 0, done.stdout + done.stderr
    assert {oct(path.stat().st_mode)[-3:] for path in folder.iterdir()} == {"600"}
    assert oct(folder.stat().st_mode)[-3:] == "700"
    book = load_workbook(folder / "annex_a.xlsx", read_only=True)
    sheets = {name: list(book[name].iter_rows(values_only=True)) for name in book.sheetnames}
    assert list(sheets) == [f"List {number}" for number in range(1, 11)]
    files = sorted(folder.glob("list_*.csv"))
    for (name, sheet), path in zip(sheets.items(), files, strict=True):
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
        assert tuple(lines[0]) == sheet[0], name
        assert len(lines) == len(sheet) > 10, name
        assert f"{len(lines) - 1:,}" in done.stdout, name

    def without(name: str, heading: str) -> int:
        column = sheets[name][0].index(heading)
        return sum(row[column] is None for row in sheets[name][1:])

    counts = rows(
        "bi_reader",
        "select (select numerator from marts.kpi_looked_after where authority = %(a)s"
        " and as_at_date = %(d)s and measure = 'looked after' and segment = 'all'),"
        " (select denominator + left_out_count from marts.kpi_long_plans where authority = %(a)s"
        " and as_at_date = %(d)s and segment = 'child protection')".replace(
            "%(a)s", f"'{ASHMERE}'"
        ).replace("%(d)s", f"'{COHORT_END}'"),
    )
    assert counts == [
        (
            without("List 8", "Date Ceased to be Looked After"),
            without("List 7", "Child Protection Plan End Date"),
        )
    ]
    # not in the dataset, so it is blank in each row, and the command says so
    in_care = len(sheets["List 8"]) - 1
    assert without("List 8", "LA of Placement") == in_care
    assert f"LA of Placement: {in_care:,} of {in_care:,}" in done.stdout
    recorded = rows(
        "carepath_analyst",
        "select count(*) from staging.stg_contacts where authority = %s"
        " and contact_date > '2019-03-31' and contact_date <= '2019-09-30'",
        ASHMERE,
    )
    assert recorded == [(len(sheets["List 1"]) - 1,)]
    exports = [
        line
        for line in (get_settings().logs / "carepath.log").read_text().splitlines()
        if "annex_a_exported" in line
    ]
    assert len(exports) == 1
    assert json.loads(exports[0])["exported_by"]
    assert str(sheets["List 1"][1][0]) not in exports[0]
    again = carepath(*asked, "--to", str(folder))
    assert again.returncode == 1
    assert "does not write over it" in again.stderr
    future = carepath(
        "annex-a", "--date", "2019-10-01", "--authority", ASHMERE, "--to", str(tmp_path / "later")
    )
    assert future.returncode == 1
    assert "use a day up to 30 September 2019" in " ".join(future.stderr.split())
    assert not (tmp_path / "later").exists()


@pytest.mark.parametrize("figure", RECOUNTED)
def test_demo_leavers_workers_and_early_help_are_what_the_records_say(
    terminal_text: str, figure: str
) -> None:
    of_marts, of_records, expected = RECOUNTED[figure]
    assert rows("bi_reader", of_marts) == rows("carepath_analyst", of_records) == expected


@pytest.mark.parametrize(
    "figure",
    [*FIGURES, *INDICATORS],
    ids=lambda figure: f"{figure.mart} {figure.measure} {figure.segment}",
)
def test_demo_figure_is_what_other_sql_counts(terminal_text: str, figure: Figure) -> None:
    year = {"authority": ASHMERE, "first": "2018-10-01", "last": COHORT_END.isoformat()}
    (counted,) = rows("carepath_analyst", figure.query.format(**year))
    denominator = ", denominator" if len(counted) > 1 else ""
    (published,) = rows(
        "bi_reader",
        f"select {figure.column}{denominator} from marts.{figure.mart} where authority = %s"
        " and as_at_date = %s and measure = %s and segment = %s",
        ASHMERE,
        COHORT_END,
        figure.measure,
        figure.segment,
    )
    assert [float(each) for each in published] == pytest.approx(
        [float(each) for each in counted], abs=0.0001
    )
    assert counted[0] > 0


# what the Department, Ofsted and the CFSR count of children in care, from the records in other
# words than the models'; `spell` is a period of care and `home` a placement without absences
IN_CARE = """
with spell as (
    select young_person_key as id, care_period_key as spell, start_date as came, end_date as went,
        end_reason_code as why, date '2019-09-30' as today,
        lead(start_date) over (partition by young_person_key order by start_date) as again
    from core.fct_care_periods where authority = 'E09900001'
), here as (
    select * from spell where came <= today and coalesce(went > today, true)
), home as (
    select p.*, young_person_key as id, care_period_key as spell,
        placement_type_code in ('A3', 'A5') or coalesce((
            select bool_and(start_reason_code in ('T', 'U')) from core.fct_care_episodes as e
            where e.young_person_key = p.young_person_key and e.start_date = p.start_date
                and left_out_reason is null
        ), false) as is_same_carer
    from core.fct_placements as p where authority = 'E09900001' and not is_temporary
), visit as (
    select young_person_key as id, visit_date as seen from core.fct_visits
    where plan_type_code = 'LAC' and is_child_seen
)
"""
LEFT_IN_YEAR = (
    " from (select distinct on (id) * from spell where went > '2018-09-30' and went <= today"
    " order by id, went desc) as left_last"
)
FAMILY = "('E4A', 'E4B', 'E13', 'E41', 'E43', 'E44', 'E45', 'E46', 'E47', 'E48'"
CARE = {
    ("care_starts", "all", 275, 275): (
        # 283 periods of care: eight children came twice
        "select count(distinct id), count(*) - 8 from spell where came > '2018-09-30'"
        " and came <= today"
    ),
    ("care_starts", "unaccompanied asylum-seeking children", 13, 275): (
        "select count(distinct id) filter (where exists (select from core.fct_immigration_status"
        " as i where i.young_person_key = id and is_uasc and coalesce(i.start_date <= came, true)"
        " and coalesce(i.end_date >= came, true))), count(distinct id) from spell"
        " where came > '2018-09-30' and came <= today"
    ),
    ("care_ends", "all", 284, 284): "select count(distinct id), count(distinct id)" + LEFT_IN_YEAR,
    # by period of care 115 of 287, 32, 27, 26, 20 and 15
    ("care_ends", "returned home, planned", 113, 284): (
        "select count(*) filter (where why = 'E4A'), count(*)" + LEFT_IN_YEAR
    ),
    ("care_ends", "returned home, not planned", 20, 284): (
        "select count(*) filter (where why = 'E4B'), count(*)" + LEFT_IN_YEAR
    ),
    ("care_ends", "special guardianship", 31, 284): (
        "select count(*) filter (where why ~ '^E4[3-8]$'), count(*)" + LEFT_IN_YEAR
    ),
    ("care_ends", "independent living with support", 27, 284): (
        "select count(*) filter (where why = 'E5'), count(*)" + LEFT_IN_YEAR
    ),
    ("care_ends", "with relatives or others without parental responsibility", 26, 284): (
        "select count(*) filter (where why = 'E13'), count(*)" + LEFT_IN_YEAR
    ),
    ("care_ends", "adopted", 15, 284): (
        "select count(*) filter (where why like 'E1_' and why < 'E13'), count(*)" + LEFT_IN_YEAR
    ),
    # 159 of 278 periods of care; two children came twice in the year
    ("permanence within 12 months of entry", "all", 157, 276): (
        f"select count(*) filter (where why in {FAMILY}, 'E11', 'E12')"
        " and went <= came + interval '1 year'), count(*) from (select distinct on (id) * from"
        " spell where came between '2017-10-01' and '2018-09-30'"
        " and coalesce(went - came > 7, true) order by id, came) as first_entry"
    ),
    ("permanence within 12 months of those in care", "in care for 12 to 23 months", 14, 36): (
        f"select count(*) filter (where why in {FAMILY}, 'E11', 'E12') and went <= today),"
        " count(*) from spell where came <= '2017-10-01' and came > '2016-10-01'"
        " and coalesce(went > '2018-10-01', true)"
    ),
    ("permanence within 12 months of those in care", "in care for 24 months or more", 6, 81): (
        f"select count(*) filter (where why in {FAMILY}, 'E11', 'E12') and went <= today),"
        " count(*) from spell where came <= '2016-10-01' and coalesce(went > '2018-10-01', true)"
    ),
    # 14 of 157 without the special guardianship of E44, a code of the return until 2018
    ("back in care within 12 months of leaving", "all", 16, 170): (
        "select count(*) filter (where again <= went + interval '1 year'), count(*) from spell"
        f" where why in {FAMILY}) and went between '2017-10-01' and '2018-09-30'"
    ),
    ("placement type", "children's home or secure home", 32, 290): (
        "select count(*) filter (where placement_type_code in ('K1', 'K2')), count(*)"
        " from here join core.fct_placements as p on p.care_period_key = spell"
        " and start_date <= today and coalesce(end_date > today, true)"
    ),
    ("placement type", "independent, semi-independent or supported living", 24, 290): (
        "select count(*) filter (where placement_type_code in ('H5', 'P2')), count(*)"
        " from here join core.fct_placements as p on p.care_period_key = spell"
        " and start_date <= today and coalesce(end_date > today, true)"
    ),
    ("placement type", "other residential setting", 10, 290): (
        "select count(*) filter (where placement_type_code ~ '^[RS]'), count(*)"
        " from here join core.fct_placements as p on p.care_period_key = spell"
        " and start_date <= today and coalesce(end_date > today, true)"
    ),
    # homes: 43 of 290, and 42 where an adoption by the foster carers is no move
    ("three or more carers in 12 months", "all", 38, 290): (
        "select count(*) filter (where (select count(*) from home where home.id = here.id"
        " and start_date <= today and coalesce(end_date > '2018-10-01', true)"
        " and (start_date <= '2018-10-01' or is_move and not is_same_carer"
        " or home_number = 1)) > 2), count(*) from here"
    ),
    # homes: 32 of 73
    ("three or more carers in 2 years", "all", 27, 73): (
        "select count(*) filter (where (select count(*) from home where home.id = here.id"
        " and start_date <= today and coalesce(end_date > '2017-10-01', true)"
        " and (start_date <= '2017-10-01' or is_move and not is_same_carer)) > 2), count(*)"
        " from here where came <= '2017-10-01'"
    ),
    ("same carer for 2 years", "all", 6, 21): (
        "select count(*) filter (where not exists (select from home where home.spell = here.spell"
        " and is_move and not is_same_carer and start_date > '2017-09-30'"
        " and start_date <= today)), count(*) from here"
        " join core.fct_looked_after on young_person_key = id and as_at_date = today"
        " where came <= '2017-03-30' and age_years < 16"
    ),
    ("placement changes in 12 months", "child asked", 29, 274): (
        "select count(*) filter (where change_reason_code = 'CHILD'), count(*) from home"
        " join spell using (spell) where end_date between '2018-10-01' and today"
        " and end_date is distinct from went"
    ),
    ("missing at least once in 12 months", "all", 122, 560): (
        "select (select count(distinct young_person_key) from core.fct_missing_episodes"
        " where authority = 'E09900001' and missing_type_code = 'M' and care_period_key > 0"
        " and start_date between '2018-10-01' and '2019-09-30'), count(distinct id) from spell"
        " where came <= today and coalesce(went > '2018-10-01', true)"
    ),
    ("missing more than three times in 12 months", "all", 0, 560): (
        "select (select count(*) from (select young_person_key from core.fct_missing_episodes"
        " where authority = 'E09900001' and missing_type_code = 'M' and care_period_key > 0"
        " and start_date between '2018-10-01' and '2019-09-30' group by 1"
        " having count(*) > 3) as often), count(distinct id) from spell"
        " where came <= today and coalesce(went > '2018-10-01', true)"
    ),
    ("away without authorisation at least once in 12 months", "all", 39, 560): (
        "select (select count(distinct young_person_key) from core.fct_missing_episodes"
        " where authority = 'E09900001' and missing_type_code = 'A' and care_period_key > 0"
        " and start_date between '2018-10-01' and '2019-09-30'), count(distinct id) from spell"
        " where came <= today and coalesce(went > '2018-10-01', true)"
    ),
    ("missing at the date", "all", 0, 290): (
        "select count(*) filter (where id in (select young_person_key from"
        " core.fct_missing_episodes where missing_type_code = 'M' and start_date <= '2019-09-30'"
        " and coalesce(end_date > '2019-09-30', true))), count(*) from here"
    ),
    ("visited in time by regulation 28", "all", 216, 278): (
        "select count(*) filter (where seen >= case when start_date <= '2018-09-30'"
        " and type in ('U1', 'U4') then date '2019-06-30' else today - 42 end),"
        " count(*) filter (where seen is not null or today - start_date > 7) from (select here.*,"
        " h.start_date, h.type, (select max(seen) from visit where visit.id = here.id"
        " and seen between h.start_date and today) as seen from here cross join lateral (select"
        " min(start_date) as start_date, (array_agg(placement_type_code order by start_date desc)"
        ")[1] as type from (select *, max(home_number) over () as newest from core.fct_placements"
        " as p where p.care_period_key = here.spell and start_date <= today) as q"
        " where home_number = newest) as h) as last"
    ),
    ("all reviews of 12 months in time", "all", 123, 275): (
        "select count(*) filter (where in_time), count(*) from (select bool_and(coalesce("
        "review_date <= due_date, false)) as in_time from core.fct_reviews join here"
        " on id = young_person_key where plan_type_code = 'LAC' and due_date > '2018-09-30'"
        " and due_date <= today and coalesce(plan_end_date >= due_date, true) group by id) as r"
    ),
    # 43 children have an overdue review
    ("no review overdue", "all", 247, 290): (
        "select count(*) filter (where id not in (select young_person_key from core.fct_reviews"
        " where plan_type_code = 'LAC' and due_date <= '2019-09-30' and plan_end_date is null"
        " and coalesce(review_date > '2019-09-30', true))), count(*) from here"
    ),
    ("plan for permanence after four months in care", "all", 216, 218): (
        "select count(*) filter (where exists (select from staging.stg_cla_care_plan as c where"
        " core.key_of(authority || '|' || person_id) = id"
        " and start_date <= today and coalesce(end_date > today, true)"
        """ and care_plan_json::text like '%%: "Y"%%')), count(*) from here"""
        " where came <= '2019-05-30'"
    ),
    ("IRO contact since the last review", "all", 101, 274): (
        "select count(*) filter (where exists (select from staging.stg_cla_episodes as e where"
        " core.key_of(authority || '|' || person_id) = id"
        " and last_iro_contact_date > held and last_iro_contact_date <= today)), count(*)"
        " from (select id, today, max(review_date) as held from here join core.fct_reviews"
        " on young_person_key = id where plan_type_code = 'LAC' and review_date between came"
        " and today group by id, today) as reviewed"
    ),
}


CARE_MARTS = (
    "care_starts", "care_ends", "permanence", "placement_types", "carer_stability",
    "placement_changes", "missing_children", "care_visits", "care_reviews",
    "children_looked_after",
)  # fmt: skip


def care_figures() -> dict[tuple[str, str], tuple[int, int]]:
    """Return numerator and denominator by measure and segment of the last night's care."""
    found = {}
    for mart in CARE_MARTS:
        for measure, segment, numerator, denominator in rows(
            "bi_reader",
            f"select measure, segment, numerator, denominator from marts.kpi_{mart}"
            " where authority = %s and as_at_date = %s",
            ASHMERE,
            COHORT_END,
        ):
            short = mart if mart in ("care_starts", "care_ends") else measure
            found[short, segment] = (numerator, denominator)
    return found


def test_demo_children_in_care_are_counted_as_official_definitions_say(terminal_text: str) -> None:
    published = care_figures()
    for (measure, segment, numerator, denominator), query in CARE.items():
        ((*counted,),) = rows("carepath_analyst", IN_CARE + query)
        figures = (numerator, denominator)
        assert tuple(counted) == published[measure, segment] == figures, (measure, segment)


def test_demo_providers_and_characteristics_are_those_of_the_records(terminal_text: str) -> None:
    published = care_figures()
    providers = {
        "the authority": 146, "private": 114, "voluntary": 17, "parents": 10, "other public": 3,
    }  # fmt: skip
    for provider, count in providers.items():
        assert published["placement provider", f"provider: {provider}"] == (count, 290)
    people = dict(
        rows(
            "carepath_analyst",
            IN_CARE + "select coalesce(sex_code, '?') || coalesce(left(ethnicity_code, 1), '?'),"
            " count(*) from here join core.dim_young_person on young_person_key = id group by 1",
        )
    )
    assert published["children looked after", "female"][0] == sum(
        count for codes, count in people.items() if codes[0] == "F"
    )
    assert published["children looked after", "White"][0] == sum(
        count for codes, count in people.items() if codes[1] == "W"
    )
    ((disabled,),) = rows(
        "carepath_analyst",
        IN_CARE + "select count(*) from here where exists (select from staging.stg_disability"
        " where core.key_of(authority || '|' || person_id) = id"
        " and disability_code <> 'NONE')",
    )
    assert published["children looked after", "disabled"] == (disabled, 290)


def test_demo_averages_and_costs_of_care_are_what_the_records_say(terminal_text: str) -> None:
    figures: dict[str, Any] = dict(
        rows(
            "bi_reader",
            "select measure, value from (select * from marts.kpi_care_averages union all"
            " select * from marts.kpi_placement_unit_costs) as k"
            " where authority = %s and as_at_date = %s and segment = 'all'",
            ASHMERE,
            COHORT_END,
        )
    )
    ((mean, moves, days),) = rows(
        "carepath_analyst",
        IN_CARE + "select (select avg(went - came)" + LEFT_IN_YEAR + "),"
        " (select count(*) from home join spell using (spell) where came > '2018-09-30'"
        " and is_move and start_date <= today), sum(least(went, today + 1) - came) from spell"
        " where came > '2018-09-30' and came <= today and least(went, today + 1) - came > 7",
    )
    assert float(figures["mean days of the last period of care"]) == pytest.approx(float(mean))
    # without the last day, on which they were in care too, 37,551 days and 3.25
    assert (moves, days) == (122, 37_712)
    rate = figures["moves per 1,000 days of care"]
    assert float(rate) == pytest.approx(1000 * 122 / 37_712, abs=1e-4)
    assert float(figures["missing incidents per missing child"]) == pytest.approx(150 / 122, 1e-4)
    # each day, one by one
    found = []
    for since in (dt.date(2018, 10, 1), dt.date(2019, 4, 1)):
        found += rows(
            "carepath_analyst",
            "select sum(c.weekly_cost_gbp) / 7, count(*) / 7.0 from core.fct_placement_costs as c"
            " join core.fct_placements using (placement_key) cross join generate_series("
            "%s::timestamp, timestamp '2019-09-30', interval '1 day') as day"
            " where c.authority = %s and from_date <= day"
            " and coalesce(to_date > day, true) and start_date <= day"
            " and coalesce(end_date > day, true) and c.weekly_cost_gbp is not null",
            since,
            ASHMERE,
        )
    (spend_of_year, weeks), (spend, _) = found
    assert float(figures["spend in the financial year"]) == pytest.approx(float(spend))
    assert float(figures["cost of a child's week in 12 months"]) == pytest.approx(
        float(spend_of_year / weeks), abs=1e-4
    )


# what counts each measure again, other than a Figure: a test, or an entry of RECOUNTED
COUNTED_BY = {
    "test_assessments_in_time_are_the_oracles_and_segments_add_up": (
        "assessments_in_45_working_days"
    ),
    "test_conferences_in_time_are_the_oracles": "conferences_in_15_working_days",
    "test_changes_of_worker_are_the_oracles": "three_social_workers_12_months",
    "test_demo_providers_and_characteristics_are_those_of_the_records": (
        "children_looked_after placement_provider"
    ),
    "test_demo_averages_and_costs_of_care_are_what_the_records_say": (
        "mean_days_of_last_care_period moves_per_1000_days missing_incidents_per_child"
        " placement_week_cost placement_spend_to_date"
    ),
    "test_demo_days_to_adoption_are_what_the_records_say": (
        "adoption_a1_days adoption_a2_days adoption_a10_days"
    ),
    "test_demo_decisions_for_adoption_of_all_quarters_are_those_recorded": (
        "adoption_decisions adoption_placement_orders adoption_placed"
    ),
    "care leavers around their birthday": (
        "care_leavers_17_21_number care_leavers_17_21_in_touch care_leavers_17_21_eet"
        " care_leavers_17_21_suitable"
    ),
    "care leavers by age at the date": (
        "care_leavers_at_date_number care_leavers_at_date_in_touch care_leavers_at_date_eet"
        " care_leavers_at_date_suitable"
    ),
    "social workers in full-time equivalents": "agency_share_fte caseload_per_fte",
    "three or more social workers of children looked after": "worker_stability_three_or_more",
    "early help": "early_help_open early_help_started",
    "referrals after early help": "early_help_referral_after",
}
# measures of which the demonstration has nobody at its last date, so that a second count of it
# would show nothing; the unit tests of their models count invented rows
OF_NOBODY = {
    "adoption_reversed": "no decision for adoption is reversed",
    "adoption_waiting_with_order": "nobody with a placement order waits",
    "care_development_check": "no development check is recorded",
    "early_help_stepped_down": "no early help begins within 30 days of a higher plan's end",
    "edge_of_care_entered_care": "nobody entered care after joining a programme",
    "personal_advisers_above_limit": "no personal adviser holds more than 25 cases",
    "placed_with_a_sibling": "no postcode is recorded of the only two siblings in care",
    "placed_with_all_siblings": "no postcode is recorded of the only two siblings in care",
    "social_worker_leavers_fte": "the list of workers is the same each night",
    "social_worker_starters_fte": "the list of workers is the same each night",
    "social_worker_turnover_fte": "the list of workers is the same each night",
    "staying_put_18": "three months after the birthday are not over for any of them",
    "staying_put_19": "nobody of 19 stays put; 19 and 20 are counted together",
}


def recounted() -> set[str]:
    """Return the codes of all measures that some test counts in its own words."""
    code_of = {
        (mart, measure.name): measure.code
        for mart, measures in read_measures().items()
        for measure in measures
    }
    named = {name for name, *_ in (*CARE, *HEALTH)}
    in_care = {"kpi_care_starts", "kpi_care_ends", *(f"kpi_{mart}" for mart in CARE_MARTS)}
    found = {code_of[figure.mart, figure.measure] for figure in (*FIGURES, *INDICATORS)}
    report = {(lookup.mart, lookup.measure) for lookup in lookups().values()}
    found |= {code_of[key] for key in report & code_of.keys()}
    found |= {
        code
        for (mart, name), code in code_of.items()
        if mart in in_care | {"kpi_care_health"}
        and (name in named or mart.removeprefix("kpi_") in named)
    }
    found |= {code for codes in COUNTED_BY.values() for code in codes.split()}
    # a test of the small department divides the count of each rate by the population
    with RATES.open(encoding="utf-8", newline="") as lines:
        return found | {
            row["rate_code"] for row in csv.DictReader(lines) if row["count_code"] in found
        }


def test_every_measure_of_an_indicator_is_counted_again() -> None:
    asked = {code for indicator in read_indicators() for code in indicator.measures}
    assert asked - recounted() == OF_NOBODY.keys()


def test_tests_that_count_again_exist() -> None:
    written = "".join(path.read_text() for path in Path(__file__).parents[1].rglob("test_*.py"))
    tests = {name for name in COUNTED_BY if name.startswith("test_")}
    assert COUNTED_BY.keys() - tests <= RECOUNTED.keys()
    assert {name for name in tests if f"\ndef {name}(" not in written} == set()


def test_demo_measure_has_its_total_at_each_date_unless_a_council_words_its_segments(
    terminal_text: str,
) -> None:
    """A measure of programmes or panels has a figure for each of them, and none for all."""
    without = rows(
        "bi_reader",
        "select distinct default_segment from marts.dim_measure inner join (select measure_code"
        " from marts.kpi group by authority, measure_code, as_at_date"
        " having not bool_or(is_total)) as figures using (measure_code) order by 1",
    )
    assert without
    assert [name for (name,) in without if "{" not in name] == []


# the code lists of columns that say more than the list's name, and columns whose codes a
# dimension or a mart names itself
LISTS = {
    "change_reason": "placement_change_reason", "close_reason": "cin_close_reason",
    "derived_eligibility": "eligibility", "end_reason": "episode_end_reason|programme_end_reason",
    "first_legal_status": "legal_status", "first_need": "need", "phase": "evaluation_phase",
    "previous_end_reason": "episode_end_reason", "provider": "placement_provider",
    "recorded_eligibility": "eligibility", "skill": "practice_skill", "source": "referral_source",
    "suitability": "accommodation_suitability",
}  # fmt: skip
NAMED_ELSEWHERE = {
    "area", "count", "event_type", "figure", "measure", "next_event_type", "next_plan_type",
    "official", "plan_at_start", "plan_now", "plan_type", "previous_event_type",
    "previous_plan_type", "programme", "region", "segment", "target",
    "detail",  # the lists of all kinds of event
    "role",  # two codes, from the council's words for its workers; their column says them
}  # fmt: skip


def test_demo_every_code_in_the_marts_has_a_label(terminal_text: str) -> None:
    labelled = {
        tuple(row) for row in rows("bi_reader", "select code_list, code from marts.dim_code")
    }
    columns = rows(
        "bi_reader",
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'marts' and column_name like '%\\_code'",
    )
    names = {column.removesuffix("_code") for _, column in columns}
    assert LISTS.keys() | NAMED_ELSEWHERE <= names
    looked_at = 0
    for table, column in columns:
        if (name := column.removesuffix("_code")) in NAMED_ELSEWHERE:
            continue
        lists = LISTS.get(name, name).split("|")
        codes = rows(
            "bi_reader",
            f'select distinct "{column}" from marts."{table}" where "{column}" is not null',
        )
        unlabelled = [c for (c,) in codes if not any((each, c) in labelled for each in lists)]
        assert not unlabelled, (table, column)
        looked_at += len(codes)
    assert looked_at > 100


def test_demo_publishes_no_text_with_a_sign_twice(terminal_text: str) -> None:
    """A text that is composed of an amount or a share brings its sign once."""
    texts = rows(
        "bi_reader",
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'marts' and data_type = 'text'",
    )
    assert len(texts) > 100
    for table, column in texts:
        twice = rows(
            "bi_reader",
            f'select distinct "{column}" from marts."{table}"'
            f""" where "{column}" ~ '(\u00a3|%%) ?\\1' limit 5""",
        )
        assert not twice, (table, column)


def test_demo_power_bi_shows_what_sql_says(terminal_text: str) -> None:
    """Every figure by date and segment, and every measure as a reader meets it first.

    Without a filter but the authority, the measure of a figure is its total at its last date.
    """
    with connect("bi_reader") as reader:
        model = DaxModel(reader, empty=["Journey events", "Young people"])
    figures = rows(
        "bi_reader",
        """
        select authority, as_at_date, measure_code, segment, value
        from marts.kpi order by measure_code, authority, as_at_date, segment_code
        """,
    )
    for authority, date, code, segment, value in figures:
        at = dt.datetime.combine(date, dt.time())
        found = model.value("Value", authority=authority, date=at, code=code, segment=segment)
        expected = None if value is None else pytest.approx(float(value), abs=1e-6)
        assert found == expected, (authority, date, code, segment)

    totals = rows(
        "bi_reader",
        """
        with latest as (
            select measure_code, max(as_at_date) as as_at_date
            from marts.kpi where authority = %s group by measure_code
        )
        select measures.measure_code, measures.title, kpi.value
        from marts.dim_measure as measures
        inner join latest on measures.measure_code = latest.measure_code
        left join marts.kpi
            on
                latest.measure_code = kpi.measure_code
                and latest.as_at_date = kpi.as_at_date
                and kpi.authority = %s
                and kpi.is_total
        """,
        ASHMERE,
        ASHMERE,
    )
    named = {code: measure_name(title) for code, title, _ in totals}
    shown = model.values(
        [name for name in named.values() if name in model.measures],
        {"Authorities.Authority code": [ASHMERE]},
    )
    for code, _, value in totals:
        if named[code] in shown:
            expected = None if value is None else pytest.approx(float(value), abs=1e-6)
            assert shown[named[code]] == expected, code
    assert len(shown) > 400
    assert sum(value is not None for value in shown.values()) > 300

    for page in pages(named):
        for visual in page.visuals:
            asked = [one for fields in visual.roles.values() for one in fields if one.is_measure]
            if visual.kind == "card":
                assert model.values([asked[0].name])[asked[0].name] is not None, visual.title
            elif VALUE in asked and TITLE in visual.roles.get("Values", ()):
                services = page.only.get(SERVICE) or visual.only.get(SERVICE, ())
                codes = visual.only.get(CODE) or [
                    code
                    for (code,) in rows(
                        "bi_reader",
                        "select measure_code from marts.dim_measure where service = any(%s)",
                        list(services),
                    )
                ]
                listed = [code for code in codes if shown.get(named.get(code)) is not None]
                assert len(listed) > 5, (page.title, visual.title)

    people = rows(
        "bi_reader",
        """
        select measure_code, count(distinct young_person_key)
        from marts.fct_kpi_member
        where
            authority = %s and is_counted
            and measure_code in ('care_leavers_eet', 'visited_in_time')
        group by measure_code
        """,
        ASHMERE,
    )
    assert people
    for code, count in people:
        assert model.value("People counted", code=code, authority=ASHMERE) == count
    ((reached,),) = rows(
        "bi_reader",
        """
        select count(*) filter (where is_reached) from marts.kpi_targets
        where as_at_date = (select max(as_at_date) from marts.kpi_targets)
        """,
    )
    assert model.value("Targets reached") == reached
    for name, column in (("Overdue", "overdue_count"), ("Due in 14 days", "due_count")):
        ((count,),) = rows("bi_reader", f"select sum({column}) from marts.due_counts")
        assert model.value(name) == count


def test_demo_marts_are_what_the_power_bi_model_expects(terminal_text: str) -> None:
    built = rows(
        "bi_reader",
        """
        select c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
            col_description(c.oid, a.attnum)
        from pg_class as c
        inner join pg_attribute as a
            on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'marts'::regnamespace and c.relkind = 'r'
        """,
    )
    found: dict[str, dict[str, tuple[str, str | None]]] = {}
    for table, column, type_, comment in built:
        found.setdefault(table, {})[column] = (type_.split("(")[0], comment)
    catalogue = read_catalogue()
    assert found.keys() == catalogue.keys()
    for table, mart in catalogue.items():
        if table != PUBLICATION:  # its comments are those of its migration
            assert found[table] == {
                name: (about.type.split("(")[0], about.description)
                for name, about in mart.columns.items()
            }


def test_demo_seeds_are_loaded_once(terminal_text: str) -> None:
    """A night whose code and settings are those of the night before builds models alone."""
    nights = rows(
        "carepath_analyst",
        "select r.night, count(*) filter (where t.model = 'code_lists'),"
        " count(*) filter (where t.model = 'kpi_eet')"
        " from ops.runs as r inner join ops.model_timings as t on r.run_id = t.run_id"
        " where t.layer = 'marts' group by r.night order by r.night",
    )
    assert nights == [(BASELINE, 1, 1), (MUDDLED, 0, 1), (FOLLOW_UP, 0, 1), (COHORT_END, 0, 1)]


def test_demo_gate_held_one_authority_and_let_the_other_go_on(terminal_text: str) -> None:
    decisions = rows(
        "carepath_analyst",
        "select authority, night, decision from quality.gate_runs where gate = 1"
        " order by night, authority",
    )
    assert decisions == [
        (ASHMERE, BASELINE, "pass"),
        (OTHER, BASELINE, "pass"),
        (ASHMERE, MUDDLED, "hold"),
        (OTHER, MUDDLED, "pass"),
        (ASHMERE, FOLLOW_UP, "pass"),
        (OTHER, FOLLOW_UP, "pass"),
        (ASHMERE, COHORT_END, "pass"),
        (OTHER, COHORT_END, "pass"),
    ]
    published = rows(
        "carepath_analyst",
        "select authority, night from ops.publications order by authority, publication_id",
    )
    assert published == [
        (ASHMERE, BASELINE),
        (ASHMERE, FOLLOW_UP),
        (ASHMERE, COHORT_END),
        (OTHER, BASELINE),
        (OTHER, MUDDLED),
        (OTHER, FOLLOW_UP),
        (OTHER, COHORT_END),
    ]


def test_demo_due_list_says_what_the_records_say(terminal_text: str) -> None:
    """Counted again from the deliveries' staging, in other words than the model's."""
    listed = dict(
        rows(
            "carepath_caseload",
            "select due_type, count(*) filter (where not is_overdue) from caseload.due"
            " where authority = %s group by due_type",
            ASHMERE,
        )
    )
    plans = {"CP": "child protection", "CIN": "child in need", "LAC": "looked after"}
    for plan, words in plans.items():
        table = {"CP": "cp", "CIN": "cin", "LAC": "cla"}[plan]
        ((due,),) = rows(
            "carepath_analyst",
            "select count(*) from (select max(v.visit_date) as last from core.fct_plan_timeline"
            f" as t join staging.stg_{table}_visits as v on v.authority = t.authority"
            " and core.key_of(v.authority || '|' || v.person_id)"
            " = t.young_person_key where t.authority = %s and t.plan_type_code = %s"
            " and t.from_date <= %s and (t.to_date is null or t.to_date > %s)"
            " and v.visit_date <= %s and v.is_child_seen"
            " group by t.young_person_key) as seen"
            " where last + %s > %s::date and last + %s <= %s::date + 14",
            ASHMERE, plan, *[COHORT_END] * 3, *[14 if plan == "CP" else 42, COHORT_END] * 2,
        )  # fmt: skip
        assert listed[f"{words} visit"] == due > 0, plan
    # no bank holiday lies between: ten working days from a weekday are fourteen days
    ((pathway,),) = rows(
        "carepath_analyst",
        "select count(*) from staging.stg_care_leavers as c join staging.stg_case_status as s"
        " using (authority, person_id) where authority = %s"
        " and pathway_plan_review_date between %s and %s",
        ASHMERE, dt.date(2019, 4, 1), dt.date(2019, 4, 14),
    )  # fmt: skip
    assert 0 < listed["pathway plan review"] <= pathway
    counted = rows(
        "bi_reader",
        "select sum(due_count) from marts.due_counts where authority = %s",
        ASHMERE,
    )
    assert counted == [(sum(listed.values()),)]


def test_demo_due_command_prints_counts_and_writes_the_list(
    terminal_text: str, tmp_path: Path
) -> None:
    printed = carepath("due", "--authority", ASHMERE)
    assert printed.returncode == 0, printed.stderr
    assert "Due in the 14 days after 30 September 2019 / overdue, E09900001" in printed.stdout
    page = io.StringIO()
    print_due(Console(width=80, file=page), ASHMERE)
    words = page.getvalue().split()
    assert {"Safeguarding", "Disabilities", "visits", "plans", "health"} <= set(words)
    listed = carepath("due", "--authority", ASHMERE, "--csv", str(tmp_path / "due.csv"))
    assert listed.returncode == 0, listed.stderr
    with (tmp_path / "due.csv").open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    counted = rows(
        "carepath_caseload", "select count(*) from caseload.due where authority = %s", ASHMERE
    )
    assert counted == [(len(found),)]
    assert any(row["person_id"] for row in found)
    assert found[0]["person_id"] not in printed.stdout


def test_demo_months_have_the_limits_that_gate_2_would_draw(terminal_text: str) -> None:
    """Two languages, one definition: the mart's limits are those of `limits_of`."""
    entries = rows(
        "bi_reader",
        "select event_count, low, high, signal from marts.monthly_counts where authority = %s"
        " and event_type_code = 'entry_to_care' order by month_start_date",
        ASHMERE,
    )
    counted = rows(
        "carepath_analyst",
        "select extract(year from start_date), extract(month from start_date), count(*)"
        " from core.fct_care_periods where authority = %s and start_date >= %s group by 1, 2"
        " order by 1, 2",
        ASHMERE, dt.date(2016, 10, 1),
    )  # fmt: skip
    assert [count for count, *_ in entries] == [count for *_, count in counted]
    assert len(entries) == 36
    found = rows(
        "bi_reader",
        "select event_type_code, array_agg(event_count order by month_start_date), min(low),"
        " min(high), array_agg(signal order by month_start_date)"
        " from marts.monthly_counts where authority = %s and low is not null group by 1",
        ASHMERE,
    )
    assert len(found) > 10
    for code, counts, low, high, signals in found:
        limits = limits_of(counts)
        assert limits is not None
        assert float(low) == pytest.approx(max(limits.low, 0), abs=1e-3), code
        assert float(high) == pytest.approx(limits.high, abs=1e-3), code
        for count, signal in zip(counts, signals, strict=True):
            assert (signal is not None) == (not limits.low <= count <= limits.high), code
    assert {signal for *_, signal in entries} == {None}


def test_demo_time_in_care_is_kaplan_and_meiers(terminal_text: str) -> None:
    """The product over days at risk, taken child by child in Python."""
    marts = rows(
        "bi_reader",
        "select cohort_from_date, cohort_to_date, day_number, share_in_care, median_days"
        " from marts.time_in_care where authority = %s",
        ASHMERE,
    )
    assert {cohort for cohort, *_ in marts} >= {dt.date(year, 10, 1) for year in range(2015, 2019)}
    for first, last, days, share, median in marts:
        periods = [
            ((end or COHORT_END) - start, end is not None)
            for start, end in rows(
                "carepath_analyst",
                "select start_date, case when end_date <= %s then end_date end"
                " from core.fct_care_periods where authority = %s and start_date between %s and %s",
                COHORT_END, ASHMERE, first, last,
            )
        ]  # fmt: skip
        periods = [
            (length.days, ended) for length, ended in periods if not ended or length.days > 7
        ]
        still, half = Fraction(1), None
        for day in sorted({length for length, ended in periods if ended}):
            at_risk = sum(length >= day for length, _ in periods)
            left = sum(length == day and ended for length, ended in periods)
            still *= 1 - Fraction(left, at_risk)
            if day <= days:
                reached = still
            if half is None and still <= Fraction(1, 2):
                half = day
        assert float(share) == pytest.approx(float(reached), abs=1e-5), (first, days)
        assert median == half, first


def test_demo_events_of_the_last_night_are_those_of_the_records(terminal_text: str) -> None:
    counted = {
        code: (night, week)
        for code, night, week in rows(
            "bi_reader",
            "select event_type_code, last_night_count, last_week_count"
            " from marts.last_night_events where authority = %s",
            ASHMERE,
        )
    }
    queries = {
        "referral": "select referral_date from staging.stg_cin_episodes",
        "assessment_end": "select authorised_date from staging.stg_cin_assessments",
        "enquiry": "select start_date from staging.stg_s47_enquiry",
        "missing": "select start_date from staging.stg_missing",
    }
    for code, query in queries.items():
        days = [
            day
            for (day,) in rows("carepath_analyst", f"{query} where authority = %s", ASHMERE)
            if day is not None and COHORT_END - dt.timedelta(6) <= day <= COHORT_END
        ]
        assert counted[code] == (days.count(COHORT_END), len(days)), code


def test_demo_changes_names_the_earlier_figures_that_moved(terminal_text: str) -> None:
    printed = carepath("changes", "--authority", ASHMERE, "--limit", "2000")
    assert printed.returncode == 0, printed.stderr
    assert f"{ASHMERE}, 30 September 2019" in printed.stdout
    moved = [each for each in read_moved(ASHMERE) if each.mart == "kpi_referrals"]
    again = rows(
        "carepath_loader",
        "select count(*) from marts.kpi_referrals as now, marts_prev.kpi_referrals as before"
        " where now.authority = %s and before.authority = now.authority"
        " and before.as_at_date = now.as_at_date and before.measure = now.measure"
        " and before.segment = now.segment and before.numerator <> now.numerator",
        ASHMERE,
    )
    assert again == [(len(moved),)]
    assert ("of earlier dates changed" in printed.stdout) == bool(read_moved(ASHMERE))


def test_demo_fall_of_suitable_homes_is_closed_cases_and_not_worse_homes(
    terminal_text: str,
) -> None:
    parts = rows(
        "bi_reader",
        "select case_kind, difference_of_share, difference_of_mix, later_denominator"
        " from marts.change_parts where authority = %s and earlier_snapshot_date = %s"
        " and as_at_date = %s and measure = 'accommodation recorded as suitable'",
        ASHMERE, BASELINE, FOLLOW_UP,
    )  # fmt: skip
    ((difference,),) = rows(
        "bi_reader",
        "select difference from marts.kpi_change where authority = %s"
        " and earlier_snapshot_date = %s and as_at_date = %s and segment = 'all'"
        " and measure = 'accommodation recorded as suitable'",
        ASHMERE, BASELINE, FOLLOW_UP,
    )  # fmt: skip

    def shares(kinds: list[str]) -> tuple[float, ...]:
        """The shares at both dates of cases of some kinds, in per cent."""
        ((earlier, later),) = rows(
            "bi_reader",
            "select round(100.0 * sum(earlier_numerator) / sum(earlier_denominator), 1),"
            " round(100.0 * sum(later_numerator) / sum(later_denominator), 1)"
            " from marts.change_parts where authority = %s and earlier_snapshot_date = %s"
            " and as_at_date = %s and measure = 'accommodation recorded as suitable'"
            " and case_kind = any(%s)",
            ASHMERE, BASELINE, FOLLOW_UP, kinds,
        )  # fmt: skip
        return float(earlier), float(later)

    assert shares([kind for kind, *_ in parts]) == (79.1, 61.1)
    assert shares(["open case"]) == (81.1, 81.4)
    whole = float(sum(share + mix for _, share, mix, _ in parts))
    assert whole == pytest.approx(float(difference), abs=1e-5)
    by_kind = {kind: (share, mix, count) for kind, share, mix, count in parts}
    assert difference < 0 < by_kind["open case"][0]
    assert by_kind["closed case"][2] == 66
    assert by_kind["closed case"][1] < difference / 2


def test_demo_hold_names_the_contradicting_records(terminal_text: str) -> None:
    failing = rows(
        "carepath_steward",
        "select r.rule_id, count(*) from quality.failing_keys as r"
        " join quality.gate_runs as g using (gate_run_id)"
        " where g.authority = %s and g.night = %s and r.rule_id like 'EET-%%'"
        " group by r.rule_id order by r.rule_id",
        ASHMERE,
        MUDDLED,
    )
    assert {rule for rule, _ in failing} == {"EET-01", "EET-02", "EET-03"}
    assert sum(count for _, count in failing) >= 20


def test_demo_history_knows_what_was_known_on_the_held_night(terminal_text: str) -> None:
    corrected = rows(
        "carepath_analyst",
        "select count(*) from history.ssd_care_leavers where authority = %s"
        " and known_from <= %s and known_to = %s",
        ASHMERE,
        MUDDLED,
        FOLLOW_UP,
    )
    assert corrected[0][0] > 0


def test_demo_leaves_no_value_of_a_record_in_logs_or_xcoms(terminal_text: str) -> None:
    with connect("recording_reader", "recording_system") as connection:
        private = {
            value
            for row in connection.execute(
                "select pers_forename || ' ' || pers_surname, pers_upn"
                " from la_e09900001.ssd_person limit 5000"
            )
            for value in row
            if value and len(value) > 8
        }
    assert len(private) > 1000
    settings = get_settings()
    written = [path for path in settings.logs.rglob("*") if path.is_file()]
    assert written
    for path in written:
        text = path.read_text(errors="replace")
        assert not [value for value in private if value in text], path
    with connect("airflow_meta", "airflow") as connection:
        xcoms = [str(value) for (value,) in connection.execute("select value from xcom")]
    assert xcoms
    assert not [value for value in private for text in xcoms if value in text]


def test_demo_repeated_night_changes_nothing(terminal_text: str) -> None:
    before = rows("bi_reader", "select t::text from marts.kpi_eet as t order by 1")
    versions = rows("carepath_analyst", "select count(*) from history.ssd_involvements")

    done = carepath("run", "--date", COHORT_END.isoformat())

    assert done.returncode == 0, done.stdout + done.stderr
    assert rows("bi_reader", "select t::text from marts.kpi_eet as t order by 1") == before
    assert rows("carepath_analyst", "select count(*) from history.ssd_involvements") == versions


def test_demo_earlier_night_is_refused_and_the_marts_stay(terminal_text: str) -> None:
    before = rows("bi_reader", "select t::text from marts.publication as t order by 1")

    done = carepath("run", "--date", "2019-06-29", "--source", "demo-e09900001")

    assert done.returncode == 1
    assert "earlier" in done.stdout
    assert "What to do" in done.stdout
    assert rows("bi_reader", "select t::text from marts.publication as t order by 1") == before


def test_demo_warehouse_as_known_at_a_past_day_shows_the_contradictions(terminal_text: str) -> None:
    done = carepath("as-known-at", "--date", "2019-06-28")

    assert done.returncode == 0, done.stdout + done.stderr
    query = (
        "select count(*) from {}.fct_leaving_care_snapshot where authority = %s"
        " and is_open_case and eet_status_code = 'EET' and activity_code like 'G%%'"
        " and as_at_date = (select max(as_at_date) from {}.fct_leaving_care_snapshot)"
    )
    then = rows("carepath_analyst", query.replace("{}", "core_as_known_20190628"), ASHMERE)
    now = rows("carepath_analyst", query.replace("{}", "core"), ASHMERE)
    assert then[0][0] > now[0][0]


def test_demo_rollback_returns_the_figures_of_the_night_before(terminal_text: str) -> None:
    # the last publication changed nothing, so the one before it is the same night
    done = carepath("rollback", OTHER)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Rolled back" in done.stdout
    kinds = rows("bi_reader", "select kind from marts.publication where authority = %s", OTHER)
    assert kinds == [("rollback",)]
    again = carepath("rollback", OTHER)
    assert again.returncode == 1
    assert "What to do" in again.stderr


def test_demo_status_and_work_list_are_readable(terminal_text: str) -> None:
    status, work = carepath("status"), carepath("work-list")
    assert "Last nights" in status.stdout
    assert "What the marts hold" in status.stdout
    assert work.returncode == 0
    assert "what to do" in work.stdout


def test_demo_doctor_finds_all_well(terminal_text: str) -> None:
    done = carepath("doctor", "--source", "all")
    assert done.returncode == 0, done.stdout
    assert "FIX" not in done.stdout


def test_demo_refuses_a_warehouse_with_a_real_source(terminal_text: str, tmp_path: Path) -> None:
    with connect("carepath_loader") as connection:
        connection.execute(
            "insert into ops.sources (source, authority, kind, created_at)"
            " values ('liquidlogic', %s, 'database', now())",
            (OTHER,),
        )
    done = carepath("demo")
    assert done.returncode == 1
    assert "would delete them" in done.stderr


def test_journey_page_has_a_query_for_each_reader() -> None:
    assert len(DOCUMENTED) == 6
    assert {query.role for query in DOCUMENTED} == {"bi_reader", "carepath_analyst"}


def test_key_of_a_report_leads_a_steward_to_the_case(terminal_text: str) -> None:
    page = (get_settings().project_root / "docs" / "journey.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```sql\n-- as carepath_steward\n(.*?)```", page, re.DOTALL)
    ((key, person_id),) = rows(
        "carepath_steward",
        "select young_person_key, person_id from identity.person_identity"
        " where authority = %s order by person_id limit 1",
        ASHMERE,
    )

    assert rows("carepath_steward", query.replace("1234567890", str(key))) == [(person_id,)]


@pytest.mark.usefixtures("terminal_text")
@pytest.mark.parametrize("query", DOCUMENTED, ids=lambda query: "-".join(query.columns[:2]))
def test_query_of_a_page_runs_as_written_and_finds_what_it_shows(
    query: DocumentedQuery,
) -> None:
    with connect(query.role) as connection:
        cursor = connection.execute(query.text.encode())
        assert cursor.description is not None
        assert tuple(column.name for column in cursor.description) == query.columns
        assert tuple(as_shown(row) for row in cursor.fetchall()) == query.rows


def test_demo_child_is_named_where_names_may_be_and_nowhere_else(terminal_text: str) -> None:
    """One child's name and pupil number, sought in every table and every file of the home.

    The demonstration has a held night, exports, a desk and logs; staging is views over history.
    """
    ((forename, surname, pupil_number),) = rows(
        "carepath_steward",
        "select forename, surname, upn from identity.person_identity"
        " where length(upn) > 8 order by person_id limit 1",
    )
    with connect("carepath_owner") as owner:
        tables = owner.execute(
            "select n.nspname, c.relname from pg_class as c"
            " inner join pg_namespace as n on c.relnamespace = n.oid"
            " where c.relkind in ('r', 'p') and not c.relispartition"
            " and n.nspname !~ '^(pg_|information_schema)'"
            " and (n.nspname not in ('landing', 'history') or c.relname = 'ssd_person')"
        ).fetchall()
        found = {
            schema
            for schema, table in tables
            if owner.execute(
                sql.SQL(
                    "select exists (select from {} as t where strpos(t::text, %(number)s) > 0"
                    " or (strpos(t::text, %(first)s) > 0 and strpos(t::text, %(last)s) > 0))"
                ).format(sql.Identifier(schema, table)),
                {"number": pupil_number, "first": forename, "last": surname},
            ).fetchone()
            == (True,)
        }
    assert found == {"landing", "history", "identity"}
    assert len(tables) > 200

    home = get_settings().home
    said = (
        pupil_number.encode(),
        f"{forename} {surname}".encode(),
        f"{surname}, {forename}".encode(),
    )
    files = [
        path
        for path in home.rglob("*")
        if path.is_file() and not path.is_symlink() and home / "postgres" not in path.parents
    ]
    assert len(files) > 100
    assert [path for path in files if any(text in path.read_bytes() for text in said)] == []
