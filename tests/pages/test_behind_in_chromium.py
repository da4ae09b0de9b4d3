"""The records behind a measure, in a real browser: what a steward reads, follows and downloads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import figures_marts
import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from carepath.desk import PREFIX, figures
from carepath.desk.app import create_app
from carepath.desk.people import STEWARD, VIEWER, Person
from carepath.site import desk as site

LAPTOP, PHONE = 1280, 390
ORIGIN = "http://desk.example"
EET = f"{PREFIX}/figures/measures/care_leavers_eet"
PEOPLE = {
    "viola": Person(1, "viola", frozenset({VIEWER})),
    "stella": Person(2, "stella", frozenset({STEWARD})),
}


async def identify(token: str) -> Person | None:
    return PEOPLE.get(token)


IN_AIRFLOW = Starlette(routes=[Mount(PREFIX, create_app(identify))])


def ask(address: str, who: str) -> httpx.Response:
    async def sent() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=IN_AIRFLOW), base_url=ORIGIN, cookies={"_token": who}
        ) as client:
            return await client.get(address)

    # in a thread of its own: the browser's driver has an event loop in this one
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, sent()).result()


@pytest.fixture(scope="module")
def marts(warehouse: None) -> None:
    figures._kept.clear()
    figures_marts.fill()


def opened(browser: Browser, who: str) -> Iterator[Page]:
    """Yield a page that somebody has signed in to, with the server's answers and headers."""

    def answer(route: Route) -> None:
        found = ask(route.request.url, who)
        route.fulfill(status=found.status_code, headers=dict(found.headers), body=found.content)

    context = browser.new_context(viewport={"width": LAPTOP, "height": 900})
    context.route("**/*", answer)
    yield context.new_page()
    context.close()


@pytest.fixture
def stella(browser: Browser, marts: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    links = {"all": "https://records.example/case/{case_id}"}
    monkeypatch.setattr(site, "record_links", lambda: links)
    yield from opened(browser, "stella")


@pytest.fixture
def viola(browser: Browser, marts: None) -> Iterator[Page]:
    yield from opened(browser, "viola")


def check(page: Page) -> None:
    """Assert that axe finds nothing and that the page fits a laptop and a phone."""
    # axe runs in the page, which the policy forbids to scripts of the page itself
    for width in (PHONE, LAPTOP):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page).response["violations"]
        assert not found, [(each["id"], each["nodes"][0]["html"]) for each in found]


def test_steward_goes_from_a_figure_to_a_team_to_a_case(stella: Page) -> None:
    complaints: list[str] = []
    stella.on("console", lambda message: complaints.append(message.text))
    stella.goto(f"{ORIGIN}{EET}")
    stella.get_by_role("link", name="See the records, by team").click()
    check(stella)
    stella.get_by_role("link", name="Team <b>East</b>").click()
    expect(stella.get_by_role("heading", name="48 records")).to_be_visible()
    stella.get_by_label("How they count").select_option("Left out")
    stella.get_by_label("Team", exact=True).select_option("All")
    stella.get_by_role("button", name="Show").click()
    expect(stella.get_by_role("heading", name="13 records")).to_be_visible()
    case = stella.get_by_role("link", name="C-108 in the recording system")
    assert case.get_attribute("href") == "https://records.example/case/C-108"
    check(stella)
    assert [text for text in complaints if "Content Security Policy" in text] == []


def test_steward_turns_pages(stella: Page) -> None:
    stella.goto(f"{ORIGIN}{EET}/records")
    stella.get_by_role("link", name="Next page").click()
    stella.get_by_role("link", name="Next page").click()
    expect(stella.get_by_text("Page 3 of 3")).to_be_visible()
    expect(stella.get_by_role("link", name="Next page")).to_have_count(0)
    assert stella.locator("table", has_text="How it counts").locator("tbody tr").count() == 20


def test_viewer_finds_counts_and_no_way_to_records(viola: Page) -> None:
    viola.goto(f"{ORIGIN}{EET}/records")
    expect(viola.get_by_text("A steward sees which ones.")).to_be_visible()
    expect(viola.get_by_role("link", name="Download as CSV")).to_have_count(0)
    expect(viola.get_by_text("C-003")).to_have_count(0)
    check(viola)


def test_tables_are_accessible_and_fit(viola: Page) -> None:
    viola.goto(f"{ORIGIN}{PREFIX}/figures/tables")
    check(viola)
    viola.get_by_role("link", name="fct_kpi_member").click()
    expect(viola.get_by_role("heading", name="Columns")).to_be_visible()
    check(viola)


@pytest.mark.parametrize(
    "path", ["care_leavers_eet/records?day=2018-09-30", "care_entries_12_months/records"]
)
def test_pages_without_records_are_accessible(stella: Page, path: str) -> None:
    stella.goto(f"{ORIGIN}{PREFIX}/figures/measures/{path}")
    expect(stella.locator("main")).to_contain_text("not keep" if "entries" in path else "not kept")
    check(stella)
