"""A return in XML says the same as the return in CSV, and its errors name line and element."""

from __future__ import annotations

from pathlib import Path

import pytest
from ssda903_returns import (
    EPISODES,
    HEADER,
    OC3,
    RETURN,
    delivered,
    element,
    flat,
    group,
    nested,
    open_return,
    rows,
    write_return,
)

from carepath.contract.model import load_contract
from carepath.errors import DeliveryError
from carepath.sources.ssda903.checking import MalformedReturnError, check_return

REVIEWS = "CHILD,DOB,REVIEW,REVIEW_CODE\nASH003,20/08/2009,01/09/2017,PN1\n"
MISSING = "CHILD,DOB,MISSING,MIS_START,MIS_END\nASH003,20/08/2009,M,02/10/2017,03/10/2017\n"
PERMANENCE = "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM\nASH003,20/08/2009,P1,Ash & Mere,zz/05/2010\n"
OC2 = (
    "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,"
    "HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED\n"
    "ASH003,20/08/2009,12,,1,0,1,1,0,1,0,\n"
)
PLACED = (
    "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED\n"
    "ASH003,20/08/2009,01/07/2017,01/08/2017,RD1\nASH003,20/08/2009,01/10/2017,,\n"
)
AD1 = (
    "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR\n"
    "ASH003,20/08/2009,01/05/2017,01/06/2017,1,2,MF,L11\n"
)
UASC = "CHILD,SEX,DOB,DUC\nASH001,1,14/05/1999,14/05/2017\n"
WORKERS = "CHILD,DOB,SW_ID,SW_DECOM,SW_DEC,SW_REASON\nASH003,20/08/2009,SW1,01/05/2017,,\n"
WHOLE = {
    **RETURN,
    "reviews.csv": REVIEWS,
    "missing.csv": MISSING,
    "earlier.csv": PERMANENCE,
    "health.csv": OC2,
    "placed.csv": PLACED,
    "ad1.csv": AD1,
    "uasc.csv": UASC,
}


