"""Ten thousand records of invented people, with legal and illegal codes, dates and blanks.

Each table is a list of rows in the columns of staging. Codes come with what was sent, and with the
code that the list gives for it. Dates are drawn from few days, around the edges of a census year,
so that many of them touch.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql
from scratch_staging import AUTHORITY, NIGHT

from carepath.contract.code_lists import load as load_code_lists

Row = dict[str, Any]
World = dict[str, list[Row]]

IN_TOUCH = ("YES", "YES", "NO", "DIED", "REFU", "NREQ", "RHOM", "yes", "MAYBE", None)
ACTIVITY = ("F1", "P1", "F2", "P2", "F3", "P3", "F4", "P4", "F5", "P5", "G4", "G5", "G6", "0",
            "g5", "Q9", None)  # fmt: skip
HOME = ("B", "C", "D", "E", "G", "H", "K", "R", "S", "T", "U", "V", "W", "X", "Y", "Z", "0",
        "QQ", None)  # fmt: skip
EDGES = [dt.date(2019, 3, 28), dt.date(2019, 3, 29), dt.date(2019, 3, 31), dt.date(2019, 4, 1),
         dt.date(2020, 3, 31), dt.date(2020, 4, 1), NIGHT]  # fmt: skip
DAYS = [*EDGES, *(dt.date(2018, 11, 5) + dt.timedelta(days=17 * n) for n in range(20))]
UPNS = ("P123456789123", "A123456789123", "H80320000001C", "P817456789123", "P80134567891O",
        "P8013456", None, None, None)  # fmt: skip


def generate(seed: int = 20190630) -> World:
    """Return the tables by entity."""
    rng = random.Random(seed)  # noqa: S311
    world: World = defaultdict(list)
    for number in range(2600):
        _care_leaver(rng, world, f"L{number}")
    for number in range(500):
        _looked_after(rng, world, f"K{number}")
    for number in range(900):
        _child_in_need(rng, world, f"C{number}")
    return dict(world)


def insert(connection: psycopg.Connection[Any], world: World) -> None:
    """Copy the records to the staging tables."""
    for entity, rows in world.items():
        names = list(dict.fromkeys(name for row in rows for name in row))
        statement = sql.SQL("copy staging.{} (authority, {}) from stdin").format(
            sql.Identifier(f"stg_{entity}"), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row((AUTHORITY, *(row.get(name) for name in names)))


def _coded(name: str, code_list: str, sent: str | None) -> Row:
    return {f"{name}_sent": sent, f"{name}_code": load_code_lists()[code_list].normalise(sent)}


def _day(rng: random.Random, blank: float = 0.1) -> dt.date | None:
    return None if rng.random() < blank else rng.choice(DAYS)


def _after(rng: random.Random, day: dt.date | None, blank: float) -> dt.date | None:
    """Return mostly a day on or after `day`."""
    if rng.random() < blank:
        return None
    later = [each for each in DAYS if day and each >= day]
    return rng.choice(later if later and rng.random() < 0.85 else DAYS)


def _care_leaver(rng: random.Random, world: World, person: str) -> None:
    home = rng.choice(HOME)
    world["care_leavers"].append({
        "record_key": person,
        "person_id": None if rng.random() < 0.02 else person,
        **_coded("eligibility", "eligibility",
                 rng.choice(("Former Relevant", "R", "No Current Eligibility", "?", None))),
        **_coded("in_touch", "in_touch", rng.choice(IN_TOUCH)),
        **_coded("activity", "activity", rng.choice(ACTIVITY)),
        **_coded("accommodation", "accommodation", home),
        **_coded("suitability", "accommodation_suitability", rng.choice(("1", "2", "9", None))),
    })  # fmt: skip
    if rng.random() < 0.9:
        world["person"].append({"record_key": person, "person_id": person})
    for number, day in enumerate(rng.sample(DAYS, rng.choice((0, 1, 1, 2)))):
        world["eet_status"].append({
            "record_key": f"{person}-{number}", "person_id": person, "recorded_date": day,
            **_coded("status", "eet_status", rng.choice(("EET", "NEET", "neet", "perhaps", None))),
        })  # fmt: skip
    for load in range(rng.choice((0, 1, 1, 2))):
        world["case_status"].append({
            "record_key": f"{person}-{load}", "person_id": person, "from_load": load,
            **_coded("case_status", "case_status", rng.choice(("open", "open", "closed"))),
        })  # fmt: skip


def _looked_after(rng: random.Random, world: World, person: str) -> None:
    for number in range(rng.randint(1, 4)):
        start = _day(rng, 0.03)
        world["cla_episodes"].append({
            "record_key": f"{person}-{number}", "person_id": person, "start_date": start,
            "end_date": _after(rng, start, 0.3), "placement_id": f"{person}P{number}",
            **_coded("end_reason", "episode_end_reason", rng.choice(("X1", "X1", "E4A", None))),
        })  # fmt: skip
    for number in range(rng.randint(0, 3)):
        start = _day(rng, 0.03)
        world["cla_placement"].append({
            "record_key": f"{person}P{number}", "placement_id": f"{person}P{number}",
            "person_id": rng.choice((person, person, None)), "start_date": start,
            "end_date": _after(rng, start, 0.3),
            **_coded("placement_type", "placement_type", rng.choice(("U6", "K2", "T1", "T4"))),
        })  # fmt: skip
    if rng.random() < 0.9:
        world["person"].append({"record_key": person, "person_id": person})


def _child_in_need(rng: random.Random, world: World, person: str) -> None:
    birth = rng.choice((dt.date(1994, 3, 1), dt.date(2008, 5, 1), dt.date(2014, 3, 30),
                        dt.date(2014, 3, 31), dt.date(2019, 6, 1), None))  # fmt: skip
    world["person"].append({
        "record_key": person, "person_id": person, "birth_date": birth,
        "expected_birth_date": rng.choice((None, None, None, dt.date(2019, 10, 1))),
        "death_date": rng.choice((None, None, None, None, *DAYS[:2], DAYS[12])),
        "upn": rng.choice(UPNS),
        **_coded("sex", "sex", rng.choice(("F", "M", "U", "X", None))),
        **_coded("ethnicity", "ethnicity", rng.choice(("WBRI", "NOBT", "Martian", None))),
        **_coded("upn_unknown", "upn_unknown", rng.choice((None, "UN1", "UN3", "UN7"))),
    })  # fmt: skip
    for number, sent in enumerate(
        rng.choices(("MOB", "Mobility", "LD", "NONE", "sore knee"), k=rng.choice((0, 1, 2, 3)))
    ):
        world["disability"].append({
            "record_key": f"{person}-{number}", "person_id": person,
            **_coded("disability", "disability", sent),
        })  # fmt: skip
    for number in range(rng.randint(0, 3)):
        _case(rng, world, person, f"{person}R{number}")
    if rng.random() < 0.05:
        _work(rng, world, person, None, f"{person}X")


def _case(rng: random.Random, world: World, person: str, referral: str) -> None:
    start = _day(rng, 0.03)
    world["cin_episodes"].append({
        "record_key": referral, "referral_id": referral, "person_id": person,
        "referral_date": start, "close_date": _after(rng, start, 0.5),
        "is_no_further_action": rng.choice((False, False, False, False, True, None)),
        **_coded("primary_need", "need", rng.choice(("N1", "N0", "N77", None))),
        **_coded("referral_source", "referral_source", rng.choice(("1A", "6", "12", None))),
        **_coded("close_reason", "cin_close_reason",
                 rng.choice(("RC1", "RC2", "RC7", "RC8", "RC9", "RC77", None, None, None))),
    })  # fmt: skip
    _work(rng, world, person, referral, referral)


def _work(rng: random.Random, world: World, person: str, referral: str | None, name: str) -> None:
    """Add what is done on a case, or on none."""
    of = {"person_id": person, "referral_id": referral}
    for number in range(rng.choice((0, 0, 1, 2, 3))):
        start = _day(rng)
        key = f"{name}A{number}"
        world["cin_assessments"].append({
            "record_key": key, "assessment_id": key, **of,
            "start_date": start, "authorised_date": _after(rng, start, 0.35),
        })  # fmt: skip
        if rng.random() < 0.8:
            codes = rng.choice((["21"], ["1A"], ["1A", "2B"], ["1A", "21"], ["3C", "3C"], [],
                                ["18A"], ["19A", "1A"]))  # fmt: skip
            world["assessment_factors"].append({
                "record_key": key, "assessment_id": key,
                "assessment_factors_json": json.dumps(codes),
            })  # fmt: skip
    for number in range(rng.choice((0, 0, 0, 1, 2))):
        start = _day(rng)
        key = f"{name}S{number}"
        flag = rng.choice(("Y", "N"))
        world["s47_enquiry"].append({
            "record_key": key, "s47_enquiry_id": key, **of,
            "start_date": start, "end_date": _after(rng, start, 0.5),
            "is_no_further_action": rng.choice((False, False, True, None)),
            "outcome_json": json.dumps({"CP_CONFERENCE_FLAG": flag}),
        })  # fmt: skip
        if rng.random() < 0.5:
            _conference(rng, world, of, key)
    if rng.random() < 0.1:
        _conference(rng, world, of, None)
    for number in range(rng.choice((0, 0, 1, 2))):
        start = _day(rng)
        key = f"{name}N{number}"
        world["cin_plans"].append({
            "record_key": key, "cin_plan_id": key, **of,
            "start_date": start, "end_date": _after(rng, start, 0.4),
        })  # fmt: skip
    for number in range(rng.choice((0, 0, 0, 1, 2))):
        start = _day(rng)
        key = f"{name}P{number}"
        world["cp_plans"].append({
            "record_key": key, "cp_plan_id": key, **of,
            "start_date": start, "end_date": _after(rng, start, 0.4),
            **_coded("initial_category", "abuse_category", rng.choice(("NEG", "Neglect", "?"))),
            **_coded("latest_category", "abuse_category", rng.choice(("MUL", "mul", None))),
        })  # fmt: skip
        for review in range(rng.choice((0, 1, 2))):
            world["cp_reviews"].append({
                "record_key": f"{key}V{review}", "review_id": f"{key}V{review}",
                "person_id": person, "cp_plan_id": key,
                "review_due_date": _day(rng, 0.3), "review_date": _day(rng, 0.3),
            })  # fmt: skip


def _conference(rng: random.Random, world: World, of: Row, enquiry: str | None) -> None:
    key = f"I{len(world['initial_cp_conference'])}"
    world["initial_cp_conference"].append({
        "record_key": key, "conference_id": key, "s47_enquiry_id": enquiry, **of,
        "conference_date": _day(rng), "target_date": _day(rng),
    })  # fmt: skip


def count(world: World) -> int:
    """Return the number of records."""
    return sum(len(rows) for rows in world.values())


def by(rows: Sequence[Row], column: str) -> dict[Any, list[Row]]:
    """Return the rows by the value of a column."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found
