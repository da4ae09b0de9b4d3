"""Episodes: codes, dates, placements, legal statuses, and how one episode follows another."""

from __future__ import annotations

from typing import Any

from expectations.looked_after_return.entries import ReturnFile
from expectations.rule import LOOKED_AFTER, Row, Rule

EPISODES = ReturnFile(
    title="Episodes",
    subject="return_episodes",
    owner=LOOKED_AFTER,
    judged="is_in_year",
    row={"is_in_year": True},
)

ADOPTIVE = ("A3", "A4", "A5", "A6")
FOSTER = ("U1", "U2", "U3", "U4", "U5", "U6")
# placements that Ofsted does not register
NOT_REGISTERED = (
    "H5", "P1", "P2", "P3", "R1", "R2", "R5", "T0", "T1", "T2", "T3", "T4", "Z1", "Z11", "Z12",
    "Z13", "Z14",
)  # fmt: skip
OTHER_PLACEMENTS = ("Z1", "Z11", "Z12", "Z13", "Z14")
NO_SHORT_BREAK = "not is_short_break"
# what the history does not have of last year is not compared
BOTH_SAY = "{now} <> {then}"
# an episode that was open at the end of last year, with what its placement needs to be compared
OPEN_THEN: Row = {
    "start_date": "2018-01-05",
    "last_year_start_date": "2018-01-05",
    "readable_postcode": "ZZ11AA",
    "is_short_break": False,
    "sends_areas": True,
}
DATES = "Find out which of the two dates is wrong, and correct it."
PLACEMENT_CODE = "Correct the type of placement (PLACE), or what contradicts it."


def _codes(codes: tuple[str, ...]) -> str:
    return "('" + "', '".join(codes) + "')"


def _no_postcode(column: str) -> str:
    """Return the SQL that is true of a value without the form of a postcode."""
    # the second half of a postcode never has the letters C, I, K, M, O or V
    return (
        f"{column} is not null and (readable_{column} is null"
        f" or readable_{column} !~ '[0-9][ABD-HJLNP-UW-Z]{{2}}$')"
    )


def _aged(years: int) -> str:
    """Return the SQL of the day on which the child reaches an age."""
    return (
        f"((birth_date + interval '{years} years')::date + (extract(day from birth_date)"
        f" > extract(day from birth_date + interval '{years} years'))::integer)"
    )


def _too_young(number: str, code: tuple[str, ...], age: int, what: str, reason: str) -> Rule:
    """Return a rule: a child in a placement has reached an age when the episode starts."""
    return EPISODES.rule(
        number,
        says=f"The child was under {age} when a placement in {what} began.",
        todo=f"{PLACEMENT_CODE} {reason}",
        fails=f"placement_type_code in {_codes(code)} and start_date < {_aged(age)}",
        needs=("cla_placement",),
        catches={
            "placement_type_code": code[0],
            "birth_date": "2000-02-29",
            "start_date": f"{2000 + age}-02-28",
        },
        passes=(
            {
                "placement_type_code": code[0],
                "birth_date": "2000-01-05",
                "start_date": f"{2000 + age}-01-05",
            },
            {"placement_type_code": "U6", "birth_date": "2000-01-05", "start_date": "2000-01-05"},
        ),
    )


def _too_long(number: str, column: str, code: str, days: int, what: str) -> Rule:
    """Return a rule: a legal status lasts at most so many days, over all its episodes in a row."""
    return EPISODES.rule(
        number,
        says=f"{what} ({code}) lasted more than {days} days.",
        todo="Correct the dates (DECOM, DEC) or the legal status (LS). Add the next episode if the "
        "legal status changed.",
        fails=f"legal_status_code = '{code}' and counted_end_date - {column} > {days}",
        needs=("legal_status",),
        catches={
            "legal_status_code": code,
            "legal_status_since": "2018-05-01",
            "start_date": "2018-05-01",
            "counted_end_date": "2018-06-30",
        },
        passes=(
            {
                "legal_status_code": code,
                "legal_status_since": "2018-05-01",
                "start_date": "2018-05-01",
                "counted_end_date": f"2018-05-{days + 1:02}",
            },
            {
                "legal_status_code": "V2",
                "legal_status_since": "2018-05-01",
                "start_date": "2018-05-01",
                "counted_end_date": "2018-06-30",
            },
        ),
    )


def _temporary_too_long(number: str, code: str, days: int, what: str) -> Rule:
    """Return a rule: a temporary placement lasts at most so many days."""
    return EPISODES.rule(
        number,
        says=f"{what} ({code}) lasted more than {days} days.",
        todo="Correct the dates, or record the placement as what it has become.",
        fails=f"placement_type_code = '{code}' and counted_end_date - start_date > {days}",
        needs=("cla_placement",),
        catches={
            "placement_type_code": code,
            "start_date": "2018-05-01",
            "counted_end_date": "2018-06-30",
        },
        passes={
            "placement_type_code": code,
            "start_date": "2018-05-01",
            "counted_end_date": "2018-05-08",
        },
    )


def _provider(number: str, provider: str, never: tuple[str, ...], who: str) -> Rule:
    """Return a rule: a provider does not run these types of placement."""
    return EPISODES.rule(
        number,
        says=f"{who} ({provider}) cannot provide this type of placement.",
        todo="Correct the provider (PLACE_PROVIDER) or the type of placement (PLACE).",
        fails=f"provider_code = '{provider}' and placement_type_code in {_codes(never)}",
        needs=("cla_placement",),
        catches={"provider_code": provider, "placement_type_code": never[0]},
        passes={"provider_code": provider, "placement_type_code": "S1"},
    )


def _aged_at_end(number: str, codes: tuple[str, ...], age: int, says: str) -> Rule:
    """Return a rule: a child who leaves care for this reason has reached an age."""
    return EPISODES.rule(
        number,
        says=says,
        todo="Correct the reason why care ended (REC), its date (DEC) or the date of birth (DOB).",
        fails=f"end_reason_code in {_codes(codes)} and end_date < {_aged(age)}",
        catches={
            "end_reason_code": codes[0],
            "birth_date": "2002-05-02",
            "end_date": f"{2002 + age}-05-01",
        },
        passes={
            "end_reason_code": codes[0],
            "birth_date": "2002-05-02",
            "end_date": f"{2002 + age}-05-02",
        },
    )


def _under_18_at_end(number: str, codes: tuple[str, ...], says: str) -> Rule:
    """Return a rule: a child who leaves care for this reason is under 18."""
    return EPISODES.rule(
        number,
        says=says,
        todo="Correct the reason why care ended (REC), its date (DEC) or the date of birth (DOB).",
        fails=f"end_reason_code in {_codes(codes)} and end_date >= {_aged(18)}",
        catches={
            "end_reason_code": codes[0],
            "birth_date": "2000-05-01",
            "end_date": "2018-05-01",
        },
        passes=(
            {
                "end_reason_code": codes[0],
                "birth_date": "2000-05-01",
                "end_date": "2018-04-30",
            },
            # born on 29 February: 18 on 1 March, not on 28 February
            {
                "end_reason_code": codes[0],
                "birth_date": "2000-02-29",
                "end_date": "2018-02-28",
            },
        ),
    )


