"""Rules of the Department on the looked-after return, in plain Python.

Written from the wording of the rules, on the raw CSV of one return, without anything of Carepath.
Each function says which records of a year's return break a rule: `(child, first day)` for an
episode or a review, `child` for everything else. Collection year Y is 1 April Y-1 to 31 March Y.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

Row = dict[str, str]
TEMPORARY = {"T0", "T1", "T2", "T3", "T4"}
FOSTER = {"U1", "U2", "U3", "U4", "U5", "U6"}
ADOPTIVE = {"A3", "A4", "A5", "A6"}
OFSTED_DOES_NOT_REGISTER = {"H5", "P1", "P2", "P3", "R1", "R2", "R5", "Z1", *TEMPORARY}
WHERE = ("PLACE", "PLACE_PROVIDER", "PL_POST", "URN")


@dataclass(frozen=True)
class Return:
    """The files of one year's return, and the year."""

    files: dict[str, list[Row]]
    year: int

    @property
    def first_day(self) -> dt.date:
        return dt.date(self.year - 1, 4, 1)

    @property
    def last_day(self) -> dt.date:
        return dt.date(self.year, 3, 31)

    @cached_property
    def header(self) -> dict[str, Row]:
        return {row["CHILD"]: row for row in self.files["header"]}

    def born(self, child: str) -> dt.date:
        """Return a child's date of birth."""
        found = day(self.header[child]["DOB"])
        assert found
        return found

    @cached_property
    def lives(self) -> dict[str, list[Row]]:
        """Return each child's episodes in order, of those that are not over before the year."""
        lives: dict[str, list[Row]] = {}
        for row in self.files["episodes"]:
            if row["DEC"] == "" or end(row) >= self.first_day:
                lives.setdefault(row["CHILD"], []).append(row)
        return {child: sorted(rows, key=order) for child, rows in lives.items()}

    @cached_property
    def with_care(self) -> set[str]:
        """Return the children with an episode of the year other than a short break."""
        return {
            child
            for child, life in self.lives.items()
            if any(row["LS"] not in ("V3", "V4") and start(row) <= self.last_day for row in life)
        }

    @cached_property
    def all_year(self) -> set[str]:
        """Return the children looked after without a break from the first day to the last."""
        found = set()
        for child, rows in self.lives.items():
            rows = [row for row in rows if row["LS"] not in ("V3", "V4")]
            for number, row in enumerate(rows):
                if start(row) > self.first_day:
                    continue
                until, at = row["DEC"] and end(row), number + 1
                while until and at < len(rows) and start(rows[at]) <= until:
                    if rows[at]["RNE"] != "S":
                        until = rows[at]["DEC"] and end(rows[at])
                    at += 1
                if not until or until > self.last_day:
                    found.add(child)
        return found


def read_return(folder: Path, year: int) -> Return:
    """Read the files of a return, by the names that the samples have."""
    files = {}
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            files[path.stem] = list(csv.DictReader(lines))
    return Return(files, year)


def day(text: str) -> dt.date | None:
    """Read dd/mm/yyyy; None if blank."""
    return dt.datetime.strptime(text, "%d/%m/%Y").date() if text else None  # noqa: DTZ007


def start(row: Row) -> dt.date:
    found = day(row["DECOM"])
    assert found
    return found


def end(row: Row) -> dt.date:
    """Return the last day; far in the future while the episode is open."""
    return day(row["DEC"]) or dt.date.max


def order(row: Row) -> tuple[dt.date, dt.date]:
    return start(row), end(row)