def write_xml(folder: Path, text: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "return.dat"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(MalformedReturnError) as caught:
        check_return(path)
    assert not any(value in str(caught.value) for value in ("ASH00", "1999", "ZZ1"))
    return [(error.line, error.column, error.message) for error in caught.value.errors]


@pytest.mark.parametrize("layout", [nested, flat])
def test_xml_fills_the_same_rows_as_csv(tmp_path: Path, layout: object) -> None:
    expected = delivered(write_return(tmp_path / "csv", WHOLE))
    path = write_xml(tmp_path / "xml", layout(WHOLE))  # type: ignore[operator]
    assert delivered(path.parent) == expected
    assert delivered(path) == expected
    assert len(expected) > 12
    assert all(expected.values())


def test_xml_may_have_a_namespace_and_be_in_utf_16_or_lower_case(tmp_path: Path) -> None:
    expected = delivered(write_return(tmp_path / "csv", WHOLE))
    text = nested(WHOLE)
    spaced = text.replace("<EXPSSDA903>", '<EXPSSDA903 xmlns="urn:x">')
    assert delivered(write_xml(tmp_path / "a", spaced)) == expected
    wide = text.replace("utf-8", "utf-16").encode("utf-16")
    assert delivered(write_xml(tmp_path / "b", wide)) == expected
    lower = text.replace("CHILDID>", "ChildId>").replace("EPISODE>", "Episode>")
    assert delivered(write_xml(tmp_path / "c", lower)) == expected


def test_xml_beside_csv_is_one_return(tmp_path: Path) -> None:
    expected = delivered(write_return(tmp_path / "csv", WHOLE))
    without = {name: text for name, text in WHOLE.items() if name != "leavers.csv"}
    path = write_xml(tmp_path / "both", nested(without))
    (path.parent / "leavers.csv").write_text(OC3)
    assert delivered(path.parent) == expected
    (path.parent / "stays.csv").write_text(EPISODES)
    ((line, column, message),) = refused(path.parent)
    assert (line, column) == (1, "")
    assert "is also a file of Episodes" in message


def test_social_workers_in_a_file_of_their_own_are_part_of_the_return(tmp_path: Path) -> None:
    expected = delivered(write_return(tmp_path / "csv", {**WHOLE, "w.csv": WORKERS}), 2024)
    path = write_xml(tmp_path / "xml", nested(WHOLE))
    (row,) = rows(WORKERS)
    head = element("CHILD", row["CHILD"]) + element("DOB", row["DOB"])
    worker = group("SWEPISODE", row)
    text = f"<EXPSW><CHILD><HEADER>{head}</HEADER>{worker}</CHILD></EXPSW>"
    (path.parent / "workers.xml").write_text(text)
    assert delivered(path.parent, 2024) == expected


@pytest.mark.parametrize(
    ("old", "new", "column", "message"),
    [
        ("14/05/1999", "14/15/1999", "DOB of child 1", "not a date"),
        ("<CHILDID>ASH002", "<CHILDID>", "CHILD of child 2", "blank"),
        ("<CHILDID>ASH002", "<CHILDID>3.98E+05", "CHILD of child 2", "spreadsheet"),
        ("<RNE>S</RNE>", "<RNE>S</RNE><RNE>P</RNE>", "RNE of child 3", "twice"),
        ("<RNE>S</RNE>", "<RNE>S</RNE><RNX>S</RNX>", "RNX of child 3", "does not belong"),
        ("<RNE>S</RNE>", "<RNE>S</RNE>S", "EPISODE of child 3", "text between"),
        ("<RNE>S</RNE>", "<RNE>S</RNA>", "", "damaged"),
        ("<RNE>S</RNE>", "<R_:-E>S</R_:-E>", "", "damaged"),  # which no element may be called
        ("<EXPSSDA903>", "<EXP:-903>", "", "damaged"),
        ("</EXPSSDA903>", "", "", "damaged or cut short"),
        ("<RNE>S</RNE>", "<RNE>&who;</RNE>", "", "damaged"),
        ("</EXPSSDA903>", "<OTHER><X>1</X></OTHER></EXPSSDA903>", "OTHER", "does not belong"),
    ],
)
def test_errors_of_xml_name_line_and_element(
    tmp_path: Path, old: str, new: str, column: str, message: str
) -> None:
    text = nested(WHOLE)
    assert old in text
    errors = refused(write_xml(tmp_path, text.replace(old, new, 1)))
    found = [(line, said) for line, where, said in errors if where == column and message in said]
    assert found, errors
    at = text[: text.index(old)].count("\n") + 1
    # an element of several lines is named by its first line
    assert any(0 <= at - line <= 12 or at == line or not old.strip() for line, _ in found) or (
        "cut short" in message
    )


def test_a_doctype_is_refused_and_nothing_outside_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hush")
    for doctype in (
        f'<!DOCTYPE EXPSSDA903 [<!ENTITY e SYSTEM "file://{secret}">]>',
        '<!DOCTYPE EXPSSDA903 SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    ):
        text = nested(WHOLE).replace("\n<EXPSSDA903>", f"\n{doctype}\n<EXPSSDA903>")
        text = text.replace("<RNE>S</RNE>", "<RNE>&e;</RNE>")
        errors = refused(write_xml(tmp_path / "x", text))
        assert errors == [
            (1, "", "The file has a DOCTYPE, which a return does not need. Remove it.")
        ]


def test_xml_without_a_record_is_refused(tmp_path: Path) -> None:
    assert refused(write_xml(tmp_path, "<EXPSSDA903></EXPSSDA903>")) == [
        (1, "", "The file holds no record of the return. Export it again.")
    ]


def test_notes_of_xml_are_those_of_csv(tmp_path: Path) -> None:
    blank = {**WHOLE, "children.csv": HEADER.replace("MWBC", "")}
    (of_csv,) = check_return(write_return(tmp_path / "csv", blank)).notes
    (of_xml,) = check_return(write_xml(tmp_path / "xml", nested(blank))).notes
    assert of_xml.message == of_csv.message
    assert of_xml.column == f"{of_csv.column} of child 3"


def test_a_file_that_changed_after_the_check_is_not_loaded(tmp_path: Path) -> None:
    path = write_xml(tmp_path, nested(WHOLE))
    session = open_return(path)
    write_xml(tmp_path, nested(WHOLE).replace("PN1", "PN2"))
    table = load_contract().tables["ssd_cla_reviews"]
    with pytest.raises(DeliveryError, match="changed while"):
        list(session.stream(table, table.column_names))