def _last_year(
    number: str,
    what: str,
    now: str,
    then: str,
    *,
    values: tuple[Any, Any] = ("A1", "A2"),
    differs: str = "{now} is distinct from {then}",
    needs: tuple[str, ...] = (),
) -> Rule:
    """Return a rule: an episode that was open at the end of last year still says the same."""
    same, other = values
    open_then: dict[str, Any] = {
        "start_date": "2018-01-05",
        "last_year_start_date": "2018-01-05",
        now: same,
    }
    return EPISODES.rule(
        number,
        says=f"{what} differs from what last year's return had for the same episode, which was "
        "open at the end of that year.",
        todo="Correct the field. If last year's return was wrong, tell the Department.",
        fails=f"start_date = last_year_start_date and {differs.format(now=now, then=then)}",
        needs=needs,
        catches={**open_then, then: other},
        passes=(
            {**open_then, then: same},
            # another episode may say something else
            {"start_date": "2018-05-05", "last_year_start_date": "2018-01-05", now: same},
            *([] if "distinct" in differs else [open_then]),
        ),
    )


CODES = (
    EPISODES.code(
        "143",
        "start_reason",
        "why the episode started (RNE)",
        required=True,
        unknown_found_by="CODE-04",
    ),
    EPISODES.code(
        "144", "legal_status", "the legal status (LS)", required=True, unknown_found_by="CODE-09"
    ),
    # the list of needs is shared with the children in need census, which has N9 and N0 besides
    EPISODES.code(
        "145",
        "primary_need",
        "the category of need (CIN)",
        required=True,
        never=("N9", "N0"),
        unknown_found_by="CODE-03",
    ),
    EPISODES.code(
        "146",
        "placement_type",
        "the type of placement (PLACE)",
        required=True,
        unknown_found_by="CODE-08",
    ),
    EPISODES.code("149", "end_reason", "why the episode ended (REC)", unknown_found_by="CODE-05"),
    EPISODES.code("178", "provider", "the placement's provider (PLACE_PROVIDER)"),
    EPISODES.code("1009", "change_reason", "why the placement changed (REASON_PLACE_CHANGE)"),
    EPISODES.rule(
        "148",
        says="The episode has an end date without a reason, or a reason without an end date.",
        todo="Record both (DEC and REC), or neither.",
        fails="num_nulls(end_date, end_reason_sent) = 1",
        catches=({"end_date": "2018-05-01"}, {"end_reason_sent": "X1"}),
        passes=({"end_date": "2018-05-01", "end_reason_sent": "X1"}, {}),
    ),
)

DATED = (
    EPISODES.rule(
        "302",
        says="The episode starts before the child was born.",
        todo=DATES,
        fails="start_date < birth_date",
        catches={"start_date": "2018-05-01", "birth_date": "2018-05-02"},
        passes={"start_date": "2018-05-01", "birth_date": "2018-05-01"},
    ),
    EPISODES.rule(
        "352",
        says="The child was 18 or over when they started to be looked after.",
        todo="Correct the start date (DECOM) or the date of birth (DOB).",
        fails=f"start_reason_code = 'S' and start_date >= {_aged(18)}",
        catches={"start_reason_code": "S", "start_date": "2018-05-01", "birth_date": "2000-05-01"},
        passes=(
            {"start_reason_code": "S", "start_date": "2018-04-30", "birth_date": "2000-05-01"},
            # an episode that continues care may start after the birthday
            {"start_reason_code": "L", "start_date": "2018-05-01", "birth_date": "2000-05-01"},
        ),
    ),
    EPISODES.rule(
        "353",
        says="The episode starts before 14 October 1991, when the Children Act came into force.",
        todo="Correct the start date (DECOM).",
        fails="start_date < date '1991-10-14'",
        catches={"start_date": "1991-10-13"},
        passes={"start_date": "1991-10-14"},
    ),
    EPISODES.rule(
        "354",
        says="The episode starts after the end of the collection year.",
        todo="Correct the start date (DECOM).",
        fails="start_date > year_end",
        catches={"start_date": "2019-04-01", "year_end": "2019-03-31"},
        passes={"start_date": "2019-03-31", "year_end": "2019-03-31"},
    ),
    EPISODES.rule(
        "355",
        says="The episode starts and ends on the same day.",
        todo="Delete the episode if it did not last overnight, or correct a date.",
        fails="end_date = start_date",
        catches={"start_date": "2018-05-01", "end_date": "2018-05-01"},
        passes={"start_date": "2018-05-01", "end_date": "2018-05-02"},
    ),
    EPISODES.rule(
        "385",
        says="The episode ends after the end of the collection year.",
        todo="Correct the end date (DEC). Leave it blank until the episode has ended.",
        fails="end_date > year_end",
        catches={"end_date": "2019-04-01", "year_end": "2019-03-31"},
        passes=({"end_date": "2019-03-31", "year_end": "2019-03-31"}, {"year_end": "2019-03-31"}),
    ),
    EPISODES.rule(
        "358",
        says="The child was under 10 when a legal status of the criminal courts (J1, J2 or J3) "
        "began.",
        todo="Correct the legal status (LS), the start date or the date of birth.",
        fails=f"legal_status_code in ('J1', 'J2', 'J3') and start_date < {_aged(10)}",
        needs=("legal_status",),
        catches={"legal_status_code": "J1", "start_date": "2018-04-30", "birth_date": "2008-05-01"},
        # on the tenth birthday a child is ten
        passes={"legal_status_code": "J1", "start_date": "2018-05-01", "birth_date": "2008-05-01"},
    ),
    EPISODES.rule(
        "359",
        says="A young person of 18 or over is still looked after, but not under section 20 (V2) in "
        "a children's home (K2).",
        todo="Record how and when care ended (DEC, REC). If it continues, correct LS and PLACE.",
        fails=f"end_date is null and {_aged(18)} <= as_of_date and coalesce(legal_status_code <>"
        " 'V2' or placement_type_code <> 'K2', true)",
        needs=("legal_status", "cla_placement"),
        catches={
            "birth_date": "2001-01-01",
            "as_of_date": "2019-01-02",
            "legal_status_code": "C2",
            "placement_type_code": "K2",
        },
        passes=(
            {
                "birth_date": "2001-01-01",
                "as_of_date": "2019-01-02",
                "legal_status_code": "V2",
                "placement_type_code": "K2",
            },
            {"birth_date": "2001-01-03", "as_of_date": "2019-01-02", "legal_status_code": "C2"},
        ),
    ),
    EPISODES.rule(
        "446",
        says="A placement order (E1) is recorded for an episode that starts before December 2005, "
        "when there were none.",
        todo="Correct the legal status (LS) or the start date (DECOM).",
        fails="legal_status_code = 'E1' and start_date < date '2005-12-01'",
        needs=("legal_status",),
        catches={"legal_status_code": "E1", "start_date": "2005-11-30"},
        passes={"legal_status_code": "E1", "start_date": "2005-12-01"},
    ),
    _too_long("361", "legal_status_since", "L1", 3, "Police protection"),
    _too_long("362", "legal_status_since", "L2", 21, "An emergency protection order"),
    _too_long("363", "legal_status_since", "L3", 7, "A child assessment order"),
    _too_long("364", "legal_status_since", "J2", 3, "Detention under section 41 to 46 of PACE"),
    _too_long("365", "start_date", "V3", 17, "One short break"),
    EPISODES.rule(
        "366",
        says="A short break (V3) does not begin a period of care: its reason is not S.",
        todo="Record each short break as an episode of its own, with S as its reason (RNE).",
        fails="legal_status_code = 'V3' and start_reason_code <> 'S'",
        needs=("legal_status",),
        catches={"legal_status_code": "V3", "start_reason_code": "P"},
        passes={"legal_status_code": "V3", "start_reason_code": "S"},
    ),
    EPISODES.rule(
        "367",
        says="Short breaks (V3) came to more than 75 days in the 12 months that end with this one.",
        todo="Correct the dates. Beyond 75 days the child is looked after under section 20 (V2).",
        fails="legal_status_code = 'V3' and short_break_days > 75",
        needs=("legal_status",),
        catches={"legal_status_code": "V3", "short_break_days": 76},
        passes={"legal_status_code": "V3", "short_break_days": 75},
    ),
    EPISODES.rule(
        "426",
        says="The child has short breaks of both kinds (V3 and V4) in one collection year.",
        todo="Choose one of the two for the year: episodes (V3) or agreements (V4).",
        fails="is_short_break and has_both_short_breaks",
        needs=("legal_status",),
        catches={"is_short_break": True, "has_both_short_breaks": True},
        passes={"is_short_break": False, "has_both_short_breaks": True},
    ),
)

