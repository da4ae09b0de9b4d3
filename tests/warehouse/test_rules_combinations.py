"""The table of combinations: DfE's 131 of 210, Carepath's verdicts, and its SQL."""

from __future__ import annotations

from collections import Counter

import psycopg
import pytest

from carepath.documents.combinations import sampled
from carepath.warehouse.connect import connect
from expectations.combinations import (
    JUDGEMENTS,
    Combination,
    dfe_findings,
    every_combination,
    judge,
    verdict_sql,
)

EVERY = list(every_combination())


def test_dfe_rules_accept_131_of_the_210_sampled() -> None:
    sample = list(sampled())
    flagged = Counter(code for it in sample for code in dfe_findings(it))
    assert len(sample) == 210
    assert sum(not dfe_findings(it) for it in sample) == 131
    assert flagged == {"344": 68, "345": 11}


def test_carepath_on_the_131_that_dfe_accepts() -> None:
    accepted = [it for it in sampled() if not dfe_findings(it)]
    assert Counter(judge(it)[0] for it in accepted) == {
        "consistent": 80,
        "contradictory": 47,
        "impossible": 4,
    }


def test_carepath_finds_nothing_consistent_that_dfe_rejects() -> None:
    consistent = [it for it in sampled() if judge(it)[0] == "consistent"]
    assert [it for it in consistent if dfe_findings(it)] == []


@pytest.mark.parametrize(
    ("it", "verdict"),
    [
        (Combination("YES", "F2", "U", "1"), "consistent"),
        (Combination("YES", "F1", "X", "2"), "impossible"),
        (Combination("YES", "P1", "X", "2"), "consistent"),
        (Combination("YES", "F2", "X", "2"), "consistent"),
        (Combination("YES", "F4", "X", "2"), "contradictory"),
        (Combination("YES", "F1", "R", "2"), "contradictory"),
        (Combination("NO", "F1", "R", "2"), "consistent"),
        (Combination("NO", "F1", "R", "1"), "impossible"),
        (Combination("YES", "G5", "S", "1"), "impossible"),
        (Combination("YES", "F4", "H", "2"), "impossible"),
        (Combination("YES", "F1", "G", "1"), "consistent"),
        (Combination("YES", "P4", "G", "1"), "contradictory"),
        (Combination("YES", "0", "U", "1"), "contradictory"),
        (Combination("NO", "0", "0", None), "consistent"),
        (Combination("NREQ", "0", "B", "1"), "contradictory"),
        (Combination("NREQ", "F1", "B", "1"), "consistent"),
        (Combination("DIED", "0", "0", None), "consistent"),
        (Combination("DIED", "G5", "0", None), "impossible"),
        (Combination("RHOM", "0", "B", "1"), "contradictory"),
        (Combination("RHOM", "0", "U", "1"), "impossible"),
        (Combination("REFU", "0", "0", "1"), "impossible"),
        (Combination(None, None, None, None), "consistent"),
        (Combination("YES", None, None, None), "consistent"),
    ],
)
def test_judge_known_combination(it: Combination, verdict: str) -> None:
    assert judge(it)[0] == verdict


def test_combinations_are_all_there_once() -> None:
    assert len(EVERY) == len(set(EVERY)) == 7 * 15 * 52


def test_judgements_each_decide_something() -> None:
    """A class that an earlier one covers altogether would be dead text."""
    deciding = {next((j for j in JUDGEMENTS if j.matches(it)), None) for it in EVERY}
    assert set(JUDGEMENTS) <= deciding


@pytest.mark.parametrize(
    ("it", "codes"),
    [
        (Combination("MAYBE", "F1", "B", "1"), ("131",)),
        (Combination("YES", "F3", "B", "1"), ("132",)),
        (Combination("YES", "F1", "S", "1"), ("133",)),
        (Combination("YES", "F1", "B", None), ("133",)),
        (Combination("YES", "F1", None, None), ("153",)),
        (Combination("RHOM", "0", "B", "1"), ("344",)),
        (Combination("YES", "F1", "0", None), ("345",)),
        # rule 347 compares the pair with 'T' alone, so it never finds a row
        (Combination("YES", "F1", "T", "1"), ()),
    ],
)
def test_dfe_findings_rule_by_rule(it: Combination, codes: tuple[str, ...]) -> None:
    assert dfe_findings(it) == codes


@pytest.mark.usefixtures("warehouse")
def test_verdict_sql_agrees_with_judge_on_every_combination() -> None:
    with connect("carepath_loader") as connection:
        found = _verdicts(connection)
    assert found == {it: judge(it)[0] for it in EVERY}


def _verdicts(connection: psycopg.Connection[tuple[str | None, ...]]) -> dict[Combination, str]:
    rows = connection.execute(
        "with it as ("
        "  select * from unnest(%s::text[], %s::text[], %s::text[], %s::text[])"
        "  as t (in_touch_code, activity_code, accommodation_code, suitability_code))"
        f" select it.*, {verdict_sql()} from it",
        (
            [it.in_touch for it in EVERY],
            [it.activity for it in EVERY],
            [it.accommodation for it in EVERY],
            [it.suitability for it in EVERY],
        ),
    ).fetchall()
    return {Combination(*row[:4]): str(row[4]) for row in rows}
