"""The stewards' desk: who may see what, and what its pages say, asked without a browser."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlencode

import desk_warehouse
import httpx
import openpyxl
import pytest
from desk_warehouse import ASHMERE, HELD_RULE
from starlette.applications import Starlette
from starlette.routing import Mount

from carepath.desk import PREFIX, findings, tonight
from carepath.desk.app import create_app
from carepath.desk.forms import is_proof, proof_for
from carepath.desk.people import ADMIN, APPROVER, STEWARD, VIEWER, Person, person_of
from carepath.quality.findings import RESPONSIBLE
from carepath.quality.open_findings import OPEN
from carepath.site import desk as site
from carepath.warehouse.connect import connect
from expectations import measures

PEOPLE = {
    "viewer": Person(1, "viola", frozenset({VIEWER})),
    "steward": Person(2, "stella", frozenset({STEWARD})),
    "approver": Person(3, "april", frozenset({APPROVER})),
    "admin": Person(4, "admin", frozenset({ADMIN})),
    "nobody": Person(5, "nora", frozenset({"Viewer"})),
    "east": Person(
        6, "ellis", frozenset({STEWARD, APPROVER}), frozenset({(ASHMERE, "Leaving care east")})
    ),
}

pytestmark = pytest.mark.usefixtures("nights")


@pytest.fixture(scope="module")
def nights(warehouse: None) -> None:
    desk_warehouse.fill()


async def identify(token: str) -> Person | None:
    return PEOPLE.get(token)


APP = create_app(identify)
IN_AIRFLOW = Starlette(routes=[Mount(PREFIX, APP)])


def ask(
    path: str,
    who: str | None = "steward",
    *,
    app: Any = IN_AIRFLOW,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    **form: str,
) -> httpx.Response:
    async def sent() -> httpx.Response:
        cookies = {"_token": who} if who else {}
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://desk.example", cookies=cookies
        ) as client:
            return await client.request(
                method, f"{PREFIX}{path}", headers=headers, data=form or None
            )

    return asyncio.run(sent())


def every_route() -> list[tuple[str, str]]:
    """Return method and address of each route, and of some that do not exist."""
    found = [("GET", path) for path in ("/nowhere", "/static/desk.css", "/static/none", "/docs")]
    found += [("GET", "/openapi.json"), ("GET", "/redoc"), ("POST", "/"), ("OPTIONS", "/")]
    for route in APP.routes:
        for method in sorted(getattr(route, "methods", None) or {"GET"}):
            found.append((method, route.path.replace("{", "").replace("}", "")))
    return found


@pytest.mark.parametrize("cookie", [None, "made-up"])
def test_every_route_refuses_a_caller_who_has_not_signed_in(cookie: str | None) -> None:
    for method, path in every_route():
        answer = ask(path, cookie, method=method)
        assert answer.status_code == 401, (method, path)
        assert "Tonight" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_refusal_leads_to_sign_in_and_back_to_the_page() -> None:
    answer = ask("/decisions?decision=hold", None)
    assert "/auth/login/?next=%2Fdesk%2Fdecisions%3Fdecision%3Dhold" in answer.text


def test_websocket_is_refused() -> None:
    sent: list[dict[str, Any]] = []

    async def keep(message: Any) -> None:
        sent.append(message)

    async def nothing() -> Any:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": f"{PREFIX}/", "headers": [], "root_path": ""}
    asyncio.run(APP(scope, nothing, keep))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_account_without_a_role_of_the_desk_is_refused_everywhere() -> None:
    for method, path in every_route():
        assert ask(path, "nobody", method=method).status_code == 403, (method, path)


def test_page_is_not_kept_and_may_not_be_framed() -> None:
    headers = ask("/").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ask("/static/desk.css").headers["cache-control"] == "private, max-age=3600"


def test_form_of_another_site_is_refused() -> None:
    assert ask("/", method="POST", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_proof_of_a_form_is_of_one_person_and_of_today() -> None:
    proof = proof_for(PEOPLE["steward"], now=1_000_000)
    assert is_proof(PEOPLE["steward"], proof, now=1_000_000 + 11 * 3600)
    assert not is_proof(PEOPLE["steward"], proof, now=1_000_000 + 13 * 3600)
    assert not is_proof(PEOPLE["approver"], proof, now=1_000_000)
    assert not is_proof(PEOPLE["steward"], "", now=1_000_000)
    assert not is_proof(PEOPLE["steward"], "x-y", now=1_000_000)


def test_tonight_says_held_since_when_why_what_to_do_and_who() -> None:
    page = ask("/", "viewer").text
    assert "Ashmere" in page
    assert "Nothing has been published since the night of 11 March 2019 (2 nights)" in page
    assert "People who read the figures see those of 10 March 2019." in page
    assert "12 of 300 records fail, and at most 2% or 3 records may." in page
    assert "Leaving care team manager" in page
    assert f"/desk/work-list?authority={ASHMERE}&amp;rule={HELD_RULE}" in page
    assert "The figures of 12 March 2019 were published on 12 March 2019, 02:20." in page


def test_tonight_says_that_records_are_left_out_and_which_figures_changed() -> None:
    with connect("carepath_loader") as loader:  # the last row of a run and kind counts
        loader.execute(
            "insert into quality.decisions"
            " (run_id, authority, night, kind, outcome, left_out_count) select run_id, authority,"
            " night, kind, 'published with records left out', 1 from quality.decisions"
            " where kind = 'night' and authority = %s order by night desc limit 1",
            (desk_warehouse.BROOK,),
        )
    page = " ".join(ask("/", "viewer").text.split())
    assert "Published with records left out" in page
    assert "Records of 1 young person are left out of at least one figure" in page
    assert "EET fell from 52% to 31% on 12 March 2019." in page
    assert "EET fell from 52% to 31% on 11 March 2019." not in page


def decision_of(night: str, authority: str = ASHMERE) -> int:
    with connect("carepath_desk") as desk:
        row = desk.execute(
            "select decision_id from quality.decisions"
            " where kind = 'night' and night = %s and authority = %s",
            (night, authority),
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_decisions_say_why_any_night_was_held_or_published() -> None:
    held = ask("/decisions?outcome=held").text
    assert "12 March 2019" in held
    assert "10 March 2019" not in held
    one = ask(f"/decisions?night=2019-03-11&authority={ASHMERE}").text
    assert one.count('<th scope="row"') == 1
    assert "The figures stay as they were." in one
    assert "No decision matches" in ask("/decisions?authority=nowhere").text
    assert ask("/decisions/999999").status_code == 404


def test_decision_says_for_each_gate_what_was_judged_failed_and_left_out() -> None:
    held = " ".join(ask(f"/decisions/{decision_of('2019-03-11')}").text.split())
    assert "12 of 300 records fail, and at most 2% or 3 records may." in held
    assert "Records of 12 young people are left out" in held
    assert "2 tests on this night. 2 tests found something, and 0 tests did not run" in held
    assert "EET fell from 52% to 31% on 11 March 2019." in held
    published = " ".join(ask(f"/decisions/{decision_of('2019-03-04')}").text.split())
    assert "Published with records left out" in published
    assert "No rule held the night." in published
    assert "3 of 300 records fail, and at most 2% or 3 records may." in published


def test_decision_about_a_step_that_failed_says_what_happened_and_what_to_do() -> None:
    with connect("carepath_loader") as loader:
        desk_warehouse.refuse(loader, desk_warehouse.COAST, dt.date(2019, 3, 12))
    page = " ".join(ask("/").text.split())
    assert "The delivery of 12 March 2019 was refused" in page
    assert "The source cannot be reached." in page
    assert "Start the source." in page
    number = decision_of("2019-03-12", desk_warehouse.COAST)
    assert "No gate made a decision on this night" in ask(f"/decisions/{number}").text
    assert ask("/decisions/words").status_code == 404


def test_rule_page_has_words_the_limit_a_picture_and_the_same_as_a_table() -> None:
    page = ask(f"/rules/{HELD_RULE.lower()}").text
    assert "<svg" in page
    assert "From 1 March 2019 to 12 March 2019 the number of records rose" in page
    assert "Held the figures" in page
    assert ask("/rules/XYZ-99").status_code == 404


def test_rule_about_figures_and_trends_show_its_sentences() -> None:
    page = " ".join(ask("/rules/DRIFT-01").text.split())
    assert "11 March 2019, Ashmere: EET fell from 52% to 31% on 11 March 2019." in page
    assert "EET fell from 52% to 31% on 12 March 2019." in ask("/trends").text
    assert "What it said about figures" not in ask(f"/rules/{HELD_RULE}").text


def test_rule_book_finds_rules_by_words_and_by_what_fails() -> None:
    failing = ask("/rules?failing=yes").text
    assert f"/desk/rules/{HELD_RULE}" in failing
    assert "/desk/rules/REC-01" not in failing
    assert "No rule matches" in ask("/rules?words=no+such+words").text


def test_trends_are_drawn_with_a_table_of_the_same_numbers() -> None:
    page = ask("/trends").text
    assert "All rules: records that fail" in page
    assert '<th scope="row" class="nowrap">12 March 2019</th><td class="number">18</td>' in page


def test_what_is_shown_is_escaped() -> None:
    assert "<script>" not in ask("/rules?words=%22%3E%3Cscript%3E").text


def test_token_that_airflow_does_not_know_is_nobody() -> None:
    pytest.importorskip("airflow.providers.fab")
    from airflow.api_fastapi.app import create_auth_manager

    create_auth_manager()
    assert asyncio.run(person_of("not.a.token")) is None


def finding(rule: str = HELD_RULE, key: str = "L-000") -> int:
    with connect("carepath_desk") as desk:
        row = desk.execute(
            "select finding_id from quality.work_list where authority = %s and rule_id = %s"
            " and record_key = %s",
            (ASHMERE, rule, key),
        ).fetchone()
    assert row is not None
    return int(row[0])


def post(path: str, who: str, **form: str) -> httpx.Response:
    return ask(path, who, method="POST", proof=proof_for(PEOPLE[who]), **form)


def looks(who: str) -> list[tuple[Any, ...]]:
    with connect("carepath_desk") as desk:
        return desk.execute(
            "select page, rule_id, record_key, record_count from quality.desk_looks"
            " where looked_by = %s order by look_id",
            (who,),
        ).fetchall()


def test_tonight_counts_what_is_new_open_and_put_right() -> None:
    page = " ".join(ask("/", "viewer").text.split())
    assert "<b>15</b> open" in page
    assert "<b>0</b> new on the last night" in page
    assert "<b>1 March 2019</b> oldest finding" in page
    assert "<b>4</b> put right this month" not in page  # they returned


def test_work_list_shows_records_to_a_steward_and_counts_to_a_viewer() -> None:
    before = len(looks("stella"))
    page = ask("/work-list").text
    assert "16 open findings" in page
    assert "L-011" in page
    assert "Leaving care east" in page
    assert "Wanda Invented" in page
    assert looks("stella")[before:] == [("work list", None, None, 16)]
    counts = ask("/work-list", "viewer").text
    assert "16 open findings by rule" in counts
    assert "L-011" not in counts
    assert "P-011" not in counts
    assert looks("viola") == []


def test_viewer_cannot_count_the_findings_of_one_case_or_worker() -> None:
    number = finding(key="L-011")
    for query in (f"case={number}", "case=0", "worker=W-5"):
        assert ask(f"/work-list?{query}").status_code == 200
        assert ask(f"/work-list?{query}", "viewer").status_code == 403
    assert ask("/work-list?team=Leaving+care+east", "viewer").status_code == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("team=Leaving+care+east", 8),
        ("worker=W-5", 15),
        ("owner=leaving+care+team+manager", 16),
        ("rule=eet-01", 12),
        ("rule=CL-02", 4),
        ("holding=yes", 12),
        ("measure=eet", 12),
        ("age=new", 0),
        ("age=old", 16),
        ("waiver=any", 0),
        ("severity=critical", 0),
        ("authority=E09900002", 1),
    ],
)
def test_work_list_filters(query: str, expected: int) -> None:
    page = ask(f"/work-list?{query}").text
    if expected:
        noun = "finding" if expected == 1 else "findings"
        assert f">{expected} open {noun}</h2>" in page
    else:
        assert "No finding matches these filters." in page


def test_work_list_begins_with_what_holds_figures_then_with_what_is_severe() -> None:
    with connect("carepath_desk") as desk:
        found = findings.read_part(desk, findings.Filters()).found
    assert [each.rule_id for each in found] == [HELD_RULE] * 12 + ["CL-02"] * 4
    assert found[0].failing_since == min(each.failing_since for each in found[:12])


def test_measures_are_named_in_words() -> None:
    assert set(measures.IN_WORDS) == set(measures.measure_names())
    page = ask(f"/rules/{HELD_RULE}").text
    assert "left out of the figure for care leavers in education, employment or training" in page


def test_work_list_sort_and_pages_give_each_finding_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "ON_A_PAGE", 5)
    with connect("carepath_desk") as desk:
        for sort in findings.SORTS:
            filters = findings.Filters(sort=sort)
            seen: list[int] = []
            part = findings.read_part(desk, filters)
            while True:
                seen += [each.finding_id for each in part.found]
                if not part.later:
                    break
                last = part.found
                part = findings.read_part(desk, filters, after=last[-1].finding_id)
                back = findings.read_part(desk, filters, before=part.found[0].finding_id)
                assert back.found == last
            assert len(seen) == len(set(seen)) == 16, sort


def test_case_is_found_by_a_form_and_never_in_an_address() -> None:
    answer = post("/work-list/case", "steward", case_id="P-003")
    assert answer.status_code == 303
    assert "P-003" not in answer.headers["location"]
    page = ask(answer.headers["location"].removeprefix(PREFIX)).text
    assert "Only the findings about case P-003 are shown." in page
    assert "L-003" in page
    assert "L-004" not in page
    nothing = post("/work-list/case", "steward", case_id="P-999").headers["location"]
    assert "No open finding is about this case." in ask(nothing.removeprefix(PREFIX)).text


def test_downloads_have_every_finding_and_no_formula() -> None:
    answer = ask("/work-list.csv?rule=EET-01")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 12
    assert {row["Record"] for row in rows} >= {"L-000", "'=1+1"}
    assert rows[0]["Worker"] == "Wanda Invented"
    book = openpyxl.load_workbook(io.BytesIO(ask("/work-list.xlsx?rule=EET-01").content))
    cells = list(book["Work list"].iter_rows(min_row=2))
    assert len(cells) == 12
    assert all(cell.data_type != "f" for row in cells for cell in row)
    assert {row[9].value for row in cells} >= {"L-000", "'=1+1"}
    assert looks("stella")[-1] == ("work list as Excel", "EET-01", None, 12)
    assert ask("/work-list.csv", "viewer").status_code == 403
    assert ask("/work-list.xlsx", "viewer").status_code == 403


def test_person_who_is_limited_to_a_team_sees_the_records_of_the_team_only() -> None:
    def listed(who: str) -> dict[str, dict[str, str]]:
        text = ask("/work-list.csv", who).text.removeprefix("\ufeff")
        return {row["Finding"]: row for row in csv.DictReader(io.StringIO(text))}

    everything, own = listed("steward"), listed("east")
    assert own == {
        number: row
        for number, row in everything.items()
        if (row["Authority"], row["Team"]) == (ASHMERE, "Leaving care east")
    }
    others = [everything[number] for number in everything.keys() - own.keys()]
    assert {row["Team"] for row in others} >= {"Leaving care west", ""}
    page = ask("/work-list", "east").text
    assert f"{len(own)} " in page
    assert "Leaving care west" not in page
    hidden = {row["Case"] for row in others} - {row["Case"] for row in own.values()} - {""}
    assert hidden
    assert not [case for case in hidden if case in page]
    assert len(list(openpyxl_rows("/work-list.xlsx", "east"))) == len(own)
    west = next(row for row in others if row["Team"] == "Leaving care west")
    mine = next(iter(own.values()))
    for address in ("/records/{}", "/waivers/ask?finding={}"):
        assert ask(address.format(mine["Finding"]), "east").status_code == 200
        assert ask(address.format(west["Finding"]), "east").status_code == 404
        assert ask(address.format(west["Finding"]), "steward").status_code == 200
    for row, found in ((west, False), (mine, True)):
        answer = post("/work-list/case", "east", case_id=row["Case"].lstrip("'"))
        assert (answer.headers["location"].rpartition("=")[2] != "0") == found


@pytest.mark.parametrize(
    ("teams", "status"),
    [(["North, Leaving care east"], 404), (["North", "Leaving care east"], 200)],
)
def test_team_whose_name_has_a_comma_is_one_team(teams: list[str], status: int) -> None:
    number = finding(key="L-003")
    allocate: LiteralString = (
        "with team as (insert into core.dim_team values (%(key)s, %(name)s))"
        " insert into core.fct_allocations values (%(la)s, 3, %(key)s, 5, '2015-01-01', null)"
    )
    try:
        with connect("carepath_loader") as loader:
            loader.cursor().executemany(
                allocate,
                [{"key": key, "name": name, "la": ASHMERE} for key, name in enumerate(teams, 100)],
            )
            loader.execute(RESPONSIBLE, {"authority": ASHMERE, "night": "2019-03-12"})
        assert ask(f"/records/{number}", "east").status_code == status
        page = ask("/work-list").text
        for team in (*teams, "Leaving care west"):
            assert f">{team}</option>" in page
            text = ask(f"/work-list.csv?{urlencode({'team': team})}").text.removeprefix("\ufeff")
            assert str(number) in {row["Finding"] for row in csv.DictReader(io.StringIO(text))}
    finally:
        with connect("carepath_loader") as loader:
            loader.execute("delete from core.fct_allocations where team_key >= 100")
            loader.execute("delete from core.dim_team where team_key >= 100")
            loader.execute(RESPONSIBLE, {"authority": ASHMERE, "night": "2019-03-12"})


def openpyxl_rows(path: str, who: str) -> Iterator[Any]:
    book = openpyxl.load_workbook(io.BytesIO(ask(path, who).content))
    return book["Work list"].iter_rows(min_row=2)


def test_record_shows_its_findings_their_history_and_the_way_to_the_case(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    links = {ASHMERE: "https://records.example/case/{case_id}/open"}
    monkeypatch.setattr(site, "record_links", lambda: links)
    strange = finding(key="=1+1")
    page = ask(f"/records/{strange}").text
    assert "=1+1" in page
    assert "&lt;b&gt;P&lt;/b&gt;/&amp;?" in page
    assert 'href="https://records.example/case/%3Cb%3EP%3C%2Fb%3E%2F%26%3F/open"' in page
    assert "It was put right before and returned" in page
    assert "CL-02" in page  # the record fails this rule as well
    assert "6 March 2019" in page
    assert looks("stella")[-1] == ("record", "EET-01", "=1+1", 1)
    assert ask(f"/records/{strange}", "viewer").status_code == 403
    assert ask("/records/999999").status_code == 404


def test_record_that_is_about_no_person_has_no_link() -> None:
    links = {"all": "https://records.example/{case_id}"}
    assert site.link_to_case(links, ASHMERE, None) == ""
    assert site.link_to_case({}, ASHMERE, "P") == ""
    assert site.link_to_case(links, ASHMERE, "a b") == "https://records.example/a%20b"


def test_saved_view_is_ones_own() -> None:
    post("/work-list/views", "steward", name="My team", team="Leaving care east", sort="rule")
    page = ask("/work-list").text
    assert 'href="/desk/work-list?sort=rule&amp;team=Leaving+care+east">My team</a>' in page
    assert "My team" not in ask("/work-list", "approver").text
    number = page.partition("/work-list/views/")[2].partition("/")[0]
    post(f"/work-list/views/{number}/remove", "approver")
    assert "My team" in ask("/work-list").text
    post(f"/work-list/views/{number}/remove", "steward")
    assert "My team" not in ask("/work-list").text


def test_waiver_is_checked_asked_approved_by_another_and_withdrawn() -> None:
    about = {"finding": str(finding()), "rule": HELD_RULE, "authority": ASHMERE}
    wrong = post("/waivers/ask", "approver", **about, last_night="2019-01-01")
    assert wrong.status_code == 422
    assert "There is a problem" in wrong.text
    assert "Say why the rule should not count here." in wrong.text
    written = {**about, "reason": "The record is right.", "last_night": "2019-06-30"}
    check = post("/waivers/ask", "approver", **written)
    assert "Check before you ask for the waiver" in check.text
    assert "No one has asked for a waiver yet." in ask("/waivers").text
    asked = post("/waivers/ask", "approver", **written, confirmed="yes")
    place = asked.headers["location"].removeprefix(PREFIX).partition("?")[0]
    own = post(f"{place}/approve", "approver")
    assert own.status_code == 409
    assert "another person must approve it" in own.text
    assert post(f"{place}/approve", "steward").status_code == 403
    assert post(f"{place}/approve", "admin").status_code == 303
    assert "Counts" in ask(place).text
    assert ">1 open finding</h2>" in ask("/work-list?waiver=any").text
    assert "The record is right." in ask(place).text
    for page in ("/waivers", place):
        seen = ask(page, "viewer").text
        assert "L-000" not in seen
        assert "The record is right." not in seen
    assert post(f"{place}/withdraw", "steward").status_code == 422
    assert looks("stella")[-1] == ("waiver", HELD_RULE, "L-000", 1)
    assert post(f"{place}/withdraw", "steward", reason="It was wrong.").status_code == 303
    assert post(f"{place}/withdraw", "steward", reason="Again.").status_code == 409
    assert "Withdrawn by" in ask(place).text


def test_each_answer_to_a_form_that_shows_a_record_leaves_a_look() -> None:
    number = str(finding(key="L-011"))
    before = len(looks("stella"))
    assert "L-011" in post("/waivers/ask", "steward", finding=number).text
    written = {"reason": "The record is right.", "last_night": "2019-06-30"}
    assert "L-011" in post("/waivers/ask", "steward", finding=number, **written).text
    assert looks("stella")[before:] == [("waiver", HELD_RULE, "L-011", 1)] * 2


def test_person_who_is_limited_to_a_team_withdraws_their_own_waivers_of_records_only() -> None:
    text = ask("/work-list.csv", "east").text.removeprefix("\ufeff")
    number = next(csv.DictReader(io.StringIO(text)))["Finding"]
    about = {"finding": number, "reason": "It is right.", "last_night": "2019-06-30"}
    for who, status in (("steward", 403), ("east", 303)):
        asked = post("/waivers/ask", who, **about, confirmed="yes")
        place = asked.headers["location"].removeprefix(PREFIX).partition("?")[0]
        assert ("Withdraw the waiver" in ask(place, "east").text) == (status == 303)
        assert post(f"{place}/withdraw", "east", reason="No.").status_code == status
        if status == 403:
            assert post(f"{place}/withdraw", "steward", reason="No.").status_code == 303


def test_waiver_of_a_whole_rule_is_for_one_authority() -> None:
    page = ask(f"/waivers/ask?rule={HELD_RULE}&authority={ASHMERE}").text
    assert "All records that the rule judges" in page
    assert ask("/waivers/ask?rule=XYZ-99&authority=E09900001").status_code == 404
    assert ask(f"/waivers/ask?rule={HELD_RULE}&authority={ASHMERE}", "viewer").status_code == 403


def test_every_form_needs_its_proof() -> None:
    posts = [path for method, path in every_route() if method == "POST" and path != "/"]
    assert len(posts) >= 6
    for path in posts:
        path = path.replace("waiver_id", "1").replace("view_id", "1")
        assert ask(path, "admin", method="POST", reason="x").status_code == 403, path
        stolen = proof_for(PEOPLE["steward"])
        assert ask(path, "admin", method="POST", proof=stolen).status_code == 403, path


def test_fault_of_ours_is_said_in_words_and_logged_without_values(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    value = " ".join(("the", "secret", "of", "a", "record"))

    def fail(*_: object) -> None:
        raise ValueError(value)

    monkeypatch.setattr(tonight, "holding_reasons", fail)
    answer = ask("/")
    assert answer.status_code == 500
    assert "Something went wrong on this page" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "ValueError" in caplog.text
    assert value not in caplog.text + answer.text


def test_page_of_a_hundred_thousand_findings_takes_less_than_a_second() -> None:
    desk_warehouse.add_many(100_000)
    took: dict[str, float] = {}
    with connect("carepath_desk") as desk:
        for sort in findings.SORTS:
            for more in ({}, {"team": "Team 7"}, {"holding": "yes"}):
                filters = findings.Filters(sort=sort, **more)
                part = findings.read_part(desk, filters)
                last = part.found[-1].finding_id
                took[f"{sort} {more}"] = best_of_three(desk, filters, last)
        deep = desk.execute(
            "select finding_id from quality.kept_findings order by failing_since, finding_id"
            " offset 90000 limit 1"
        ).fetchone()
        assert deep is not None
        took["the ninety-thousandth"] = best_of_three(desk, findings.Filters(), deep[0])
    assert max(took.values()) < 1, took


def best_of_three(desk: Any, filters: findings.Filters, after: int) -> float:
    """Return the seconds of the quickest of three tries: other tests run at the same time."""
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        findings.read_part(desk, filters, after=after)
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def test_pages_of_the_most_urgent_follow_one_order_in_both_directions() -> None:
    """The page is put together from several queries; the order of one query says what is right."""
    with connect("carepath_desk") as desk:
        for more in ({}, {"severity": "warning"}, {"authority": ASHMERE}):
            filters = findings.Filters(**more)
            columns, _ = filters.order
            order = [
                finding_id
                for (finding_id,) in desk.execute(
                    f"select kept.finding_id from {OPEN} and {filters.condition}"
                    f" order by {', '.join(columns)}",
                    vars(filters),
                )
            ]
            critical = findings.count_all(desk, findings.Filters(severity="critical"))
            edges = {0, 11, 12, 13, 49, 50, 51, critical, critical + 12, critical + 13}
            for at in {at for at in edges if at < len(order)} | {len(order) - 1}:
                for way, wanted in (
                    ("after", order[at + 1 : at + 51]),
                    ("before", order[max(0, at - 50) : at]),
                ):
                    part = findings.read_part(desk, filters, **{way: order[at]})
                    assert [each.finding_id for each in part.found] == wanted, (more, at, way)
                    assert part.total == len(order)