PLACED = (
    EPISODES.rule(
        "164",
        says="The distance of the placement from home is 1,000 miles or more.",
        todo="Check the two postcodes.",
        only=f"{NO_SHORT_BREAK} and not is_uasc",
        fails="distance_miles > 999.9",
        needs=("cla_placement",),
        catches={"is_short_break": False, "is_uasc": False, "distance_miles": 1000},
        passes={"is_short_break": False, "is_uasc": False, "distance_miles": 999.9},
    ),
    EPISODES.rule(
        "392a",
        says="The distance of the placement from home is not recorded.",
        todo="Record the postcodes, so that the recording system can work it out.",
        only=f"{NO_SHORT_BREAK} and not is_uasc and sends_distances",
        fails="distance_miles is null",
        needs=("cla_placement",),
        catches={"is_short_break": False, "is_uasc": False, "sends_distances": True},
        passes=(
            {"is_short_break": False, "is_uasc": False, "sends_distances": False},
            {"is_short_break": False, "is_uasc": True, "sends_distances": True},
        ),
    ),
    EPISODES.rule(
        "392b",
        says="The child is looked after, but the placement has no postcode.",
        todo="Record the postcode (PL_POST).",
        only=f"{NO_SHORT_BREAK} and not is_uasc and sends_postcodes",
        fails="postcode is null",
        needs=("cla_placement",),
        catches={"is_short_break": False, "is_uasc": False, "sends_postcodes": True},
        passes={"is_short_break": True, "is_uasc": False, "sends_postcodes": True},
        also=("169",),
    ),
    EPISODES.rule(
        "392c",
        says="The placement's postcode does not have the form of a postcode.",
        todo="Correct the postcode (PL_POST).",
        fails=_no_postcode("postcode"),
        needs=("cla_placement",),
        catches=({"postcode": "ZZ1"}, {"postcode": "ZZ1 1OB", "readable_postcode": "ZZ11OB"}),
        passes=({"postcode": "zz1 1aa", "readable_postcode": "ZZ11AA"}, {}),
        also=("169",),
    ),
    EPISODES.rule(
        "392c",
        says="The postcode of the home from which the child came into care does not have the form "
        "of a postcode.",
        todo="Correct the postcode of the address (HOME_POST).",
        only=f"{NO_SHORT_BREAK} and not is_uasc",
        fails=_no_postcode("home_postcode"),
        needs=("address",),
        catches={"is_short_break": False, "is_uasc": False, "home_postcode": "ZZ1"},
        passes=(
            {
                "is_short_break": False,
                "is_uasc": False,
                "home_postcode": "zz1 1aa",
                "readable_home_postcode": "ZZ11AA",
            },
            {"is_short_break": False, "is_uasc": False},
        ),
        part="H",
    ),
    EPISODES.rule(
        "392d",
        says="The placement has the postcode of the home from which the child came into care, but "
        "is not a placement with parents (P1).",
        todo="Correct the postcode of the placement (PL_POST) or of the home (HOME_POST), or the "
        "type of placement (PLACE).",
        only=f"{NO_SHORT_BREAK} and not is_uasc",
        fails="readable_home_postcode = readable_postcode and placement_type_code <> 'P1'",
        needs=("cla_placement", "address"),
        catches={
            "is_short_break": False,
            "is_uasc": False,
            "readable_home_postcode": "ZZ11AA",
            "readable_postcode": "ZZ11AA",
            "placement_type_code": "U1",
        },
        passes=(
            {
                "is_short_break": False,
                "is_uasc": False,
                "readable_home_postcode": "ZZ11AA",
                "readable_postcode": "ZZ11AA",
                "placement_type_code": "P1",
            },
            # a home that is not known equals no placement
            {"is_short_break": False, "is_uasc": False, "placement_type_code": "U1"},
        ),
    ),
    EPISODES.rule(
        "406",
        says="The child is or was an unaccompanied asylum seeker, but a distance from home is "
        "recorded.",
        todo="Leave the distance blank: there is no home to measure from.",
        fails="is_uasc and distance_miles is not null",
        needs=("cla_placement", "immigration_status"),
        catches={"is_uasc": True, "distance_miles": 12},
        passes=({"is_uasc": True}, {"is_uasc": False, "distance_miles": 12}),
    ),
    EPISODES.rule(
        "454",
        says="The placement is more than 350 miles from home.",
        todo="Check the two postcodes.",
        only=f"{NO_SHORT_BREAK} and not is_uasc",
        fails="distance_miles > 350",
        needs=("cla_placement",),
        catches={"is_short_break": False, "is_uasc": False, "distance_miles": 351},
        passes={"is_short_break": False, "is_uasc": False, "distance_miles": 350},
    ),
    EPISODES.rule(
        "398",
        says="A distance or postcode is recorded for a short break (V3 or V4), which needs none.",
        todo="Correct the legal status (LS), or leave the fields blank.",
        fails="is_short_break and num_nonnulls(distance_miles, postcode) > 0",
        needs=("legal_status", "cla_placement"),
        catches={"is_short_break": True, "postcode": "ZZ1 1AA"},
        passes=({"is_short_break": True}, {"is_short_break": False, "postcode": "ZZ1 1AA"}),
        also=("420",),
    ),
    EPISODES.rule(
        "214",
        says="A postcode or Ofsted number is recorded for a short break (V3 or V4), which needs "
        "none.",
        todo="Correct the legal status (LS), or leave the fields blank.",
        fails="is_short_break and num_nonnulls(postcode, provider_urn) > 0",
        needs=("legal_status", "cla_placement"),
        catches={"is_short_break": True, "provider_urn": "SC000001"},
        passes=({"is_short_break": True}, {"is_short_break": False, "provider_urn": "SC000001"}),
    ),
    EPISODES.rule(
        "213",
        says="A provider is recorded for a temporary placement (T0 to T4), which needs none.",
        todo="Leave the provider (PLACE_PROVIDER) blank, or correct the type of placement.",
        fails="is_temporary and provider_sent is not null",
        needs=("cla_placement",),
        catches={"is_temporary": True, "provider_sent": "PR1"},
        passes=({"is_temporary": True}, {"is_temporary": False, "provider_sent": "PR1"}),
    ),
    EPISODES.rule(
        "526",
        says="The placement has no provider.",
        todo="Record who provides it (PLACE_PROVIDER).",
        fails="placement_type_code is not null and not is_temporary"
        f" and placement_type_code not in {_codes(OTHER_PLACEMENTS)} and provider_sent is null",
        needs=("cla_placement",),
        catches={"placement_type_code": "U6", "is_temporary": False},
        passes=(
            {"placement_type_code": "U6", "is_temporary": False, "provider_sent": "PR1"},
            {"placement_type_code": "T1", "is_temporary": True},
            {"placement_type_code": "Z1", "is_temporary": False},
        ),
    ),
    EPISODES.rule(
        "218",
        says="Ofsted registers this type of placement, but its number is not recorded.",
        todo="Record Ofsted's unique reference number (URN). Write XXXXXXX if there is none yet.",
        only="sends_urns and not is_short_break",
        fails="placement_type_code is not null and provider_urn is null"
        f" and placement_type_code not in {_codes(NOT_REGISTERED)}",
        needs=("cla_placement",),
        catches={"sends_urns": True, "is_short_break": False, "placement_type_code": "K2"},
        passes=(
            {
                "sends_urns": True,
                "is_short_break": False,
                "placement_type_code": "K2",
                "provider_urn": "XXXXXXX",
            },
            {"sends_urns": True, "is_short_break": False, "placement_type_code": "P1"},
        ),
    ),
    EPISODES.rule(
        "222",
        says="Ofsted does not register this type of placement, but an Ofsted number is recorded.",
        todo="Delete the number (URN), or correct the type of placement (PLACE).",
        fails=f"placement_type_code in {_codes(NOT_REGISTERED)} and provider_urn <> 'XXXXXXX'",
        needs=("cla_placement",),
        catches={"placement_type_code": "R5", "provider_urn": "SC000001"},
        passes=(
            {"placement_type_code": "K2", "provider_urn": "SC000001"},
            {"placement_type_code": "R5", "provider_urn": "XXXXXXX"},
        ),
    ),
    EPISODES.rule(
        "1015",
        says="The council provides the placement itself (PR1), but it is outside the council's "
        "area.",
        todo="Correct the provider (PLACE_PROVIDER) or the postcode (PL_POST).",
        only=f"sends_areas and {NO_SHORT_BREAK}",
        # a council's own foster carers may live anywhere
        fails="provider_code = 'PR1' and readable_postcode is not null and not is_in_area"
        f" and placement_type_code not in {_codes((*ADOPTIVE, *FOSTER))}",
        needs=("cla_placement", "area_postcodes"),
        catches={
            "sends_areas": True,
            "is_short_break": False,
            "provider_code": "PR1",
            "placement_type_code": "K2",
            "readable_postcode": "ZY11AA",
            "is_in_area": False,
        },
        passes=(
            {
                "sends_areas": True,
                "is_short_break": False,
                "provider_code": "PR1",
                "placement_type_code": "K2",
                "readable_postcode": "ZZ11AA",
                "is_in_area": True,
            },
            {
                "sends_areas": True,
                "is_short_break": False,
                "provider_code": "PR1",
                "placement_type_code": "U6",
                "readable_postcode": "ZY11AA",
                "is_in_area": False,
            },
        ),
    ),
    EPISODES.rule(
        "225",
        says="The child moved to another placement, but the reason for the move is not recorded.",
        todo="Record why the placement changed (REASON_PLACE_CHANGE) in the episode that ended.",
        # a move to or from a temporary placement needs no reason
        fails="end_reason_code = 'X1' and next_start_reason_code in ('P', 'B', 'T', 'U')"
        " and not is_temporary and coalesce(next_placement_type_code, '') !~ '^T[0-4]$'"
        " and change_reason_sent is null",
        needs=("cla_placement",),
        catches={
            "end_reason_code": "X1",
            "next_start_reason_code": "P",
            "is_temporary": False,
            "next_placement_type_code": "K2",
        },
        passes=(
            {
                "end_reason_code": "X1",
                "next_start_reason_code": "P",
                "is_temporary": False,
                "next_placement_type_code": "T1",
            },
            {
                "end_reason_code": "X1",
                "next_start_reason_code": "L",
                "is_temporary": False,
                "next_placement_type_code": "K2",
            },
        ),
    ),
    EPISODES.rule(
        "226",
        says="A reason for a change of placement is recorded for a temporary placement, or for the "
        "move into it.",
        todo="Delete the reason (REASON_PLACE_CHANGE).",
        fails="is_temporary and (change_reason_sent is not null"
        " or (not is_period_start and previous_change_reason_sent is not null))",
        needs=("cla_placement",),
        catches=(
            {"is_temporary": True, "change_reason_sent": "CARPL"},
            {
                "is_temporary": True,
                "is_period_start": False,
                "previous_change_reason_sent": "CARPL",
            },
        ),
        passes=(
            {"is_temporary": True, "is_period_start": False},
            {"is_temporary": False, "change_reason_sent": "CARPL"},
        ),
    ),
    EPISODES.rule(
        "233",
        says="A reason for a change of placement is recorded, but the episode has not ended.",
        todo="Record the end of the episode, or delete the reason (REASON_PLACE_CHANGE).",
        fails="end_date is null and change_reason_sent is not null",
        needs=("cla_placement",),
        catches={"change_reason_sent": "CARPL"},
        passes={"change_reason_sent": "CARPL", "end_date": "2018-05-01"},
    ),
    EPISODES.rule(
        "234",
        says="The placement changed because the child was admitted to custody, but the child was "
        "under 10.",
        todo="Correct the reason (REASON_PLACE_CHANGE) or the date of birth (DOB).",
        fails=f"change_reason_code = 'CUSTOD' and end_date < {_aged(10)}",
        needs=("cla_placement",),
        catches={
            "change_reason_code": "CUSTOD",
            "end_date": "2019-04-30",
            "birth_date": "2009-05-01",
        },
        passes={
            "change_reason_code": "CUSTOD",
            "end_date": "2019-05-01",
            "birth_date": "2009-05-01",
        },
    ),
    _too_young("371", ("H5", "K3"), 16, "supported accommodation", "It is for 16 and over."),
    _too_young("372", ("R5",), 10, "youth custody", "It is for 10 and over."),
    _too_young("373", ("S1",), 4, "a school", "It is for 4 and over."),
    _too_young("374", ("P3",), 14, "residential employment", "It is for 14 and over."),
    _temporary_too_long("375", "T1", 42, "A stay in hospital as a temporary placement"),
    _temporary_too_long("376", "T3", 21, "A placement during the carer's holiday"),
    _temporary_too_long("379", "T4", 7, "A temporary placement for another reason"),
    EPISODES.rule(
        "377",
        says="The child has had three or more placements for a carer's holiday (T3) in 12 months.",
        todo="Correct the type of placement (PLACE).",
        fails="placement_type_code = 'T3' and carer_holiday_count > 2",
        needs=("cla_placement",),
        catches={"placement_type_code": "T3", "carer_holiday_count": 3},
        passes={"placement_type_code": "T3", "carer_holiday_count": 2},
    ),
    EPISODES.rule(
        "378",
        says="The child is placed with parents (P1) under section 20 (V2), which is not possible.",
        todo="Correct the legal status (LS) or the type of placement (PLACE). A child at home "
        "under section 20 is not looked after.",
        fails="placement_type_code = 'P1' and legal_status_code = 'V2'",
        needs=("legal_status", "cla_placement"),
        catches={"placement_type_code": "P1", "legal_status_code": "V2"},
        passes={"placement_type_code": "P1", "legal_status_code": "C2"},
    ),
    EPISODES.rule(
        "380",
        says="A period of care starts with a temporary placement (T0 to T4).",
        todo="Record the placement that the child came from first, or correct PLACE.",
        fails="is_temporary and start_reason_code = 'S'",
        needs=("cla_placement",),
        catches={"is_temporary": True, "start_reason_code": "S"},
        # the legal status may change while the child is away for a while
        passes=(
            {"is_temporary": True, "start_reason_code": "L"},
            {"is_temporary": True, "start_reason_code": "P"},
        ),
    ),
    EPISODES.rule(
        "381",
        says="A period of care ends with a temporary placement (T0 to T4).",
        todo="Record the return to the normal placement, or correct PLACE.",
        fails="is_temporary and end_reason_code <> 'X1'",
        needs=("cla_placement",),
        catches={"is_temporary": True, "end_reason_code": "E4A"},
        passes=({"is_temporary": True, "end_reason_code": "X1"}, {"is_temporary": True}),
    ),
    EPISODES.rule(
        "382",
        says="A child on a short break (V3 or V4) is in a temporary placement (T0 to T4).",
        todo="Correct the type of placement (PLACE) or the legal status (LS).",
        fails="is_short_break and is_temporary",
        needs=("legal_status", "cla_placement"),
        catches={"is_short_break": True, "is_temporary": True},
        passes={"is_short_break": True, "is_temporary": False},
    ),
    EPISODES.rule(
        "383",
        says="After a temporary placement the child did not go back to the placement before it.",
        todo="If the move was for good, record the placement as what it was, not as temporary.",
        # a change of legal status while away makes two temporary episodes in a row
        fails="is_temporary and lasting_before_type_code is not null"
        " and lasting_after_type_code is not null and not is_period_start and ("
        "lasting_before_type_code <> lasting_after_type_code"
        " or lasting_before_postcode <> lasting_after_postcode)",
        needs=("cla_placement",),
        catches={
            "is_temporary": True,
            "is_period_start": False,
            "lasting_before_type_code": "U6",
            "lasting_after_type_code": "K2",
        },
        passes=(
            {
                "is_temporary": True,
                "is_period_start": False,
                "lasting_before_type_code": "U6",
                "lasting_after_type_code": "U6",
            },
            {"is_temporary": True, "is_period_start": False, "lasting_before_type_code": "U6"},
        ),
    ),
    EPISODES.rule(
        "384",
        says="A child on a short break (V3 or V4) is in a long-term foster placement (U1 or U4).",
        todo="Correct the type of placement (PLACE) or the legal status (LS).",
        fails="is_short_break and placement_type_code in ('U1', 'U4')",
        needs=("legal_status", "cla_placement"),
        catches={"is_short_break": True, "placement_type_code": "U4"},
        passes={"is_short_break": True, "placement_type_code": "U6"},
    ),
    _provider("527", "PR1", ("P1", "R2", "R5"), "The council itself"),
    _provider("528", "PR2", ("P1", "R2", "R5"), "Another council"),
    _provider(
        "529",
        "PR3",
        ("P1", "A3", "A4", "A5", "A6", "K1", "K2", "U1", "U2", "U3", "U4", "U5", "U6"),
        "Another public body",
    ),
    _provider("530", "PR4", ("P1",), "A private provider"),
    _provider("531", "PR5", ("P1",), "A voluntary organisation"),
    EPISODES.rule(
        "550",
        says="A parent (PR0) provides the placement, but it is not a placement with parents (P1).",
        todo="Correct the provider (PLACE_PROVIDER) or the type of placement (PLACE).",
        fails="provider_code = 'PR0' and placement_type_code <> 'P1'",
        needs=("cla_placement",),
        catches={"provider_code": "PR0", "placement_type_code": "U6"},
        passes={"provider_code": "PR0", "placement_type_code": "P1"},
    ),
)

