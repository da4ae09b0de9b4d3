"""The stewards' desk in a real browser, served by a real Airflow: who can do what, and how."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import airflow_pages
import httpx
import openpyxl
import pytest
import scratch_staging as staging
from airflow_pages import PASSWORD
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from carepath.desk import PREFIX
from carepath.desk.app import create_app
from carepath.quality.log import log_nights
from carepath.quality.records import gate
from carepath.settings import get_settings
from carepath.warehouse.connect import connect
from carepath.warehouse.manifest import current_manifest
from expectations.register import rules

RULE = "CL-06"
CHOSEN = tuple(rule for rule in rules() if rule.rule_id in (RULE, "REC-01"))
CASES = [f"CASE-77{n}" for n in range(4)]
LAPTOP, PHONE = 1280, 390


@pytest.fixture(scope="module")
def held_night(warehouse: None) -> None:
    """A night that gate 1 holds: four care leavers in custody with suitable accommodation."""
    settings = get_settings().home / "site"
    settings.mkdir(exist_ok=True)
    (settings / "desk.yml").write_text(
        f"record_links:\n  {staging.AUTHORITY}: https://records.example/case/{{case_id}}\n"
    )
    with connect("carepath_loader", autocommit=True) as loader:
        staging.create(loader)
        for case in CASES:
            staging.care_leaver(loader, case, accommodation_code="X", suitability_code="1")
        judge(loader)


def judge(loader: Any) -> None:
    """Judge what is delivered, as a run of its own, and record how it ended."""
    run = f"run {staging.load(loader)}"
    loader.execute(
        "insert into ops.runs (run_id, night, state, started_at)"
        " values (%s, %s, 'running', clock_timestamp())",
        (run, staging.NIGHT),
    )
    passed = gate.run_gate(run, staging.latest_load(loader), rules=CHOSEN).passed
    step, state = ("publish", "done") if passed else ("judge_records", "held")
    ended = "published" if passed else "held"
    loader.execute(
        "insert into ops.run_steps (run_id, step, authority, source, state, message) values"
        " (%(run)s, 'load', %(la)s, 'demo', 'done', null),"
        " (%(run)s, %(step)s, %(la)s, '', %(state)s, 'Held. What to do: correct them.')",
        {"run": run, "la": staging.AUTHORITY, "step": step, "state": state},
    )
    loader.execute("update ops.runs set state = %s where run_id = %s", (ended, run))
    log_nights(loader, run)


@pytest.fixture(scope="module")
def address(held_night: None) -> Iterator[str]:
    """Where Airflow's API server answers, with the desk and its accounts."""
    with airflow_pages.api_server() as found:
        airflow_pages.make_accounts()
        yield found


@pytest.fixture(scope="module")
def signed_in(browser: Browser, address: str) -> Iterator[dict[str, BrowserContext]]:
    """For each account a browser session in which it has signed in."""
    found = {}
    for name in airflow_pages.ACCOUNTS:
        context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(20_000)
        page = context.new_page()
        answer = page.goto(f"{PREFIX}/")
        assert answer is not None
        assert answer.status == 401
        page.get_by_role("link", name="Sign in").click()
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.locator("[type=submit]").click()
        page.wait_for_url(f"**{PREFIX}/")
        page.close()
        found[name] = context
    yield found
    for context in found.values():
        context.close()


@pytest.fixture
def stella(signed_in: dict[str, BrowserContext]) -> Iterator[Page]:
    """A page of the steward."""
    page = signed_in["stella"].new_page()
    yield page
    page.close()


def test_every_route_of_the_running_server_refuses_a_stranger(address: str) -> None:
    paths = {route.path.replace("{", "").replace("}", "") for route in create_app().routes}
    paths |= {"/static/desk.css", "/static/", "/openapi.json", "/docs", "/nowhere"}
    with httpx.Client(base_url=f"{address}{PREFIX}", timeout=30) as client:
        for path in sorted(paths):
            for method in ("GET", "POST"):
                for headers in ({}, {"Cookie": "_token=made.up.token"}):
                    answer = client.request(method, path, headers=headers)
                    assert answer.status_code == 401, (method, path)


def test_account_without_a_role_is_sent_to_the_person_who_gives_roles(
    signed_in: dict[str, BrowserContext],
) -> None:
    page = signed_in["nora"].new_page()
    answer = page.goto(f"{PREFIX}/")
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_text("You have signed in as nora.")).to_be_visible()
    page.close()


