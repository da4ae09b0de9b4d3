"""Files broken at random, from a seed: what a person would still read, and what must be refused.

A mutation takes good files and returns other ones, with what must become of them:

- SAME: a person reads them without a doubt, so they are loaded, and say the same as before;
- REFUSED: nothing is loaded, and an error names the file, and line and column if they are known;
- NOTED: all records are loaded, and a note names the file, line and column;
- ANY: damage at random. It is refused, or loaded so that no record is lost.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from annex_a_workbooks import CHILD, open_files, write_workbook
from lxml import etree
from ssda903_returns import HEADS, as_csv, nested

from carepath.contract.model import load_contract
from carepath.sources.blanks import trim
from carepath.sources.delivered import MalformedFilesError
from carepath.sources.notes import DeliveryNote

SAME, REFUSED, NOTED, ANY = "same", "refused", "noted", "any"
Table = list[list[str]]  # the header first
Files = dict[str, bytes]


@dataclass
class Mutant:
    """The files, what must become of them, and where the error must be (None: anywhere)."""

    files: Files
    fate: str
    file: str | None = None
    line: int | None = None
    column: str | None = None
    good: Files | None = None  # what SAME must equal, and what ANY must not lose
    period: int | None = 2018  # the collection year that is asked for


# -- good files


def day(rng: random.Random, first: int, last: int) -> str:
    found = dt.date(first, 1, 1) + dt.timedelta(rng.randrange((last - first) * 365))
    return f"{found:%d/%m/%Y}"


def make_return(rng: random.Random) -> dict[str, Table]:
    """Return the tables of an invented return of 2018."""
    tables = {name: [head.split(",")] for name, head in HEADS.items()}
    for number in range(rng.randint(3, 7)):
        child, born = f"ASH{rng.randrange(1000) * 10 + number:05}", day(rng, 1999, 2012)
        mother = rng.random() < 0.2
        tables["header"].append(
            [child, rng.choice("12"), born, rng.choice(["WBRI", "BAFR", "MWBC"]),
             f"A{rng.randrange(10**12):012}", "1" if mother else "0",
             day(rng, 2016, 2018) if mother else ""]
        )  # fmt: skip
        start = day(rng, 2016, 2017)
        tables["episodes"].append(
            [child, start, "S", "C2", f"N{rng.randint(1, 8)}", "U6", "PR1", "30/06/2017", "X1",
             "CARPL", "ZZ1 1AA", "ZZ2 2BB", f"SC{rng.randrange(10**6):06}"]
        )  # fmt: skip
        tables["episodes"].append(
            [
                child,
                "30/06/2017",
                "P",
                "C2",
                "N1",
                "K2",
                "PR4",
                "",
                "",
                "",
                "ZZ1 1AA",
                "ZZ3 3CC",
                "",
            ]
        )
        tables["reviews"].append([child, born, day(rng, 2017, 2018), "PN1"])
        tables["missing"].append([child, born, "M", day(rng, 2017, 2018), "01/03/2018"])
        tables["earlier"].append([child, born, "P1", 'Ash & "Mere", North', "zz/05/2010"])
        tables["placed"].append([child, born, day(rng, 2017, 2018), "", ""])
        tables["oc2"].append([child, born, str(rng.randrange(40)), "", *rng.choices("01", k=8)])
        tables["oc3"].append([child, born, rng.choice(["YES", "NO"]), "F2", "K2"])
        tables["ad1"].append([child, born, "01/05/2017", "01/06/2017", "1", "2", "MF", "L11"])
        tables["uasc"].append([child, "1", born, day(rng, 2018, 2019)])
    return tables


def csv_files(tables: Mapping[str, Table], **how: Any) -> Files:
    return {
        f"{name}.csv": as_csv(table, quoting=0, **how).encode() for name, table in tables.items()
    }


# the names that the writer of XML knows the tables by
XML_FILES: Final = {
    "header": "children.csv", "episodes": "stays.csv", "oc3": "leavers.csv", "oc2": "health.csv",
}  # fmt: skip


def xml_of(tables: Mapping[str, Table]) -> str:
    return nested({XML_FILES.get(name, f"{name}.csv"): as_csv(t) for name, t in tables.items()})


# -- CSV

DATES: Final[Sequence[Callable[[str], str]]] = (
    lambda d: f"{d[6:]}-{d[3:5]}-{d[:2]}",
    lambda d: f"{d[6:]}-{d[3:5]}-{d[:2]} 00:00:00",
    lambda d: f"{int(d[:2])}/{int(d[3:5])}/{d[6:]}",
    lambda d: d.replace("/", "-"),
    lambda d: d + " 00:00",
    lambda d: f"{dt.date(int(d[6:]), int(d[3:5]), int(d[:2])):%d-%b-%Y}",
    lambda d: f"\u00a0{d} ",
)
NO_DATES: Final[Sequence[Callable[[str], str]]] = (
    lambda d: f"{d[:3]}13{d[5:]}",
    lambda d: f"32{d[2:]}",
    lambda d: d[:6] + d[8:],
    lambda d: "43000",
    lambda d: "soon",
    lambda d: f"31/02/{d[6:]}",
    lambda d: d[:6] + "1817",
    lambda d: "########",
)
IDS: Final = ("3.98E+05", "398768.0", "'398768", "#N/A", "", "NULL", '="398768"', "1,398,768")
FLAGS: Final = {
    "1": ("Y", "yes", "TRUE", "01", "1.0", " 1"),
    "0": ("N", "No", "false", "00", "0.0"),
}
YES_OR_NO: Final = frozenset(HEADS["oc2"].split(",")[4:])
IS_DATE: Final = re.compile(r"\d\d/\d\d/\d{4}")


def pick(rng: random.Random, table: Table, wanted: Callable[[str], bool]) -> tuple[int, int]:
    """Return row and column of a cell, below the header."""
    cells = [
        (row, column)
        for row in range(1, len(table))
        for column, cell in enumerate(table[row])
        if wanted(cell)
    ]
    return rng.choice(cells)


def with_dates(rng: random.Random, tables: Mapping[str, Table]) -> None:
    write = rng.choice(DATES)
    for table in tables.values():
        for row in table[1:]:
            row[:] = [write(cell) if IS_DATE.fullmatch(cell) else cell for cell in row]


def with_flags(rng: random.Random, tables: Mapping[str, Table]) -> None:
    table = tables["oc2"]
    flags = [number for number, name in enumerate(table[0]) if trim(name).upper() in YES_OR_NO]
    for row in table[1:]:
        for number in flags:
            row[number] = rng.choice(FLAGS.get(trim(row[number]), (row[number],)))


def shuffle_columns(rng: random.Random, tables: Mapping[str, Table]) -> None:
    for table in tables.values():
        order = list(range(len(table[0])))
        rng.shuffle(order)
        table[:] = [[row[i] for i in order] for row in table]


def odd_headers(rng: random.Random, tables: Mapping[str, Table]) -> None:
    write = rng.choice([str.lower, str.title, lambda name: f" {name}\u00a0"])
    for table in tables.values():
        table[0] = [write(name) for name in table[0]]


def blank_rows(rng: random.Random, tables: Mapping[str, Table]) -> None:
    for table in tables.values():
        for _ in range(rng.randint(1, 3)):
            table.insert(rng.randint(1, len(table)), [""] * len(table[0]))


def more_commas(rng: random.Random, tables: Mapping[str, Table]) -> None:
    more = [""] * rng.randint(1, 4)
    for table in tables.values():
        table[:] = [row + more for row in table]


def blanks_around(rng: random.Random, tables: Mapping[str, Table]) -> None:
    blank = rng.choice([" ", "\u00a0", "\ufeff", "\u200b", "\t", "\u3000"])
    for table in tables.values():
        for row in table[1:]:
            at = rng.randrange(len(row))
            row[at] = rng.choice([row[at] + blank, blank + row[at]])


def shuffle_rows(rng: random.Random, tables: Mapping[str, Table]) -> None:
    for table in tables.values():
        rows = table[1:]
        rng.shuffle(rows)
        table[1:] = rows


def as_text(rng: random.Random, files: Files) -> Files:
    """Write good files in another way: encoding, separator, line ends, names."""
    encode: Callable[[str], bytes] = rng.choice(
        [str.encode, lambda t: t.encode("utf-8-sig"), lambda t: t.encode("utf-16")]
    )
    end = rng.choice(["\n", "\r\n"])
    last = rng.choice(["", "\x1a", "\n\n", None])
    found: Files = {}
    for number, (name, data) in enumerate(files.items()):
        text = data.decode().replace("\n", end)
        text = text.rstrip("\r\n") if last is None else text + last
        new_name = rng.choice([name, f"{number}.txt", f"Export {number}", name.upper()])
        found[new_name] = encode(text)
    return found


def other_separator(rng: random.Random, tables: Mapping[str, Table]) -> Files:
    separator = rng.choice(";\t|")
    said = f"sep={separator}\n" if rng.random() < 0.3 else ""
    return {
        name: said.encode() + as_csv(table, quoting=0, delimiter=separator).encode()
        for name, table in ((f"{name}.csv", table) for name, table in tables.items())
    }


READ: Final = (with_dates, with_flags, shuffle_columns, odd_headers, blank_rows, more_commas,
               blanks_around, shuffle_rows)  # fmt: skip


def csv_same(rng: random.Random, folder: Path) -> Mutant:
    tables = make_return(rng)
    good = csv_files(tables)
    for change in rng.sample(READ, rng.randint(0, 3)):
        change(rng, tables)
    files = other_separator(rng, tables) if rng.random() < 0.3 else csv_files(tables)
    files = as_text(rng, files)
    if rng.random() < 0.2:
        name = rng.choice(list(files))
        files[f"Copy of {name}"] = files[name]
    return Mutant(files, SAME, good=good)


def csv_cell(rng: random.Random, folder: Path) -> Mutant:
    """One cell that leaves a doubt."""
    tables = make_return(rng)
    name = rng.choice(list(tables))
    table = tables[name]
    kind = rng.choice(["date", "id", "code"])
    if kind == "date":
        row, column = pick(rng, table, lambda cell: IS_DATE.fullmatch(cell) is not None)
        table[row][column] = rng.choice(NO_DATES)(table[row][column])
    elif kind == "id":
        row, column = rng.randrange(1, len(table)), 0
        table[row][column] = rng.choice(IDS)
    else:
        name, table = "oc3", tables["oc3"]
        row, column = rng.randrange(1, len(table)), rng.randrange(2, 5)
        table[row][column] = rng.choice(["#N/A", "#REF!", "14/05/1999"])
    return Mutant(csv_files(tables), REFUSED, f"{name}.csv", row + 1, table[0][column])


def csv_line(rng: random.Random, folder: Path) -> Mutant:
    """One line that is damaged."""
    files = csv_files(make_return(rng))
    name = rng.choice(["header.csv", "episodes.csv", "reviews.csv", "oc2.csv", "oc3.csv"])
    lines = files[name].split(b"\n")
    at = rng.randrange(1, len(lines) - 1)
    line = lines[at]
    lines[at] = rng.choice(
        [
            line.replace(b",", b";", 1),
            line + b",more",
            line[: line.index(b",", 8)],
            b'"' + line,
            line.replace(b",", b",\xff", 1),
            line.replace(b",", b",\0", 1),
        ]
    )
    return Mutant({**files, name: b"\n".join(lines)}, REFUSED, name, at + 1)


def csv_header(rng: random.Random, folder: Path) -> Mutant:
    """A header that is wrong, or one file's header above another's rows."""
    tables = make_return(rng)
    name = rng.choice(list(tables))
    table = tables[name]
    how = rng.randrange(6)
    if how == 0:
        at = rng.randrange(len(table[0]))
        table[:] = [row[:at] + row[at + 1 :] for row in table]
    elif how == 1:
        table[0][rng.randrange(1, len(table[0]))] = "COLOUR"
    elif how == 2:
        table[0][-1] = table[0][0]
    elif how == 3:
        table[:] = [[*row, "x"] for row in table]
    elif how == 4:
        del table[0]
    else:
        other = rng.choice([each for each in tables if each != name])
        tables[name][0], tables[other][0] = tables[other][0], tables[name][0]
        return Mutant(csv_files(tables), REFUSED)
    return Mutant(csv_files(tables), REFUSED, f"{name}.csv", 1)


def csv_whole(rng: random.Random, folder: Path) -> Mutant:
    """A file that is missing, empty, there twice, or cut."""
    tables = make_return(rng)
    files = csv_files(tables)
    name = rng.choice(list(files))
    how = rng.randrange(4)
    if how == 0:
        del files["header.csv"]
        return Mutant(files, REFUSED)
    if how == 1:
        files[name] = rng.choice([b"", b"\n\n", b"\xef\xbb\xbf"])
        return Mutant(files, REFUSED, name)
    if how == 2:
        rows = files[name].splitlines(keepends=True)
        files["other.csv"] = b"".join(rows[:-1])
        return Mutant(files, REFUSED)
    return Mutant({**files, name: files[name][: files[name].rindex(b",")]}, REFUSED, name)


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Return bytes that are changed, cut out or put in at random."""
    found = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(found) or 1)
        how = rng.randrange(4)
        if how == 0 and found:
            found[at] = rng.randrange(256)
        elif how == 1:
            del found[at : at + rng.randint(1, 40)]
        elif how == 2:
            found[at:at] = rng.randbytes(rng.randint(1, 20))
        else:
            found[at:at] = found[at : at + rng.randint(1, 80)]
    return bytes(found)