ENDED = (
    _under_18_at_end("386", ("E11", "E12"), "A person of 18 or over was adopted."),
    _aged_at_end(
        "387",
        ("E5", "E6"),
        14,
        "A child under 14 moved into independent living.",
    ),
    _aged_at_end(
        "389", ("E7",), 16, "A child under 16 was transferred to residential care for adults."
    ),
    _under_18_at_end(
        "407",
        ("E43", "E44", "E45", "E46", "E47", "E48"),
        "A special guardianship order was made for a person of 18 or over.",
    ),
    _aged_at_end(
        "460",
        ("E17",),
        18,
        "A child under 18 is recorded as staying with the carers as an adult (staying put).",
    ),
    EPISODES.rule(
        "516",
        says="A former foster carer became the special guardian, but the last placement is not a "
        "foster placement.",
        todo="Correct the reason why care ended (REC) or the last placement (PLACE, U1 to U6).",
        fails="end_reason_code in ('E43', 'E45', 'E46')"
        f" and placement_type_code not in {_codes(FOSTER)}",
        needs=("cla_placement",),
        catches={"end_reason_code": "E45", "placement_type_code": "K2"},
        passes=(
            {"end_reason_code": "E45", "placement_type_code": "U1"},
            {"end_reason_code": "E47", "placement_type_code": "K2"},
        ),
    ),
    EPISODES.rule(
        "437",
        says="Care ended with a death, or an age found to be 18 or over, but episodes follow.",
        todo="Check the reason why the episode ended (REC). If it is right, delete the later ones.",
        fails="end_reason_code in ('E2', 'E15') and next_start_date is not null",
        catches={"end_reason_code": "E2", "next_start_date": "2018-05-01"},
        passes={"end_reason_code": "E2", "next_start_date": None},
    ),
    EPISODES.rule(
        "199",
        says="The child was adopted from care, but is looked after again under the same id.",
        todo="Give the child a new id: an adopted child may not be linked to the time before.",
        fails="has_earlier_adoption",
        catches={"has_earlier_adoption": True},
        passes={"has_earlier_adoption": False},
    ),
)

