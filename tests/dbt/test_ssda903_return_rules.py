"""The gate flags the records of whole returns that the Department's rules flag, read from the text.

The rules are worked out in ssda903_return_oracle.py from the raw CSV; both must name the same
records. The returns are samples that somebody else made, with errors of all kinds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest
from ssda903_return_oracle import READINGS, flagged, read_return
from ssda903_returns import EPISODES, HEADER, HEADS, write_return

from carepath.landing import load_source
from carepath.quality.records.gate import run_gate
from carepath.sources import find_source
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt
from expectations.looked_after_return.entries import rule_id
from expectations.register import rules

pytestmark = pytest.mark.usefixtures("warehouse")

Judge = Callable[[str, dt.date], dict[str, set[str]]]
AUTHORITIES = count()


@pytest.fixture(scope="module")
def judge(staged_warehouse: None) -> Judge:
    """Load a return and judge it; return the failing keys by rule."""
    run_dbt(["seed", "--select", "code_lists"], layer="core")
    chosen = [
        rule for rule in rules() if rule.rule_id.startswith("LAC-") or rule.rule_id == "CL-04"
    ]

    def judge(source: str, day: dt.date) -> dict[str, set[str]]:
        run_id = f"{source.rpartition('/')[2]} {day}"
        spec = find_source(source)
        with connect("carepath_loader", autocommit=True) as connection:
            connection.execute(
                "insert into ops.runs (run_id, night, state) values (%s, %s, 'running')",
                (run_id, day),
            )
            load_id = load_source(run_id, spec, day).load_id
        decision = run_gate(run_id, load_id, rules=chosen)
        with connect("carepath_steward") as connection:
            rows = connection.execute(
                "select rule_id, record_key from quality.failing_keys where gate_run_id = %s",
                (decision.gate_run_id,),
            ).fetchall()
            broken = connection.execute(
                "select rule_id, message from quality.rule_results"
                " where gate_run_id = %s and state = 'error'",
                (decision.gate_run_id,),
            ).fetchall()
        assert broken == []
        # the Department's rules never hold a night
        assert [reason for reason in decision.reasons if "LAC-" in reason] == []
        found: dict[str, set[str]] = {rule.rule_id: set() for rule in chosen}
        for rule, record_key in rows:
            found[rule].add(record_key)
        return found

    return judge


@pytest.mark.parametrize(("folder", "year"), [("2017", 2018), ("2018", 2019), ("2019", 2020)])
def test_gate_flags_the_records_of_the_samples_that_the_rule_texts_flag(
    shared_dir: Path, judge: Judge, folder: str, year: int
) -> None:
    path = shared_dir / "samples" / "ssda903" / folder
    found = judge(f"ssda903:{path}?authority=E0990090{year - 2017}", dt.date(year, 6, 30))
    expected = dict(flagged(read_return(path, year)))
    assert {n: found[rule_id(n)] for n in READINGS} == expected
    assert sum(map(bool, expected.values())) > 10


def test_code_that_was_withdrawn_is_found_though_the_row_was_first_sent_before(
    judge: Judge, tmp_path: Path
) -> None:
    """F3 was valid to 2021. A row that the next return repeats is judged by that return's year."""

    def returned(year: int) -> str:
        leavers = "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM\nASH001,14/05/2001,YES,F3,K2\n"
        files = {
            "children.csv": HEADER,
            "stays.csv": EPISODES.replace("/2017", f"/{year - 1}"),
            "leavers.csv": leavers,
        }
        folder = write_return(tmp_path / str(year), files)
        return f"ssda903:{folder}?authority=E09900909&period={year}"

    assert judge(returned(2021), dt.date(2021, 6, 30))["CL-04"] == set()
    assert judge(returned(2022), dt.date(2022, 6, 30))["CL-04"] == {"ASH001"}


def test_last_years_record_is_compared_as_it_was_known_then(judge: Judge, tmp_path: Path) -> None:
    header = "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\n"
    first = header + "ASH003,1,20/08/2009,MWBC,A100000000002,0,\n"
    second = header + "ASH003,2,20/08/2009,MWBC,A100000000002,0,\n"
    for year, rows in ((2018, first), (2019, second)):
        files = {"children.csv": rows, "stays.csv": EPISODES}
        folder = write_return(tmp_path / f"last-{year}", files)
        source = f"ssda903:{folder}?authority=E09900908&period={year}"
        found = judge(source, dt.date(year, 6, 30))
        assert found["LAC-202"] == ({"ASH003"} if year == 2019 else set())
        assert found["LAC-203"] == set()


def test_open_episode_is_compared_with_what_last_years_return_said_of_its_placement(
    judge: Judge, tmp_path: Path
) -> None:
    numbers = ("503D", "503E", "503F")
    for year, now in ((2018, "K2,PR4"), (2019, "K2,PR4"), (2020, "U6,PR1")):
        urn = "SC000002" if year < 2020 else "SC000003"
        files = {
            "children.csv": HEADER,
            "stays.csv": EPISODES.replace("K2,PR4", now).replace("SC000002", urn),
        }
        folder = write_return(tmp_path / f"open-{year}", files)
        found = judge(f"ssda903:{folder}?authority=E09900907&period={year}", dt.date(year, 6, 30))
        keys = {"ASH003|2017-06-09"} if year == 2020 else set()
        assert {number: found[rule_id(number)] for number in numbers} == dict.fromkeys(
            numbers, keys
        )


