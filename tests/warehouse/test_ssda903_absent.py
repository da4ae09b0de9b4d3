"""An episode that is open in one return and absent from the next is on the work list."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
from ssda903_returns import EPISODES, HEADER, write_return

from carepath.landing import load_source
from carepath.quality.records.gate import run_gate
from carepath.sources import find_source
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt
from expectations.register import rules

CHOSEN = [rule for rule in rules() if rule.rule_id == "CARE-06"]
HEADLINE = EPISODES.partition("\n")[0] + "\n"
# ASH001 stays, ASH002 dies and ASH004 leaves to a special guardian in the year. The second return
# forgets ASH003.
FIRST = (
    HEADLINE
    + "ASH001,01/05/2016,S,C2,N1,U6,PR1,,,,,,\n"
    + "ASH002,01/05/2016,S,C2,N1,U6,PR1,,,,,,\n"
    + "ASH003,01/05/2016,S,C2,N1,U6,PR1,,,,,,\n"
    + "ASH004,01/05/2016,S,C2,N1,U6,PR1,,,,,,\n"
)
SECOND = (
    HEADLINE
    + "ASH001,01/05/2016,S,C2,N1,U6,PR1,,,,,,\n"
    + "ASH002,01/05/2016,S,C2,N1,U6,PR1,01/07/2017,E2,,,,\n"
    + "ASH004,01/05/2016,S,C2,N1,U6,PR1,01/07/2017,E45,,,,\n"
)
# In the third return there is only one child. The other two have no episode in that year.
THIRD = HEADLINE + "ASH001,01/05/2016,S,C2,N1,U6,PR1,,,,,,\n"


def judge(source: str, night: dt.date) -> list[str]:
    """Load a return, judge it, and return the keys that CARE-06 finds."""
    run_id = f"{night}"
    with connect("carepath_loader", autocommit=True) as connection:
        connection.execute(
            "insert into ops.runs (run_id, night, state) values (%s, %s, 'running')",
            (run_id, night),
        )
    load = load_source(run_id, find_source(source), night).load
    load_id = load.load_id
    with connect("carepath_loader", autocommit=True) as connection:
        connection.execute(
            "insert into ops.cutoffs values (%s, %s, %s, 'test') on conflict (authority)"
            " do update set (load_id, night) = (excluded.load_id, excluded.night)",
            (load.authority, load_id, night),
        )
    decision = run_gate(run_id, load_id, rules=CHOSEN)
    with connect("carepath_steward") as connection:
        found = connection.execute(
            "select record_key from quality.failing_keys where gate_run_id = %s order by 1",
            (decision.gate_run_id,),
        ).fetchall()
    return [key for (key,) in found]


def returned(folder: Path, episodes: str) -> Path:
    """Write a return that has ASH004 too."""
    children = HEADER + "ASH004,1,20/08/2009,MWBC,A100000000003,0,\n"
    return write_return(folder, {"children.csv": children, "stays.csv": episodes})


def in_care(authority: str, day: str) -> list[str]:
    """Return who is in care on a day, by what core makes of the current records."""
    run_dbt(["run", "--select", "fct_care_episodes", "--full-refresh"], layer="core")
    with connect("carepath_analyst") as connection:
        found = connection.execute(
            "select distinct person.person_id from core.fct_care_episodes as episode"
            " inner join staging.stg_person as person on person.authority = episode.authority"
            " and episode.young_person_key"
            " = core.key_of(person.authority || '|' || person.person_id)"
            " where episode.authority = %s and episode.start_date <= %s"
            " and coalesce(episode.end_date > %s, true) order by 1",
            (authority, day, day),
        ).fetchall()
    return [key for (key,) in found]


@pytest.fixture(scope="module")
def code_lists(staged_warehouse: None) -> None:
    """The code lists that the rules read."""
    run_dbt(["seed", "--select", "code_lists"], layer="core")


def test_absent_episodes_are_found_in_the_next_return_and_later(
    code_lists: None, tmp_path: Path
) -> None:
    sources = [
        f"ssda903:{returned(tmp_path / str(year), episodes)}?period={year}"
        for year, episodes in ((2017, FIRST), (2018, SECOND), (2019, THIRD))
    ]
    assert judge(sources[0], dt.date(2017, 6, 30)) == []
    assert judge(sources[1], dt.date(2018, 6, 30)) == ["ASH003|2016-05-01"]
    assert judge(sources[2], dt.date(2019, 6, 30)) == ["ASH003|2016-05-01"]
    authority = find_source(sources[0]).authority
    assert in_care(authority, "2017-03-31") == ["ASH001", "ASH002", "ASH003", "ASH004"]
    assert in_care(authority, "2017-04-01") == ["ASH001", "ASH002", "ASH004"]
    assert in_care(authority, "2017-07-01") == ["ASH001"]
    assert in_care(authority, "2019-03-31") == ["ASH001"]


def test_absent_episodes_of_a_real_pair_of_years_are_those_of_the_files(
    code_lists: None, shared_dir: Path
) -> None:
    """The expected keys are worked out from the files, without the warehouse."""
    folder = shared_dir / "samples" / "ssda903"
    url = "ssda903:{}?authority=E09900777"
    nights = {"2017": dt.date(2020, 6, 30), "2018": dt.date(2021, 6, 30)}
    for year, night in nights.items():
        found = judge(url.format(folder / year), night)
    earlier, later = (_episodes(folder / year / "episodes.csv") for year in nights)
    absent = sorted(key for key, end in earlier.items() if not end and key not in later)
    assert absent
    assert found == absent


def _episodes(path: Path) -> dict[str, str]:
    """Return the end of each episode of a return, by child and first day."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {
            f"{row['CHILD']}|{'-'.join(reversed(row['DECOM'].split('/')))}": row["DEC"]
            for row in csv.DictReader(file)
        }
