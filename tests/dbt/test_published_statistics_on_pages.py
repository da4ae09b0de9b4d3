"""The Department's own files, as far as the pages: England and the place among authorities."""

from __future__ import annotations

import asyncio
import csv
import re
from pathlib import Path

import figures_marts
import httpx
import pytest
from psycopg import sql
from published_statistics import built

from carepath.desk import figures
from carepath.desk.app import create_app
from carepath.desk.people import VIEWER, Person
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import read_manifest, run_dbt

pytestmark = pytest.mark.usefixtures("warehouse")
CAMDEN = "E09000007"
OWN_SHARE = 60  # in percent, of the year to 31 March 2024
PLACES = {"National": "England", "Regional": "Inner London"}


def read_file(path: Path) -> tuple[dict[str, float], list[float]]:
    """Return the shares of 2024: of England and Camden's region, and of the other authorities."""
    places, others = {}, []
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            is_wanted = (
                row["time_period"] == "2024"
                and row["care_leaver_age"] == "19 to 21 years"
                and row["breakdown"] == "Total in education, employment or training"
                and row["care_leaver_percent"].isdigit()
            )
            level = row["geographic_level"]
            if is_wanted and level == "Local authority" and row["new_la_code"] != CAMDEN:
                others.append(float(row["care_leaver_percent"]))
            elif is_wanted and (row["region_name"] or row["country_name"]) == PLACES.get(level):
                places[PLACES[level]] = float(row["care_leaver_percent"])
    return places, others


def compare() -> None:
    """Let dbt compare one figure of Camden with the files; the other marts it reads are empty."""
    nodes = read_manifest()["nodes"]
    with connect("carepath_loader", autocommit=True) as loader:
        loader.execute("create schema if not exists marts_build")
        for number in nodes["model.carepath.kpi_comparison"]["depends_on"]["nodes"]:
            if nodes[number]["schema"] == "marts_build":
                columns = ", ".join(
                    f"{name} {column['data_type']}"
                    for name, column in nodes[number]["columns"].items()
                )
                loader.execute(f"create table marts_build.{nodes[number]['alias']} ({columns})")
        loader.execute(
            "insert into marts_build.kpi_care_leaver_birthdays"
            " (authority, as_at_date, measure, segment, share)"
            " values (%s, '2024-03-31', 'EET', 'aged 19 to 21', %s)",
            [CAMDEN, OWN_SHARE / 100],
        )
    run_dbt(["run", "--select", "kpi_comparison"], layer="statistics")


def publish() -> None:
    """Make the small set of marts those of Camden, with its comparison."""
    figures_marts.fill()
    with connect("carepath_owner") as owner, connect("carepath_loader") as loader:
        owner.execute("set row_security = off")
        tables = owner.execute(
            "select c.relname from pg_class as c inner join pg_attribute as a on c.oid = a.attrelid"
            " where c.relnamespace = 'marts'::regnamespace and c.relkind = 'r'"
            " and a.attname = 'authority'"
        ).fetchall()
        for (table,) in tables:
            change = sql.SQL("update marts.{} set authority = %s where authority = %s")
            owner.execute(change.format(sql.Identifier(table)), [CAMDEN, figures_marts.BROOK])
        owner.execute("delete from marts.kpi_comparison")
        columns = [
            each.name for each in owner.execute("table marts.kpi_comparison").description or ()
        ]
        named = ", ".join(columns)
        rows = loader.execute(f"select {named} from marts_build.kpi_comparison").fetchall()
        places = ", ".join(["%s"] * len(columns))
        with owner.cursor() as cursor:
            cursor.executemany(
                f"insert into marts.kpi_comparison ({named}) values ({places})", rows
            )


async def identify(_: str) -> Person:
    return Person(1, "viola", frozenset({VIEWER}))


def ask(path: str) -> str:
    async def sent() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=create_app(identify)),
            base_url="http://desk.example",
            cookies={"_token": "viola"},
        ) as client:
            return await client.get(f"{path}?authority={CAMDEN}")

    answer = asyncio.run(sent())
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_pages_show_england_and_the_place_that_the_files_give(shared_dir: Path) -> None:
    folder = shared_dir / "samples" / "dfe_statistics"
    activity = folder / "la_care_leavers_activity.csv"
    places, others = read_file(activity)
    assert set(places) == {"England", "Inner London"}
    assert len(others) > 140
    place = 1 + sum(each > OWN_SHARE for each in others)
    built([activity, folder / "sn_model_2025_wide.csv"]).close()
    compare()
    publish()
    figures._kept.clear()

    headlines, measure = ask("/figures"), ask("/figures/measures/care_leavers_17_21_eet")

    england, region = f"{places['England']:.1f}%", f"{places['Inner London']:.1f}%"
    among = f"{place} of {len(others) + 1} (1 is best)"
    says = f"Year to 31 March 2024: here {OWN_SHARE:.1f}%, England {england}, Inner London {region}"
    assert says in headlines
    assert f"Place among all authorities: {among}" in headlines
    row = measure[measure.index("31 March 2024") :]
    assert row.startswith(f"31 March 2024 {OWN_SHARE:.1f}% {england} {region}")
    assert among in row[:120]
