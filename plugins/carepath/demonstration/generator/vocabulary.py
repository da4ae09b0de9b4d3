"""What the demonstration's recording system calls things. Everything named here is invented.

Code lists hold the recording system's own wording (Liquidlogic sends codes for some fields and
descriptions for others); names of people, places and teams are put together from syllables.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import numpy as np

FORENAME_STARTS: Final = ("Al", "Be", "Ca", "Da", "El", "Fi", "Ga", "Ha", "Is", "Jo", "Ka", "Li")
FORENAME_ENDS: Final = ("bren", "dovi", "lan", "mira", "nessi", "rik", "sanu", "tol", "vey", "zan")
SURNAME_STARTS: Final = (
    "Ald", "Brim", "Cor", "Dun", "Elm", "Fen", "Gar", "Hol", "Ink", "Jarl", "Kel", "Lar",
    "Mor", "Nor", "Oak", "Pen", "Quil", "Ros", "Sel", "Tam", "Under", "Vel", "Wick", "Yar",
)  # fmt: skip
SURNAME_MIDDLES: Final = ("a", "e", "ing", "o", "ow", "sel", "u", "wen")
SURNAME_ENDS: Final = ("brook", "dale", "fold", "gate", "kind", "lowe", "mere", "stead", "ton")
STREET_ENDS: Final = ("Avenue", "Close", "Lane", "Rise", "Road", "Street", "Walk", "Way")
BOROUGH_STARTS: Final = (
    "Brack", "Cold", "Dray", "East", "Fern", "Glass", "Hazel", "Iron", "Kings", "Long", "Mill",
)  # fmt: skip
BOROUGH_ENDS: Final = ("hithe", "combe", "ley")

ETHNICITIES: Final = (
    "WBRI", "WIRI", "WOTH", "WIRT", "WROM", "MWBC", "MWBA", "MWAS", "MOTH", "AIND", "APKN",
    "ABAN", "CHNE", "AOTH", "BCRB", "BAFR", "BOTH", "OOTH", "REFU", "NOBT",
)  # fmt: skip
ETHNICITY_SHARES: Final = (
    0.55, 0.01, 0.07, 0.003, 0.01, 0.04, 0.025, 0.02, 0.03, 0.03, 0.03,
    0.02, 0.005, 0.02, 0.03, 0.06, 0.02, 0.015, 0.002, 0.01,
)  # fmt: skip
NEEDS: Final = ("N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8", "N9", "N0")
NEED_SHARES: Final = (0.52, 0.10, 0.03, 0.09, 0.15, 0.04, 0.005, 0.02, 0.015, 0.03)
GENDERS: Final = ("00", "01", "02", "09")
LEGAL_STATUSES: Final = ("C1", "C2", "E1", "V2", "V3", "V4", "L1", "L2", "J1")
EPISODE_STARTS: Final = ("S", "L", "P", "T", "B", "U")
EPISODE_ENDS: Final = (
    "X1", "E11", "E12", "E13", "E2", "E3", "E41", "E45", "E48", "E4A", "E4B", "E5", "E6", "E8",
    "E9", "E15", "E17", "E44", "E47",
)  # fmt: skip
PLACEMENTS: Final = (
    "U1", "U3", "U4", "U5", "U6", "K1", "K2", "R1", "R3", "R5", "S1", "H5", "P1", "P2", "A4", "A5",
    "T0",
)  # fmt: skip
PROVIDERS: Final = ("PR0", "PR1", "PR2", "PR3", "PR4", "PR5")
PLACEMENT_CHANGES: Final = (
    "CARPL", "CLOSE", "ALLEG", "STAND", "CREQB", "CREQO", "CHILD", "LAREQ", "PLACE", "OTHER",
)  # fmt: skip
CLOSE_REASONS: Final = ("RC1", "RC3", "RC4", "RC5", "RC6", "RC7", "RC8", "RC9")
DISABILITIES: Final = (
    "NONE", "MOB", "HAND", "PC", "INC", "COMM", "LD", "HEAR", "VIS", "BEH", "CON", "AUT", "DDA",
)  # fmt: skip
ABUSE_CATEGORIES: Final = ("Neglect", "Physical abuse", "Sexual abuse", "Emotional abuse")
PARTICIPATION: Final = ("PN0", "PN1", "PN2", "PN3", "PN4", "PN5", "PN6", "PN7")
SOURCE_CODES: Final = ("1A", "1B", "1C", "2A", "3A", "3C", "4", "5A", "5B", "6", "7", "8", "9")
SOURCES: Final = (
    "Individual - family member, relative or carer",
    "Individual - acquaintance",
    "Individual - self",
    "Schools",
    "Health services - GP",
    "Health services - hospital",
    "Education services",
    "LA services - social care",
    "LA services - other internal",
    "Police",
    "Other legal agency",
    "Other",
    "Anonymous",
)
WORKER_CHANGES: Final = (
    "MANAGE", "FCONTA", "LEFTRL", "ORGRST", "TSPROC", "ABSENC", "CHCHAN", "PCCHAN", "OTHERS",
)  # fmt: skip
FACTORS: Final = (
    "1A", "1B", "1C", "2A", "2B", "2C", "3A", "3B", "3C", "4A", "4B", "4C", "5A", "5B", "6A", "7A",
    "10A", "11A", "12A", "13A", "14A", "15A", "16A", "17A", "18B", "18C", "19B", "19C", "20", "21",
)  # fmt: skip
NATIONALITIES: Final = ("Afghanistan", "Albania", "Eritrea", "Iran", "Iraq", "Sudan", "Vietnam")
UASC: Final = "Unaccompanied Asylum Seeking Child"
LEAVE: Final = ("Refugee Status", "Indefinite Leave to Remain", "Humanitarian Protection")
IMMIGRATION: Final = (UASC, *LEAVE)

ELIGIBILITIES: Final = (
    "Relevant",
    "Former Relevant",
    "Eligible",
    "Qualifying",
    "No Current Eligibility",
)
IN_TOUCH: Final = ("YES", "NO", "DIED", "REFU", "NREQ", "RHOM")
ACTIVITIES: Final = {
    "F1": "Young person engaged full time in higher education",
    "P1": "Young person engaged part time in higher education",
    "F2": "Young person engaged full time in education other than higher education",
    "P2": "Young person engaged part time in education other than higher education",
    "F3": "Young person engaged full time in training or employment",
    "P3": "Young person engaged part time in training or employment",
    "F4": "Young person engaged full time in an apprenticeship",
    "P4": "Young person engaged part time in an apprenticeship",
    "F5": "Young person engaged full time in training or employment (not apprenticeship)",
    "P5": "Young person engaged part time in training or employment (not apprenticeship)",
    "G4": "Young person not in education, employment or training because of illness or disability",
    "G5": "Not in education, employment or training - other circumstances",
    "G6": "Young person not in education, employment or training due to pregnancy or parenting",
}
ACCOMMODATION: Final = {
    "B": "With parent(s) or relative(s)",
    "C": "Community home or other form of residential care",
    "D": "Semi-independent, transitional accommodation",
    "E": "Supported lodgings",
    "K": "Ordinary lodgings, without formal support",
    "S": "No fixed abode / homeless",
    "T": "Foyers and similar supported accommodation",
    "U": "Independent living",
    "V": "Emergency accommodation",
    "W": "Bed and breakfast",
    "X": "In custody",
    "Y": "Other accommodation",
    "Z": "With former foster carer(s)",
}
SUITABILITY: Final = (
    "Accommodation is considered suitable",
    "Accommodation is considered unsuitable",
)

TEAMS: Final = (
    "Multi-Agency Safeguarding Hub",
    "Assessment Team North",
    "Assessment Team South",
    "Assessment Team Central",
    "Safeguarding and Court Team North",
    "Safeguarding and Court Team South",
    "Safeguarding and Court Team Central",
    "Children with Disabilities Team",
    "Looked After Children Team A",
    "Looked After Children Team B",
    "Leaving Care Team East",
    "Leaving Care Team West",
    "Early Help North",
    "Early Help South",
    "Independent Reviewing Service",
    "Adoption and Permanence Team",
    "Families Together Team",
)
PARTS: Final = ("North", "South", "Central")
COURT_TEAMS: Final = tuple(TEAMS.index(f"Safeguarding and Court Team {part}") for part in PARTS)
# the teams that hold cases; the hub passes its cases on
CASEWORK_TEAMS: Final = (
    *(TEAMS.index(f"Assessment Team {part}") for part in PARTS),
    *COURT_TEAMS,
)
FAMILIES_TOGETHER_TEAM: Final = TEAMS.index("Families Together Team")
DISABILITIES_TEAM: Final = TEAMS.index("Children with Disabilities Team")
LEAVING_CARE_TEAMS: Final = (
    TEAMS.index("Leaving Care Team East"),
    TEAMS.index("Leaving Care Team West"),
)


def described(codes: dict[str, str]) -> tuple[str, ...]:
    """Return the wordings of a code list: each description, then each "code - description"."""
    return (*codes.values(), *(f"{code} - {text}" for code, text in codes.items()))


def flags(names: Sequence[str], chosen: Sequence[Sequence[str]], **extra: str) -> tuple[str, ...]:
    """Return one JSON text per entry of `chosen`: every flag present, the chosen ones "Y"."""
    return tuple(
        json.dumps({**{name: "Y" if name in yes else "N" for name in names}, **extra})
        for yes in chosen
    )


CONTACT_FLAGS: Final = (
    "NEW_REFERRAL_FLAG", "EXISTING_REFERRAL_FLAG", "CP_ENQUIRY_FLAG", "NFA_FLAG",
    "NON_AGENCY_ADOPTION_FLAG", "PRIVATE_FOSTERING_FLAG", "ADVICE_FLAG", "MISSING_FLAG",
    "OLA_CP_FLAG", "OTHER_OUTCOMES_EXIST_FLAG",
)  # fmt: skip
CONTACT_OUTCOMES: Final = flags(
    CONTACT_FLAGS,
    (("NEW_REFERRAL_FLAG",), ("EXISTING_REFERRAL_FLAG",), ("NFA_FLAG",), ("ADVICE_FLAG",)),
)
REFERRAL_FLAGS: Final = (
    "SINGLE_ASSESSMENT_FLAG", "NFA_FLAG", "STRATEGY_DISCUSSION_FLAG", "CLA_REQUEST_FLAG",
    "NON_AGENCY_ADOPTION_FLAG", "PRIVATE_FOSTERING_FLAG", "CP_TRANSFER_IN_FLAG",
    "CP_CONFERENCE_FLAG", "CARE_LEAVER_FLAG", "OTHER_OUTCOMES_EXIST_FLAG",
)  # fmt: skip
REFERRAL_OUTCOMES: Final = flags(
    REFERRAL_FLAGS,
    (
        ("SINGLE_ASSESSMENT_FLAG",),
        ("NFA_FLAG",),
        ("SINGLE_ASSESSMENT_FLAG", "STRATEGY_DISCUSSION_FLAG"),
        ("SINGLE_ASSESSMENT_FLAG", "CLA_REQUEST_FLAG"),
    ),
)
ASSESSMENT_FLAGS: Final = (
    "NFA_FLAG", "NFA_S47_END_FLAG", "STRATEGY_DISCUSSION_FLAG", "CLA_REQUEST_FLAG",
    "PRIVATE_FOSTERING_FLAG", "LEGAL_ACTION_FLAG", "PROV_OF_SERVICES_FLAG",
    "PROV_OF_SB_CARE_FLAG", "SPECIALIST_ASSESSMENT_FLAG", "REFERRAL_TO_OTHER_AGENCY_FLAG",
    "OTHER_ACTIONS_FLAG", "OTHER_OUTCOMES_EXIST_FLAG",
)  # fmt: skip
ASSESSMENT_OUTCOMES: Final = flags(
    ASSESSMENT_FLAGS,
    (
        ("NFA_FLAG",),
        ("PROV_OF_SERVICES_FLAG",),
        ("STRATEGY_DISCUSSION_FLAG",),
        ("REFERRAL_TO_OTHER_AGENCY_FLAG",),
    ),
    TOTAL_NO_OF_OUTCOMES="1",
    COMMENTS="",
)
ENQUIRY_FLAGS: Final = (
    "NFA_FLAG", "LEGAL_ACTION_FLAG", "PROV_OF_SERVICES_FLAG", "PROV_OF_SB_CARE_FLAG",
    "CP_CONFERENCE_FLAG", "NFA_CONTINUE_SINGLE_FLAG", "MONITOR_FLAG", "OTHER_OUTCOMES_EXIST_FLAG",
)  # fmt: skip
ENQUIRY_OUTCOMES: Final = flags(
    ENQUIRY_FLAGS,
    (("CP_CONFERENCE_FLAG",), ("NFA_FLAG",), ("PROV_OF_SERVICES_FLAG",)),
    TOTAL_NO_OF_OUTCOMES="1",
    OUTCOME_COMMENTS="",
)
CONFERENCE_FLAGS: Final = (
    "NFA_FLAG", "REFERRAL_TO_OTHER_AGENCY_FLAG", "SINGLE_ASSESSMENT_FLAG",
    "PROV_OF_SERVICES_FLAG", "CP_FLAG", "OTHER_OUTCOMES_EXIST_FLAG",
)  # fmt: skip
CONFERENCE_OUTCOMES: Final = flags(
    CONFERENCE_FLAGS,
    (("CP_FLAG",), ("PROV_OF_SERVICES_FLAG",)),
    TOTAL_NO_OF_OUTCOMES="1",
    COMMENTS="",
)
CARE_PLAN_OPTIONS: Final = (
    "REMAINSUP", "RETURN1M", "RETURN6M", "RETURNEV", "LTRELFR", "LTFOST18", "RESPLMT", "SUPPLIV",
    "ADOPTION", "OTHERPLN",
)  # fmt: skip
CARE_PLANS: Final = flags(CARE_PLAN_OPTIONS, tuple((option,) for option in CARE_PLAN_OPTIONS))


def street_names() -> tuple[str, ...]:
    """Return invented street names."""
    return tuple(
        f"{start}{middle}{end} {kind}"
        for start in SURNAME_STARTS
        for middle, end in zip(SURNAME_MIDDLES, SURNAME_ENDS, strict=False)
        for kind in STREET_ENDS[:2]
    )


def forenames() -> tuple[str, ...]:
    """Return invented forenames."""
    return tuple(f"{start}{end}" for start in FORENAME_STARTS for end in FORENAME_ENDS)


def surnames() -> tuple[str, ...]:
    """Return invented surnames."""
    return tuple(
        f"{start}{middle}{end}"
        for start in SURNAME_STARTS
        for middle in SURNAME_MIDDLES
        for end in SURNAME_ENDS
    )


def addresses(rng: np.random.Generator, town: str, count: int) -> tuple[str, ...]:
    """Return `count` invented addresses in `town` as the standard's JSON text."""
    streets = street_names()
    chosen = rng.integers(0, len(streets), count)
    numbers = rng.integers(1, 140, count)
    return tuple(
        json.dumps(
            {
                "ROOM": "",
                "FLOOR": "",
                "FLAT": "",
                "BUILDING": "",
                "HOUSE": str(number),
                "STREET": streets[street],
                "TOWN": town,
                "UPRN": "",
                "EASTING": "",
                "NORTHING": "",
            }
        )
        for street, number in zip(chosen.tolist(), numbers.tolist(), strict=True)
    )