def birthday(born: dt.date, age: int) -> dt.date:
    """Return the day of reaching an age: 1 March for one born on 29 February, if there is none."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return dt.date(born.year + age, 3, 1)


def episodes_where(wrong: Callable[[Return, Row], bool]) -> Callable[[Return], set[str]]:
    """Return a reading that looks at each episode by itself."""

    def reading(it: Return) -> set[str]:
        rows = (row for life in it.lives.values() for row in life)
        return {key(row) for row in rows if wrong(it, row)}

    return reading


def pairs_where(wrong: Callable[[Row, Row], bool]) -> Callable[[Return], set[str]]:
    """Return a reading that looks at each episode and the one before it."""

    def reading(it: Return) -> set[str]:
        return {
            key(row)
            for life in it.lives.values()
            for before, row in pairwise(life)
            if wrong(before, row)
        }

    return reading


def key(row: Row) -> str:
    return f"{row['CHILD']}|{start(row).isoformat()}"


def continues(before: Row, row: Row) -> bool:
    """Say whether the period of care goes on: no gap, and not started again."""
    return row["RNE"] != "S" and start(row) <= end(before)


def same_place(before: Row, row: Row) -> bool:
    return all(before[name] == row[name] for name in WHERE)


def age_below(it: Return, row: Row, age: int, on: dt.date) -> bool:
    return on < birthday(it.born(row["CHILD"]), age)


def needs_change(it: Return) -> set[str]:
    """504: the need differs from the one at the start of the period of care."""
    found = set()
    for life in it.lives.values():
        first = life[0]
        for before, row in pairwise(life):
            if not continues(before, row):
                first = row
            elif row["CIN"] != first["CIN"]:
                found.add(key(row))
    return found


def reason_missing(it: Return) -> set[str]:
    """225: a move between lasting placements has a reason in the episode that ended."""
    found = set()
    for life in it.lives.values():
        for row, after in pairwise(life):
            lasting = not {row["PLACE"], after["PLACE"]} & TEMPORARY
            moved = row["REC"] == "X1" and after["RNE"] in ("P", "B", "T", "U")
            if moved and lasting and not row["REASON_PLACE_CHANGE"]:
                found.add(key(row))
    return found


def children(it: Return, wrong: Callable[[Row], bool], file: str = "header") -> set[str]:
    """Return the children of a file who are in this year's episodes or OC3 and break a rule."""
    belong = it.lives.keys() | {row["CHILD"] for row in it.files.get("oc3", ())}
    rows = it.files.get(file, ())
    return {row["CHILD"] for row in rows if row["CHILD"] in belong and wrong(row)}


def turns(it: Return, row: Row, age: int) -> dt.date:
    return birthday(it.born(row["CHILD"]), age)


def reviews(it: Return, wrong: Callable[[Row, dt.date], bool]) -> set[str]:
    """Return the reviews of the year, of children with an episode, that break a rule."""
    have = {row["CHILD"] for row in it.files["episodes"]}
    return {
        f"{row['CHILD']}-{held.isoformat()}"
        for row in it.files["reviews"]
        if (held := day(row["REVIEW"]))
        and row["CHILD"] in have
        and it.first_day <= held <= it.last_day
        and wrong(row, held)
    }


def care_leavers(it: Return, wrong: Callable[[Row], bool]) -> set[str]:
    return {
        row["CHILD"]
        for row in it.files["oc3"]
        if (row["IN_TOUCH"] or row["ACTIV"] or row["ACCOM"]) and wrong(row)
    }


def within(it: Return, when: dt.date) -> bool:
    return it.first_day <= when <= it.last_day


def scored(row: Row) -> bool:
    return bool(row["SDQ_SCORE"] or row["SDQ_REASON"])


