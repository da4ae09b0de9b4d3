"""Rules for every table: records exist, keys are unique, people are known, values can be read."""

from __future__ import annotations

from expectations import every_life
from expectations.rule import BI_TEAM, STEWARD, Fails, Missing, Repeated, Rule
from expectations.subjects import (
    every_table,
    required_tables,
    tables_about_people,
    tables_with_codes,
    tables_with_dates,
    tables_with_types,
)

# The measures count people from these tables, so a second record would count a person twice.
COUNTED = ("care_leavers", "person", "eet_status", "case_status")

RULES = (
    Rule(
        rule_id="REC-01",
        subject=COUNTED,
        says="Two or more current records have the same key but different content.",
        todo="Find out which record is right. Close or delete the others in the source.",
        reference="contract, natural keys; SSDA903 internal check INT34",
        severity="critical",
        because="Carepath cannot tell which record is right. It would count the person twice.",
        owner=STEWARD,
        department=("CIN census 8510", "SSDA903 INT32", "SSDA903 INT34"),
        condition=Repeated("record_key"),
        catches=({"record_key": "CAUGHT"}, {"record_key": "CAUGHT"}),
        passes={},
    ),
    Rule(
        rule_id="REC-02",
        subject=tuple(name for name in every_table() if name not in COUNTED),
        says="Two or more current records have the same key but different content.",
        todo="Find out which record is right. Close or delete the others in the source.",
        reference="contract, natural keys",
        severity="warning",
        threshold=0.05,
        because="No measure counts people from these tables. More than 5% means that the key "
        "does not identify a record in this source.",
        owner=STEWARD,
        department=(
            "SSDA903 INT33",
            "SSDA903 INT35",
            "SSDA903 INT36",
        ),
        condition=Repeated("record_key"),
        catches=({"record_key": "CAUGHT"}, {"record_key": "CAUGHT"}),
        passes={},
    ),
    Rule(
        rule_id="REC-03",
        subject=every_table(),
        says="The record has no key: all the columns that identify it are blank.",
        todo="Fill in the columns in the source, or delete the empty record.",
        reference="contract, natural keys",
        severity="warning",
        threshold=0.01,
        because="Carepath cannot follow the record from night to night. More than 1% means that "
        "the extract has lost a column.",
        owner=BI_TEAM,
        department=("CIN census 8500",),
        condition=Fails("btrim(record_key, '|') = ''"),
        catches={"record_key": "||"},
        passes={"record_key": "P1|2019-06-30"},
    ),
    Rule(
        rule_id="REC-04",
        subject=required_tables(),
        says="A table that every source must deliver has no records.",
        todo="Look for the fault in the source or its extract: run `carepath doctor`, then run the "
        "night again.",
        reference="contract, required tables",
        severity="critical",
        because="With no records, every other rule would pass and the figures would all be 0.",
        owner=BI_TEAM,
        condition=Fails("not has_records"),
        catches={"record_key": "ssd_person", "has_records": False},
        passes={"record_key": "ssd_person", "has_records": True},
    ),
    Rule(
        rule_id="PER-01",
        subject=tables_about_people(),
        says="The record is about a person who is not in the source's table of people.",
        todo="Check whether the person's record was merged, deleted or left out of the extract.",
        reference="Standard Safeguarding Dataset: every record belongs to a person",
        severity="warning",
        threshold=0.05,
        because="The record is counted, but without sex, ethnicity and age. More than 5% means "
        "that the table of people is incomplete.",
        owner=BI_TEAM,
        department=(
            "SSDA903 INT01",
            "SSDA903 INT02",
            "SSDA903 INT03",
            "SSDA903 INT04",
            "SSDA903 INT05",
            "SSDA903 INT06",
            "SSDA903 INT07",
            "SSDA903 INT08",
            "SSDA903 INT09",
        ),
        condition=Fails("person_id is not null and not is_known_person"),
        catches={"person_id": "P9", "is_known_person": False},
        passes={"person_id": "P1", "is_known_person": True},
    ),
    Rule(
        rule_id="PER-02",
        subject=tables_about_people(always=True),
        says="The record does not say which person it is about: the person's id is blank.",
        todo="Fill in the person's id in the source, or delete the record.",
        reference="Standard Safeguarding Dataset: every record belongs to a person",
        severity="warning",
        threshold=0.01,
        because="No measure counts the record. More than 1% means that the extract no longer fills "
        "in the person's id.",
        owner=BI_TEAM,
        department=("CIN census 8500",),
        condition=Missing("person_id"),
        catches={"person_id": None},
        passes={"person_id": "P1"},
    ),
    Rule(
        rule_id="CODE-11",
        subject=tables_with_types("flag"),
        says="A yes-or-no field holds something other than yes or no.",
        todo="Enter yes or no. If the source uses other words, ask the BI team to add them.",
        reference="contract, type flag: yes, no, true, false, 1, 0, unknown, or their first letter",
        severity="warning",
        threshold=0.02,
        because="Carepath reads the field as blank, and the measures do not count a blank as yes. "
        "They could miss a mother, or a visit on which the child was seen.",
        owner=STEWARD,
        # yes-or-no columns of the contract have names that begin with is_ or has_
        condition=Fails("array_to_string(unreadable_columns, ',') ~ '(^|,)(is|has)_'"),
        catches={"unreadable_columns": ["birth_date", "is_mother"]},
        passes={"unreadable_columns": ["birth_date"]},
    ),
    Rule(
        rule_id="CASE-01",
        subject=tables_with_codes(),
        says="A code is understood, but is not written as on its code list: it has other capitals, "
        "or blanks around it.",
        todo="Write the code as docs/data_contract.md shows it. If all records are like this, "
        "correct the export.",
        reference="contract, code lists; the Department's returns accept a code only as its list "
        "writes it",
        severity="info",
        because="Carepath reads the code correctly, so no measure is wrong. The Department would "
        "not accept it.",
        owner=STEWARD,
        condition=Fails("cardinality(misspelt_columns) > 0"),
        catches={"misspelt_columns": ["in_touch"]},
        passes={"misspelt_columns": []},
    ),
    Rule(
        rule_id="DATE-01",
        subject=tables_with_dates(),
        says="A date is 1 January 1900, which some systems write when the date is not known.",
        todo="Record the date, or leave it blank.",
        reference="Standard Safeguarding Dataset, ssd_care_leavers (missing review dates)",
        severity="info",
        because="Carepath reads this date as blank, so no measure is wrong. The export writes "
        "it when the date is not known, so it is not a recording error.",
        owner=STEWARD,
        condition=Fails("cardinality(sentinel_columns) > 0"),
        catches={"sentinel_columns": ["pathway_plan_review_date"]},
        passes={"sentinel_columns": []},
    ),
    Rule(
        rule_id="DATE-02",
        subject=tables_with_types("date", "integer", "number", "json"),
        says="Carepath cannot read a date, number or JSON field.",
        todo="Correct the field in the source, or the format that the export uses.",
        reference="contract, types date (dd/mm/yyyy or yyyy-mm-dd), integer, number and json",
        severity="warning",
        threshold=0.01,
        because="A field that Carepath cannot read counts as blank. More than 1% means that the "
        "export's format has changed.",
        owner=BI_TEAM,
        # leaves out yes-or-no columns (is_, has_), which rule CODE-11 judges
        department=(
            "SSDA903 102",
            "SSDA903 104",
            "SSDA903 112",
            "SSDA903 113",
            "SSDA903 115",
            "SSDA903 116",
            "SSDA903 141",
            "SSDA903 147",
            "SSDA903 166",
            "SSDA903 171",
            "SSDA903 180",
            "SSDA903 632",
            "SSDA903 1004",
            "SSDA903 1005",
            "SSDA903 SW04STG1",
            "SSDA903 SW05STG1",
        ),
        condition=Fails("array_to_string(unreadable_columns, ',') ~ '(^|,)(?!is_|has_).'"),
        catches={"unreadable_columns": ["is_mother", "start_date"]},
        passes={"unreadable_columns": ["is_mother"]},
    ),
    *every_life.RULES,
)
