"""Small files in the layouts of published statistics, with invented numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from carepath.statistics import add
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt

MODELS = ("published_measures", "path:models/staging/statistics", "path:models/core/statistics")
PLACE = (
    "time_period,time_identifier,geographic_level,country_code,country_name,region_code,"
    "region_name,old_la_code,new_la_code,la_name"
)
ENGLAND = "National,E92000001,England,,,,,"
LONDON = "Regional,E92000001,England,E12000007,London,,,"
# twelve authorities that are there, with numbers that are not
AUTHORITIES = {f"E0900000{n}": f"30{n}" for n in range(1, 10)} | {
    "E09000010": "310",
    "E09000011": "311",
    "E09000012": "312",
}


def authority(code: str) -> str:
    """The columns of place of an authority."""
    old = AUTHORITIES[code]
    return f"Local authority,E92000001,England,E12000007,London,{old},{code},Authority {old}"


def lay(folder: Path, name: str, columns: str, lines: Sequence[str], *, mark: str = "") -> Path:
    """Write a file, with a byte order mark if asked for, and return its path."""
    path = folder / name
    path.write_text(mark + "\n".join([columns, *lines]) + "\n", encoding="utf-8")
    return path


def referrals(folder: Path, name: str = "c1.csv", *, year: int = 2019, england: str = "22") -> Path:
    """Referrals of England, London and twelve authorities, of which E09000004 is suppressed."""
    columns = (
        f"{PLACE},category,referral_count,rereferral_count,rereferral_percent,"
        "no_further_action_count,no_further_action_percent,not_in_need_count,not_in_need_percent"
    )
    lines = [
        f'{year},Reporting year,{ENGLAND},Referrals,"1,000",220,{england},70,7,300,30',
        f"{year},Reporting year,{LONDON},Referrals,500,100,20,40,8,150,30",
    ]
    for number, code in enumerate(AUTHORITIES, start=1):
        share = "c" if code == "E09000004" else str(10 + number)
        lines.append(
            f"{year},Reporting year,{authority(code)},Referrals,100,{share},{share},7,7,30,30"
        )
    return lay(folder, name, columns, lines, mark="\ufeff")


def children(folder: Path, name: str = "children.csv", *, england: int = 40_000) -> Path:
    """The children of England and of E09000001 in mid-2017 and mid-2018."""
    columns = f"{PLACE},age_group,population_estimate"
    group = "Children aged 0 to 17 years"
    lines = [
        f"{year},Reporting year,{place},{group},{number}"
        for year in (2017, 2018)
        for place, number in ((ENGLAND, england + year), (authority("E09000001"), 2_000))
    ]
    lines.append(f"2018,Reporting year,{authority('E09000002')},{group},x")
    return lay(folder, name, columns, lines)


def neighbours(folder: Path, name: str = "model.csv") -> Path:
    """The model for one authority, whose neighbours are ten of the others."""
    columns = "old_la_code,la_name,region_ind,region_name," + ",".join(
        f"SN_{n},SN_{n}P" for n in range(1, 11)
    )
    ten = ",".join(f"{old},Close " for old in list(AUTHORITIES.values())[1:11])
    return lay(folder, name, columns, [f"301,Authority 301,3,London,{ten}"])


def by_age(folder: Path, name: str = "ages.csv", *, missing_age: int | None = None) -> Path:
    """A thousand girls and two thousand boys of each age in one authority, and a district."""
    lines = [
        f"{code},Somewhere,E,{sex},{age},{1_000 * int(sex == '2') + 2_000 * int(sex == '1')}"
        for code in ("E09000001", "E07000008")
        for sex in ("1", "2")
        for age in range(20)
        if age != missing_age
    ]
    return lay(folder, name, "ladcode23,laname23,country,sex,age,population_2018", lines)


def by_ethnic_group(
    folder: Path, name: str = "census.csv", *, age: str = "Aged 17 years and under"
) -> Path:
    """The census of one authority by ethnic group, for children or for one band of ages."""
    columns = (
        "Upper tier local authorities Code,Upper tier local authorities,"
        "Ethnic group (20 categories) Code,Ethnic group (20 categories),"
        "Age (2 categories) Code,Age (2 categories),Observation"
    )
    groups = {
        "Does not apply": 0,
        "White: English, Welsh, Scottish, Northern Irish or British": 1_000,
        "White: Irish": 50,
        "White: Other White": 70,
        "Other ethnic group: Arab": 30,
    }
    lines = [
        f'E09000001,Somewhere,{n},"{group}",1,{age},{people}'
        for n, (group, people) in enumerate(groups.items())
    ]
    lines.append('W06000001,Elsewhere,13,"White: Irish",1,Aged 17 years and under,5')
    lines.append('E09000001,Somewhere,13,"White: Irish",2,Aged 18 years and over,900')
    return lay(folder, name, columns, lines)


def built(paths: list[Path]) -> psycopg.Connection[Any]:
    """Keep only these files, build core's statistics, and return a connection that reads it."""
    with connect("carepath_loader", autocommit=True) as loader:
        loader.execute("delete from ops.statistics_files")
        for path in paths:
            add(loader, path, "analyst")
    run_dbt(
        ["build", "--select", *MODELS, "--exclude-resource-type", "unit_test"], layer="statistics"
    )
    return connect("carepath_analyst")
