"""Every combination of in-touch, activity and accommodation of a care leaver, judged.

The return rules of the Department for Education (DfE) test one field at a time, or whether a field
is 0. Of 210 sampled combinations they accept 131. One of these is a full-time university student in
custody. Carepath gives each of the 6 x 14 x 51 combinations (and each blank field) a verdict:

- consistent: there is nothing to ask;
- contradictory: both may have been true, but not on the same day or not in the sense of the guide.
  One field is probably out of date, so a person should look;
- impossible: they cannot all be true of one young person.

Each row of `JUDGEMENTS` gives a verdict, and the first row that matches counts. A combination that
matches no row is consistent. docs/combinations.md shows the rows, and the SQL of rules COMB-01 and
COMB-02 comes from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from expectations.sql import listed

Verdict = Literal["consistent", "contradictory", "impossible"]

IN_TOUCH = ("YES", "NO", "DIED", "REFU", "NREQ", "RHOM")
HIGHER = ("F1", "P1")
APPRENTICE = ("F4", "P4")
EMPLOYED = ("F3", "P3", "F5", "P5")
EET = (*HIGHER, "F2", "P2", *APPRENTICE, *EMPLOYED)
NEET = ("G4", "G5", "G6")
ACTIVITY = (*EET, *NEET)
LETTERS = ("B", "C", "D", "E", "G", "H", "K", "R", "S", "T", "U", "V", "W", "X", "Y", "Z")
NONE = ("0",)


@dataclass(frozen=True)
class Combination:
    """One combination as recorded; None is blank. Suitability is '1', '2' or None."""

    in_touch: str | None
    activity: str | None
    accommodation: str | None
    suitability: str | None


@dataclass(frozen=True)
class Judgement:
    """A class of combinations and its verdict; an empty tuple means any value or blank."""

    verdict: Verdict
    why: str
    in_touch: tuple[str, ...] = ()
    activity: tuple[str, ...] = ()
    accommodation: tuple[str, ...] = ()
    suitability: tuple[str, ...] = ()

    def matches(self, it: Combination) -> bool:
        """Say whether the combination belongs to this class."""
        return all(
            not values or value in values
            for values, value in (
                (self.in_touch, it.in_touch),
                (self.activity, it.activity),
                (self.accommodation, it.accommodation),
                (self.suitability, it.suitability),
            )
        )

    def condition(self, prefix: str = "") -> str:
        """Return the SQL condition of this class over the columns of stg_care_leavers."""
        return " and ".join(
            f"{prefix}{column}_code in ({listed(values)})"
            for column, values in (
                ("in_touch", self.in_touch),
                ("activity", self.activity),
                ("accommodation", self.accommodation),
                ("suitability", self.suitability),
            )
            if values
        )


JUDGEMENTS = (
    # combinations that cannot be true
    Judgement("impossible", "no activity is recorded for a young person who has died (DfE 344)",
              in_touch=("DIED",), activity=ACTIVITY),
    Judgement("impossible", "no accommodation is recorded for a young person who has died "
              "(DfE 344)",
              in_touch=("DIED",), accommodation=LETTERS),
    Judgement("impossible", "accommodation does not apply, but its suitability is recorded "
              "(DfE 133)",
              accommodation=NONE, suitability=("1", "2")),
    Judgement("impossible", "the return never counts homelessness or custody as suitable "
              "accommodation (DfE 133)",
              accommodation=("S", "X"), suitability=("1",)),
    Judgement("impossible", "accommodation that is not known cannot have been judged suitable",
              accommodation=("R",), suitability=("1",)),
    Judgement("impossible", "the young person has been home with their parents for six months "
              "or more, but the accommodation is elsewhere (DfE 344)",
              in_touch=("RHOM",), accommodation=tuple(x for x in LETTERS if x != "B")),
    Judgement("impossible", "a young person in custody cannot attend a full-time course of "
              "higher education",
              activity=("F1",), accommodation=("X",)),
    Judgement("impossible", "an English apprenticeship cannot continue after deportation",
              activity=APPRENTICE, accommodation=("H",)),
    # combinations that need a second look
    Judgement("contradictory", "the young person has returned home, so the guide asks for "
              "accommodation 0 (DfE 344)",
              in_touch=("RHOM",), accommodation=("B",)),
    Judgement("contradictory", "the young person has returned home, so the guide asks for "
              "activity 0 (DfE 344)",
              in_touch=("RHOM",), activity=ACTIVITY),
    Judgement("contradictory", "in touch, but activity does not apply (DfE 345)",
              in_touch=("YES",), activity=NONE),
    Judgement("contradictory", "in touch, but accommodation does not apply (DfE 345)",
              in_touch=("YES",), accommodation=NONE),
    Judgement("contradictory", "in touch, but it is not known where the young person lives",
              in_touch=("YES",), accommodation=("R",)),
    Judgement("contradictory", "in custody, but has a job or an apprenticeship outside: one of the "
              "two is out of date",
              activity=(*APPRENTICE, *EMPLOYED), accommodation=("X",)),
    Judgement("contradictory", "deported, but in education, training or work here: one of the two "
              "is out of date",
              activity=EET, accommodation=("H",)),
    Judgement("contradictory", "the council cannot have judged accommodation suitable after "
              "deportation",
              accommodation=("H",), suitability=("1",)),
    Judgement("contradictory", "living abroad, but in an English apprenticeship: one of the two is "
              "out of date",
              activity=APPRENTICE, accommodation=("G",)),
    Judgement("contradictory", "activity is known, but accommodation does not apply: either both "
              "apply or neither",
              in_touch=("NO", "REFU", "NREQ"), activity=ACTIVITY, accommodation=NONE),
    Judgement("contradictory", "accommodation is known, but activity does not apply: either both "
              "apply or neither",
              in_touch=("NO", "REFU", "NREQ"), activity=NONE,
              accommodation=tuple(x for x in LETTERS if x != "R")),
)  # fmt: skip


def judge(it: Combination) -> tuple[Verdict, str]:
    """Return the verdict on a combination, and why; the reason for consistent is empty."""
    for judgement in JUDGEMENTS:
        if judgement.matches(it):
            return judgement.verdict, judgement.why
    return "consistent", ""


def every_combination() -> Iterator[Combination]:
    """Yield all combinations of valid codes: 7 x 15 x 52, blanks included."""
    homes: list[tuple[str | None, str | None]] = [
        (home, suitable) for home in (*LETTERS, "0") for suitable in ("1", "2", None)
    ]
    homes.append((None, None))
    for in_touch in (*IN_TOUCH, None):
        for activity in (*ACTIVITY, "0", None):
            for accommodation, suitability in homes:
                yield Combination(in_touch, activity, accommodation, suitability)


def verdict_sql(prefix: str = "") -> str:
    """Return the SQL expression of the verdict over the columns of stg_care_leavers."""
    whens = "\n".join(
        f"        when {judgement.condition(prefix)} then '{judgement.verdict}'"
        for judgement in JUDGEMENTS
    )
    return f"case\n{whens}\n        else 'consistent'\n    end"


def dfe_findings(it: Combination) -> tuple[str, ...]:
    """Return the DfE return rules that flag a row, as lac_validator has them for 2026/27.

    Rule 347 compares the pair with 'T' alone, so it never matches. Rules 391 (age) and INT34 (child
    recorded twice) do not test a combination.
    """
    pair = None if it.accommodation is None else it.accommodation + (it.suitability or "")
    valid = {f"{x}{y}" for x in LETTERS for y in "12"} - {"S1", "X1"} | {"0"}
    fields = (it.in_touch, it.activity, pair)
    found = {
        "131": it.in_touch not in IN_TOUCH,
        "132": it.activity is not None and it.activity not in {*ACTIVITY, "0"} - {"F3", "P3"},
        "133": pair is not None and pair not in valid,
        "153": len({field is None for field in fields}) == 2,
        "344": it.in_touch in ("DIED", "RHOM") and (it.activity != "0" or pair != "0"),
        "345": it.in_touch == "YES" and (it.activity == "0" or pair == "0"),
        "347": pair == "T",
    }
    return tuple(code for code, fires in found.items() if fires)