def test_airflow_shows_the_way_to_the_desk(signed_in: dict[str, BrowserContext]) -> None:
    plugins = signed_in["viola"].request.get("/api/v2/plugins").json()["plugins"]
    (view,) = [v for p in plugins if p["name"] == "carepath" for v in p["external_views"]]
    assert (view["name"], view["href"]) == ("Stewards' desk", f"{PREFIX}/")


def test_keyboard_reaches_the_page_past_its_navigation(stella: Page) -> None:
    stella.goto(f"{PREFIX}/work-list")
    stella.keyboard.press("Tab")
    expect(stella.get_by_role("link", name="Skip to the main part")).to_be_focused()
    stella.keyboard.press("Enter")
    expect(stella.locator("main")).to_be_focused()


def test_each_page_is_accessible_and_fits_laptop_and_phone(
    signed_in: dict[str, BrowserContext],
) -> None:
    with connect("carepath_desk") as desk:
        row = desk.execute(
            "select min(finding_id), max(decision_id) from quality.findings, quality.decisions"
            " where kind = 'night'"
        ).fetchone()
    assert row is not None
    paths = [
        "/",
        "/work-list",
        "/work-list?severity=critical",
        f"/records/{row[0]}",
        "/waivers",
        f"/waivers/ask?finding={row[0]}",
        "/decisions",
        f"/decisions/{row[1]}",
        "/trends",
        "/rules?words=custody",
        f"/rules/{RULE}",
        "/nowhere",
    ]
    for name, shown in (("stella", paths), ("viola", ["/work-list", "/waivers"])):
        page = signed_in[name].new_page()
        for path in shown:
            page.set_viewport_size({"width": LAPTOP, "height": 900})
            page.goto(f"{PREFIX}{path}")
            found = Axe().run(page).response["violations"]
            assert not found, (path, [each["id"] for each in found])
            for width in (LAPTOP, PHONE):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            if path in ("/", "/work-list"):
                found = Axe().run(page).response["violations"]
                assert not found, (path, "on a phone", [each["id"] for each in found])
        page.close()


def test_viewer_sees_how_many_and_not_which(signed_in: dict[str, BrowserContext]) -> None:
    page = signed_in["viola"].new_page()
    page.goto(f"{PREFIX}/work-list")
    expect(page.get_by_role("cell", name="4", exact=True).first).to_be_visible()
    assert CASES[0] not in page.content()
    page.close()


def test_steward_finds_a_record_and_downloads_the_list(stella: Page, tmp_path: Path) -> None:
    stella.goto(f"{PREFIX}/")
    stella.get_by_role("link", name="See the records").first.click()
    expect(stella.get_by_role("heading", name="4 open findings")).to_be_visible()
    stella.get_by_label("Find a case by its id").fill(CASES[2])
    stella.get_by_role("button", name="Find").click()
    expect(stella.get_by_text(f"Only the findings about case {CASES[2]}")).to_be_visible()
    link = stella.get_by_role("link", name=f"{CASES[2]} in the recording system")
    assert link.get_attribute("href") == f"https://records.example/case/{CASES[2]}"

    stella.goto(f"{PREFIX}/work-list?rule={RULE}")
    with stella.expect_download() as csv_file:
        stella.get_by_role("link", name="Download as CSV").click()
    csv_file.value.save_as(tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["Case"] for row in csv.DictReader(file)} == set(CASES)
    with stella.expect_download() as excel_file:
        stella.get_by_role("link", name="Download as Excel").click()
    excel_file.value.save_as(tmp_path / "list.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx")["Work list"]
    assert {row[10].value for row in sheet.iter_rows(min_row=2)} == set(CASES)


def test_record_says_what_its_rule_reads(stella: Page) -> None:
    stella.goto(f"{PREFIX}/work-list?rule={RULE}")
    stella.get_by_role("link", name=CASES[0], exact=True).click()
    expect(stella.get_by_role("heading", name="What the record says")).to_be_visible()
    expect(stella.locator("dt", has_text="Accommodation code")).to_be_visible()
    assert "2000" not in stella.locator("main").inner_text()  # no rule reads the date of birth