def csv_any(rng: random.Random, folder: Path) -> Mutant:
    files = csv_files(make_return(rng))
    name = rng.choice(list(files))
    return Mutant({**files, name: damaged(rng, files[name])}, ANY)


# -- XML


def xml_same(rng: random.Random, folder: Path) -> Mutant:
    tables = make_return(rng)
    good = csv_files(tables)
    for change in rng.sample((with_dates, with_flags, shuffle_rows), rng.randint(0, 2)):
        change(rng, tables)
    text = xml_of(tables)
    if rng.random() < 0.3:
        text = text.replace(">\n<", "><")
    if rng.random() < 0.3:
        text = text.replace("</EPISODE>", "<!-- of the year --></EPISODE>")
    if rng.random() < 0.3:
        text = re.sub(r"<RNE>(.)</RNE>", r"<RNE><![CDATA[\1]]></RNE>", text)
    if rng.random() < 0.3:
        text = re.sub(r"(<DECOM>.*?</DECOM>\s*)(<RNE>.*?</RNE>)", r"\2\1", text)
    if rng.random() < 0.3:
        text = re.sub(r"<(\w+)></\1>", r"<\1/>", text)
    if rng.random() < 0.3:
        text = text.replace("<EXPSSDA903>", '<EXPSSDA903 xmlns="urn:invented" version="3">')
    if rng.random() < 0.2:
        text = text.replace("CHILDID>", "childid>").replace("AREVIEW>", "Areview>")
    encoding = rng.choice(["utf-8", "utf-16", "utf-8-sig", "iso-8859-1"])
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    text = text.replace("encoding='utf-8'", f"encoding='{declared}'")
    data = text.encode(encoding, errors="xmlcharrefreplace")
    return Mutant({rng.choice(["r.xml", "r.csv", "return"]): data}, SAME, good=good)


