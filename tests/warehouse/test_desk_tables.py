"""The pages of tables: what readers of the marts see, and where each table comes from."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from pathlib import Path

import figures_marts
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from carepath.desk import PREFIX, figures, guard
from carepath.desk.app import create_app
from carepath.desk.people import VIEWER, Person
from carepath.lineage import reading as lineage
from carepath.settings import PROJECT_ROOT, get_settings
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import read_manifest

pytestmark = pytest.mark.usefixtures("marts")


async def identify(token: str) -> Person | None:
    return Person(1, "viola", frozenset({VIEWER})) if token == "viola" else None


IN_AIRFLOW = Starlette(routes=[Mount(PREFIX, create_app(identify))])


def ask(path: str, who: str = "viola", *, under: str = "tables") -> httpx.Response:
    async def sent() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=IN_AIRFLOW),
            base_url="http://desk.example",
            cookies={"_token": who},
        ) as client:
            return await client.get(f"{PREFIX}/figures/{under}{path}")

    return asyncio.run(sent())


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


@pytest.fixture(scope="module")
def marts(warehouse: None) -> None:
    """Marts with comments, as a publication leaves them, and the manifest of the project."""
    figures._kept.clear()
    figures_marts.fill()
    with connect("carepath_owner") as owner:
        owner.execute(
            "create table marts.kpi_eet (authority text primary key, numerator integer);"
            "comment on table marts.kpi_eet is 'Grain: one row per <b>figure</b>.';"
            "comment on column marts.kpi_eet.numerator is 'Those who are counted';"
            "create table marts.secret (a integer); revoke all on marts.secret from bi_reader"
        )
    read_manifest()  # which leaves it in the home


def test_stranger_sees_no_table() -> None:
    assert ask("", "stranger").status_code == 401
    assert ask("/kpi_eet", "stranger").status_code == 401


def test_list_has_each_table_that_readers_see_and_no_other() -> None:
    page = ask("").text
    with connect("bi_reader") as reader:
        seen = {
            name
            for (name,) in reader.execute(
                "select table_name from information_schema.tables where table_schema = 'marts'"
            )
        }
    assert set(re.findall(r'figures/tables/(\w+)"', page)) == seen
    assert {"kpi_eet", "publication", "night_status"} <= seen
    assert "secret" not in page
    assert "marts_build" not in page
    assert "Grain: one row per &lt;b&gt;figure&lt;/b&gt;." in page
    assert "Leaving care" in words(page)
    assert ask("/secret").status_code == 404
    assert ask("/nowhere").status_code == 404


def test_table_has_its_columns_and_where_it_comes_from() -> None:
    page = ask("/kpi_eet").text
    said = words(page)
    assert "authority Key" in said
    assert "numerator Those who are counted integer" in said
    assert "kpi_eet reads 2 tables" in said
    origin = words(
        page[page.index("<code>core.fct_leaving_care_snapshot</code>") :].partition("</tr>")[0]
    )
    assert "ssd_care_leavers" in origin
    assert "local_eet_status" in origin
    assert "ssd_cin_visits" not in said
    row = page[page.index("<code>numerator</code>") :].partition("</tr>")[0]
    assert "<li><code>core.fct_leaving_care_snapshot.eet_status_code</code></li>" in row
    assert "<li><code>local_eet_status.eets_status</code></li>" in row
    row = words(page[page.index("<code>authority</code>") :].partition("</tr>")[0])
    assert "Core: core.fct_leaving_care_snapshot.authority" in row
    assert f'href="{PREFIX}/figures/tables/kpi"' in page  # which reads it
    assert "marts_build" not in page


def test_table_that_dbt_does_not_make_says_so() -> None:
    page = ask("/night_status").text
    assert "Carepath makes this table from its own records" in page
    assert "Comes from</th>" not in page


def test_documentation_of_dbt_names_what_readers_see_and_nothing_of_this_machine() -> None:
    assert ask("", "stranger", under="dbt").status_code == 401
    assert f'href="{PREFIX}/figures/dbt"' in ask("").text
    answer = ask("", under="dbt")
    assert answer.status_code == 200
    for hidden in ("marts_build", str(get_settings().home), str(PROJECT_ROOT), '"compiled_code":'):
        assert hidden not in answer.text, hidden
    before, _, after = answer.text.partition(',catalog:{"metadata"')
    catalogue = json.JSONDecoder().raw_decode('{"metadata"' + after)[0]["nodes"]
    eet = catalogue["model.carepath.kpi_eet"]
    assert (eet["metadata"]["schema"], eet["metadata"]["name"]) == ("marts", "kpi_eet")
    assert list(eet["columns"]) == ["authority", "numerator"]
    assert not any(each["metadata"]["name"] == "secret" for each in catalogue.values())
    manifest = json.JSONDecoder().raw_decode(before.partition("{manifest:")[2])[0]
    found = manifest["nodes"]["model.carepath.kpi_eet"]
    assert found["schema"] == "marts"
    assert "**Numerator**: care leavers whose status is EET" in found["description"]
    assert "`local_eet_status.eets_status`" in found["columns"]["numerator"]["description"]
    assert "model.carepath.fct_leaving_care_snapshot" in found["depends_on"]["nodes"]
    assert manifest["metadata"]["send_anonymous_usage_stats"] is False


def test_documentation_of_dbt_may_run_its_own_script_and_do_nothing_else() -> None:
    answer = ask("", under="dbt")
    policy = dict(
        each.strip().partition(" ")[::2]
        for each in answer.headers["content-security-policy"].split(";")
    )
    scripts = re.findall(r"<script[^>]*>(.*?)</script", answer.text, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts]
    assert policy == {
        "default-src": "'none'",
        "script-src": " ".join(f"'sha256-{each}'" for each in hashes),
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "font-src": "data:",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "sandbox": "allow-scripts",
    }
    assert answer.headers["cache-control"] == "no-store"
    # every other page keeps the policy of the desk
    others = {ask(path).headers["content-security-policy"] for path in ("", "/kpi_eet", "/secret")}
    assert others == {guard.HEADERS[guard.POLICY]}


def test_documentation_of_dbt_is_made_again_when_the_marts_or_the_manifest_change() -> None:
    before = ask("", under="dbt").text
    with connect("carepath_owner") as owner:
        owner.execute("alter table marts.kpi_eet add column added_tonight date")
    after = ask("", under="dbt").text
    with connect("carepath_owner") as owner:
        owner.execute("alter table marts.kpi_eet drop column added_tonight")
    assert "added_tonight" not in before
    assert "added_tonight" in after


def test_documentation_of_dbt_is_not_found_while_a_night_writes_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = tmp_path / "manifest.json"
    half.write_text('{"nodes": {', encoding="utf-8")
    monkeypatch.setattr(lineage, "newest_manifest", lambda: (half, 0))
    assert ask("", under="dbt").status_code == 404
    monkeypatch.setattr(lineage, "newest_manifest", lambda: None)
    assert ask("", under="dbt").status_code == 404


def test_measure_leads_to_its_table() -> None:
    async def sent() -> str:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=IN_AIRFLOW),
            base_url="http://desk.example",
            cookies={"_token": "viola"},
        ) as client:
            return (await client.get(f"{PREFIX}/figures/measures/care_leavers_eet")).text

    assert f'{PREFIX}/figures/tables/kpi_eet">kpi_eet</a>' in asyncio.run(sent())


def test_every_mart_leads_to_the_contract_or_to_code_lists() -> None:
    known = lineage.read_lineage()
    assert known is not None
    marts = [each for each in known.tables.values() if each.kind == lineage.MART]
    assert len(marts) > 100
    written_out = {"dim_event_type", "dim_plan_type"}  # lists that a model itself holds
    for mart in marts:
        kinds = (lineage.CONTRACT, lineage.SETTING, lineage.OWN)
        assert known.behind(mart, *kinds) or mart.name in written_out, mart.name
        assert all(reader.kind == lineage.MART for reader in known.readers(mart.name))


def test_lineage_waits_for_a_manifest_that_is_missing_or_half_written(tmp_path: Path) -> None:
    assert lineage.read_lineage(tmp_path) is None
    (tmp_path / "parsed").mkdir()
    path = tmp_path / "parsed" / "manifest.json"
    path.write_text('{"nodes": {', encoding="utf-8")
    assert lineage.read_lineage(tmp_path) is None
    path.write_text('{"nodes": {}, "sources": {}}', encoding="utf-8")
    assert lineage.read_lineage(tmp_path) is not None
