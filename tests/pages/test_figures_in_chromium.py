"""The pages of figures and the report as a file, in a real browser, on a small set of marts."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import figures_marts
import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from figures_marts import BROOK, COAST, HELD_RULE
from playwright.sync_api import Browser, Page, Route, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from carepath.desk import PREFIX, ahead, figures
from carepath.desk.ahead import draw_published
from carepath.desk.app import create_app
from carepath.desk.people import VIEWER, Person
from carepath.errors import CarepathError, WarehouseError
from carepath.report import pictures
from carepath.report.headlines import _moved
from carepath.report.written import write_report
from carepath.warehouse.connect import connect

LAPTOP, PHONE = 1280, 390
ORIGIN = "http://desk.example"


async def identify(token: str) -> Person | None:
    return Person(1, "viola", frozenset({VIEWER})) if token == "viola" else None


IN_AIRFLOW = Starlette(routes=[Mount(PREFIX, create_app(identify))])


def ask(path: str, cookie: str = "viola") -> httpx.Response:
    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(app=IN_AIRFLOW)
        async with httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, cookies={"_token": cookie}
        ) as client:
            return await client.get(path if path.startswith(PREFIX) else f"{PREFIX}{path}")

    # in a thread of its own: the browser's driver has an event loop in this one
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, sent()).result()


@pytest.fixture(scope="module")
def empty(warehouse: None) -> str:
    """What the page says before anything is published."""
    return ask("/figures").text


@pytest.fixture(scope="module")
def report(empty: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file about the publication, whose two following nights are held."""
    figures_marts.fill()
    figures_marts.hold()
    return write_report(BROOK, tmp_path_factory.mktemp("report") / "brook.html")


@pytest.fixture(scope="module")
def page(browser: Browser, report: Path) -> Iterator[tuple[Page, list[str]]]:
    """The file, opened, with every address that it asked for."""
    asked: list[str] = []
    context = browser.new_context(viewport={"width": LAPTOP, "height": 900})
    found = context.new_page()
    found.on("request", lambda request: asked.append(request.url))
    found.goto(report.as_uri())
    yield found, asked
    context.close()


def one(query: str) -> Any:
    with connect("bi_reader") as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_page_before_the_first_publication_says_so(empty: str) -> None:
    assert "Nothing has been published yet." in empty


def test_report_of_an_authority_without_a_publication_says_what_to_do(report: Path) -> None:
    with pytest.raises(CarepathError, match=r"run a night first"):
        write_report("E09900009")
    with pytest.raises(CarepathError, match=r"folder that exists"):
        write_report(BROOK, report.parent / "nowhere" / "x.html")