READINGS: dict[str, Callable[[Return], set[str]]] = {
    "148": episodes_where(lambda it, row: bool(row["DEC"]) != bool(row["REC"])),
    "213": episodes_where(
        lambda it, row: row["PLACE"] in TEMPORARY and bool(row["PLACE_PROVIDER"])
    ),
    "214": episodes_where(
        lambda it, row: row["LS"] in ("V3", "V4") and bool(row["PL_POST"] or row["URN"])
    ),
    "218": episodes_where(
        lambda it, row: (
            row["PLACE"] not in OFSTED_DOES_NOT_REGISTER
            and not row["URN"]
            and row["LS"] not in ("V3", "V4")
        )
    ),
    "222": episodes_where(
        lambda it, row: (
            row["PLACE"] in OFSTED_DOES_NOT_REGISTER and row["URN"] not in ("", "XXXXXXX")
        )
    ),
    "225": reason_missing,
    "302": episodes_where(lambda it, row: start(row) < it.born(row["CHILD"])),
    "352": episodes_where(
        lambda it, row: row["RNE"] == "S" and not age_below(it, row, 18, start(row))
    ),
    "355": episodes_where(lambda it, row: bool(row["DEC"]) and end(row) == start(row)),
    "358": episodes_where(
        lambda it, row: row["LS"] in ("J1", "J2", "J3") and age_below(it, row, 10, start(row))
    ),
    "366": episodes_where(lambda it, row: row["LS"] == "V3" and row["RNE"] != "S"),
    "371": episodes_where(
        lambda it, row: row["PLACE"] in ("H5", "K3") and age_below(it, row, 16, start(row))
    ),
    "373": episodes_where(
        lambda it, row: row["PLACE"] == "S1" and age_below(it, row, 4, start(row))
    ),
    "378": episodes_where(lambda it, row: row["PLACE"] == "P1" and row["LS"] == "V2"),
    "380": episodes_where(lambda it, row: row["PLACE"] in TEMPORARY and row["RNE"] == "S"),
    "384": episodes_where(
        lambda it, row: row["LS"] in ("V3", "V4") and row["PLACE"] in ("U1", "U4")
    ),
    "385": episodes_where(lambda it, row: bool(row["DEC"]) and end(row) > it.last_day),
    "386": episodes_where(
        lambda it, row: (
            row["REC"] in ("E11", "E12")
            and bool(row["DEC"])
            and not age_below(it, row, 18, end(row))
        )
    ),
    "387": episodes_where(
        lambda it, row: (
            row["REC"] in ("E5", "E6") and bool(row["DEC"]) and age_below(it, row, 14, end(row))
        )
    ),
    "389": episodes_where(
        lambda it, row: row["REC"] == "E7" and bool(row["DEC"]) and age_below(it, row, 16, end(row))
    ),
    "390": episodes_where(
        lambda it, row: row["REC"] in ("E11", "E12") and row["PLACE"] not in ADOPTIVE
    ),
    "408": episodes_where(lambda it, row: row["PLACE"] in ("A5", "A6") and row["LS"] != "E1"),
    "431": pairs_where(
        lambda before, row: row["RNE"] == "S" and bool(before["DEC"]) and end(before) >= start(row)
    ),
    "432": pairs_where(lambda before, row: before["REC"] not in ("", "X1") and row["RNE"] != "S"),
    "433": pairs_where(lambda before, row: row["RNE"] != "S" and end(before) != start(row)),
    "434": pairs_where(
        lambda before, row: (
            continues(before, row)
            and row["RNE"] == "L"
            and (row["LS"] == before["LS"] or not same_place(before, row))
        )
    ),
    "435": pairs_where(
        lambda before, row: (
            continues(before, row)
            and row["RNE"] in ("P", "T")
            and (row["LS"] != before["LS"] or same_place(before, row))
        )
    ),
    "504": needs_change,
    "526": episodes_where(
        lambda it, row: row["PLACE"] not in {"Z1", *TEMPORARY} and not row["PLACE_PROVIDER"]
    ),
    "527": episodes_where(
        lambda it, row: row["PLACE_PROVIDER"] == "PR1" and row["PLACE"] in ("P1", "R2", "R5")
    ),
    "530": episodes_where(lambda it, row: row["PLACE_PROVIDER"] == "PR4" and row["PLACE"] == "P1"),
    "550": episodes_where(lambda it, row: row["PLACE_PROVIDER"] == "PR0" and row["PLACE"] != "P1"),
    "301": lambda it: children(it, lambda row: it.born(row["CHILD"]) > it.last_day),
    "393": lambda it: children(
        it,
        lambda row: row["SEX"] == "2" and row["CHILD"] in it.with_care and not row["MOTHER"],
    ),
    "442": lambda it: children(it, lambda row: row["CHILD"] in it.with_care and not row["UPN"]),
    "611": lambda it: children(it, lambda row: row["MOTHER"] == "1" and not row["MC_DOB"]),
    "620": lambda it: children(
        it, lambda row: row["MOTHER"] == "1" and turns(it, row, 11) > it.last_day
    ),
    "157": lambda it: children(
        it,
        lambda row: (
            row["CHILD"] in it.all_year
            and row["SDQ_REASON"] == "SDQ1"
            and not row["SDQ_SCORE"]
            and turns(it, row, 4) <= it.first_day
            and turns(it, row, 17) > it.last_day
        ),
        "oc2",
    ),
    "185": lambda it: children(
        it, lambda row: bool(row["SDQ_SCORE"]) and row["CHILD"] not in it.all_year, "oc2"
    ),
    "188": lambda it: children(
        it, lambda row: scored(row) and turns(it, row, 4) > it.last_day, "oc2"
    ),
    "189": lambda it: children(
        it, lambda row: scored(row) and turns(it, row, 17) <= it.first_day, "oc2"
    ),
    "304": lambda it: children(
        it,
        lambda row: bool(ended := day(row["DUC"])) and ended > turns(it, row, 18),
        "uasc",
    ),
    "187": lambda it: care_leavers(it, lambda row: row["CHILD"] in it.all_year),
    "347": lambda it: care_leavers(
        it, lambda row: row["ACCOM"] in ("T1", "T2") and turns(it, row, 18) > it.first_day
    ),
    "391": lambda it: care_leavers(
        it,
        lambda row: not any(within(it, turns(it, row, age)) for age in (17, 18, 19, 20, 21)),
    ),
    "3001": lambda it: care_leavers(
        it, lambda row: row["ACCOM"] in ("Z1", "Z2") and within(it, turns(it, row, 17))
    ),
    "440": lambda it: reviews(
        it, lambda row, held: row["REVIEW_CODE"] == "PN0" and held >= turns(it, row, 4)
    ),
    "441": lambda it: reviews(
        it, lambda row, held: row["REVIEW_CODE"] != "PN0" and held < turns(it, row, 4)
    ),
}


def flagged(it: Return) -> Iterator[tuple[str, set[str]]]:
    """Yield each rule's number and the records that break it."""
    for number, reading in READINGS.items():
        yield number, reading(it)
