"""Small invented SSDA903 returns, written to a folder for one test."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

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


def as_csv(rows: Sequence[Sequence[str]], line_end: str = "\n", quoting: int = 1) -> str:
    """Return rows as CSV; `quoting` is a constant of the csv module (1: all fields quoted)."""
    file = io.StringIO()
    csv.writer(file, lineterminator=line_end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return file.getvalue()