def xml_refused(rng: random.Random, folder: Path) -> Mutant:
    text = xml_of(make_return(rng))
    how = rng.randrange(8)
    if how == 0:
        found = rng.choice(list(re.finditer(r">(\d\d/\d\d/\d{4})<", text)))
        text = text[: found.start(1)] + rng.choice(NO_DATES)(found[1]) + text[found.end(1) :]
    elif how == 1:
        found = rng.choice(list(re.finditer(r"<CHILDID>(.*?)<", text)))
        value = rng.choice([each for each in IDS if "<" not in each])
        text = text[: found.start(1)] + value + text[found.end(1) :]
    elif how == 2:
        found = rng.choice(list(re.finditer(r"</(RNE|DOB|REVIEW|ACTIV)>", text)))
        text = text[: found.start()] + "</WRONG>" + text[found.end() :]
    elif how == 3:
        text = text[: rng.randrange(60, len(text) - 14)]
    elif how == 4:
        text = text.replace("<EXPSSDA903>", '<!DOCTYPE x SYSTEM "file:///etc/passwd"><EXPSSDA903>')
    elif how == 5:
        text = text.replace("<EPISODE>", "<EPISODE><COLOUR>1</COLOUR>", 1)
    elif how == 6:
        text = text.replace("<EPISODE>", "<EPISODE><RNE>S</RNE>", 1)
    else:
        text = text.replace("<EPISODE>", "<EPISODE>text", 1)
    return Mutant({"r.xml": text.encode()}, REFUSED, "r.xml")


