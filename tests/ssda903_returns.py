"""Small invented SSDA903 returns, written to a folder for one test."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from carepath.contract.model import load_contract
from carepath.sources import SourceSpec
from carepath.sources.ssda903 import Ssda903Session, Ssda903Source

AUTHORITY = "E09900903"

HEADER = """\
CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB
ASH001,1,14/05/1999,WBRI,UN2,,
ASH002,2,02/01/2000,BAFR,A100000000001,1,30/11/2017
ASH003,1,20/08/2009,MWBC,A100000000002,0,
"""
EPISODES = """\
CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,URN
ASH003,03/02/2017,S,C1,N1,U6,PR1,09/06/2017,X1,CARPL,ZZ1 1AA,ZZ2 2BB,SC000001
ASH003,09/06/2017,P,C2,N1,K2,PR4,,,,ZZ1 1AA,ZZ3 3CC,SC000002
"""
OC3 = """\
CHILD,DOB,IN_TOUCH,ACTIV,ACCOM
ASH001,14/05/1999,YES,F2,K2
ASH002,02/01/2000,NO,0,0
"""

HEADS: Mapping[str, str] = {
    "header": HEADER.partition("\n")[0],
    "episodes": EPISODES.partition("\n")[0],
    "oc3": OC3.partition("\n")[0],
    "reviews": "CHILD,DOB,REVIEW,REVIEW_CODE",
    "missing": "CHILD,DOB,MISSING,MIS_START,MIS_END",
    "earlier": "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM",
    "placed": "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED",
    "oc2": "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,"
    "HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED",
    "ad1": "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR",
    "uasc": "CHILD,SEX,DOB,DUC",
}

RETURN: Mapping[str, str] = {"children.csv": HEADER, "stays.csv": EPISODES, "leavers.csv": OC3}


def write_return(folder: Path, files: Mapping[str, str | bytes | None] = RETURN) -> Path:
    """Write the invented return with `files` in the place of its own; None leaves one out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {**RETURN, **files}.items():
        if content is not None:
            data = content if isinstance(content, bytes) else content.encode()
            (folder / name).write_bytes(data)
    return folder


def open_return(folder: Path, period: int | None = None) -> Ssda903Session:
    """Open a folder as the source of an invented authority."""
    query = f"?period={period}" if period else ""
    spec = SourceSpec("ssda903-test", AUTHORITY, "Ashmere", f"ssda903:{folder}{query}")
    return Ssda903Source(spec).open()


def delivered(path: Path, period: int | None = None) -> dict[str, list[bytes]]:
    """Return every table of the contract that a return fills, as lines in order of content."""
    session = open_return(path, period)
    tables = load_contract().tables
    return {
        name: sorted(b"".join(session.stream(tables[name], tables[name].column_names)).splitlines())
        for name in session.describe()
    }


def read_copy(data: bytes) -> list[list[str | None]]:
    """Read COPY text that holds no escapes."""
    lines = data.decode().splitlines()
    return [[None if f == r"\N" else f for f in line.split("\t")] for line in lines]


def as_csv(
    table: Sequence[Sequence[str]], line_end: str = "\n", quoting: int = 1, delimiter: str = ","
) -> str:
    """Return rows as CSV; `quoting` is a constant of the csv module (1: all fields quoted)."""
    file = io.StringIO()
    write = csv.writer(file, lineterminator=line_end, quoting=quoting, delimiter=delimiter)  # type: ignore[arg-type]
    write.writerows(table)
    return file.getvalue()


# groups of the Department's XML inside HEADER, by table
GROUPS = {
    "reviews.csv": "AREVIEW",
    "missing.csv": "AMISSING",
    "earlier.csv": "PERMANENCE",
    "health.csv": "OC2",
    "placed.csv": "AD_PLACED",
}
XML_NAMES = {"CHILD": "CHILDID", "PLACE": "PL"}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def element(name: str, value: str) -> str:
    return f"<{XML_NAMES.get(name, name)}>{escape(value)}</{XML_NAMES.get(name, name)}>\n"


def group(name: str, row: Mapping[str, str], leave: tuple[str, ...] = ("CHILD", "DOB")) -> str:
    inner = "".join(element(key, value) for key, value in row.items() if key not in leave)
    return f"<{name}>\n{inner}</{name}>\n"


def nested(files: Mapping[str, str], root: str = "EXPSSDA903") -> str:
    """Write a return in the Department's layout, a value to a line."""
    found = [f"<?xml version='1.0' encoding='utf-8'?>\n<{root}>\n"]
    for head in rows(files["children.csv"]):
        child = head["CHILD"]

        def of_child(name: str, child: str = child) -> list[dict[str, str]]:
            return [row for row in rows(files.get(name, "")) if row["CHILD"] == child]

        found.append("<CHILD>\n<HEADER>\n")
        found += [element(name, value) for name, value in head.items()]
        asylum = of_child("uasc.csv")
        found.append(element("UASC", "1" if asylum else ""))
        for row in asylum:
            found.append(element("DUC", row["DUC"]))
        for name in ("leavers.csv", "ad1.csv"):
            for row in of_child(name):
                found += [element(k, v) for k, v in row.items() if k not in ("CHILD", "DOB")]
        for name, tag in GROUPS.items():
            found += [group(tag, row) for row in of_child(name)]
        found.append("</HEADER>\n")
        found += [group("EPISODE", row) for row in of_child("stays.csv")]
        found.append("</CHILD>\n")
    return "".join(found) + f"</{root}>\n"


def flat(files: Mapping[str, str]) -> str:
    """Write a return as the rows of each table, one after the other."""
    found = ["<RETURN>\n"]
    for name, text in files.items():
        stem = name.removesuffix(".csv").upper()
        found += [f"<{stem}>", *(group("ROW", row, ()) for row in rows(text)), f"</{stem}>\n"]
    return "".join(found) + "</RETURN>\n"