def test_waiver_that_two_people_agree_on_changes_the_next_decision(
    signed_in: dict[str, BrowserContext], stella: Page
) -> None:
    stella.goto(f"{PREFIX}/work-list?rule={RULE}")
    stella.get_by_role("link", name=CASES[1], exact=True).click()
    stella.get_by_role("link", name="Ask for a waiver").click()
    stella.get_by_role("button", name="Continue").click()
    expect(stella.get_by_role("alert")).to_contain_text("There is a problem")
    stella.get_by_role("link", name="Say why the rule should not count here.").click()
    stella.get_by_label("Why should the rule not count here?").fill("The prison was checked.")
    until = staging.NIGHT + dt.timedelta(days=30)
    stella.get_by_label("Until which night?").fill(until.isoformat())
    stella.get_by_role("button", name="Continue").click()
    expect(stella.get_by_role("heading", name="Check before you ask")).to_be_visible()
    stella.get_by_role("button", name="Ask for the waiver").click()
    expect(stella.get_by_role("status")).to_contain_text("You have asked for the waiver.")
    expect(stella.get_by_role("button", name="Approve the waiver")).to_have_count(0)

    april = signed_in["april"].new_page()
    april.goto(f"{PREFIX}/waivers?state=waiting")
    april.get_by_role("link", name=RULE).first.click()
    april.get_by_role("button", name="Approve the waiver").click()
    expect(april.get_by_role("status")).to_contain_text("You have approved the waiver.")

    with connect("carepath_loader", autocommit=True) as loader:
        judge(loader)
    april.goto(f"{PREFIX}/decisions")
    newest, before = april.locator("tbody tr").all()[:2]
    expect(newest).to_contain_text("Published")
    expect(before).to_contain_text("Held")

    april.goto(f"{PREFIX}/waivers?state=counts")
    april.get_by_role("link", name=RULE).first.click()
    april.get_by_label("Why are you withdrawing it?").fill("It was a mistake.")
    april.get_by_role("button", name="Withdraw the waiver").click()
    expect(april.get_by_role("status")).to_contain_text("You have withdrawn the waiver.")
    april.close()
    with connect("carepath_loader", autocommit=True) as loader:
        judge(loader)
    stella.goto(f"{PREFIX}/decisions")
    expect(stella.locator("tbody tr").first).to_contain_text("Held")


def assert_axe_finds_nothing(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert not found, [(each["id"], each["nodes"][0]["html"][:200]) for each in found]


def test_viewer_reads_the_documentation_of_dbt(signed_in: dict[str, BrowserContext]) -> None:
    current_manifest()
    with connect("carepath_owner") as owner:
        owner.execute(
            "create table marts.kpi_eet (authority text primary key, share numeric(9, 6))"
        )
    page = signed_in["viola"].new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{PREFIX}/figures/dbt#!/model/model.carepath.kpi_eet", timeout=60_000)
    expect(page.get_by_text("Grain: one row per authority, snapshot date").first).to_be_visible()
    expect(page.get_by_text("warehouse.marts.kpi_eet").first).to_be_visible()
    expect(page.get_by_text("numeric(9,6)").first).to_be_visible()
    assert_axe_finds_nothing(page)
    page.locator("tr", has_text="numeric(9,6)").first.click()
    page.get_by_role("link", name="Depends On").click()
    expect(page.get_by_role("link", name="fct_leaving_care_snapshot")).to_be_visible()
    page.get_by_role("link", name="Code", exact=True).click()
    expect(page.locator(".token.keyword").first).to_be_visible()
    assert_axe_finds_nothing(page)
    page.get_by_role("link", name="View Lineage Graph").focus()
    page.keyboard.press("Enter")
    expect(page.locator("canvas").first).to_be_visible()
    expect(page.get_by_role("button", name="Close the graph")).to_be_visible()
    assert_axe_finds_nothing(page)
    # it loads nothing else, and its script is a stranger to Airflow
    assert [url.partition("#")[0].rpartition("/")[2] for url in asked] == ["dbt"]
    assert complaints == []
    with pytest.raises(Error, match="sandboxed"):
        page.evaluate("document.cookie")
    page.get_by_role("link", name="dbt logo").click()
    page.get_by_role("link", name="Back to the tables of the stewards' desk").click()
    page.wait_for_url(f"**{PREFIX}/figures/tables")
    expect(page.get_by_text("viola")).to_be_visible()  # still signed in
    page.close()


def test_server_logs_no_case(address: str) -> None:
    text = (get_settings().logs / "airflow" / "api-server.log").read_text()
    assert f"{PREFIX}/work-list" in text
    assert "CASE-77" not in text