def xml_any(rng: random.Random, folder: Path) -> Mutant:
    return Mutant({"r.xml": damaged(rng, xml_of(make_return(rng)).encode())}, ANY)


# -- workbook

SEXES: Final = {"F": ("b) Female", "Female", "F", "2 - Female"), "M": ("a) Male", "Male", "M", "1")}
SOURCES: Final = {
    "6": ("q) 6: Police", "6", "6 - Police", "Police"),
    "2A": ("2A Schools", "2A", "e) 2A: Schools"),
}
NEEDS: Final = ("N1 - Abuse or Neglect", "N1", "Abuse or neglect", "N1: Abuse or neglect")
Lists = dict[str, list[list[Any]]]


def make_lists(rng: random.Random, plain: bool) -> Lists:
    """Return three lists; `plain` with the first spelling of each code, else with any."""

    def word(words: Sequence[str]) -> str:
        other = rng.choice(words)
        return words[0] if plain else other

    lists: Lists = {
        "List 1": [[*CHILD, "Date of Contact", "Contact Source"]],
        "List 3": [[*CHILD, "Date of Referral", "Referral Source", "Referral NFA?"]],
        "List 6": [[*CHILD, "CIN Start Date", "Primary Need Code"]],
    }
    for number in range(rng.randint(2, 6)):
        born = dt.date(2005, 1, 1) + dt.timedelta(rng.randrange(5000))
        begun = dt.date(2023, 1, 1) + dt.timedelta(rng.randrange(300))
        sex, source = rng.choice("FM"), rng.choice(["6", "2A"])
        child = [9000000 + rng.randrange(1000) * 10 + number, word(SEXES[sex]), "a) WBRI", born, 12]
        lists["List 1"].append([*child, begun, word(SOURCES[source])])
        lists["List 3"].append([*child, begun, word(SOURCES[source]), word(("b) No", "No", "N"))])
        lists["List 6"].append([*child, begun, word(NEEDS)])
    return lists


def book(lists: Mapping[str, Sequence[Sequence[Any]]], folder: Path) -> bytes:
    return write_workbook(folder / "book", lists).read_bytes()


def book_same(rng: random.Random, folder: Path) -> Mutant:
    state = rng.getstate()
    plain = book(make_lists(rng, plain=True), folder)
    rng.setstate(state)
    lists = make_lists(rng, plain=False)
    for rows in lists.values():
        if rng.random() < 0.4:
            order = list(range(len(rows[0])))
            rng.shuffle(order)
            rows[:] = [[row[i] for i in order] for row in rows]
        if rng.random() < 0.4:
            write = rng.choice(["%d/%m/%Y", "%Y-%m-%d", "%d-%b-%Y"])
            rows[1:] = [
                [f"{c:{write}}" if isinstance(c, dt.date) else c for c in row] for row in rows[1:]
            ]
        if rng.random() < 0.4:
            rows[1:] = [
                [f" {c}\u00a0" if isinstance(c, int) and c > 100 else c for c in row]
                for row in rows[1:]
            ]
        if rng.random() < 0.3:
            rows[0] = [rng.choice([str.upper, str.lower])(name) + " " for name in rows[0]]
        if rng.random() < 0.3:
            rows.insert(rng.randint(1, len(rows)), [""])
        if rng.random() < 0.3:
            rows[:0] = [["Ashmere"], [""]]
    names = list(lists)
    rng.shuffle(names)
    shuffled = {rng.choice([name, f"Sheet {n}"]): lists[name] for n, name in enumerate(names)}
    if rng.random() < 0.3:
        shuffled["Copy"] = shuffled[next(iter(shuffled))]
    if rng.random() < 0.3:
        shuffled["Notes"] = [["Made by hand"]]
    name = rng.choice(["a.xlsx", "a.csv", "a"])
    return Mutant({name: book(shuffled, folder)}, SAME, good={"plain.xlsx": plain})


def book_refused(rng: random.Random, folder: Path) -> Mutant:
    lists = make_lists(rng, plain=False)
    name = rng.choice(list(lists))
    rows = lists[name]
    line, column = rng.randrange(1, len(rows)), None
    how = rng.randrange(5)
    if how == 0:
        rows[line][3] = rng.choice(["05/14/2010", 40000, "soon", "14/05/10", "#N/A", True])
        column = "born"
    elif how == 1:
        rows[line][0] = rng.choice([1.5, 1e17, "3.98E+05", "#N/A", "", "'398768"])
        column = "child"
    elif how == 2:
        for row in rows:
            del row[5]  # the day that the list needs
        line = 0
    elif how == 3:
        lists["More"] = [*rows[:-1], [*rows[-1][:-1], "u) 10: Unknown"]]
        return Mutant({"a.xlsx": book(lists, folder)}, REFUSED)
    else:
        data = book(lists, folder)
        return Mutant({"a.xlsx": data[: rng.randrange(200, len(data) - 30)]}, REFUSED)
    file = f"a.xlsx, sheet {name}"
    return Mutant({"a.xlsx": book(lists, folder)}, REFUSED, file, line + 1, column)


def book_any(rng: random.Random, folder: Path) -> Mutant:
    return Mutant({"a.xlsx": damaged(rng, book(make_lists(rng, plain=False), folder))}, ANY)


# -- census

