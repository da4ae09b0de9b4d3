"""Kinds of rule: what each kind finds, and how to write an entry of it.

Each contradiction belongs to one kind. The rule book lists the rules of every kind and what they do
not cover (carepath.documents.rule_book).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from carepath.contract.code_lists import load as load_code_lists
from expectations.rule import Fails, Kind, Missing, OutOfOrder, Repeated, Rows, Rule
from expectations.sql import listed

NIGHT = "2019-06-30"
SPELL = "Standard Safeguarding Dataset, start and end dates"
FACTS = "Carepath: two facts that cannot both be true"


@dataclass(frozen=True)
class About:
    """What a kind of contradiction is.

    Attributes:
        title: its heading in the rule book.
        finds: what its rules compare, in one or two plain sentences.
        uncovered: what no rule of the kind finds, each with the reason.
    """

    title: str
    finds: str
    uncovered: tuple[str, ...]


KINDS: Final[Mapping[Kind, About]] = {
    "order": About(
        "Order of events",
        "Two dates of one record, or a date and a birth or a death, come in the wrong order.",
        (
            "Tables without a person (EHC plans, costs, carers) are not compared with a life.",
            "A placement that names no child is not compared with a life. Mosaic sends such "
            "placements.",
            "Dates on which a worker finishes something may come after a death: end, closure, "
            "authorisation and due dates.",
            "The order of events in different tables is compared only where a rule says so.",
        ),
    ),
    "age": About(
        "Age against status",
        "The person's age on a date does not allow the status, service or activity.",
        (
            "Without a date of birth, no age is compared.",
            "Ages that the Department's rules compare, such as placement types and SDQ scores, "
            "are not compared again.",
            "Early help, child in need plans and disabled children's services can go on after 18.",
        ),
    ),
    "at once": About(
        "Two things at once",
        "Two things that exclude each other are recorded for the same time.",
        (
            "Overlaps of episodes and placements are found by CARE-01, CARE-02 and CARE-05.",
            "A child in need plan beside a child protection plan is a rule of the children in "
            "need census.",
            "Several open referrals, enquiries, assessments or early help episodes at one time "
            "are not a contradiction.",
            "Two legal statuses at once can be right: the one that began last counts.",
        ),
    ),
    "needs": About(
        "One thing needs another",
        "A record needs another one that is not there, or refers to a record that is not there.",
        (
            "Providers (URN), families, meetings and periods of care have no table of their own "
            "in the contract.",
            "A source that does not deliver the other table is not judged.",
            "A closed allocation may name a worker who has left.",
        ),
    ),
    "code": About(
        "A code against another table",
        "A code or a flag says one thing, and another table says the opposite.",
        (
            "Legal status against placement type is in the Department's rules of the return.",
            "Text in JSON, such as outcomes and assessment factors, is not compared.",
            "The answers of interviews and the voice of the child are opinions.",
        ),
    ),
    "scale": About(
        "A value outside its scale",
        "A code is not on its list, or a number or a length of time is not believable.",
        (
            "The contract refuses a number that is outside its column's range (DATE-02).",
            "Text without a list, such as offences and identifiers, has no scale.",
        ),
    ),
    "dates": About(
        "A date outside a life, a career or the calendar",
        "A date is before 1990, or after the night although it says what has happened, or lies "
        "outside the time in which the carer was approved.",
        (
            "The contract does not say when a social worker joined or left. Only an open "
            "allocation to a worker who is not on the list is found.",
        ),
    ),
    "twice": About(
        "The same person twice",
        "Two people on the list share a number, or a name, sex and date of birth.",
        (
            "A second record with another spelling of the name and another number is not found.",
            "The same worker or carer under two ids is not found.",
        ),
    ),
    "stale": About(
        "Stale records",
        "Nothing has happened for so long that the record is probably out of date.",
        ("A return is sent once a year, so only rules about years apply to it.",),
    ),
    "sums": About(
        "Sums and counts",
        "Counts or amounts of one record do not add up, or have the wrong sign.",
        (
            "A worker's recorded caseload is not compared with their open allocations: part-time "
            "and supervised cases are counted differently in each council.",
            "Totals over many records are judged as figures, by gate 2.",
        ),
    ),
}


def contradiction(
    rule_id: str,
    subject: str | tuple[str, ...],
    kind: Kind,
    *,
    says: str,
    todo: str,
    fails: str,
    because: str,
    owner: str,
    catches: Rows,
    passes: Rows,
    threshold: float = 0.0,
    judged: str = "true",
    needs: tuple[str, ...] = (),
    falsifies: tuple[str, ...] = (),
    reference: str = FACTS,
) -> Rule:
    """Return a rule of a kind: a warning if it has a threshold, otherwise info."""
    return Rule(
        rule_id=rule_id,
        subject=subject,
        kind=kind,
        says=says,
        todo=todo,
        reference=reference,
        severity="warning" if threshold else "info",
        threshold=threshold,
        because=because,
        owner=owner,
        judged=judged,
        condition=Fails(fails),
        needs=needs,
        falsifies=falsifies,
        catches=catches,
        passes=passes,
    )


def shared_by_two(rule_id: str, subject: str, column: str, what: str, owner: str) -> Rule:
    """Return a rule: no two people have the same value in `column`."""
    return Rule(
        rule_id=rule_id,
        subject=subject,
        kind="twice",
        says=f"Two or more people have the same {what}.",
        todo="Check whether they are one person. If so, merge the records in the source. If not, "
        "correct the one that is wrong.",
        reference="Standard Safeguarding Dataset, ssd_person: one record for each person",
        severity="warning",
        threshold=0.02,
        because="One person with two records is counted twice. More than 2% means that the source "
        "has loaded people a second time.",
        owner=owner,
        condition=Repeated(column),
        catches=({column: "SAME"}, {column: "SAME"}),
        passes={column: "OTHER"},
    )


def known_code(
    rule_id: str,
    subject: str,
    column: str,
    what: str,
    owner: str,
    department: tuple[str, ...] = (),
) -> Rule:
    """Return a rule: what the source sent as `column` is a code that Carepath knows."""
    return Rule(
        rule_id=rule_id,
        subject=subject,
        kind="scale",
        says=f"The code for {what} is not on the code list.",
        todo="Choose a code from the list. If the source now writes its codes in another way, ask "
        "the BI team to add them to the list.",
        reference=f"dbt_project/seeds/code_lists.csv; contract, {subject}",
        severity="warning",
        threshold=0.05,
        because="A code that Carepath does not know counts as not recorded. More than 5% means "
        "that the source now writes its codes in another way.",
        owner=owner,
        department=department,
        condition=Missing(f"{column}_code", when=f"{column}_sent"),
        catches={f"{column}_sent": "nonsense", f"{column}_code": None},
        passes={f"{column}_sent": None, f"{column}_code": None},
    )


def in_order(
    rule_id: str,
    subject: str,
    dates: tuple[str, str],
    says: str,
    owner: str,
    reference: str = SPELL,
    department: tuple[str, ...] = (),
) -> Rule:
    """Return a rule: the second of two dates is not before the first."""
    earlier, later = dates
    return Rule(
        rule_id=rule_id,
        subject=subject,
        kind="order",
        says=says,
        todo="Find out which of the two dates is wrong, and correct it.",
        reference=reference,
        severity="warning",
        threshold=0.02,
        because="Carepath does not work out a length of time from these dates. More than 2% means "
        "that two date columns have been swapped.",
        owner=owner,
        department=department,
        condition=OutOfOrder(earlier, later),
        catches={earlier: "2019-05-02", later: "2019-05-01"},
        passes={earlier: "2019-05-02", later: "2019-05-02"},
    )


def not_in_future(rule_id: str, subject: str, column: str, what: str, owner: str) -> Rule:
    """Return a rule: the date in `column` is not after the night."""
    return Rule(
        rule_id=rule_id,
        subject=subject,
        kind="dates",
        says=f"{what} is in the future.",
        todo="Correct the date. If it is a planned date, record it in the plan.",
        reference="contract: a record says what has happened",
        severity="warning",
        threshold=0.05,
        because="The measures count it as something that has happened. More than 5% means that "
        "planned dates are recorded as actual dates.",
        owner=owner,
        judged=f"{column} is not null",
        condition=Fails(f"{column} > night"),
        catches={column: "2019-07-01", "night": NIGHT},
        passes={column: "2019-06-30", "night": NIGHT},
    )


def outside_its_years(code_list: str, column: str) -> str:
    """Return the condition that a code is not valid in `collection_year`; "" if all always are."""
    years: dict[tuple[int | None, int | None], list[str]] = {}
    for code in load_code_lists()[code_list].codes:
        years.setdefault((code.valid_from_year, code.valid_to_year), []).append(code.code)
    clauses = []
    for (first, last), codes in years.items():
        outside = [f"collection_year < {first}"] if first else []
        outside += [f"collection_year > {last}"] if last else []
        if outside:
            clauses.append(f"({column} in ({listed(codes)}) and ({' or '.join(outside)}))")
    return " or ".join(clauses)
