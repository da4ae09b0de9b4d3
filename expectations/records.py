"""Rules that every table obeys: records at all, one per key, a key, a known person."""

from __future__ import annotations

from expectations.rule import BI_TEAM, STEWARD, Fails, Missing, Repeated, Rule
from expectations.subjects import every_table, required_tables, tables_about_people

# Tables from which the measures count people: there a second record counts someone twice.
COUNTED = ("care_leavers", "person", "eet_status", "case_status")

RULES = (
    Rule(
        rule_id="REC-01",
        subject=COUNTED,
        says="There is more than one current record with the same key and different content.",
        todo="Find out which one is right and close or delete the others in the source.",
        reference="contract, natural keys; SSDA903 internal check INT34",
        severity="critical",
        because="Nobody can say which record is right, and a person would be counted twice.",
        owner=STEWARD,
        check=Repeated("record_key"),
        catches=({"record_key": "CAUGHT"}, {"record_key": "CAUGHT"}),
        passes={},
    ),
    Rule(
        rule_id="REC-02",
        subject=tuple(name for name in every_table() if name not in COUNTED),
        says="There is more than one current record with the same key and different content.",
        todo="Find out which one is right and close or delete the others in the source.",
        reference="contract, natural keys",
        severity="warning",
        threshold=0.05,
        because="No measure counts people from these tables; more than 5 % means that the key "
        "does not identify a record in this source.",
        owner=STEWARD,
        check=Repeated("record_key"),
        catches=({"record_key": "CAUGHT"}, {"record_key": "CAUGHT"}),
        passes={},
    ),
    Rule(
        rule_id="REC-03",
        subject=every_table(),
        says="The record has no key: none of the columns that identify it is filled.",
        todo="Fill the columns in the source, or delete the empty record.",
        reference="contract, natural keys",
        severity="warning",
        threshold=0.01,
        because="Such a record can be followed from night to night by nobody; more than 1 % "
        "means that the extract lost a column.",
        owner=BI_TEAM,
        check=Fails("btrim(record_key, '|') = ''"),
        catches={"record_key": "||"},
        passes={"record_key": "P1|2019-06-30"},
    ),
    Rule(
        rule_id="REC-04",
        subject=required_tables(),
        says="A table that every source must deliver holds not one record.",
        todo="Look into the source or its extract: run `carepath doctor`, then the night again.",
        reference="contract, required tables",
        severity="critical",
        because="Every other rule passes on no records, and figures of nobody would be published.",
        owner=BI_TEAM,
        check=Fails("not has_records"),
        catches={"record_key": "ssd_person", "has_records": False},
        passes={"record_key": "ssd_person", "has_records": True},
    ),
    Rule(
        rule_id="PER-01",
        subject=tables_about_people(),
        says="The record names a person whom the source does not deliver.",
        todo="Check whether the person was merged, deleted or left out of the extract.",
        reference="Standard Safeguarding Dataset: every record belongs to a person",
        severity="warning",
        threshold=0.05,
        because="The record is counted, but sex, ethnicity and age are not known for it; more "
        "than 5 % means that the table of persons is incomplete.",
        owner=BI_TEAM,
        check=Fails("person_id is not null and not is_known_person"),
        catches={"person_id": "P9", "is_known_person": False},
        passes={"person_id": "P1", "is_known_person": True},
    ),
    Rule(
        rule_id="PER-02",
        subject=tables_about_people(always=True),
        says="The record belongs to nobody: the person's id is blank.",
        todo="Fill the person's id in the source, or delete the record.",
        reference="Standard Safeguarding Dataset: every record belongs to a person",
        severity="warning",
        threshold=0.01,
        because="The record is in no measure; more than 1 % means that the extract lost a join.",
        owner=BI_TEAM,
        check=Missing("person_id"),
        catches={"person_id": None},
        passes={"person_id": "P1"},
    ),
)
