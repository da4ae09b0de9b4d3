"""What rules know about each table agrees with the contract, and every kind has rules."""

from __future__ import annotations

import pytest

from carepath.contract.model import load_contract
from carepath.documents.rule_book import rule_book
from carepath.documents.staging import staged_columns
from expectations import table_facts as facts
from expectations.kinds import KINDS
from expectations.register import rules
from expectations.subjects import subject, tables_about_people

ENTITIES = {table.entity: table for table in load_contract().tables.values()}


def columns(entity: str) -> set[str]:
    return {name for name, *_ in staged_columns(ENTITIES[entity])}


def subjects_of(rule_id: str) -> set[str]:
    return {name for rule in rules() if rule.rule_id == rule_id for name in rule.subjects}


@pytest.mark.parametrize("kind", KINDS)
def test_kind_has_rules_and_an_entry_that_says_what_is_not_covered(kind: str) -> None:
    assert [rule for rule in rules() if rule.kind == kind]
    about = KINDS[kind]
    entry = rule_book().partition(f"### {about.title}\n")[2].partition("\n### ")[0]
    assert about.uncovered
    for gap in about.uncovered:
        assert gap in entry


def test_facts_name_only_columns_of_the_contract() -> None:
    for exceptions in (facts.PLANNED, facts.FUTURE_JUDGED_ELSEWHERE, facts.ABOUT_ANOTHER):
        for entity, names in exceptions.items():
            assert set(names) <= set(facts.dates_of(entity)), entity
    for entity, spell in facts.SPELLS.items():
        assert {spell.start, spell.end, *(spell.alone_by or ())} <= columns(entity) | {
            f"{name}_code" for name in spell.alone_by or ()
        }, entity
    for entity, targets in facts.REFERENCES.items():
        for target, names in targets.items():
            assert set(names) <= columns(entity), entity
            of, key = facts.TARGETS[target]
            assert key in columns(of)


def test_every_date_of_every_table_is_judged_against_the_calendar() -> None:
    excused = facts.PLANNED, facts.FUTURE_JUDGED_ELSEWHERE
    judged = subjects_of("CAL-01")
    for entity in ENTITIES:
        dates = set(facts.dates_of(entity))
        past = set(facts.dates_past(entity))
        assert dates - past == {name for where in excused for name in where.get(entity, ())}
        assert not dates or entity in judged, entity


def test_every_table_about_people_with_dates_is_judged_against_birth_and_death() -> None:
    dated = {name for name in tables_about_people() if facts.own_dates(name)}
    assert subjects_of("LIFE-01") | subjects_of("LIFE-02") == dated
    # these have only dates on which a worker finishes something
    assert dated - subjects_of("LIFE-03") == {"cla_immunisations"}


def test_every_id_of_another_table_is_followed() -> None:
    """A column that is the key of exactly one other table refers to that table."""
    contract = load_contract()
    for table in contract.tables.values():
        followed = {
            name for names in facts.REFERENCES.get(table.entity, {}).values() for name in names
        }
        for column in table.columns:
            owners = contract.owners(column.as_name)
            refers = len(owners) == 1 and owners[0] is not table
            # a table's own key is not a reference; PROG-03 follows the placement of a cost
            is_known = column.name in table.natural_key or column.as_name == "placement_id"
            if refers and not is_known and column.as_name not in ("person_id", "meeting_id"):
                assert column.as_name in followed, (table.entity, column.name)


def test_subject_joins_a_person_only_where_a_table_has_one() -> None:
    assert "person_death_date" in subject("contacts").sql
    assert "person_death_date" not in subject("carers").sql