IN_ORDER = (
    EPISODES.rule(
        "357",
        says="The child's very first episode does not say that care started (S).",
        todo="Record the episode before it, or correct the reason (RNE) to S.",
        # a source may begin in the middle of a period of care, so only this year's starts count
        fails="episode_number = 1 and start_date >= year_start and start_reason_code <> 'S'",
        catches={
            "episode_number": 1,
            "start_date": "2018-05-01",
            "year_start": "2018-04-01",
            "start_reason_code": "P",
        },
        passes=(
            {
                "episode_number": 1,
                "start_date": "2018-05-01",
                "year_start": "2018-04-01",
                "start_reason_code": "S",
            },
            {
                "episode_number": 1,
                "start_date": "2018-03-01",
                "year_start": "2018-04-01",
                "start_reason_code": "P",
            },
        ),
    ),
    EPISODES.rule(
        "388",
        says="The episode did not end with X1, but the next one starts on the same day.",
        todo="Correct the reason why it ended (REC) to X1 if care continued.",
        # CARE-03 has the other half: X1 without a next episode
        fails="end_reason_code <> 'X1' and next_start_date = end_date",
        catches={
            "end_reason_code": "E8",
            "end_date": "2018-05-01",
            "next_start_date": "2018-05-01",
        },
        passes={"end_reason_code": "E8", "end_date": "2018-05-01", "next_start_date": "2018-06-01"},
    ),
    EPISODES.rule(
        "431",
        says="The reason says that care started (S), but the episode before ended on the same day "
        "or later.",
        todo="Correct the reason (RNE): the episode continues the period of care.",
        fails="start_reason_code = 'S' and previous_end_date >= start_date",
        catches={
            "start_reason_code": "S",
            "previous_end_date": "2018-05-01",
            "start_date": "2018-05-01",
        },
        passes={
            "start_reason_code": "S",
            "previous_end_date": "2018-04-30",
            "start_date": "2018-05-01",
        },
    ),
    EPISODES.rule(
        "432",
        says="Care ended with the episode before, but the reason for this one is not that care "
        "started (S).",
        todo="Correct the reason (RNE) to S, or how the episode before ended (REC).",
        fails="previous_end_reason_code <> 'X1' and start_reason_code <> 'S'",
        catches={"previous_end_reason_code": "E4A", "start_reason_code": "P"},
        passes=(
            {"previous_end_reason_code": "E4A", "start_reason_code": "S"},
            {"previous_end_reason_code": "X1", "start_reason_code": "P"},
        ),
    ),
    EPISODES.rule(
        "433",
        says="The reason says that care continues, but the episode before did not end on the day "
        "on which this one starts.",
        todo="Correct the dates, or record the episode between the two.",
        fails="start_reason_code <> 'S' and previous_start_date is not null"
        " and previous_end_date is distinct from start_date",
        catches={
            "start_reason_code": "P",
            "previous_start_date": "2018-01-01",
            "previous_end_date": "2018-05-01",
            "start_date": "2018-05-02",
        },
        passes=(
            {
                "start_reason_code": "P",
                "previous_start_date": "2018-01-01",
                "previous_end_date": "2018-05-01",
                "start_date": "2018-05-01",
            },
            # the episode before may be older than the source
            {"start_reason_code": "P", "start_date": "2018-05-01"},
        ),
    ),
    EPISODES.rule(
        "434",
        says="The reason says that only the legal status changed (L), but it did not, or the "
        "placement did.",
        todo="Correct the reason (RNE), or the fields that did not change.",
        only="previous_start_date is not null and not is_period_start",
        fails="start_reason_code = 'L' and (legal_status_code = previous_legal_status_code"
        " or placement_type_code is distinct from previous_placement_type_code"
        " or provider_code is distinct from previous_provider_code"
        " or provider_urn is distinct from previous_provider_urn"
        " or postcode is distinct from previous_postcode)",
        needs=("legal_status", "cla_placement"),
        catches={
            "previous_start_date": "2018-01-01",
            "is_period_start": False,
            "start_reason_code": "L",
            "legal_status_code": "C2",
            "previous_legal_status_code": "C2",
        },
        passes={
            "previous_start_date": "2018-01-01",
            "is_period_start": False,
            "start_reason_code": "L",
            "legal_status_code": "C2",
            "previous_legal_status_code": "C1",
        },
    ),
    EPISODES.rule(
        "435",
        says="The reason says that only the placement changed (P or T), but it did not, or the "
        "legal status did.",
        todo="Correct the reason (RNE), or the fields that changed.",
        only="previous_start_date is not null and not is_period_start",
        fails="start_reason_code in ('P', 'T') and (legal_status_code <> previous_legal_status_code"
        " or (placement_type_code is not distinct from previous_placement_type_code"
        " and provider_code is not distinct from previous_provider_code"
        " and provider_urn is not distinct from previous_provider_urn"
        " and postcode is not distinct from previous_postcode))",
        needs=("legal_status", "cla_placement"),
        catches={
            "previous_start_date": "2018-01-01",
            "is_period_start": False,
            "start_reason_code": "P",
            "placement_type_code": "U6",
            "previous_placement_type_code": "U6",
        },
        # same type and provider, but another house
        passes={
            "previous_start_date": "2018-01-01",
            "is_period_start": False,
            "start_reason_code": "P",
            "placement_type_code": "U6",
            "previous_placement_type_code": "U6",
            "postcode": "ZZ1 1AA",
            "previous_postcode": "ZZ2 2BB",
        },
    ),
    EPISODES.rule(
        "436",
        says="The reason says that both placement and legal status changed (B or U), but one of "
        "them did not.",
        todo="Correct the reason (RNE), or the field that did not change.",
        only="previous_start_date is not null and not is_period_start",
        fails="start_reason_code in ('B', 'U') and (legal_status_code = previous_legal_status_code"
        " or (placement_type_code is not distinct from previous_placement_type_code"
        " and provider_code is not distinct from previous_provider_code"
        " and provider_urn is not distinct from previous_provider_urn"
        " and postcode is not distinct from previous_postcode))",
        needs=("legal_status", "cla_placement"),
        catches={
            "previous_start_date": "2018-01-01",
            "is_period_start": False,
            "start_reason_code": "B",
            "legal_status_code": "C2",
            "previous_legal_status_code": "C2",
            "placement_type_code": "U6",
            "previous_placement_type_code": "K2",
        },
        passes={
            "previous_start_date": "2018-01-01",
            "is_period_start": False,
            "start_reason_code": "B",
            "legal_status_code": "C2",
            "previous_legal_status_code": "C1",
            "placement_type_code": "U6",
            "previous_placement_type_code": "K2",
        },
    ),
    EPISODES.rule(
        "504",
        says="The category of need differs from the one at the start of the period of care.",
        todo="Record the need for which the period of care began (CIN) in each of its episodes.",
        fails="primary_need_code <> period_need_code",
        catches={"primary_need_code": "N2", "period_need_code": "N1"},
        passes={"primary_need_code": "N1", "period_need_code": "N1"},
    ),
)