def test_file_asks_for_nothing_and_runs_nothing(page: tuple[Page, list[str]], report: Path) -> None:
    text = report.read_text("utf-8")
    assert page[1] == [report.as_uri()]
    assert not re.search(r"<script|<iframe|<link|@import|url\(|\son\w+=|src=", text)
    assert set(re.findall(r'https?://[^\s"<]+', text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_file_is_accessible_at_laptop_and_phone_and_fits(page: tuple[Page, list[str]]) -> None:
    shown = page[0]
    for width in (PHONE, LAPTOP):
        shown.set_viewport_size({"width": width, "height": 900})
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(shown).response["violations"]
        assert not found, [(each["id"], each["nodes"][0]["html"][:200]) for each in found]


def test_print_has_no_navigation_and_no_closed_table(page: tuple[Page, list[str]]) -> None:
    shown = page[0]
    shown.emulate_media(media="print")
    try:
        assert not shown.locator("nav").first.is_visible()
        assert not shown.locator("summary").first.is_visible()
        assert shown.locator("svg").first.is_visible()
        assert len(shown.pdf(format="A4")) > 20_000
    finally:
        shown.emulate_media(media="screen")


def test_every_picture_has_words_and_a_table_of_its_numbers(page: tuple[Page, list[str]]) -> None:
    pictures = page[0].locator("figure")
    assert pictures.count() >= 12
    assert page[0].locator("svg").count() >= 10
    for picture in pictures.all():
        assert picture.locator("details table tbody tr").count() > 0
        if picture.locator("svg").count():
            assert picture.get_by_role("img").get_attribute("aria-label")


def test_headlines_equal_sql(page: tuple[Page, list[str]]) -> None:
    def card(code: str) -> str:
        return " ".join(page[0].locator(f"#headline-{code}").inner_text().split())

    kpi = "from marts.kpi where measure_code = '{}' and as_at_date = '{}' and segment = '{}'"
    eet = kpi.format("care_leavers_eet", "2019-03-12", "open cases")
    said = one(f"select to_char(100.0 * numerator / denominator, 'FM990.0') || '%' {eet}")
    assert f"{said} " in card("care_leavers_eet")
    assert one(f"select numerator || ' of ' || denominator {eet}") in card("care_leavers_eet")
    entries = kpi.format("care_entries_12_months", "2019-03-12", "all")
    assert one(f"select to_char(numerator, 'FM9,999') {entries}") in card("care_entries_12_months")
    before = kpi.format("care_entries_12_months", "2018-03-12", "all")
    more = one(f"select to_char(numerator - 208, 'FM9,999') {entries}")
    assert f"Worse {more} higher than on 10 March 2018 (208)" in card("care_entries_12_months")
    assert one(f"select count(*) {before}") == 0  # the figure of two days before was taken
    cost = kpi.format("placement_weekly_cost", "2019-03-12", "all")
    assert one(f"select to_char(value, 'FM£999,999') {cost}") in card("placement_weekly_cost")
    assert "not delivered: 8" in card("children_missing")


def test_others_are_named_only_beside_targets_that_are_met() -> None:
    some = {"Met": 1, "Not met, right direction": 2}
    assert _moved(Counter(some)).startswith("Of the others, figures moved: 2 in the right")
    none = {"Not met, unchanged": 1}
    assert _moved(Counter(none)) == "Figures moved: 1 not at all."


def test_targets_and_signals_are_said_in_words(page: tuple[Page, list[str]]) -> None:
    main = " ".join(page[0].locator("main").inner_text().split())
    assert "1 of 3 targets are met" in main or "1 of 3 targets is met" in main
    assert "Entry to care, February 2019: 44, above the limits of 10.3 to 30.8." in main
    assert "412 times" in main


def test_england_and_neighbours_stand_beside_the_figure_of_the_same_year(
    page: tuple[Page, list[str]], report: Path
) -> None:
    """The newest year has no own figure, so the page takes the year before."""
    table = "Year to Here England London Mean of neighbours Place among authorities"
    newest = "31 March 2019 none 53.0% 54.0% 55.0%"
    oldest = "31 March 2017 62.0% 50.0% 51.0% 53.2% 12 of 152 (1 is best)"
    says = "Year to 31 March 2018: here {}, England 52.0%, London 53.0%, mean of 9 neighbours 54.1%"

    shown = [
        _words(ask(path).text) for path in ("/figures", "/figures/measures/care_leavers_17_21_eet")
    ]
    assert f"{says.format('4.0%')} Place among all authorities: 150 of 152 (1 is best)" in shown[0]
    assert (
        "1 measure is compared with England, each in its newest published year: 1 worse."
        in shown[0]
    )
    year = "31 March 2018 {} 52.0% 53.0% 54.1%"
    assert f"{table} {newest} {year.format('4.0%')} 150 of 152 (1 is best) {oldest}" in shown[1]
    assert (
        "Beside published figures, aged 17 to 18 Year to Here England 31 March 2018 50.0% 64.0%"
        in shown[1]
    )

    # in the file the own figure, which rests on four people, and its place are withheld
    told = _words(report.read_text("utf-8"))
    assert says.format("c") in told
    assert f"{table} {newest} {year.format('c')} {oldest}" in told
    assert "150 of 152" not in told


def _words(page_text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page_text).split())


def test_small_counts_are_withheld_in_the_file_with_their_shares(
    page: tuple[Page, list[str]], report: Path
) -> None:
    main = page[0].locator("main")

    def rows(caption: str) -> list[str]:
        table = main.locator("table", has=page[0].locator(f"caption:text-is('{caption}')"))
        return [" ".join(row.text_content().split()) for row in table.locator("tr").all()]

    assert "For use inside the department" in page[0].locator("main").inner_text()
    text = report.read_text("utf-8")
    for told in (
        "3 of 9",
        "33.3%",
        "97 of 100",
        "97.0%",
        "5.7%",
        ">5.0%",
        "EET-01: 4",
        "no status: 2",
    ):
        assert told not in text, told
    assert "EET-01: c; no status: 9" in text
    eet = page[0].locator("#measure-care_leavers_eet")
    assert "cc" in re.sub(r"\s", "", eet.locator("tr", has_text="team <b>East</b>").text_content())
    assert "none5" not in "".join(rows("Moves between stages, all young people"))
    moves = main.locator("tr", has=page[0].locator("th:text-is('looked after')"))
    assert moves.first.locator("td").last.text_content() == "c"
    assert "November 2018" in text
    november = main.locator("tr", has_text="November 2018").first
    assert november.locator("td").first.text_content() == "c"
    staying = main.locator("tr", has=page[0].locator("th:text-is('Staying put arrangements')"))
    assert "Withheld" in staying.inner_text()
    assert "95.0%" not in text  # 19 of 20 leaves one


def test_counts_are_shown_behind_the_sign_in(report: Path) -> None:
    shown = ask("/figures/measures/care_leavers_eet").text
    assert "3 of 9" in shown
    assert "EET-01: 4; no status: 9" in shown
    assert f"{PREFIX}/rules/EET-01" in shown
    assert "team &lt;b&gt;East" in shown


def test_held_night_is_said_with_its_rule_and_its_beginning(report: Path) -> None:
    for text in (report.read_text("utf-8"), ask("/figures").text):
        words = _words(text)
        assert "Newer figures are held." in words
        assert "nothing has been published since the night of 13 March 2019 (2 nights)" in words
        assert "still the figures of 12 March 2019" in words
        assert HELD_RULE in words


def test_authority_without_figures_has_pages_that_say_so(report: Path) -> None:
    shown = ask(f"/figures?authority={COAST}")
    assert shown.status_code == 200
    assert "There is no figure yet." in shown.text
    assert ask(f"/figures/pathway?authority={COAST}").status_code == 200
    assert ask("/figures?authority=E09900009").status_code == 404


def test_unknown_measure_date_and_evaluation_are_not_found(report: Path) -> None:
    for path in ("/measures/nowhere", "/pathway?day=yesterday", "/evaluation"):
        assert ask(f"/figures{path}").status_code == 404, path
    assert ask("/figures", cookie="stranger").status_code == 401


def test_flow_is_shown_for_a_chosen_cohort_and_period(report: Path) -> None:
    def shown(query: str) -> str:
        return " ".join(ask(f"/figures/pathway?{query}").text.split())

    assert "from child in need to none: 26 times" in shown("segment=Cohort+A&day=2019-03-12")
    assert "to 31 December 2018, the most frequent" in shown("day=2018-12-31")


def test_second_reader_waits_for_no_drawing(report: Path, monkeypatch: Any) -> None:
    ask("/figures")
    monkeypatch.setattr("carepath.report.headlines.read_headlines", None)
    assert ask("/figures").status_code == 200
    with connect("carepath_owner") as owner:
        owner.execute("update marts.publication set publication_id = publication_id + 100")
    try:
        assert ask("/figures").status_code == 500  # a new publication is drawn
    finally:
        with connect("carepath_owner") as owner:
            owner.execute("update marts.publication set publication_id = publication_id - 100")


def test_first_reader_of_a_publication_waits_for_no_drawing(report: Path, monkeypatch: Any) -> None:
    figures._kept.clear()
    with connect("carepath_owner") as owner:
        owner.execute("update marts.publication set publication_id = publication_id + 100")
    try:
        draw_published()  # nobody has looked at anything yet
        for each in (
            "headlines.read_headlines",
            "pathway.read_pathway",
            "measure.read_measure_page",
        ):
            monkeypatch.setattr(f"carepath.report.{each}", None)
        for path in ("", "/pathway", "/measures/care_leavers_eet"):
            assert ask(f"/figures{path}").status_code == 200, path
        assert ask(f"/figures?authority={COAST}").status_code == 200
        draw_published()  # which finds that all is drawn
    finally:
        figures._kept.clear()
        with connect("carepath_owner") as owner:
            owner.execute("update marts.publication set publication_id = publication_id - 100")


def test_of_many_authorities_only_those_with_readers_are_drawn(
    report: Path, monkeypatch: Any
) -> None:
    figures._kept.clear()
    monkeypatch.setattr(ahead, "MOST_AUTHORITIES", 1)
    draw_published()
    assert not figures._kept
    ask(f"/figures/measures/care_leavers_eet?authority={COAST}")
    draw_published()
    assert {authority for authority, *_ in figures._kept} == {COAST}
    assert len(figures._kept) > 5
    figures._kept.clear()


def test_pictures_of_one_form_differ_in_their_numbers() -> None:
    """A form is built once, and each picture puts its own numbers into it."""
    days = [dt.date(2019, month, 28) for month in range(1, 7)]
    rising, falling = ([(day, n * sign) for n, day in enumerate(days)] for sign in (1, -1))
    aimed = pictures.history_chart(rising, ",.0f", (4, "target 4"))
    assert "target 4" in aimed
    assert "target 5" in pictures.history_chart(rising, ",.0f", (5, "target 5"))
    assert aimed == pictures.history_chart(rising, ",.0f", (4, "target 4"))
    assert pictures.history_chart(rising, ",.0f") != pictures.history_chart(falling, ",.0f")
    short, long = ([("a", "", n, str(n)), ("b", "", 1, "1")] for n in (2, 2000))
    ends = [
        re.findall(r">([\d,]+)</text>", pictures.bars_chart(each, ",.0f")) for each in (short, long)
    ]
    assert "2,000" in ends[1]
    assert "2,000" not in ends[0]


def test_drawing_ahead_goes_on_after_a_fault(
    monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stop, turns = threading.Event(), []

    def fail_once() -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            raise WarehouseError("PostgreSQL is not running.")
        stop.set()

    monkeypatch.setattr(ahead, "draw_published", fail_once)
    ahead.keep_drawing(stop, every=0.01)
    assert turns == [0, 1]
    assert "No page was drawn ahead: PostgreSQL is not running." in caplog.text


def test_pages_read_as_the_role_that_reads_marts_and_nothing_else(
    report: Path, monkeypatch: Any
) -> None:
    figures._kept.clear()
    asked: list[str] = []
    real = connect

    def noting(role: str, *more: Any, **kw: Any) -> Any:
        asked.append(role)
        return real(role, *more, **kw)

    monkeypatch.setattr("carepath.report.reading.connect", noting)
    monkeypatch.setattr("carepath.desk.database.connect", noting)
    for path in ("", "/pathway", "/measures", "/measures/care_leavers_eet"):
        assert ask(f"/figures{path}").status_code == 200
    # the desk's role says what is held; all figures are read by the other
    assert asked == ["bi_reader", "carepath_desk", "bi_reader", "bi_reader", "bi_reader"]


def test_desk_shows_the_pages_under_its_policy_and_accessibly(
    browser: Browser, report: Path
) -> None:
    """The server's answers, with their headers, in the browser."""

    def answer(route: Route) -> None:
        found = ask(route.request.url.removeprefix(ORIGIN))
        route.fulfill(status=found.status_code, headers=dict(found.headers), body=found.content)

    context = browser.new_context(viewport={"width": LAPTOP, "height": 900})
    shown = context.new_page()
    complaints: list[str] = []
    shown.on("console", lambda message: complaints.append(message.text))
    context.route("**/*", answer)
    for path in ("", "/pathway", "/measures", "/measures/care_leavers_eet"):
        shown.goto(f"{ORIGIN}{PREFIX}/figures{path}")
        expect(shown.get_by_role("navigation", name="Figures")).to_be_visible()
        # axe runs in the page, which the policy forbids to scripts of the page itself
        found = Axe().run(shown).response["violations"]
        assert not found, (path, [(each["id"], each["nodes"][0]["html"]) for each in found])
        for width in (PHONE, LAPTOP):
            shown.set_viewport_size({"width": width, "height": 900})
            assert shown.evaluate("document.documentElement.scrollWidth") <= width, path
    shown.goto(f"{ORIGIN}{PREFIX}/figures/measures")
    shown.emulate_media(media="print")  # on paper nobody can open a topic
    assert shown.locator("details.topic:not([open])").count() > 0
    for topic in shown.locator("details.topic").all():
        expect(topic.get_by_role("link").first).to_be_visible()
    assert [text for text in complaints if "Content Security Policy" in text] == []
    context.close()