CODES: Final = {
    "Ethnicity": ("WBRI", "BAFR", "NOBT"), "ReferralSource": ("1A", "5D", "10"),
    "PrimaryNeedCode": ("N1", "N4"), "ReasonForClosure": ("RC1", "RC7"),
    "InitialCategoryOfAbuse": ("PHY", "NEG"), "LatestCategoryOfAbuse": ("EMO", "MUL"),
}  # fmt: skip
# an element with the elements inside it, or with its value
Element = tuple[str, "str | list[Element]"]
RECORDS: Final = {
    "Disability": "ssd_disability",
    "CINdetails": "ssd_cin_episodes",
    "Assessments": "ssd_cin_assessments",
    "CINPlanDates": "ssd_cin_plans",
    "Section47": "ssd_s47_enquiry",
    "ChildProtectionPlans": "ssd_cp_plans",
    "CPPreviewDate": "ssd_cp_reviews",
    "PreProceedingsandFGDM": "ssd_pre_proceedings",
}
WITH_VALUE: Final = ("Disability", "CPPreviewDate")  # records only if they have one


def iso(rng: random.Random, first: int, last: int) -> str:
    found = day(rng, first, last)
    return f"{found[6:]}-{found[3:5]}-{found[:2]}"


def make_children(rng: random.Random) -> list[Element]:
    """Return the children of an invented census of 2026."""

    def code(name: str) -> Element:
        return name, rng.choice(CODES[name])

    def records(name: str, make: Callable[[], list[Element]]) -> list[Element]:
        return [(name, make()) for _ in range(rng.randint(0, 2))]

    children: list[Element] = []
    for number in range(rng.randint(2, 5)):
        referral: list[Element] = [
            ("CINreferralDate", iso(rng, 2024, 2026)), code("ReferralSource"),
            code("PrimaryNeedCode"), ("CINclosureDate", iso(rng, 2025, 2026)),
            code("ReasonForClosure"), ("DateOfInitialCPC", iso(rng, 2025, 2026)),
            *records("Assessments", lambda: [
                ("AssessmentActualStartDate", iso(rng, 2025, 2026)),
                ("AssessmentAuthorisationDate", iso(rng, 2025, 2026)),
                ("FactorsIdentifiedAtAssessment",
                 [("AssessmentFactors", each) for each in rng.sample(["1C", "6B", "13A"], 2)]),
            ]),
            *records("CINPlanDates", lambda: [
                ("CINPlanStartDate", iso(rng, 2025, 2026)),
                ("CINPlanEndDate", iso(rng, 2025, 2026)),
            ]),
            *records("Section47", lambda: [
                ("S47ActualStartDate", iso(rng, 2025, 2026)),
                ("InitialCPCtarget", iso(rng, 2025, 2026)),
                ("DateOfInitialCPC", iso(rng, 2025, 2026)), ("ICPCnotRequired", "0"),
            ]),
            ("ReferralNFA", rng.choice("01")),
            *records("ChildProtectionPlans", lambda: [
                ("CPPstartDate", iso(rng, 2025, 2026)), ("CPPendDate", iso(rng, 2025, 2026)),
                code("InitialCategoryOfAbuse"), code("LatestCategoryOfAbuse"),
                ("NumberOfPreviousCPP", "0"),
                ("Reviews", [("CPPreviewDate", iso(rng, 2025, 2026)) for _ in range(2)]),
            ]),
            *records("PreProceedingsandFGDM", lambda: [
                ("PPStartDate", iso(rng, 2025, 2026)), ("ReviewMeetingsCount", "3"),
            ]),
        ]  # fmt: skip
        children.append(
            ("Child", [
                ("ChildIdentifiers", [
                    ("LAchildID", f"ASH{rng.randrange(1000) * 10 + number:05}"),
                    ("UPN", f"A{rng.randrange(10**12):012}"),
                    ("PersonBirthDate", iso(rng, 2008, 2024)), ("Sex", rng.choice("FMU")),
                ]),
                ("ChildCharacteristics", [
                    code("Ethnicity"),
                    ("Disabilities", [("Disability", d) for d in rng.sample(["HAND", "VIS"], 2)]),
                ]),
                ("CINdetails", referral),
            ])
        )  # fmt: skip
    return children


def header_of_census() -> Element:
    return "Header", [
        ("CollectionDetails",
         [("Collection", "CIN"), ("Year", "2026"), ("ReferenceDate", "2026-03-31")]),
        ("Source", [("LEA", "201")]),
    ]  # fmt: skip


def census_of(children: Sequence[Element], header: Element | None = None) -> str:
    message: Element = "Message", [header or header_of_census(), ("Children", list(children))]
    return f"<?xml version='1.0' encoding='utf-8'?>\n{written(message)}"


def written(element: Element, depth: int = 0) -> str:
    name, inside = element
    if isinstance(inside, str):
        return f"{' ' * depth}<{name}>{inside}</{name}>\n"
    rows = "".join(written(each, depth + 1) for each in inside)
    return f"{' ' * depth}<{name}>\n{rows}{' ' * depth}</{name}>\n"


def changed(element: Element, change: Callable[[str, str], str]) -> Element:
    """Return an element with every value in it changed."""
    name, inside = element
    if isinstance(inside, str):
        return name, change(name, inside)
    return name, [changed(each, change) for each in inside]


def shuffled(rng: random.Random, element: Element) -> Element:
    """Return an element with what is in each record in another order."""
    name, inside = element
    if isinstance(inside, str):
        return element
    found = [shuffled(rng, each) for each in inside]
    if name not in ("FactorsIdentifiedAtAssessment", "CINdetails"):
        rng.shuffle(found)
    return name, found


