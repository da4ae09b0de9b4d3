"""Rules of the register as a person reads their texts, in plain Python.

Nothing of the rules' SQL is used here. Each function takes the world of generated_records.py and
returns the keys that fail, by rule.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from generated_records import Row, World, by
from scratch_staging import NIGHT

START, END = dt.date(2019, 4, 1), dt.date(2020, 3, 31)
EVER = dt.date.max
DUE_ASSESSMENT = dt.date(2019, 4, 25)  # 45 working days before the night
DUE_CONFERENCE = dt.date(2019, 6, 10)  # 15 working days before it, 30 June 2019, a Sunday
FIRST_NO_ACTION = dt.date(2019, 3, 29)  # the last working day before 1 April 2019
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
Findings = dict[str, set[str]]


def findings(world: World) -> Findings:
    """Return the failing keys of every rule that is read here."""
    found: Findings = defaultdict(set)
    for read in (_leaving_care, _in_care, _census):
        for rule, keys in read(world).items():
            found[rule] |= keys
    return found


def _known(row: Row, name: str) -> bool:
    """Say whether what was sent is on the list; a blank is."""
    return row[f"{name}_sent"] is None or row[f"{name}_code"] is not None


def _leaving_care(world: World) -> Findings:
    found: Findings = defaultdict(set)
    people = {row["person_id"] for row in world["person"]}
    statuses, cases = by(world["eet_status"], "person_id"), by(world["case_status"], "person_id")
    for row in world["eet_status"]:
        if not _known(row, "status"):
            found["EET-04"].add(row["record_key"])
    for row in world["care_leavers"]:
        status, is_open = _status(statuses[row["person_id"]]), _is_open(cases[row["person_id"]])
        for rule, fails in _care_leaver(row, status, is_open).items():
            if fails:
                found[rule].add(row["record_key"])
    for table in ("care_leavers", "cla_episodes", "cla_placement"):
        for row in world[table]:
            if row["person_id"] is None:
                found[f"PER-02 {table}"].add(row["record_key"])
            elif row["person_id"] not in people:
                found[f"PER-01 {table}"].add(row["record_key"])
    return found


def _status(rows: list[Row]) -> str | None:
    """Return the status recorded last, planned ones left out."""
    past = [row for row in rows if row["recorded_date"] <= NIGHT]
    return max(past, key=lambda row: row["recorded_date"])["status_code"] if past else None


def _is_open(rows: list[Row]) -> bool:
    """Return whether the case is open, as the last delivery says; without any it is."""
    last = max(rows, key=lambda row: row["from_load"], default=None)
    return last is None or last["case_status_code"] == "open"


def _care_leaver(row: Row, status: str | None, case_is_open: bool) -> dict[str, bool]:
    touch, activity = row["in_touch_code"], row["activity_code"]
    home, suitable = row["accommodation_code"], row["suitability_code"]
    is_open = case_is_open and row["eligibility_code"] != "N"
    works = activity is not None and activity[0] in "FP"
    idle = activity is not None and activity[0] == "G"
    has_activity = row["activity_sent"] is not None and activity != "0"
    has_home = row["accommodation_sent"] is not None and (
        home != "0" or row["suitability_sent"] is not None
    )
    blanks = [row[f"{name}_sent"] for name in ("in_touch", "activity", "accommodation")].count(None)
    return {
        "EET-01": is_open and status == "EET" and idle,
        "EET-02": is_open and status == "NEET" and works,
        "EET-03": is_open and (status is not None) != has_activity,
        "CL-01": not _known(row, "in_touch"),
        "CL-02": is_open and row["in_touch_sent"] is None,
        "CL-03": not _known(row, "activity"),
        # the night belongs to 2019/20: F4, F5, P4 and P5 are not in use yet
        "CL-04": activity in ("F4", "F5", "P4", "P5"),
        "CL-05": not _known(row, "accommodation")
        or not _known(row, "suitability")
        or (row["suitability_sent"] is not None and home in ("0", None)),
        "CL-06": home in ("S", "X") and suitable == "1",
        "CL-07": touch in ("DIED", "RHOM") and (has_activity or has_home),
        "CL-08": touch == "YES"
        and (activity == "0" or (home == "0" and row["suitability_sent"] is None)),
        "CL-09": is_open and blanks in (1, 2),
        "CL-10": not _known(row, "eligibility"),
        "CL-11": home not in ("0", None) and row["suitability_sent"] is None,
    }


def _in_care(world: World) -> Findings:
    found: Findings = defaultdict(set)
    episodes = by(world["cla_episodes"], "person_id")
    for rows in episodes.values():
        for row in rows:
            start, end = row["start_date"], row["end_date"]
            later = [r["start_date"] for r in rows if start and (r["start_date"] or start) > start]
            following = min(later, default=None)
            if start and end and end > start and following and end > following:
                found["CARE-01"].add(row["record_key"])
            if start and not end and following:
                found["CARE-02"].add(row["record_key"])
            if end and row["end_reason_code"] == "X1" and following != end:
                found["CARE-03"].add(row["record_key"])
    children = {row["placement_id"]: row["person_id"] for row in world["cla_episodes"]}
    placements = defaultdict(list)
    for row in world["cla_placement"]:
        child = row["person_id"] or children.get(row["placement_id"]) or row["record_key"]
        placements[child].append(row)
    for child, rows in placements.items():
        for row in rows:
            start, end = row["start_date"], row["end_date"] or EVER
            if not start or end <= start:
                continue
            if not any(
                e["start_date"] and max(start, e["start_date"]) < min(end, e["end_date"] or EVER)
                for e in episodes.get(child, ())
            ):
                found["CARE-04"].add(row["record_key"])
            following = [
                r["start_date"]
                for r in rows
                if r["start_date"] and r["start_date"] > start
                and not r["placement_type_code"].startswith("T")
            ]  # fmt: skip
            if following and end > min(following):
                found["CARE-05"].add(row["record_key"])
    return found


class Case:
    """A referral, or what of a child belongs to none, with its records."""

    def __init__(self, row: Row | None) -> None:
        self.row = row
        self.of: dict[str, list[Row]] = defaultdict(list)

    def __getitem__(self, name: str) -> Any:
        return self.row[name] if self.row else None

    @property
    def is_in_census(self) -> bool:
        """Whether the census of the year has the case."""
        if self.row is None:
            return True
        if self["close_date"]:
            return bool(self["close_date"] >= START)
        return not self["is_no_further_action"] or (self["referral_date"] or START) >= START

    def __bool__(self) -> bool:
        return self.is_in_census


def _lasts(row: Row, end: str) -> bool:
    return row[end] is None or row[end] >= START


def _before(first: dt.date | None, second: dt.date | None) -> bool:
    return first is not None and second is not None and first < second


def _overlaps(row: Row, others: list[Row], end: Callable[[Row], dt.date | None]) -> bool:
    """Say whether another one that began no later lasts beyond the start."""
    return row["start_date"] is not None and any(
        other is not row and other["start_date"] is not None
        and other["start_date"] <= row["start_date"] < (end(other) or dt.date.min)
        for other in others
    )  # fmt: skip


def _census(world: World) -> Findings:
    found: Findings = defaultdict(set)

    def judge(row: Row, **rules: Any) -> None:
        for rule, fails in rules.items():
            if fails:
                found["CEN-" + rule.removeprefix("r")].add(row["record_key"])

    conferences = by(world["initial_cp_conference"], "s47_enquiry_id")
    factors = {row["assessment_id"]: row for row in world["assessment_factors"]}
    disabilities = by(world["disability"], "person_id")
    reviews = by(world["cp_reviews"], "cp_plan_id")
    children = [row for row in world["person"] if row["record_key"].startswith("C")]
    cases = by(world["cin_episodes"], "person_id")
    work = {
        table: by(world[table], "person_id")
        for table in ("cin_assessments", "s47_enquiry", "initial_cp_conference", "cin_plans",
                      "cp_plans")
    }  # fmt: skip
    numbers: dict[str, int] = defaultdict(int)
    for child in children:
        if child["upn"] and any(Case(row) for row in cases[child["person_id"]]):
            numbers[child["upn"]] += 1
    for child in children:
        person = child["person_id"]
        own = {row["referral_id"]: Case(row) for row in cases[person]}
        own[None] = Case(None)
        for table, rows in work.items():
            for row in rows[person]:
                own[row["referral_id"]].of[table].append(row)
        for case in own.values():
            for row in case.of["s47_enquiry"]:
                dates = [c["conference_date"] for c in conferences[row["s47_enquiry_id"]]]
                row["held"] = min((day for day in dates if day), default=None)
                row["none_needed"] = row["held"] is None and (
                    row["is_no_further_action"] is True
                    or (row["end_date"] is not None and '"Y"' not in row["outcome_json"])
                )
                row["is_open"] = row["held"] is None and not row["none_needed"]
            for row in case.of["cin_assessments"]:
                text = factors.get(row["assessment_id"], {}).get("assessment_factors_json", "[]")
                row["factors"] = [
                    part for part in text.strip("[]").replace('"', "").split(", ") if part
                ]
        referrals = [case for key, case in own.items() if key]
        _read_child(judge, child, referrals, own[None], disabilities[person], numbers)
        for case in referrals:
            _read_referral(judge, child, case, referrals)
        plans = [r for c in own.values() for r in c.of["cin_plans"] if c and _lasts(r, "end_date")]
        cp_plans = [
            r for c in own.values() for r in c.of["cp_plans"] if c and _lasts(r, "end_date")
        ]
        for case in filter(None, own.values()):
            _read_assessments(judge, case)
            _read_enquiries(judge, case)
            for row in case.of["cin_plans"]:
                if row in plans:
                    _read_plan(judge, child, case, row, plans, cp_plans)
            for row in case.of["cp_plans"]:
                if row in cp_plans:
                    _read_cp_plan(judge, child, case, row, cp_plans, plans, reviews)
    return found


def _read_child(
    judge: Any, child: Row, cases: list[Case], none: Case, disabilities: list[Row],
    numbers: dict[str, int],
) -> None:  # fmt: skip
    active = any(
        case and (any(_lasts(r, "authorised_date") for r in case.of["cin_assessments"])
                  or any(_is_returned(r) for r in case.of["s47_enquiry"])
                  or any(_lasts(r, "end_date") for r in case.of["cin_plans"])
                  or any(_lasts(r, "end_date") for r in case.of["cp_plans"]))
        for case in (*cases, none)
    )  # fmt: skip
    judge(child, r8590=active and not cases)
    if not any(cases):
        return
    upn, birth, due = child["upn"], child["birth_date"], child["expected_birth_date"]
    with_action = any(case and case["is_no_further_action"] is False for case in cases)
    codes = [row["disability_code"] for row in disabilities]
    known = [code for code in codes if code]
    closed = max((case["close_date"] or EVER) for case in cases)
    judge(
        child,
        r1510=upn and _wrong_letter(upn),
        r1520=upn and numbers[upn] > 1,
        r1540=upn and not (len(upn) >= 12 and upn[4:12].isdigit()),
        r1550=upn and (len(upn) != 13 or upn[12] not in LETTERS + "0123456789"),
        r4180=child["sex_code"] is None,
        r4220=child["ethnicity_code"] is None,
        r8525Q=(birth is None) == (due is None),
        r8540=birth and with_action and (not codes or None in codes),
        r8545Q=child["death_date"] and not START <= child["death_date"] <= END,
        r8750=birth is None and due is not None and child["sex_code"] != "U",
        r8770Q=with_action and birth and birth < dt.date(2014, 3, 31) and not upn
        and child["upn_unknown_code"] in (None, "UN1"),
        r8772=child["upn_unknown_code"] == "UN7" and with_action,
        r8775Q=birth and birth < dt.date(1995, 3, 31)
        and closed > birth.replace(year=birth.year + 25),
        r8790="NONE" in known and set(known) != {"NONE"},
        r8794=len(known) > len(set(known)),
    )  # fmt: skip


def _wrong_letter(upn: str) -> bool:
    if len(upn) != 13 or not upn[1:12].isdigit() or upn[12] not in LETTERS + "0123456789":
        return False
    values = [int(c) if c.isdigit() else LETTERS.index(c) for c in upn[1:]]
    return upn[0] != LETTERS[sum(v * n for n, v in enumerate(values, start=2)) % 23]


def _is_returned(row: Row) -> bool:
    ended = row["held"] or ((row["end_date"] or row["start_date"]) if row["none_needed"] else None)
    return ended is None or ended >= START


def _read_referral(judge: Any, child: Row, case: Case, cases: list[Case]) -> None:
    if not case:
        return
    start, close = case["referral_date"], case["close_date"]
    reason, no_action = case["close_reason_code"], case["is_no_further_action"]
    assessments, enquiries = case.of["cin_assessments"], case.of["s47_enquiry"]
    held = [r for r in case.of["initial_cp_conference"] if r["conference_date"]]
    done = [
        *(r[name] for r in assessments for name in ("start_date", "authorised_date")),
        *(r[name] for r in enquiries for name in ("start_date", "held")),
        *(r["conference_date"] for r in held),
        *(r[name] for r in case.of["cin_plans"] for name in ("start_date", "end_date")),
        *(r["end_date"] for r in case.of["cp_plans"]),
    ]
    birth = child["birth_date"] or child["expected_birth_date"]
    is_open = close is None and not no_action
    others = [other for other in cases if other is not case and other]
    judge(
        case.row,
        r2990=reason in ("RC8", "RC9")
        and (enquiries or held or case.of["cin_plans"] or case.of["cp_plans"]),
        r2991Q=enquiries and not assessments,
        r8555Q=_before(child["death_date"], start),
        r8565=close and any(_before(close, day) for day in done),
        r8568=no_action is None,
        r8569Q=no_action and _before(start, FIRST_NO_ACTION),
        r8585Q=reason == "RC2" and child["death_date"] is None,
        r8600=start is None or start > END,
        r8606=birth and start and start < birth - dt.timedelta(weeks=40),
        r8610=no_action is False and case["primary_need_sent"] is None,
        r8620=_before(END, close),
        r8640=not _known(case.row, "close_reason"),
        r8805=close and case["close_reason_sent"] is None,
        r8810=case["close_reason_sent"] and not close,
        r8815=is_open
        and any(o["close_date"] is None and not o["is_no_further_action"] for o in others),
        r8816=is_open and any(_before(start, o["referral_date"]) for o in others),
        r8820=start and any(
            o["referral_date"] and o["referral_date"] <= start
            < (o["close_date"] or (dt.date.min if o["is_no_further_action"] else EVER))
            for o in others
        ),
        r8825Q=reason in ("RC8", "RC9") and not assessments,
        r8831=no_action and (assessments or enquiries or held),
        r8866=case["referral_source_code"] is None,
        r8867=close and any(r["authorised_date"] is None for r in assessments),
        r8868=close and any(r["is_open"] for r in enquiries),
    )  # fmt: skip


def _read_assessments(judge: Any, case: Case) -> None:
    rows = case.of["cin_assessments"]
    returned = [row for row in rows if _lasts(row, "authorised_date")]
    open_count = sum(row["authorised_date"] is None for row in rows)
    for row in returned:
        start, done, factors = row["start_date"], row["authorised_date"], row["factors"]
        judge(
            row,
            r1103=_before(start, case["referral_date"]),
            r8614=done is None and factors,
            r8670Q=done is None and _before(start, DUE_ASSESSMENT),
            r8696=_before(END, done),
            r8736=done is None and start and not START <= start <= END,
            r8863Q=_overlaps(row, returned, lambda r: r["authorised_date"] or EVER),
            r8869="21" in factors and len(factors) > 1,
            r8873Q=len(rows) == 1 and done and factors == ["21"] and case["close_date"]
            and case["close_reason_code"] not in ("RC8", "RC9"),
            r8896=done is None and open_count > 1,
            r8897Q=done and not factors,
            r8898=len(factors) > len(set(factors)),
            r8945Q="18A" in factors,
            r8950Q="19A" in factors,
        )  # fmt: skip


def _read_enquiries(judge: Any, case: Case) -> None:
    rows = [row for row in case.of["s47_enquiry"] if _is_returned(row)]
    for row in rows:
        start, held = row["start_date"], row["held"]
        judge(
            row,
            r2889=_before(start, case["referral_date"]),
            r8615=start is None or _before(held, start),
            r8675Q=row["is_open"] and _before(start, DUE_CONFERENCE),
            r8740=row["is_open"] and start and not START <= start <= END,
            r8839=row["is_open"] and sum(r["is_open"] for r in rows) > 1,
            # on the day of the other's conference counts as well
            r8890=start and any(
                o is not row and o["start_date"] and o["start_date"] <= start
                and start <= (o["held"] or (EVER if o["is_open"] else dt.date.min))
                for o in rows
            ),
        )  # fmt: skip
    dated = [r for r in case.of["initial_cp_conference"] if _lasts(r, "conference_date")]
    for row in dated:
        day, target = row["conference_date"], row["target_date"]
        same = [r for r in dated if day and r["conference_date"] == day]
        judge(
            row,
            r1104=_before(day, case["referral_date"]),
            r2884={r["s47_enquiry_id"] is None for r in same} == {True, False},
            r8715=_before(END, day),
            r8870Q=target and target.isoweekday() > 5,
            r8875=day and day.isoweekday() > 5,
        )


def _within(day: dt.date | None, plan: Row) -> bool:
    """Say whether a day is on a plan; the day on which it ends is not."""
    return (
        day is not None
        and plan["start_date"] is not None
        and plan["start_date"] <= day < (plan["end_date"] or EVER)
    )


def _read_plan(
    judge: Any, child: Row, case: Case, row: Row, plans: list[Row], cp_plans: list[Row]
) -> None:
    start, end = row["start_date"], row["end_date"]
    started = [plan for plan in cp_plans if plan["start_date"]]
    judge(
        row,
        r4000=case["is_no_further_action"],
        r4001=end is None and any(plan["end_date"] is None for plan in started),
        r4004=end is None and sum(plan["end_date"] is None for plan in plans) > 1,
        r4008=_before(child["death_date"], start),
        r4009Q=_before(child["death_date"], end),
        r4010=start is None or start > END,
        r4012Q=start and start == end,
        r4013=_before(END, end),
        r4014=_overlaps(row, plans, lambda r: r["end_date"] or EVER),
        r4015=_before(start, case["referral_date"]),
        r4016=start and start <= END and any(_within(start, plan) for plan in started),
        r4017=start and any(_within(plan["start_date"], row) for plan in started),
    )


def _read_cp_plan(
    judge: Any, child: Row, case: Case, row: Row, cp_plans: list[Row], plans: list[Row],
    reviews: dict[Any, list[Row]],
) -> None:  # fmt: skip
    start, end = row["start_date"], row["end_date"]
    held = [] if case.row is None else [
        r["conference_date"] for r in case.of["initial_cp_conference"]
    ]  # fmt: skip
    judge(
        row,
        r1105=_before(start, case["referral_date"]),
        r2885=start and START <= start <= END and start not in held,
        r8720=start is None or start > END,
        r8832=case["is_no_further_action"],
        r8840=start and start == end,
        r8905=row["initial_category_code"] is None,
        r8910=row["latest_category_code"] is None,
        r8915=_before(child["death_date"], start),
        r8920=_before(child["death_date"], end),
        r8930=_before(END, end),
        r8935=end is None and sum(plan["end_date"] is None for plan in cp_plans) > 1,
        r8940=_overlaps(row, cp_plans, lambda r: r["end_date"] or EVER),
    )
    for review in reviews[row["cp_plan_id"]]:
        day, due = review["review_date"], review["review_due_date"]
        judge(
            review,
            r4003=any(_within(day, plan) for plan in plans) and day != end,
            r8841=day and start and day <= start,
            r8842Q=day is None and (due is None or due < NIGHT),
        )
