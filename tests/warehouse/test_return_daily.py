"""Adoption and care leavers in the payload of the daily data flow: in which referral they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import returned_records
from small_recording_system import SmallRecordingSystem

from carepath.contract.model import load_contract
from carepath.returns import write_daily
from carepath.returns.remarks import Remark

AUTHORITY, NIGHT = "E09900908", dt.date(2026, 12, 31)
# child, referral, referral date, closure date, no further action
REFERRALS = [
    ("A", "A1", "2020-01-01", "2026-05-01", "0"), ("A", "A2", "2026-06-01", None, "0"),
    ("B", "B1", "2021-01-01", None, "0"), ("C", "C1", "2021-01-01", None, "0"),
    ("D", "D1", "2021-01-01", None, "0"), ("E", "E1", "2021-01-01", "2026-05-01", "0"),
    ("F", "F1", "2020-01-01", "2026-05-01", "0"), ("F", "F2", "2026-06-01", None, "0"),
    ("F", "F3", "2026-07-01", None, "1"), ("G", "G1", "2026-11-01", None, "0"),
    ("H", "H1", "2020-01-01", None, "0"), ("J", "J1", "2020-01-01", None, "0"),
]  # fmt: skip
# child, period of care, referral, first day
CARE = [
    ("A", "CA", "A1", "2021-01-01"), ("A", "CA", "A1", "2022-01-01"),
    ("B", "CB", "B1", "2021-01-01"), ("B", "CB", None, "2022-01-01"),
    ("C", "CC", "C1", "2021-01-01"), ("C", "CC", "C2", "2022-01-01"),
    ("D", "CD", "D1", "2021-01-01"), ("D", "CE", "D1", "2024-01-01"),
    ("J", "CJ", "J1", "2021-01-01"),
]  # fmt: skip
# child, period of care, decision, match, placement, reversal, order
PERMANENCE = [
    ("A", "CA", "2022-02-01", "2022-03-01", "2022-04-01", None, None),
    ("B", "CB", "2022-02-01", None, None, "2022-01-01", None),  # decided after a reversal
    ("C", "CC", "2022-02-01", None, None, None, None),  # of one of two referrals
    ("D", "CD", "2022-02-01", "2022-03-01", None, None, None),
    ("D", "CE", "2025-02-01", None, None, None, None),  # of the same referral, later
    ("J", "CJ", "2022-02-01", "2022-03-01", None, "2022-05-01", "2023-01-01"),
    ("H", "CH", None, None, None, None, "2023-01-01"),  # an order, and no adoption
]
# child, eligibility, latest contact, activity, accommodation
LEAVERS = [
    ("F", "Former Relevant", "2026-08-01", "F2", "D"), ("E", "Relevant", "2026-04-01", "G5", "U"),
    ("G", "Qualifying", "2026-10-01", "F1", "U"),  # before the referral began
    ("H", "Eligible", "2026-10-01", "F1", "U"),  # still looked after
    ("J", "Relevant", None, "QQ", "U"),
]  # fmt: skip


def add(system: SmallRecordingSystem, table: str, columns: str, rows: list[Any]) -> None:
    """Make a table anew with all columns of its contract, and put rows in some of them."""
    all_columns = ", ".join(f"{name} text" for name in load_contract().tables[table].column_names)
    system.execute(f"drop table if exists {table}; create table {table} ({all_columns})")
    places = ", ".join(["%s"] * len(columns.split()))
    for row in rows:
        system.execute(f"insert into {table} ({', '.join(columns.split())}) values ({places})", row)


@pytest.fixture(scope="module")
def payload(
    warehouse: None, tmp_path_factory: pytest.TempPathFactory, shared_dir: Path
) -> Iterator[tuple[dict[str, dict[str, Any]], tuple[Remark, ...]]]:
    """The referrals that are written, by id, and the remarks."""
    system = SmallRecordingSystem("daily_flow", AUTHORITY)
    people = sorted({row[0] for row in REFERRALS})
    add(system, "ssd_person", "pers_person_id pers_dob", [(p, "2008-01-01") for p in people])
    add(
        system,
        "ssd_cin_episodes",
        "cine_person_id cine_referral_id cine_referral_date cine_close_date cine_referral_nfa",
        REFERRALS,
    )
    add(
        system,
        "ssd_cla_episodes",
        "clae_person_id clae_cla_id clae_referral_id clae_cla_episode_start_date",
        CARE,
    )
    add(
        system,
        "ssd_permanence",
        "perm_person_id perm_cla_id perm_adm_decision_date perm_matched_date"
        " perm_placed_for_adoption_date perm_decision_reversed_date perm_permanence_order_date",
        PERMANENCE,
    )
    add(
        system,
        "ssd_care_leavers",
        "clea_person_id clea_care_leaver_eligibility clea_care_leaver_latest_contact"
        " clea_care_leaver_activity clea_care_leaver_accommodation",
        LEAVERS,
    )
    returned_records.load(system.spec, NIGHT)
    returned_records.stage(
        "person", "disability", "cin_episodes", "cin_assessments", "assessment_factors",
        "cin_plans", "s47_enquiry", "initial_cp_conference", "cp_plans", "immigration_status",
        "address", "sdq_scores", "involvements", "professionals", "cla_episodes", "cla_placement",
        "permanence", "care_leavers",
    )  # fmt: skip
    written = write_daily(AUTHORITY, tmp_path_factory.mktemp("daily"))
    (path,) = written.files
    children = returned_records.valid_payload(path, shared_dir)
    found = {
        each["social_care_episode_id"]: each
        for child in children
        for each in child["social_care_episodes"]
    }
    yield found, written.remarks
    system.execute("drop schema daily_flow cascade")


def test_adoption_is_in_the_referral_of_its_period_of_care(payload: Any) -> None:
    found, remarks = payload
    assert {name: each["adoption"] for name, each in found.items() if "adoption" in each} == {
        "A1": {
            "initial_decision_date": "2022-02-01",
            "matched_date": "2022-03-01",
            "placed_date": "2022-04-01",
        },
        "B1": {"initial_decision_date": "2022-02-01"},
        "D1": {"initial_decision_date": "2025-02-01"},
    }
    assert {each.message: each.count for each in remarks if each.place == "adoption"} == {
        "The decision was reversed, which the API cannot say: left out.": 1,
        "The episodes of this period of care do not name one referral: left out.": 1,
        "The referral has several adoptions: only the latest is written.": 1,
    }


def test_care_leaver_is_in_the_one_referral_of_the_latest_contact(payload: Any) -> None:
    found, remarks = payload
    assert {n: each["care_leavers"] for n, each in found.items() if "care_leavers" in each} == {
        "E1": {"contact_date": "2026-04-01", "activity": "G5", "accommodation": "U"},
        "F2": {"contact_date": "2026-08-01", "activity": "F2", "accommodation": "D"},
        "J1": {"accommodation": "U"},
    }
    assert {(each.place, each.message.split(",")[0]) for each in remarks if each.count == 1} >= {
        ("activity", "The code is unknown"),
        (
            "care_leavers",
            "No referral that is sent lasted on the date of the latest contact: left out.",
        ),
    }