BEFORE = (
    EPISODES.rule(
        "502",
        says="Last year ended with an open episode. The first episode of this year starts on "
        "another day.",
        todo="Correct the start date (DECOM), or record how last year's episode ended.",
        fails="is_first_in_year and start_date <> last_year_start_date",
        catches={"is_first_in_year": True, "start_date": "2018-01-06",
                 "last_year_start_date": "2018-01-05"},
        passes=(
            {"is_first_in_year": True, "start_date": "2018-01-05",
             "last_year_start_date": "2018-01-05"},
            {"is_first_in_year": False, "start_date": "2018-06-05",
             "last_year_start_date": "2018-01-05"},
        ),
    ),
    _last_year(
        "503A", "The reason for the episode (RNE)", "start_reason_code",
        "last_year_start_reason_code",
    ),
    _last_year(
        "503B", "The legal status (LS)", "legal_status_code", "last_year_legal_status_code",
        values=("C2", "V2"), differs=BOTH_SAY, needs=("legal_status",),
    ),
    _last_year(
        "503C", "The category of need (CIN)", "primary_need_code", "last_year_primary_need_code"
    ),
    _last_year(
        "503D", "The type of placement (PLACE)", "placement_type_code",
        "last_year_placement_type_code",
        values=("U6", "K2"), differs=BOTH_SAY, needs=("cla_placement",),
    ),
    _last_year(
        "503E", "The provider of the placement (PLACE_PROVIDER)", "provider_code",
        "last_year_provider_code",
        values=("PR1", "PR4"), differs=BOTH_SAY, needs=("cla_placement",),
    ),
    _last_year(
        "503F", "The number of the provider (URN)", "provider_urn", "last_year_provider_urn",
        values=("SC100001", "SC100002"), differs=BOTH_SAY, needs=("cla_placement",),
    ),
    _last_year(
        "503G", "The distance of the placement (PL_DISTANCE)", "distance_miles",
        "last_year_distance_miles",
        values=(3, 4), differs=BOTH_SAY, needs=("cla_placement",),
    ),
    EPISODES.rule(
        "503H",
        says="The placement is in the council's area and was outside it in last year's return, or "
        "the other way round. The episode was open at the end of that year.",
        todo="Correct the postcode (PL_POST), or record the move as another episode. If last "
        "year's return was wrong, tell the Department.",
        only=f"sends_areas and {NO_SHORT_BREAK}",
        fails="start_date = last_year_start_date and readable_postcode is not null"
        " and is_in_area <> last_year_is_in_area",
        needs=("cla_placement", "area_postcodes"),
        catches={**OPEN_THEN, "is_in_area": True, "last_year_is_in_area": False},
        passes=(
            {**OPEN_THEN, "is_in_area": True, "last_year_is_in_area": True},
            # a postcode that one of the two years does not have says nothing about a move
            {**OPEN_THEN, "is_in_area": True, "last_year_is_in_area": None},
            {**OPEN_THEN, "readable_postcode": None, "is_in_area": False,
             "last_year_is_in_area": True},
            # another episode may be elsewhere
            {**OPEN_THEN, "start_date": "2018-05-05", "is_in_area": True,
             "last_year_is_in_area": False},
        ),
        also=("452",),
    ),
    # measured again, the same way may be a little longer
    _last_year(
        "453", "By 0.2 miles or more, the distance of the placement (PL_DISTANCE)",
        "distance_miles", "last_year_distance_miles",
        values=(3, 4), differs="abs({now} - {then}) >= 0.2", needs=("cla_placement",),
    ),
    EPISODES.rule(
        "562",
        says="The episode began before this collection year, but last year's record has other "
        "episodes of the child and not this one.",
        todo="Correct the start date (DECOM), or tell the Department that an episode was missing.",
        fails="has_last_year_episode and is_first_in_year and start_date < year_start"
        " and start_date is distinct from last_year_start_date",
        catches={"has_last_year_episode": True, "is_first_in_year": True,
                 "start_date": "2018-02-01", "year_start": "2018-04-01",
                 "last_year_start_date": "2017-09-01"},
        passes=(
            {"has_last_year_episode": True, "is_first_in_year": True,
             "start_date": "2018-02-01", "year_start": "2018-04-01",
             "last_year_start_date": "2018-02-01"},
            {"has_last_year_episode": True, "is_first_in_year": True,
             "start_date": "2018-05-01", "year_start": "2018-04-01"},
        ),
    ),
    EPISODES.rule(
        "NoE",
        says="The episode began before this collection year, but last year's record has no "
        "episode of the child at all.",
        todo="Correct the start date (DECOM), or tell the Department that the child was missing.",
        fails="has_last_year and not has_last_year_episode and start_date < year_start",
        catches={"has_last_year": True, "has_last_year_episode": False,
                 "start_date": "2018-02-01", "year_start": "2018-04-01"},
        passes=(
            {"has_last_year": True, "has_last_year_episode": False,
             "start_date": "2018-05-01", "year_start": "2018-04-01"},
            # the first year that Carepath loads has no year before it
            {"has_last_year": False, "has_last_year_episode": False,
             "start_date": "2018-02-01", "year_start": "2018-04-01"},
        ),
    ),
)  # fmt: skip

