"""CASE-01: codes that Carepath understands, and that the Department does not accept as written."""

from __future__ import annotations

import pytest
import scratch_staging as staging

from carepath.warehouse.connect import connect
from expectations.register import rules
from expectations.subjects import subject, tables_with_codes

(RULE,) = (rule for rule in rules() if rule.rule_id == "CASE-01")

MISSPELT = {
    "wrong case": {"in_touch_sent": "yes"},
    "capitals in the middle": {"in_touch_sent": "Died"},
    "small letters": {"activity_sent": "f1"},
    "a blank after": {"activity_sent": "F1 "},
    "a blank before": {"accommodation_sent": " B"},
}
WELL_SPELT = {
    "as on the list": {"in_touch_sent": "YES", "activity_sent": "F1", "accommodation_sent": "0"},
    "a description": {"accommodation_sent": "b) community home"},
    "a code with its description": {"activity_sent": "f1: full time in higher education"},
    "no code at all": {"activity_sent": "q9"},
    "blank": {"activity_sent": None},
}


@pytest.mark.usefixtures("warehouse")
def test_codes_with_other_capitals_or_blanks_are_found() -> None:
    with connect("carepath_loader", autocommit=True) as loader:
        staging.create(loader)
        for key, fields in (MISSPELT | WELL_SPELT).items():
            staging.insert(
                loader, "stg_care_leavers", authority=staging.AUTHORITY, record_key=key, **fields
            )
        query = subject("care_leavers").query(staging.AUTHORITY, staging.NIGHT.isoformat())
        found = loader.execute(
            f"select record_key, misspelt_columns from ({query}) as judged where {RULE.failing}"
        ).fetchall()
    assert dict(found) == {
        key: [column.removesuffix("_sent") for column in fields] for key, fields in MISSPELT.items()
    }


def test_tables_with_codes_of_the_department_are_judged() -> None:
    assert {"care_leavers", "cin_episodes", "cla_episodes", "person"} <= set(tables_with_codes())
    # programmes are the council's own, and no return asks for the kind of a health check
    assert not {"programme_costs", "cla_health"} & set(tables_with_codes())
