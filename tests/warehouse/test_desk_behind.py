"""The records behind a measure: who may see them, that looks are kept, and what is not kept."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import re
import time
from typing import Any

import figures_marts
import httpx
import openpyxl
import psutil
import psycopg
import pytest
from figures_marts import BROOK, COAST
from starlette.applications import Starlette
from starlette.routing import Mount

from carepath.audit import read_audit
from carepath.desk import PREFIX, figures
from carepath.desk.app import create_app
from carepath.desk.people import APPROVER, STEWARD, VIEWER, Person
from carepath.site import desk as site
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR

EAST = "Team <b>East</b>"
PEOPLE = {
    "viewer": Person(1, "viola", frozenset({VIEWER})),
    "steward": Person(2, "stella", frozenset({STEWARD})),
    "approver": Person(3, "april", frozenset({APPROVER})),
    "east": Person(4, "ellis", frozenset({STEWARD}), frozenset({(figures_marts.BROOK, EAST)})),
}
EET = "/figures/measures/care_leavers_eet"
FILES = ("/records.csv", "/records.xlsx")

pytestmark = pytest.mark.usefixtures("marts")


@pytest.fixture(scope="module")
def marts(warehouse: None) -> None:
    figures._kept.clear()
    figures_marts.fill()


async def identify(token: str) -> Person | None:
    return PEOPLE.get(token)


IN_AIRFLOW = Starlette(routes=[Mount(PREFIX, create_app(identify))])


def ask(path: str, who: str | None = "steward") -> httpx.Response:
    async def sent() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=IN_AIRFLOW),
            base_url="http://desk.example",
            cookies={"_token": who} if who else {},
        ) as client:
            return await client.get(f"{PREFIX}{path}")

    return asyncio.run(sent())


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def looks(who: str) -> list[tuple[Any, ...]]:
    with connect("carepath_desk") as desk:
        return desk.execute(
            "select page, authority, record_key, record_count from quality.desk_looks"
            " where looked_by = %s order by look_id",
            (who,),
        ).fetchall()


def rows_of(path: str, who: str = "steward") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(ask(path, who).text.removeprefix("\ufeff"))))


def test_stranger_gets_neither_page_nor_file() -> None:
    for path in ("/records", *FILES):
        answer = ask(EET + path, None)
        assert answer.status_code == 401
        assert "C-003" not in answer.text


def test_viewer_sees_counts_by_team_and_reason_and_no_record() -> None:
    page = ask(f"{EET}/records", "viewer").text
    said = words(page)
    assert "63 counted 44 in the denominator only 13 left out" in said
    assert "no status: 9 records" in said
    assert "contradictory ( EET-01 ): 4 records" in said
    assert f'href="{PREFIX}/rules/EET-01"' in page
    assert "Team &lt;b&gt;East&lt;/b&gt;" in page
    assert "C-0" not in page
    assert "1003" not in page  # a key
    for path in FILES:
        assert ask(EET + path, "viewer").status_code == 403
    assert looks("viola") == []


def test_measure_page_says_how_many_are_behind_it_and_leads_to_them() -> None:
    page = ask(EET, "viewer").text
    said = "On 12 March 2019, open cases: 63 counted, 44 in the denominator only, 13 left out."
    assert said in words(page)
    assert f"{PREFIX}{EET}/records" in page
    assert "See how many, by team" in page
    assert "See the records, by team" in ask(EET, "steward").text
    assert looks("viola") == []


def test_steward_sees_cases_page_by_page_and_each_look_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    links = {BROOK: "https://records.example/case/{case_id}"}
    monkeypatch.setattr(site, "record_links", lambda: links)
    before = len(looks("april"))
    shown = [ask(f"{EET}/records?number={number}", "approver").text for number in (1, 2, 3)]
    cases = [re.findall(r"C-\d{3}(?=<)|=1\+1(?=<)", page) for page in shown]
    found = {case for page in cases for case in page}
    assert found == {"=1+1"} | {f"C-{n:03}" for n in range(3, 120)}
    assert "&lt;b&gt;C&lt;/b&gt;/&amp;?" in "".join(shown)
    assert 'href="https://records.example/case/%3Cb%3EC%3C%2Fb%3E%2F%26%3F"' in "".join(shown)
    assert "Not in the recording system now" in shown[2]  # the case of key 1120 has gone
    assert "Page 3 of 3" in words(shown[2])
    page = f"records behind {EET.rpartition('/')[2]}"
    assert looks("april")[before:] == [(page, BROOK, None, n) for n in (50, 50, 20)]
    deeds = [deed for deed in read_audit(by="april") if deed.what == "looked at records"]
    assert deeds[0].detail == f"page {page}, records: 20"
    assert "The list does not have this page." in ask(f"{EET}/records?number=4").text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("standing=counted", 63),
        ("standing=denominator", 44),
        ("standing=left-out", 13),
        ("standing=measured", 0),
        ("team=none", 12),
        ("team=21", 48),
        ("team=22", 60),
        ("team=22&standing=counted", 32),
        ("team=99", 0),
        ("day=2019-03-12", 120),
    ],
)
def test_records_are_filtered_and_counts_equal_the_list(query: str, expected: int) -> None:
    noun = "record" if expected == 1 else "records"
    assert f'id="found">{expected} {noun}</h2>' in ask(f"{EET}/records?{query}").text
    assert len(rows_of(f"{EET}/records.csv?{query}")) == expected


def test_records_of_one_young_person_are_listed_one_by_one() -> None:
    rows = rows_of(f"{EET}/records.csv?segment=team_%3Cb%3EEast%3C%2Fb%3E")
    assert [(row["How it counts"], row["Record"]) for row in rows] == [
        ("Counted", "1"),
        ("In the denominator only", "2"),
    ]
    page = ask(f"{EET}/records?segment=team_%3Cb%3EEast%3C%2Fb%3E").text
    assert "record 2" in page


def test_downloads_have_every_record_and_no_formula() -> None:
    rows = rows_of(f"{EET}/records.csv")
    assert len(rows) == 120
    assert {row["Case"] for row in rows} >= {"'=1+1", "<b>C</b>/&?", "C-003", ""}
    assert {row["Team"] for row in rows} == {"Team <b>East</b>", "'=West", "No team"}
    assert {row["Why left out"] for row in rows} == {"", "contradictory (EET-01)", "no status"}
    answer = ask(f"{EET}/records.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    cells = list(book["Records"].iter_rows(min_row=2))
    assert len(cells) == 120
    assert all(cell.data_type != "f" for row in cells for cell in row)
    assert {row[3].value for row in cells} >= {"'=1+1", "C-003"}
    assert {row[1].value.date() for row in cells} == {dt.date(2019, 3, 12)}
    assert answer.headers["content-disposition"].endswith(
        'filename="records-care_leavers_eet-2019-03-12.xlsx"'
    )
    code = "records behind care_leavers_eet"
    assert looks("stella")[-2:] == [
        (f"{code} as CSV", BROOK, None, 120),
        (f"{code} as Excel", BROOK, None, 120),
    ]


def test_mean_is_measured_and_case_of_another_authority_is_not_told() -> None:
    page = ask("/figures/measures/placement_weekly_cost/records").text
    assert "2 measured" in words(page)
    assert "&lt;b&gt;C&lt;/b&gt;/&amp;?" in page
    assert "Not in the recording system now" in page
    assert "COAST-1" not in page


def test_date_that_is_not_kept_says_which_is() -> None:
    before = len(looks("stella"))
    page = ask(f"{EET}/records?day=2018-09-30").text
    assert "The records of 30 September 2018 are not kept." in words(page)
    assert "See the records of 12 March 2019" in words(page)
    assert "C-0" not in page
    assert ask(f"{EET}/records.csv?day=2018-09-30").status_code == 404
    assert len(looks("stella")) == before


def test_measure_that_keeps_no_records_says_so() -> None:
    path = "/figures/measures/care_entries_12_months"
    for page in (ask(f"{path}/records").text, ask(path).text):
        assert "Carepath does not keep which records are in this measure." in page
    assert ask(f"{path}/records.csv").status_code == 404
    nobody = ask(f"{path}/records?authority={COAST}").text
    assert "No young person is counted in this measure, or left out of it" in nobody


@pytest.mark.parametrize(
    "query",
    ["day=yesterday", "standing=all", "team=x", f"team={'9' * 19}", "number=0", "authority=E0"],
)
def test_what_no_page_offers_is_not_found(query: str) -> None:
    assert ask(f"{EET}/records?{query}").status_code == 404
    assert ask("/figures/measures/nowhere/records").status_code == 404


def test_unknown_segment_shows_no_record() -> None:
    page = words(ask(f"{EET}/records?segment=nowhere").text)
    assert "No record is counted in this figure, or left out of it, on 12 March 2019." in page


def test_reader_of_one_authority_shows_no_record_of_another() -> None:
    with connect("carepath_loader") as loader:
        loader.execute("insert into ops.readers values ('bi_reader', %s)", (COAST,))
    try:
        figures._kept.clear()
        before = len(looks("stella"))
        for path in ("/records", *FILES):
            answer = ask(f"{EET}{path}?authority={BROOK}")
            assert answer.status_code == 404
            assert "C-003" not in answer.text
        assert "C-003" not in ask(f"{EET}/records").text  # Coast's page, which has none
        assert len(looks("stella")) == before
    finally:
        with connect("carepath_loader") as loader:
            loader.execute("delete from ops.readers")
        figures._kept.clear()
    assert ask(f"{EET}/records?authority={BROOK}").status_code == 200


def test_only_the_desk_looks_up_cases_and_only_of_one_authority() -> None:
    query = "select case_id from quality.look_up_cases(%s, %s)"
    with connect("carepath_desk") as desk:
        assert desk.execute(query, (BROOK, [1003, 2001, 5])).fetchall() == [("C-003",)]
        assert desk.execute(query, (COAST, [1003, 2001])).fetchall() == [("COAST-1",)]
        assert desk.execute(query, (BROOK, [])).fetchall() == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            desk.execute("select person_id from identity.person_identity")
    for role in ("bi_reader", "carepath_analyst", "carepath_steward", "carepath_loader"):
        with connect(role) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(query, (BROOK, [1003]))


def test_pages_read_marts_as_their_reader_and_cases_as_the_desk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    real = connect

    def noting(role: str, *more: Any, **kw: Any) -> Any:
        asked.append(role)
        return real(role, *more, **kw)

    monkeypatch.setattr("carepath.report.reading.connect", noting)
    monkeypatch.setattr("carepath.desk.database.connect", noting)
    ask(f"{EET}/records", "viewer")
    assert asked == ["bi_reader"]
    ask(f"{EET}/records", "steward")
    assert asked == ["bi_reader", "bi_reader", "carepath_desk"]


def test_sixteen_thousand_records_take_less_than_a_second() -> None:
    code = "care_leavers_in_touch"
    with connect("carepath_owner") as owner:
        owner.execute(
            "insert into marts.fct_kpi_member select %s, %s, 'all', 100000 + n, 1,"
            " n %% 3 > 0, n %% 7 > 0, case when n %% 7 = 0 then 'not known' end, 21 + n %% 2,"
            " '18 to 20', 'F', 'WBRI' from generate_series(1, 16000) as n",
            (BROOK, code),
        )
    with connect("carepath_loader") as loader:
        loader.execute("alter table identity.person_identity add primary key (young_person_key)")
        loader.execute(
            "insert into identity.person_identity select 100000 + n, %s, 'M-' || n"
            " from generate_series(1, 100000) as n",
            (BROOK,),
        )
    with connect(ADMINISTRATOR) as admin:
        admin.execute("analyze marts.fct_kpi_member; analyze identity.person_identity")
    figures._kept.clear()
    assert len(rows_of(f"/figures/measures/{code}/records.csv")) == 16_000
    took = {
        path: seconds_of_work(f"/figures/measures/{code}{path}")
        for path in ("/records", "/records?number=320", "/records.csv")
    }
    assert took["/records"] < 0.3, took
    assert took["/records?number=320"] < 0.3, took
    assert took["/records.csv"] < 1, took


def seconds_of_work(path: str) -> float:
    """Return the seconds for which a request occupies this process and the server.

    Other tests run at the same time, so the clock on the wall would measure them too.
    """
    with connect(ADMINISTRATOR) as admin:
        row = admin.execute(
            "select split_part(pg_read_file('postmaster.pid'), e'\\n', 1)"
        ).fetchone()
    assert row is not None
    postmaster = psutil.Process(int(row[0]))

    def worked() -> float:
        ended = postmaster.cpu_times()  # a session's time is added when it has ended
        return time.process_time() + ended.children_user + ended.children_system

    begun = worked()
    for _ in range(3):
        assert ask(path).status_code == 200
    return (worked() - begun) / 3


def test_person_who_is_limited_to_a_team_sees_its_records_only() -> None:
    rows = rows_of(f"{EET}/records.csv")
    own = rows_of(f"{EET}/records.csv", "east")
    assert own == [row for row in rows if row["Team"] == EAST]
    assert 0 < len(own) < len(rows)
    page = ask(f"{EET}/records", "east").text
    others = {row["Case"] for row in rows} - {row["Case"] for row in own} - {""}
    assert others
    assert not [case for case in others if case in page]
    # a team of another name cannot be asked for
    assert "No team" not in words(page)
    assert rows_of(f"{EET}/records.csv?team=none", "east") == []