IS_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d")
ISO_DATES: Final[Sequence[Callable[[str], str]]] = (
    lambda d: f"{d}T00:00:00",
    lambda d: f"{d}Z",
    lambda d: f"{d}+01:00",
    lambda d: f"{d[8:]}/{d[5:7]}/{d[:4]}",
    lambda d: f"{dt.date.fromisoformat(d):%d-%b-%Y}",
)
BLANK_KINDS: Final = (" ", "\u00a0", "\ufeff", "\u200b", "\t", "\u3000", "\n   ", "&#13;")
NO_ISO_DATES: Final[Sequence[Callable[[str], str]]] = (
    lambda d: f"{d[:5]}13{d[7:]}",
    lambda d: f"{d[:5]}02-30",
    lambda d: f"{d[8:]}/{d[5:7]}/{d[2:4]}",
    lambda d: "43000",
    lambda d: "soon",
    lambda d: "########",
)


def census_same(rng: random.Random, folder: Path) -> Mutant:
    children = make_children(rng)
    good = {"good.xml": census_of(children).encode()}
    header = header_of_census()
    if rng.random() < 0.3:
        write = rng.choice(ISO_DATES)
        children, header = (
            [changed(each, lambda _, v: write(v) if IS_ISO.fullmatch(v) else v) for each in group]
            for group in (children, [header])
        )
        (header,) = header
    if rng.random() < 0.3:
        blank = rng.choice(BLANK_KINDS)
        children = [
            changed(each, lambda _, v: rng.choice([v, v + blank, blank + v])) for each in children
        ]
    if rng.random() < 0.3:
        children = [shuffled(rng, each) for each in children]
        rng.shuffle(children)
    text = census_of(children, header)
    if rng.random() < 0.3:
        text = re.sub(r">\n *<", "><", text)
    if rng.random() < 0.3:
        text = text.replace("</CINdetails>", "<!-- of the year --></CINdetails>")
    if rng.random() < 0.3:
        text = re.sub(r"<Sex>(.)</Sex>", r"<Sex><![CDATA[\1]]></Sex>", text)
    if rng.random() < 0.3:
        text = text.replace(">ASH", ">&#65;S&#x48;")
    if rng.random() < 0.2:
        text = text.replace("</UPN>", "</UPN><FormerUPN/><UPNunknown></UPNunknown>")
    if rng.random() < 0.2:
        text = text.replace("<Children>", "<Children><Colour>1</Colour>")
    if rng.random() < 0.2:
        text = text.replace("<CINdetails>", '<CINdetails colour="1"><?of the-year?><Colour/>')
    encoding = rng.choice(["utf-8", "utf-16", "utf-8-sig", "iso-8859-1"])
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    text = text.replace("encoding='utf-8'", f"encoding='{declared}'")
    if encoding in ("utf-8", "utf-16") and rng.random() < 0.2:
        text = re.sub(r"<\?xml.*?\?>\s*", "", text, count=1)
    data = text.encode(encoding, errors="xmlcharrefreplace")
    files = {rng.choice(["c.xml", "c.csv", "census"]): data}
    if rng.random() < 0.2:
        files["copy of it"] = data
    return Mutant(files, SAME, good=good, period=None)


def census_noted(rng: random.Random, folder: Path) -> Mutant:
    """One value or element that the XSD does not allow, or a record that is there twice."""
    text = census_of(make_children(rng))
    how = rng.randrange(5)
    if how == 0:
        found = rng.choice(list(re.finditer(r"<(\w+)>(\d{4}-\d\d-\d\d)</(?!Ref)", text)))
        new = f"<{found[1]}>{rng.choice(NO_ISO_DATES)(found[2])}</"
    elif how == 1:
        found = rng.choice(list(re.finditer(rf"<({'|'.join(CODES)})>\w+<", text)))
        new = f"<{found[1]}>{rng.choice(['SECRET', '#N/A', 'xx', '99'])}<"
    elif how == 2:
        found = rng.choice(list(re.finditer(r"<(UPN|Sex|ReferralNFA|PersonBirthDate)>", text)))
        new = f"<Colour>SECRET</Colour>{found[0]}"
        line = text.count("\n", 0, found.start()) + 1
        text = text[: found.start()] + new + text[found.end() :]
        return Mutant(
            {"census.xml": text.encode()}, NOTED, "census.xml", line, "Colour", None, None
        )
    elif how == 3:
        found = rng.choice(list(re.finditer(r"<(UPN|Sex|CINclosureDate)>.*?</\1>", text)))
        new = found[0] + found[0]
    else:
        found = rng.choice(list(re.finditer(r"<(CINdetails)>.*?</CINdetails>", text, re.DOTALL)))
        new = found[0] + "\n" + found[0]
        line = text.count("\n", 0, found.end()) + 2
        text = text[: found.start()] + new + text[found.end() :]
        column = "CINreferralDate"
        return Mutant({"census.xml": text.encode()}, NOTED, "census.xml", line, column, None, None)
    line = text.count("\n", 0, found.start()) + 1
    text = text[: found.start()] + new + text[found.end() :]
    return Mutant({"census.xml": text.encode()}, NOTED, "census.xml", line, found[1], None, None)