ADOPTED = (
    EPISODES.rule(
        "217",
        says="A placement for adoption with the current foster carers (A3 or A5) began with a "
        "change of carers.",
        todo="Correct the reason (RNE) to S, T or U, or the placement to A4 or A6.",
        fails="placement_type_code in ('A3', 'A5') and start_date >= date '2015-04-01'"
        " and start_reason_code not in ('S', 'T', 'U')",
        needs=("cla_placement",),
        catches={"placement_type_code": "A5", "start_date": "2018-05-01", "start_reason_code": "P"},
        passes={"placement_type_code": "A5", "start_date": "2018-05-01", "start_reason_code": "U"},
    ),
    EPISODES.rule(
        "336",
        says="The child was placed for adoption with the current foster carers (A3 or A5), but was "
        "not in a foster placement before.",
        todo="Correct the placement to A4 or A6, or the placement before it.",
        fails="placement_type_code in ('A3', 'A5') and previous_start_date is not null"
        " and previous_placement_type_code is distinct from placement_type_code"
        f" and coalesce(previous_placement_type_code, '') not in {_codes((*ADOPTIVE, *FOSTER))}",
        needs=("cla_placement",),
        catches={"placement_type_code": "A5", "previous_start_date": "2018-01-01",
                 "previous_placement_type_code": "K2"},
        passes={"placement_type_code": "A5", "previous_start_date": "2018-01-01",
                "previous_placement_type_code": "U5"},
    ),
    EPISODES.rule(
        "390",
        says="The child was adopted, but the last placement is not a placement for adoption.",
        todo="Correct the last placement (PLACE, A3 to A6) or the reason why care ended (REC).",
        fails="end_reason_code in ('E11', 'E12')"
        f" and coalesce(placement_type_code, '') not in {_codes(ADOPTIVE)}",
        needs=("cla_placement",),
        catches={"end_reason_code": "E12", "placement_type_code": "U6"},
        passes={"end_reason_code": "E12", "placement_type_code": "A6"},
    ),
    EPISODES.rule(
        "408",
        says="The child is placed for adoption with a placement order (A5 or A6), but the legal "
        "status is not a placement order (E1).",
        todo="Correct the legal status (LS) to E1, or the placement to A3 or A4.",
        fails="placement_type_code in ('A5', 'A6') and legal_status_code <> 'E1'",
        needs=("legal_status", "cla_placement"),
        catches={"placement_type_code": "A6", "legal_status_code": "C2"},
        passes={"placement_type_code": "A6", "legal_status_code": "E1"},
    ),
    EPISODES.rule(
        "331",
        says="The child was matched with the adopters after the placement with them began.",
        todo="Correct the date of matching (DATE_MATCH) or the placement's start (DECOM).",
        fails="end_reason_code in ('E11', 'E12') and matched_date > start_date",
        needs=("permanence",),
        catches={"end_reason_code": "E11", "matched_date": "2018-05-02",
                 "start_date": "2018-05-01"},
        passes={"end_reason_code": "E11", "matched_date": "2018-05-01",
                "start_date": "2018-05-01"},
    ),
    EPISODES.rule(
        "335",
        says="The last placement and the record on adoption contradict each other about whether "
        "the current foster carer adopted the child.",
        todo="Correct the placement (PLACE) or the record on adoption (FOSTER_CARE).",
        fails="end_reason_code in ('E11', 'E12') and ("
        "(placement_type_code in ('A3', 'A5') and not is_adopted_by_carer)"
        " or (placement_type_code in ('A4', 'A6') and is_adopted_by_carer))",
        needs=("cla_placement", "permanence"),
        catches={"end_reason_code": "E11", "placement_type_code": "A5",
                 "is_adopted_by_carer": False},
        passes={"end_reason_code": "E11", "placement_type_code": "A5",
                "is_adopted_by_carer": True},
    ),
    EPISODES.rule(
        "521",
        says="The decision that adoption is best for the child is later than the placement for "
        "adoption.",
        todo="Correct the date of the decision (DATE_INT) or the placement's start (DECOM).",
        fails=f"placement_type_code in {_codes(ADOPTIVE)} and best_interest_date > start_date",
        needs=("cla_placement", "permanence"),
        catches={"placement_type_code": "A6", "best_interest_date": "2018-05-02",
                 "start_date": "2018-05-01"},
        passes={"placement_type_code": "A6", "best_interest_date": "2018-05-01",
                "start_date": "2018-05-01"},
    ),
    EPISODES.rule(
        "551",
        says="The child is placed for adoption, but the decision to place them is not recorded.",
        todo="Record the date of the decision (DATE_PLACED).",
        fails=f"placement_type_code in {_codes(ADOPTIVE)} and placement_decision_date is null",
        needs=("cla_placement", "permanence"),
        catches={"placement_type_code": "A6"},
        passes={"placement_type_code": "A6", "placement_decision_date": "2018-05-01"},
    ),
    EPISODES.rule(
        "552",
        says="The decision to place the child for adoption is later than the placement.",
        todo="Correct the date of the decision (DATE_PLACED) or the placement's start (DECOM).",
        fails=f"placement_type_code in {_codes(ADOPTIVE)} and placement_decision_date > start_date",
        needs=("cla_placement", "permanence"),
        catches={"placement_type_code": "A6", "placement_decision_date": "2018-05-02",
                 "start_date": "2018-05-01"},
        passes={"placement_type_code": "A6", "placement_decision_date": "2018-05-01",
                "start_date": "2018-05-01"},
    ),
    EPISODES.rule(
        "553",
        says="A placement order was made (E1), but the decision to place the child for adoption is "
        "not recorded.",
        todo="Record the date of the decision (DATE_PLACED).",
        fails="legal_status_code = 'E1' and placement_decision_date is null",
        needs=("legal_status", "permanence"),
        catches={"legal_status_code": "E1"},
        passes={"legal_status_code": "E1", "placement_decision_date": "2018-05-01"},
    ),
    EPISODES.rule(
        "554",
        says="The decision to place the child for adoption is later than the placement order.",
        todo="Correct the date of the decision (DATE_PLACED) or of the order (DECOM).",
        # the order began with the first of its episodes in a row
        fails="legal_status_code = 'E1' and placement_decision_date > legal_status_since",
        needs=("legal_status", "permanence"),
        catches={"legal_status_code": "E1", "placement_decision_date": "2018-05-02",
                 "legal_status_since": "2018-05-01"},
        passes={"legal_status_code": "E1", "placement_decision_date": "2018-05-01",
                "legal_status_since": "2018-05-01"},
    ),
    EPISODES.rule(
        "557",
        says="The child, who was to be placed for adoption, left care without being adopted. The "
        "end of that plan is not recorded.",
        todo="Record when and why the decision was reversed (DATE_PLACED_CEASED, "
        "REASON_PLACED_CEASED).",
        fails="end_reason_code not in ('X1', 'E11', 'E12')"
        f" and (placement_type_code in {_codes(ADOPTIVE)} or legal_status_code in ('D1', 'E1'))"
        " and (decision_reversed_date is null or not has_reversal_reason)",
        needs=("legal_status", "cla_placement", "permanence"),
        catches={"end_reason_code": "E4A", "placement_type_code": "A6",
                 "has_reversal_reason": False},
        passes=(
            {"end_reason_code": "E4A", "placement_type_code": "A6",
             "decision_reversed_date": "2018-05-01", "has_reversal_reason": True},
            {"end_reason_code": "E12", "placement_type_code": "A6", "has_reversal_reason": False},
        ),
    ),
    EPISODES.rule(
        "558",
        says="The child was adopted, but the decision to place them for adoption is recorded as "
        "reversed.",
        todo="Check the reason why care ended (REC), or delete the reversal (DATE_PLACED_CEASED).",
        # an earlier decision may have been reversed before a new one
        fails="end_reason_code in ('E11', 'E12') and decision_reversed_date"
        " >= coalesce(placement_decision_date, decision_reversed_date)",
        needs=("permanence",),
        catches={"end_reason_code": "E11", "decision_reversed_date": "2018-05-01",
                 "placement_decision_date": "2018-01-01"},
        passes={"end_reason_code": "E11", "decision_reversed_date": "2017-05-01",
                "placement_decision_date": "2018-01-01"},
    ),
    EPISODES.rule(
        "582",
        says="The child was matched with the adopters on the day of the adoption.",
        todo="Check the date of matching (DATE_MATCH), which is normally months earlier.",
        fails="end_reason_code in ('E11', 'E12') and matched_date = end_date",
        needs=("permanence",),
        catches={"end_reason_code": "E11", "matched_date": "2018-05-01", "end_date": "2018-05-01"},
        passes={"end_reason_code": "E11", "matched_date": "2018-01-01", "end_date": "2018-05-01"},
    ),
    EPISODES.rule(
        "601",
        says="The child was adopted in the year, but the record on adoption is not complete.",
        todo="Record the two dates, the carer, and number, sex and legal status of the adopters.",
        fails="end_reason_code in ('E11', 'E12') and end_date between year_start and year_end"
        " and not has_whole_adoption_record",
        needs=("permanence",),
        catches={"end_reason_code": "E11", "end_date": "2018-05-01", "year_start": "2018-04-01",
                 "year_end": "2019-03-31", "has_whole_adoption_record": False},
        passes={"end_reason_code": "E11", "end_date": "2018-05-01", "year_start": "2018-04-01",
                "year_end": "2019-03-31", "has_whole_adoption_record": True},
    ),
)  # fmt: skip

RULES = (*CODES, *DATED, *PLACED, *ENDED, *IN_ORDER, *BEFORE, *ADOPTED)