def postcodes(letters: str = "ZZ") -> tuple[str, ...]:
    """Return postcodes, without spaces, of ZZ or of ZY: neither exists."""
    return tuple(
        f"{letters}{district}{sector}{unit}"
        for district in range(1, 20)
        for sector in range(1, 10)
        for unit in ("AA", "BD", "FG", "LN", "TW")
    )


def invalid_nhs_numbers(rng: np.random.Generator, count: int) -> tuple[str, ...]:
    """Return ten-digit numbers with a last digit that the NHS would not give."""
    digits = rng.integers(0, 10, (count, 9))
    check = (11 - (digits * np.arange(10, 1, -1)).sum(axis=1) % 11) % 11
    wrong = (check + 1) % 10
    numbers = digits @ 10 ** np.arange(8, -1, -1) * 10 + wrong
    return tuple(f"{number:010d}" for number in numbers.tolist())


def invalid_upns(rng: np.random.Generator, count: int) -> tuple[str, ...]:
    """Return pupil numbers with a check letter that does not match the twelve digits."""
    letters = "ABCDEFGHJKLMNPQRTUVWXYZ"
    digits = rng.integers(0, 10, (count, 12))
    remainder = (digits * np.arange(2, 14)).sum(axis=1) % 23
    wrong = (remainder + 7) % 23
    numbers = digits @ 10 ** np.arange(11, -1, -1)
    return tuple(
        f"{letters[letter]}{number:012d}"
        for letter, number in zip(wrong.tolist(), numbers.tolist(), strict=True)
    )


def authority_name(number: int) -> str:
    """Return the name of the invented authority with this number (1 carries the figures)."""
    if number == 1:
        return "London Borough of Ashmere"
    start, end = divmod(number - 2, len(BOROUGH_ENDS))
    again, start = divmod(start, len(BOROUGH_STARTS))
    name = f"{BOROUGH_STARTS[start]}{BOROUGH_ENDS[end]}"
    return f"London Borough of {name}{f' {again + 1}' if again else ''}"


def authority_code(number: int) -> str:
    """Return the ONS-like code of the invented authority with this number."""
    return f"E099{number:05d}"
