"""The ten lists of Annex A of Ofsted's inspection of a children's services department (ILACS).

Each list has a query in `lists/`, whose columns are in the order of the headings here. The headings
and the words of the codes are those of Annex A.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

QUERIES: Final = Path(__file__).parent / "lists"


@dataclass(frozen=True)
class AnnexList:
    """One list: its number, its title, and its headings in order."""

    number: int
    title: str
    headings: tuple[str, ...]

    @cached_property
    def query(self) -> str:
        """The SQL, with the parameters authority, day, six_months_from and year_from."""
        return "".join(
            (QUERIES / name).read_text(encoding="utf-8")
            for name in ("children.sql", f"list_{self.number:02}.sql")
        )


_CHILD: Final = ("Gender", "Ethnicity", "Date of Birth", "Age of Child (Years)")
_ALLOCATED: Final = ("Allocated Team", "Allocated Worker")

LISTS: Final = (
    AnnexList(
        1,
        "Contacts",
        (
            "Child Unique ID",
            *_CHILD,
            "Date of Contact",
            "Contact Source",
        ),
    ),
    AnnexList(
        2,
        "Early help",
        (
            "Child Unique ID",
            *_CHILD,
            "Assessment start date",
            "Assessment completion date",
            "Organisation completing assessment",
        ),
    ),
    AnnexList(
        3,
        "Referrals",
        (
            "Child Unique ID",
            *_CHILD,
            "Date of referral",
            "Referral Source",
            "Referral NFA?",
            "Number of Referrals in Last 12 Months",
            *_ALLOCATED,
        ),
    ),
    AnnexList(
        4,
        "Assessments",
        (
            "Child Unique ID",
            *_CHILD,
            "Does the Child have a Disability",
            "Continuous Assessment Start Date",
            "Child Seen During Continuous Assessment",
            "Continuous Assessment Date of Authorisation",
            "Was the child assessed as requiring LA children's social care support?",
            *_ALLOCATED,
        ),
    ),
    AnnexList(
        5,
        "Section 47 enquiries",
        (
            "Child Unique ID",
            *_CHILD,
            "Does the Child have a Disability",
            "Strategy discussion initiating Section 47 Enquiry Start Date",
            "Was an Initial Child Protection Conference deemed unnecessary?",
            "Date of Initial Child Protection Conference",
            "Did the Initial Child Protection Conference Result in a Child Protection Plan",
            "Number of Section 47 Enquiries in the last 12 months",
            "Number of ICPCs in the last 12 months",
            *_ALLOCATED,
        ),
    ),
    AnnexList(
        6,
        "Children in need",
        (
            "Child Unique ID",
            *_CHILD,
            "Does the Child have a Disability",
            "CIN Start Date",
            "Primary Need Code",
            "Date Child Was Last Seen",
            "CIN Closure Date",
            "Reason for Closure",
            "Case Status",
            *_ALLOCATED,
        ),
    ),
    AnnexList(
        7,
        "Child protection",
        (
            "Child Unique ID",
            *_CHILD,
            "Does the Child have a Disability",
            "Child Protection Plan Start Date",
            "Initial Category of Abuse",
            "Latest Category of Abuse",
            "Date of the Last Statutory Visit",
            "Was the Child Seen Alone?",
            "Date of latest review conference",
            "Child Protection Plan End Date",
            "Subject to Emergency Protection Order or Protected Under Police "
            "Powers in Last Six Months (Y/N)",
            "Number of Previous Child Protection Plans",
            *_ALLOCATED,
        ),
    ),
    AnnexList(
        8,
        "Children in care",
        (
            "Child Unique ID",
            *_CHILD,
            "Unaccompanied Asylum Seeking Child (UASC) within the Last 12 Months (Y/N)",
            "Does the Child have a Disability",
            "Date Started to be Looked After",
            "Child's Category of Need",
            "Is this a second or subsequent period of being a Looked After Child "
            "within the last 12 months (Y/N)",
            "Start date of current legal status",
            "Child's Legal Status",
            "Date of Latest Statutory Review",
            "Date of Last Social Work Visit",
            "What is the permanence plan for this child?",
            "Date of Last IRO Visit / Contact to the Child",
            "Date of Last Health Assessment",
            "Date of Last Dental Check",
            "Number of Placements in the Last 12 months",
            "Date Ceased to be Looked After",
            "Reason Ceased to be Looked After",
            "Start Date of Most Recent Placement",
            "Placement Type",
            "Placement Provider",
            "Placement postcode",
            "URN of Placement",
            "Placement Location",
            "LA of Placement",
            "Number of Episodes the Child has been 'Missing' from their Placement "
            "in the last 12 months",
            "Number of Episodes the Child has been 'Absent' from their Placement "
            "in the last 12 months",
            "Was the child offered a Return Interview after their last missing episode (Y/N)?",
            "Did the child accept a Return Interview after their last missing episode (Y/N)?",
            *_ALLOCATED,
        ),
    ),
    AnnexList(
        9,
        "Care leavers",
        (
            "Child Unique ID",
            *_CHILD,
            "Unaccompanied Asylum Seeking Child (UASC), or formerly UASC if 18 or over (Y/N)",
            "Does the Child have a Disability",
            *_ALLOCATED,
            "Allocated Personal Advisor",
            "Eligibility Category",
            "Latest Pathway Plan Review Date",
            "LA in Touch",
            "Latest Date of Contact",
            "Type of Accommodation",
            "Suitability of Accommodation",
            "Activity Status",
        ),
    ),
    AnnexList(
        10,
        "Adoption",
        (
            "Child Unique ID",
            "Family identifier",
            *_CHILD,
            "Does the Child have a Disability",
            "Date the Child Entered Care",
            "Date of Decision that Child Should be Placed for Adoption",
            "Date of Placement Order",
            "Date of Matching Child and Prospective Adopters",
            "Date Placed for Adoption",
            "Date of Adoption Order",
            "Date of Decision that Child Should No Longer be Placed for Adoption",
            "Reason Why Child No Longer Placed for Adoption",
            "Date the child was placed for fostering in FFA or concurrent planning placement",
        ),
    ),
)

_SOURCES: Final = {
    **dict.fromkeys(("1A", "1B", "1C", "1D"), "a) Individual"),
    "2A": "b) Schools",
    "2B": "c) Education services",
    **dict.fromkeys(("3A", "3B", "3C", "3D", "3E", "3F"), "d) Health services"),
    "4": "e) Housing",
    **dict.fromkeys(("5A", "5B", "5C", "5D"), "f) LA services"),
    "6": "g) Police",
    "7": "h) Other legal agency",
    "8": "i) Other",
    "9": "j) Anonymous",
    "10": "k) Unknown",
}
_NEEDS: Final = {
    "N1": "a) Abuse or neglect",
    "N2": "b) Child's disability",
    "N3": "c) Parents illness or disability",
    "N4": "d) Family in acute stress",
    "N5": "e) Family dysfunction",
    "N6": "f) Socially unacceptable behaviour",
    "N7": "g) Low income",
    "N8": "h) Absent parenting",
    "N9": "i) Not CIN",
    "N0": "j) Not stated",
}
_ABUSE: Final = {
    "NEG": "a) Neglect",
    "PHY": "b) Physical Abuse",
    "SAB": "c) Sexual Abuse",
    "EMO": "d) Emotional Abuse",
    "MUL": "e) Multiple",
}
_KNOWN: Final = {"true": "Yes", "false": "No", "unknown": "Unknown"}

# code to Annex A's words, by heading; a code that is not here has none, and is left blank
CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "Gender": {"M": "a) Male", "F": "b) Female", "U": "c) Not stated/recorded"},
    "Ethnicity": {
        **dict.fromkeys(("WBRI", "WIRI", "WOTH", "WIRT", "WROM"), "a) White"),
        **dict.fromkeys(("MWBC", "MWBA", "MWAS", "MOTH"), "b) Mixed"),
        **dict.fromkeys(("AIND", "APKN", "ABAN", "CHNE", "AOTH"), "c) Asian or Asian British"),
        **dict.fromkeys(("BCRB", "BAFR", "BOTH"), "d) Black or black British"),
        "OOTH": "e) Other ethnic group",
        **dict.fromkeys(("REFU", "NOBT"), "f) Not stated"),
    },
    "Does the Child have a Disability": _KNOWN,
    "Child Seen During Continuous Assessment": _KNOWN,
    "Was the Child Seen Alone?": _KNOWN,
    "Contact Source": _SOURCES,
    "Referral Source": _SOURCES,
    "Primary Need Code": _NEEDS,
    "Child's Category of Need": _NEEDS,
    "Reason for Closure": {
        "RC1": "a) Adopted",
        "RC2": "b) Died",
        "RC3": "c) Residence Order",
        "RC4": "d) Special Guardianship Order",
        "RC5": "e) Transfer to another LA",
        "RC6": "f) Transfer to Adult Social Services",
        "RC7": "g) 'Other' incl. Child no longer in need",
        "RC8": "h) Child not in need after assessment",
        "RC9": "g) 'Other' incl. Child no longer in need",
    },
    "Case Status": {
        "CLA": "a) Looked after child",
        "CP": "b) Child Protection plan",
        "CIN": "c) Child in need plan",
        "ASSESSMENT": "d) Open assessment",
        "CLOSED": "e) Closed episode",
    },
    "Initial Category of Abuse": _ABUSE,
    "Latest Category of Abuse": _ABUSE,
    "Child's Legal Status": {
        "C1": "a) Interim care orders",
        "C2": "b) Full care orders",
        "D1": "c) Freed for  Adoption",
        "E1": "d) Placement order granted",
        "V2": "e) Accommodated under S20",
        **dict.fromkeys(
            ("L1", "L2", "L3"), "f) Detained on child protection grounds in LA accommodation"
        ),
        **dict.fromkeys(("J1", "J2", "J3"), "g) Youth justice legal Statuses"),
    },
    "What is the permanence plan for this child?": {
        "RETURN": "a) Return to family",
        "ADOPTION": "b) Adoption",
        "SUPPORTED": "d) Supported living in the community",
        "RESIDENTIAL": "e) Long-term residential placement",
        "FOSTERING": "f) Long-term fostering",
        "OTHER": "g) Other",
    },
    "Reason Ceased to be Looked After": {
        **dict.fromkeys(("E11", "E12"), "a) Adopted"),
        "E2": "b) Died",
        "E3": "c) Care taken by another LA",
        **dict.fromkeys(("E4A", "E4B"), "d) Returned home to live with parents or relatives"),
        "E13": "e) Left care to live with parents, relatives or other person with no parental"
        " responsibility",
        "E41": "f) Residence order granted",
        **dict.fromkeys(
            ("E43", "E44", "E45", "E46", "E47", "E48"), "g) Special Guardianship Orders"
        ),
        **dict.fromkeys(("E5", "E6"), "h) Moved into independent living"),
        "E7": "i) Transferred to residential care funded by adult social services",
        "E9": "j) Sentenced to custody",
        "E14": "k) Accommodation on remand ended",
        "E15": "l) Age assessment determined child was 18 or over",
        "E16": "m) Child moved abroad",
        **dict.fromkeys(("E17", "E8"), "n) Care ceased for any other reason"),
    },
    "Placement Type": {
        **dict.fromkeys(("U1", "U2", "U3", "U4", "U5", "U6"), "a) Foster placement"),
        **dict.fromkeys(("A3", "A4", "A5", "A6"), "b) Placed for adoption"),
        "P1": "c) Placed with parents",
        "P2": "d) Independent living",
        "P3": "e) Residential employment",
        **dict.fromkeys(("H5", "K3"), "f) Residential accommodation"),
        "K1": "g) Secure Children\u2019s Homes",
        "K2": "h) Children\u2019s Homes",
        "R1": "i) Residential Care Home",
        "R2": "j) NHS/Health Trust",
        "R3": "k) Family Centre or Mother and Baby Unit",
        "R5": "l) Young Offender Institution",
        "S1": "m) Residential school",
        **dict.fromkeys(("Z1", "Z11", "Z12", "Z13", "Z14"), "n) Other placements"),
        **dict.fromkeys(("T0", "T1", "T2", "T3", "T4"), "o) Temporary placement"),
    },
    "Placement Provider": {
        "PR0": "a) Own LA",
        "PR4": "b) Private",
        **dict.fromkeys(("PR1", "PR2", "PR3", "PR5"), "c) Other"),
    },
    "Placement Location": {"IN": "a) In", "OUT": "b) Out"},
    "Eligibility Category": {
        "R": "a) Relevant",
        "F": "b) Former relevant",
        "Q": "c) Qualifying",
        "E": "d) Eligible",
    },
    "LA in Touch": {
        "YES": "a) In touch",
        **dict.fromkeys(("NO", "REFU", "NREQ"), "b) Not in touch"),
        "UNKNOWN": "c) Not recorded",
        **dict.fromkeys(("DIED", "RHOM"), "d) Exclude"),
    },
    "Type of Accommodation": {
        "B": "a) With parents or relatives",
        "C": "b) Community home",
        "D": "c) Semi-independent transitional accommodation",
        "E": "d) Supported lodgings",
        "G": "e) Gone abroad",
        "H": "f) Deported",
        "K": "g) Ordinary lodgings",
        "R": "h) Residence not known",
        "S": "i) No fixed abode / homeless",
        "T": "j) Foyers",
        "U": "k) Independent living",
        "V": "l) Emergency accommodation",
        "W": "m) Bed and breakfast",
        "X": "n) In custody",
        "Y": "p) Other accommodation",
        "Z": "o) With Former Foster Carer",
    },
    "Suitability of Accommodation": {"1": "a) Suitable", "2": "b) Not suitable"},
    "Activity Status": {
        "F1": "F1: Full time in higher education",
        "P1": "P1: Part time in higher education",
        "F2": "F2: Full time in education other than higher",
        "P2": "P2: Part time in education other than higher",
        "F3": "F3: Full time in training or employment",
        "P3": "P3: Part time in training or employment",
        "F4": "F4: Young person engaged full time in an apprenticeship",
        "P4": "P4: Young person engaged part time in an apprenticeship",
        "F5": "F5: Young person engaged full time in training or employment (not apprenticeship)",
        "P5": "P5: Young person engaged part time in training or employment (not apprenticeship)",
        "G4": "G4: Not in education, employment or training - illness or disability",
        "G5": "G5: Not in education, employment or training - other",
        "G6": "G6: Not in education, employment or training - pregnancy or parenting",
    },
    "Reason Why Child No Longer Placed for Adoption": {
        "RD1": "a) Child\u2019s needs changed",
        "RD2": "b) Court did not make a PO",
        "RD3": "c) Prospective adopters cannot be found",
        "RD4": "d) Any other reason",
    },
}
