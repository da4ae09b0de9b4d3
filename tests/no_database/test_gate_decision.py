"""The decision alone: pure functions, no database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from carepath.quality.decision import Result, decide, weigh

PASSED = Result(
    "EET-01", "ssd_care_leavers", "warning", 0.02, "Says.", "passed", population=100, failing=0
)


@pytest.mark.parametrize(
    ("result", "holds"),
    [
        (PASSED, False),
        (replace(PASSED, state="failed", failing=2), False),
        (replace(PASSED, state="failed", failing=3), True),
        (replace(PASSED, severity="critical", state="failed", failing=1), True),
        (replace(PASSED, severity="critical"), False),
        (replace(PASSED, severity="info", state="failed", failing=100), False),
        (replace(PASSED, severity="info", state="error", failing=None), True),
        (replace(PASSED, state="error"), True),
        (replace(PASSED, failing=None), True),
        (replace(PASSED, population=None), True),
        (replace(PASSED, state="not applicable", population=None, failing=None), False),
        (replace(PASSED, population=0), False),
        # a handful: the number of records counts beside the share
        (replace(PASSED, state="failed", population=2, failing=1, threshold_count=3), False),
        (replace(PASSED, state="failed", population=3, failing=3, threshold_count=3), False),
        (replace(PASSED, state="failed", population=4, failing=4, threshold_count=3), True),
        (replace(PASSED, state="failed", population=300, failing=4, threshold_count=3), False),
        # waived records are not counted
        (replace(PASSED, state="failed", failing=3, waived=1), False),
        (replace(PASSED, state="failed", failing=4, waived=1), True),
        (replace(PASSED, severity="critical", state="failed", failing=2, waived=2), False),
        (replace(PASSED, severity="critical", state="failed", failing=2, waived=1), True),
        (replace(PASSED, state="error", failing=None, waived=5), True),
    ],
)
def test_weigh_result_holds_or_not(result: Result, holds: bool) -> None:
    assert weigh(result).holds is holds


def test_result_unweighed_holds() -> None:
    assert PASSED.holds


def test_decide_all_passed_passes_without_a_word() -> None:
    decision = decide([weigh(PASSED)], {"EET-01"})
    assert decision.passed
    assert (decision.reasons, decision.message) == ((), "")


def test_decide_failure_below_threshold_passes() -> None:
    assert decide([weigh(replace(PASSED, state="failed", failing=2))], {"EET-01"}).passed


def test_decide_failure_above_threshold_says_what_a_person_must_do() -> None:
    decision = decide([weigh(replace(PASSED, state="failed", failing=30))], {"EET-01"})
    assert not decision.passed
    assert decision.reasons == (
        "EET-01 (ssd_care_leavers): 30 of 100 records fail, but at most 2.0% may. Says.",
    )
    assert "work list" in decision.message
    assert "\n" not in decision.message


def test_decide_failure_says_the_number_of_records_and_what_is_waived() -> None:
    result = weigh(
        replace(PASSED, state="failed", failing=30, threshold_count=3, waived=2, waivers=(7,))
    )
    assert decide([result], {"EET-01"}).reasons == (
        "EET-01 (ssd_care_leavers): 30 of 100 records fail (2 waived, waiver 7), but at most 2.0%, "
        "or 3 records, may. Says.",
    )


def test_decide_error_holds_and_sends_for_the_bi_team() -> None:
    broken = weigh(replace(PASSED, state="error", message="no such column"))
    decision = decide([broken], {"EET-01"})
    assert not decision.passed
    assert "no such column" in decision.message
    assert "BI team" in decision.message


@pytest.mark.parametrize("expected", [set(), {"EET-01"}])
def test_decide_nothing_evaluated_holds(expected: set[str]) -> None:
    assert not decide([], expected).passed


def test_decide_nothing_applicable_holds() -> None:
    absent = weigh(replace(PASSED, state="not applicable", population=None, failing=None))
    decision = decide([absent], {"EET-01"})
    assert decision.reasons == ("No rule was evaluated.",)


def test_decide_rule_without_a_result_holds() -> None:
    decision = decide([weigh(PASSED)], {"EET-01", "EET-02"})
    assert decision.reasons == ("EET-02: the rule has no result.",)