def judged_years(
    judge: Judge, folder: Path, file: str, texts: Sequence[str]
) -> list[dict[str, set[str]]]:
    """Judge the returns of 2018 and later, which differ in one file; return what each breaks."""
    authority = f"E0989{next(AUTHORITIES):04}"
    found = []
    for year, text in enumerate(texts, 2018):
        files = {"children.csv": HEADER, "stays.csv": EPISODES, file: text}
        path = write_return(folder / str(year), files)
        source = f"ssda903:{path}?authority={authority}&period={year}"
        found.append(judge(source, dt.date(year, 6, 30)))
    return found


def test_legal_status_that_a_later_return_corrects_takes_the_place_of_the_earlier_one(
    judge: Judge, tmp_path: Path
) -> None:
    statuses = ("C2", "V2", "C2", "C2")
    texts = [EPISODES.replace("P,C2", f"P,{status}") for status in statuses]
    found = judged_years(judge, tmp_path, "stays.csv", texts)
    changed = {"ASH003|2017-06-09"}
    assert [each["LAC-503B"] for each in found] == [set(), changed, changed, set()]
    with connect("carepath_loader") as connection:
        versions = connection.execute(
            "select lega_legal_status, period, to_load is null from history.ssd_legal_status"
            " where authority = (select authority from ops.loads order by load_id desc limit 1)"
            " and lega_legal_status_start_date = '2017-06-09' order by period"
        ).fetchall()
    assert versions == [
        (status, str(year), year == 2021) for year, status in enumerate(statuses, 2018)
    ]


DECISIONS = ("559", "560", "561", "584")
DECIDED = "01/02/2018,,"
REVERSED = "01/02/2018,01/03/2018,RD1"


@pytest.mark.parametrize(
    ("first", "second", "broken"),
    [
        ([DECIDED], [DECIDED], {}),
        ([DECIDED], ["01/03/2018,,"], {"560": "2018-03-01"}),
        ([], [DECIDED], {"559": "2018-02-01"}),
        ([], ["01/04/2018,,"], {}),
        ([REVERSED], ["01/06/2018,,"], {}),
        ([REVERSED], [REVERSED], {"561": "2018-02-01"}),
        ([REVERSED], ["01/01/2018,,"], {"584": "2018-01-01"}),
        # reversed in the second year, in which there is another one
        ([DECIDED], ["01/02/2018,01/05/2018,RD1", "01/06/2018,,"], {}),
    ],
)
def test_decision_to_place_for_adoption_agrees_with_that_of_last_years_return(
    judge: Judge,
    tmp_path: Path,
    first: list[str],
    second: list[str],
    broken: dict[str, str],
) -> None:
    texts = [_rows("placed", decisions) for decisions in (first, second)]
    one, two = judged_years(judge, tmp_path, "placed.csv", texts)
    assert {number: one[rule_id(number)] for number in DECISIONS} == {
        number: set() for number in DECISIONS
    }
    assert {number: two[rule_id(number)] for number in DECISIONS} == {
        number: {f"ASH003|PLACED-{broken[number]}"} if number in broken else set()
        for number in DECISIONS
    }


@pytest.mark.parametrize(
    ("second", "is_broken"),
    [
        (["M,30/03/2018,02/04/2018"], False),
        (["M,30/03/2018,"], False),
        (["M,02/04/2018,"], True),
        ([], True),
    ],
)
def test_child_who_was_missing_at_the_end_of_last_year_is_in_the_next_return(
    judge: Judge, tmp_path: Path, second: list[str], is_broken: bool
) -> None:
    texts = [_rows("missing", episodes) for episodes in (["M,30/03/2018,"], second)]
    one, two = judged_years(judge, tmp_path, "missing.csv", texts)
    assert one["LAC-576"] == set()
    assert two["LAC-576"] == ({"ASH003"} if is_broken else set())


def test_row_that_a_return_repeats_without_a_change_counts_as_of_that_return(
    judge: Judge, tmp_path: Path
) -> None:
    """Nobody was adopted in either year, so rule 602 finds the row of AD1 in both."""
    row = _rows("ad1", ["01/02/2018,01/03/2018,0,2,MF,L11"])
    found = judged_years(judge, tmp_path, "ad1.csv", [row, row])
    assert [each["LAC-602"] for each in found] == [{"ASH003|AD1"}] * 2


def _rows(table: str, rows: Sequence[str]) -> str:
    """Return a file of ASH003's rows."""
    return "".join(
        f"{line}\n" for line in (HEADS[table], *(f"ASH003,20/08/2009,{row}" for row in rows))
    )
