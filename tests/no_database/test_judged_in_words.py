"""Which records a rule judges, in plain words, on the desk and in the rule book."""

from __future__ import annotations

import re

import pytest

from expectations.judged import MEANINGS, judged_in_words, judges
from expectations.register import rules


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("is_open and birth_date is not null", "the case is open and birth date is filled in"),
        ("eligibility_code in ('E', 'R', 'F')", "eligibility code is E, R or F"),
        ("activity_code = 'G6'", "activity code is G6"),
        ("child_count > 0", "child count is more than 0"),
        ("close_date is null", "close date is blank"),
    ],
)
def test_condition_is_said_in_plain_words(condition: str, words: str) -> None:
    assert judged_in_words(condition) == words


def test_condition_without_words_is_not_shown_as_sql() -> None:
    with pytest.raises(ValueError, match="There are no words for the condition"):
        judged_in_words("a_count between 1 and 3")


def test_every_rule_says_which_records_it_judges_without_sql() -> None:
    for rule in rules():
        said = judges(rule)
        _, _, where = said.partition(" where ")
        sql = re.search(r"[=<>()_']|\bis (not )?null\b|\bnot is\b|coalesce", where)
        assert sql is None, (rule.rule_id, said)


def test_every_meaning_is_used() -> None:
    conditions = " and ".join(" ".join(rule.judged.split()) for rule in rules())
    assert [part for part in MEANINGS if part not in conditions] == []