def census_refused(rng: random.Random, folder: Path) -> Mutant:
    children = make_children(rng)
    text = census_of(children)
    line: int | None = None
    column: str | None = None
    data: bytes | None = None
    how = rng.randrange(12)
    if how == 0:
        found = rng.choice(list(re.finditer(r"<LAchildID>(.*?)<", text)))
        text = text[: found.start(1)] + rng.choice(IDS) + text[found.end(1) :]
        column = "LAchildID"
    elif how == 1:
        found = rng.choice(list(re.finditer(r"</(Sex|UPN|CINreferralDate|Header)>", text)))
        text = text[: found.start()] + "</Wrong>" + text[found.end() :]
        line = text.count("\n", 0, found.start()) + 1
    elif how == 2:
        text = text[: rng.randrange(60, len(text) - 12)]
    elif how == 3:
        text = text.replace("<Message>", '<!DOCTYPE x SYSTEM "file:///etc/passwd"><Message>')
    elif how == 4:
        text = text.replace("<Message>", '<!DOCTYPE x [<!ENTITY a "SECRET">]><Message>')
        text = text.replace("<UPN>", "<UPN>&a;", 1)
    elif how == 5:
        text = text.replace("<UPN>", "<UPN>&a;", 1)
    elif how == 6:
        text = text.replace("<Message>", '<Message xmlns="urn:invented">')
    elif how == 7:
        text = text.replace(">CIN<", ">SECRET<")
        column = "Collection"
    elif how == 8:
        text, column = census_of([]), "Child"
    elif how == 9:  # a record in a place where nobody can say whose it is
        name = rng.choice(["Section47", "Assessments", "ChildProtectionPlans", "CINdetails"])
        record = f"<{name}><CINreferralDate>SECRET</CINreferralDate></{name}>"
        place = rng.choice(
            ["<Children>", "<Message>"] + (["<ChildIdentifiers>"] if name != "CINdetails" else [])
        )
        text = text.replace(place, place + record, 1)
    elif how == 10:
        text = text.replace("<UPN>", "<LAchildID>SECRET</LAchildID><UPN>", 1)
        column = "LAchildID"
    else:
        found = rng.choice(list(re.finditer(r"<Ethnicity>(?=\w)", text)))
        data = text[: found.end()].encode() + b"\xff" + text[found.end() :].encode()
        line = text.count("\n", 0, found.start()) + 1
    files = {"census.xml": data or text.encode()}
    return Mutant(files, REFUSED, "census.xml", line, column, None, None)


def census_any(rng: random.Random, folder: Path) -> Mutant:
    data = damaged(rng, census_of(make_children(rng)).encode())
    return Mutant({"census.xml": data}, ANY, period=None)


def lost_of_census(data: bytes, found: Mapping[str, Sequence[bytes]]) -> str | None:
    """Say which record of a census has another number of rows; None if there is none."""
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    for name, table in {"Child": "ssd_person", **RECORDS}.items():
        sent = [e for e in root.iter(name) if name not in WITH_VALUE or trim(e.text or "")]
        if len(sent) != len(found.get(table, ())):
            return f"{len(found.get(table, ()))} rows of the {len(sent)} {name}"
    return None


# -- zip


def zipped(files: Mapping[str, bytes], **how: Any) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", **{"compression": zipfile.ZIP_DEFLATED, **how}) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def zip_same(rng: random.Random, folder: Path) -> Mutant:
    mutant = rng.choice([csv_same, xml_same, census_same, book_same])(rng, folder)
    folder = rng.choice(["", "return/", "a/b/c/"])
    files = {f"{folder}{name}": data for name, data in mutant.files.items()}
    more = rng.choice(
        [{}, {"__MACOSX/._x": b"x"}, {"photo.png": b"\x89PNG"}, {f"{folder}.x": b"x"}]
    )
    data = zipped({**files, **more}, compression=rng.choice([0, 8, 12]))
    name = rng.choice(["r.zip", "r.xlsx", "r"])
    return Mutant({name: data}, SAME, good=mutant.good, period=mutant.period)


def zip_refused(rng: random.Random, folder: Path) -> Mutant:
    files = rng.choice([csv_same, xml_same])(rng, folder).files
    how = rng.randrange(6)
    if how == 0:
        files[rng.choice(["../x.csv", "/x.csv", "a/../../x.csv", "C:\\x.csv"])] = b"x"
    elif how == 1:
        files["bomb.csv"] = b"\0" * (3 << 20)
    elif how == 2:
        files["inner.zip"] = zipped({"a.csv": b"x"})
    elif how == 3:
        files.update({f"{n}.csv": b"" for n in range(501)})
    elif how == 4:
        data = zipped(files)
        return Mutant({"r.zip": data[: rng.randrange(40, len(data) - 30)]}, REFUSED)
    else:
        return Mutant({"r.zip": zipped(csv_cell(rng, folder).files)}, REFUSED)
    return Mutant({"r.zip": zipped(files)}, REFUSED)


def zip_any(rng: random.Random, folder: Path) -> Mutant:
    found = rng.choice([csv_same, xml_same, census_same, book_same])(rng, folder)
    return Mutant({"r.zip": damaged(rng, zipped(found.files))}, ANY)


# -- files of several kinds in one folder

# of two kinds that have a table, the one that comes first here delivers it
KINDS: Final = (("csv", "xml"), ("census",), ("workbook",))


def some_kinds(rng: random.Random) -> list[str]:
    """Return two or three kinds, in the order in which they deliver."""
    chosen = sorted(rng.sample(range(len(KINDS)), rng.randint(2, len(KINDS))))
    return [rng.choice(KINDS[n]) for n in chosen]


def together(found: Sequence[Files | None]) -> Files:
    """Return files as those of one folder: a number before their names keeps them apart."""
    return {
        f"{n} {name}": data
        for n, files in enumerate(found, 1)
        for name, data in (files or {}).items()
    }


def mixed_same(rng: random.Random, folder: Path) -> Mutant:
    kinds = some_kinds(rng)
    found = [MUTATIONS[kind][0](rng, folder) for kind in kinds]
    files = together([each.files for each in found])
    if rng.random() < 0.3:
        files = {"all": zipped(files)}
    return Mutant(files, SAME, good=together([each.good for each in found]))


