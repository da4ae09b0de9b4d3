"""How a rule of the Department becomes an entry: what all rules of a return file have in common.

A file of the return holds only what belongs to its collection year and to its group of children.
The table of a recording system holds more: all years, and children of all ages. So a rule judges
the records that the return of this year would hold. A rule about who belongs in a file judges only
rows that a return sent (`FROM_RETURN`).

A rule that several rules of the register express together names the Department's number in each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from carepath.contract.code_lists import Code
from carepath.contract.code_lists import load as load_code_lists
from expectations.kinds import outside_its_years
from expectations.rule import Fails, Row, Rows, Rule
from expectations.sql import listed

RETURN = "SSDA903"
REJECTED = (
    "The Department would reject or query the return, but no measure is wrong. The return is due "
    "after 31 March, so this never holds a night."
)
FROM_RETURN = "is_from_return"


@dataclass(frozen=True)
class ReturnFile:
    """One file of the return, and how its rules judge it.

    Attributes:
        title: what the guide calls the file.
        subject: the subject whose rows are judged.
        owner: who puts a record right.
        judged: SQL condition for the rows that belong in this year's file.
        row: columns that an example needs to be judged.
        needs: tables that each rule reads besides the subject's own.
    """

    title: str
    subject: str
    owner: str
    judged: str = "true"
    row: Row = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def rule(
        self,
        number: str,
        *,
        says: str,
        todo: str,
        fails: str,
        catches: Rows,
        passes: Rows,
        needs: tuple[str, ...] = (),
        only: str | None = None,
        part: str = "",
        also: tuple[str, ...] = (),
    ) -> Rule:
        """Return the rule of the register that expresses one of the Department's.

        Args:
            number: as the Department writes it.
            says: what is wrong, in plain words.
            todo: what the owner does about it.
            fails: SQL condition of a record that fails.
            catches: examples that fail, without the columns of `row`.
            passes: examples that pass, traps of a naive reading among them.
            needs: more optional tables that the rule reads.
            only: SQL condition that further limits what is judged.
            part: a letter after the number, where several tables need a rule each.
            also: other numbers that the same condition covers.
        """
        judged = " and ".join(each for each in (self.judged, only) if each and each != "true")
        return Rule(
            rule_id=rule_id(number) + part,
            subject=self.subject,
            says=says,
            todo=todo,
            reference=f"rules of the looked-after return 2026/27, {number} (file {self.title})",
            severity="info",
            because=REJECTED,
            owner=self.owner,
            judged=judged or "true",
            condition=Fails(fails),
            needs=tuple(dict.fromkeys((*self.needs, *needs))),
            department=tuple(f"{RETURN} {each}" for each in (number, *also)),
            catches=_with(self.row, catches),
            passes=_with(self.row, passes),
        )

    def code(
        self,
        number: str,
        column: str,
        what: str,
        *,
        required: bool = False,
        never: tuple[str, ...] = (),
        unknown_found_by: str | None = None,
        only: str | None = None,
    ) -> Rule:
        """Return a rule: `column` holds a code of its list that is valid in the collection year.

        Args:
            number: as the Department writes it.
            column: the code column without its ending `_code`.
            what: what the code says, such as "the legal status (LS)".
            required: whether a blank fails.
            never: codes of the list that the return does not have.
            unknown_found_by: another rule that finds codes that are on no list.
            only: SQL condition that further limits what is judged.
        """
        code, sent = f"{column}_code", f"{column}_sent"
        codes = load_code_lists()[CODE_LISTS[column]].codes
        good = next(each.code for each in codes if each.valid_in(2019) and each.code not in never)
        fails: list[str] = []
        catches: list[dict[str, object]] = []
        passes: list[dict[str, object]] = [{sent: good, code: good}]
        if required:
            fails.append(f"{sent} is null")
            catches.append({sent: None})
        else:
            passes.append({sent: None})
        if not unknown_found_by:
            fails.append(f"({sent} is not null and {code} is null)")
            catches.append({sent: "nonsense"})
        if never:
            fails.append(f"{code} in ({listed(never)})")
            catches.append({sent: never[0], code: never[0]})
        if outside := outside_its_years(CODE_LISTS[column], code):
            fails.append(outside)
            dated, valid, invalid = _years(codes)
            row = {sent: dated, code: dated}
            catches.append({**row, "collection_year": invalid})
            passes.append({**row, "collection_year": valid})
        return self.rule(
            number,
            says=f"The return does not accept the code for {what}"
            f"{', which is blank or' if required else ': it is'} not one of this collection year.",
            todo="Choose a code of this year's guide.",
            fails=" or ".join(fails),
            only=only,
            catches=tuple(catches),
            passes=tuple(passes),
        )


# the code list of each code column that `code` judges
CODE_LISTS: Mapping[str, str] = {
    "start_reason": "episode_start_reason",
    "legal_status": "legal_status",
    "primary_need": "need",
    "placement_type": "placement_type",
    "end_reason": "episode_end_reason",
    "provider": "placement_provider",
    "change_reason": "placement_change_reason",
    "sex": "sex",
    "ethnicity": "ethnicity",
    "participation": "review_participation",
    "missing_type": "missing_type",
    "permanence_option": "previous_permanence",
    "decision_reversed_reason": "decision_reversed_reason",
    "adopter_sex": "adopter_sex",
    "adopter_legal_status": "adopter_legal_status",
    "sdq_reason": "sdq_reason",
    "worker_change_reason": "worker_change_reason",
}


def rule_id(number: str) -> str:
    """Return the rule's id: LAC-392C for 392c, LAC-SW01A for SW01aSTG1."""
    return "LAC-" + re.sub(r"STG\d$", "", number).upper()


def _years(codes: Sequence[Code]) -> tuple[str, int, int]:
    """Return a code with a year in which it is valid, and one next to it in which it is not."""
    for each in codes:
        if each.valid_to_year:
            return each.code, each.valid_to_year, each.valid_to_year + 1
        if each.valid_from_year:
            return each.code, each.valid_from_year, each.valid_from_year - 1
    raise ValueError("All codes of the list are valid in every year.")


def _with(row: Row, given: Rows) -> Rows:
    """Return the examples with the columns that all of them need."""
    if isinstance(given, tuple):
        return tuple({**row, **each} for each in given)
    return {**row, **given}
