"""The gate flags the OC3 rows that six rules of the Department for Education (DfE) flag.

The rules are recomputed in ssda903_oracle.py from the raw CSV; both must name the same children.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from ssda903_oracle import flagged, read_oc3
from ssda903_returns import EPISODES, HEADER, as_csv, write_return

from carepath.landing import load_source
from carepath.quality.records.gate import run_gate
from carepath.sources import find_source
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt
from expectations.register import rules

pytestmark = pytest.mark.usefixtures("warehouse")

# rules of the register that together say what a rule of the DfE says
RULES = {
    "131": {"CL-01", "CL-02"},
    "132": {"CL-03", "CL-04"},
    "133": {"CL-05", "CL-06", "CL-11"},
    "153": {"CL-09"},
    "344": {"CL-07"},
    "345": {"CL-08"},
}
OC3 = ("CHILD", "DOB", "IN_TOUCH", "ACTIV", "ACCOM")

Judge = Callable[[str, dt.date], dict[str, set[str]]]


@pytest.fixture(scope="module")
def judge(staged_warehouse: None) -> Judge:
    """Load a return, let staging show it, judge it; return the failing keys by DfE rule."""
    run_dbt(["seed", "--select", "code_lists"], layer="core")
    chosen = [rule for rule in rules() if rule.rule_id in set().union(*RULES.values())]

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
            judged = connection.execute(
                "select distinct rule_id from quality.rule_results"
                " where gate_run_id = %s and state in ('passed', 'failed')",
                (decision.gate_run_id,),
            ).fetchall()
        assert {rule for (rule,) in judged} >= set().union(*RULES.values()), decision.reasons
        return {
            rule: {key for rule_id, key in rows if rule_id in ours} for rule, ours in RULES.items()
        }

    return judge


@pytest.mark.parametrize(
    ("folder", "day"),
    [
        ("2017", dt.date(2018, 3, 31)),
        ("2018", dt.date(2019, 3, 31)),
        ("2019", dt.date(2020, 3, 31)),
    ],
)
def test_gate_flags_the_same_rows_of_the_published_samples_as_six_rules_of_the_dfe(
    shared_dir: Path, judge: Judge, folder: str, day: dt.date
) -> None:
    path = shared_dir / "samples" / "ssda903" / folder
    expected = flagged(read_oc3(path / "oc3.csv"), day.year)
    assert sum(map(len, expected.values())) > 20
    assert judge(f"ssda903:{path}", day) == expected


def every_combination(folder: Path, period: int) -> Path:
    """Write a return with a care leaver for each combination of right and wrong fields."""
    values = product(
        ("YES", "NO", "DIED", "REFU", "NREQ", "RHOM", "MAYBE", ""),
        ("F1", "P2", "F3", "P3", "F4", "P5", "G4", "G6", "0", "Q9", ""),
        ("B1", "K2", "S1", "S2", "X1", "X2", "R2", "01", "02", "0", "Q1", "K3", "K", ""),
    )
    rows = [(f"ASH{n:04}", "14/05/2000", *fields) for n, fields in enumerate(values, 10)]
    year = f"/{period - 1}"
    return write_return(
        folder,
        {
            "children.csv": HEADER,
            "stays.csv": EPISODES.replace("/2017", year),
            "leavers.csv": as_csv([OC3, *rows]),
        },
    )


@pytest.mark.parametrize(
    ("period", "day"),
    # a return is sent in the months after its 31 March, when the next collection year runs
    [(2021, dt.date(2021, 6, 30)), (2022, dt.date(2022, 3, 31))],
)
def test_gate_flags_every_combination_that_the_dfe_flags(
    judge: Judge, tmp_path: Path, period: int, day: dt.date
) -> None:
    folder = every_combination(tmp_path / "return", period)
    oc3 = read_oc3(folder / "leavers.csv")
    expected = flagged(oc3, period)
    found = judge(f"ssda903:{folder}?authority=E0990090{period - 2020}", day)
    filled = set(oc3.loc[(oc3[["IN_TOUCH", "ACTIV", "ACCOM"]] != "").all(axis=1), "CHILD"])
    for rule in RULES:
        assert found[rule] & filled == expected[rule] & filled, rule
    # the rules on blanks report blank fields, for each of the DfE rules
    assert set().union(*found.values()) == set().union(*expected.values())