def mixed_refused(rng: random.Random, folder: Path) -> Mutant:
    """One kind is refused, so nothing of the others is loaded."""
    kinds = some_kinds(rng)
    found = [MUTATIONS[kind][0](rng, folder) for kind in kinds]
    n = rng.randrange(len(kinds))
    while found[n].fate != REFUSED:
        found[n] = rng.choice(MUTATIONS[kinds[n]][1])(rng, folder)
    broken = found[n]
    file = f"{n + 1} {broken.file}" if broken.file else None
    files = together([each.files for each in found])
    return Mutant(files, REFUSED, file, broken.line, broken.column)


def mixed_any(rng: random.Random, folder: Path) -> Mutant:
    """The last kind is damaged. No record of the others may be lost."""
    kinds = some_kinds(rng)
    found = [MUTATIONS[kind][0](rng, folder) for kind in kinds[:-1]]
    broken = MUTATIONS[kinds[-1]][1][-1](rng, folder)
    files = together([*(each.files for each in found), broken.files])
    return Mutant(files, ANY, good=together([each.good for each in found]))


# -- what becomes of them


def rows_of(
    path: Path, period: int | None, notes: list[DeliveryNote] | None = None
) -> dict[str, list[bytes]]:
    """Return the rows of every table that the files fill, in order of content; add the notes."""
    tables = load_contract().tables
    found = {}
    with open_files(path, period) as session:
        if notes is not None:
            notes += session.notes()
        for name in session.describe():
            blocks = session.stream(tables[name], tables[name].column_names)
            found[name] = sorted(b"".join(blocks).splitlines())
    return found


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


COUNTED: Final = {
    "header.csv": "ssd_person", "episodes.csv": "ssd_cla_episodes",
    "reviews.csv": "ssd_cla_reviews", "missing.csv": "ssd_missing",
    "oc3.csv": "ssd_care_leavers", "uasc.csv": "ssd_immigration_status",
    "earlier.csv": "ssd_cla_previous_permanence",
}  # fmt: skip


def lost(files: Mapping[str, bytes], found: Mapping[str, Sequence[bytes]]) -> str | None:
    """Say which file has other records than its table has rows; None if there is none."""
    if "census.xml" in files:
        return lost_of_census(files["census.xml"], found)
    for name, table in COUNTED.items():
        if name in files:
            text = files[name].decode("utf-8-sig").rstrip("\x1a")
            lines = [row for row in csv.reader(io.StringIO(text)) if any(map(trim, row))]
            if len(lines) - 1 != len(found.get(table, ())):
                return f"{len(found.get(table, ()))} rows of the {len(lines) - 1} in {name}"
    return None


def lost_beside(mutant: Mutant, folder: Path, found: Mapping[str, Sequence[bytes]]) -> str | None:
    """Say which table has lost a row of the undamaged files; None if none has."""
    if not mutant.good:
        return None
    expected = rows_of(write_files(folder / "good", mutant.good), mutant.period)
    wrong = [
        name for name, rows in expected.items() if Counter(rows) - Counter(found.get(name, ()))
    ]
    return f"rows are lost in {sorted(wrong)}" if wrong else None


LEAK: Final = re.compile(
    r"ASH\d{3}|\d\d/\d\d/(19|20)\d\d|90\d{5}|(19|20)\d\d-\d\d-\d\d|A\d{12}|SECRET"
)


def judge(mutant: Mutant, folder: Path) -> str | None:
    """Return what is wrong with the fate of a mutant; None if nothing is."""
    path = write_files(folder / "broken", mutant.files)
    notes: list[DeliveryNote] = []
    try:
        found, error = rows_of(path, mutant.period, notes), None
    except MalformedFilesError as refusal:
        found, error = {}, refusal
    if LEAK.search("\n".join(map(str, notes))):
        return "a note shows a value"
    if mutant.fate in (SAME, NOTED):
        if error:
            return f"refused: {error}"
        if mutant.fate == NOTED:
            wrong_place = None if is_at(mutant, notes) else f"no note at {mutant.line}: {notes}"
            return lost(mutant.files, found) or wrong_place
        expected = rows_of(write_files(folder / "good", mutant.good or {}), mutant.period)
        wrong = [name for name in {*found, *expected} if found.get(name) != expected.get(name)]
        return f"other rows in {sorted(wrong)}" if wrong else None
    if error is None:
        if mutant.fate == REFUSED:
            return "loaded"
        return lost_beside(mutant, folder, found) or lost(mutant.files, found)
    if not error.errors or not all(
        each.file and each.message.endswith(".") for each in error.errors
    ):
        return f"an error does not say where or what to do: {error}"
    if LEAK.search(str(error)):
        return "an error shows a value"
    if mutant.file and not is_at(mutant, error.errors):
        return f"no error at {mutant.file}, {mutant.line}, {mutant.column}: {error}"
    return None


def is_at(mutant: Mutant, notes: Sequence[DeliveryNote]) -> bool:
    """Say whether an error or a note is at the place of the mutation."""
    return any(
        each.file == mutant.file
        and mutant.line in (None, each.line)
        and mutant.column in (None, each.column)
        for each in notes
    )


MUTATIONS: Final = {
    "csv": (csv_same, (csv_cell, csv_line, csv_header, csv_whole, csv_any)),
    "xml": (xml_same, (xml_refused, xml_any)),
    "workbook": (book_same, (book_refused, book_any)),
    "zip": (zip_same, (zip_refused, zip_any)),
    "census": (census_same, (census_noted, census_refused, census_any)),
    "mixed": (mixed_same, (mixed_refused, mixed_any)),
}


def mutant_of(kind: str, number: int, folder: Path) -> Mutant:
    """Return one mutant; every second one leaves no doubt. The same number gives the same one."""
    rng = random.Random(f"{kind} {number}")  # noqa: S311 - it breaks files, not codes
    same, broken = MUTATIONS[kind]
    return (same if number % 2 else rng.choice(broken))(rng, folder)
