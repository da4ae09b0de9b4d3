"""A malformed return is refused with file, line and column, and never with a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from ssda903_returns import EPISODES, HEADER, OC3, RETURN, delivered, write_return

from carepath.errors import DeliveryError
from carepath.sources.delivered import MOST_ERRORS
from carepath.sources.ssda903.checking import MalformedReturnError, check_return
from carepath.sources.ssda903.layout import load_layout


def refused(folder: Path) -> list[tuple[str, int, str, str]]:
    """Check a return that must be refused; return its errors."""
    with pytest.raises(MalformedReturnError) as caught:
        check_return(folder)
    text = str(caught.value)
    assert not any(value in text for value in ("ASH00", "1999", "A1000000", "ZZ1"))
    return [(e.file, e.line, e.column, e.message) for e in caught.value.errors]


def replaced(text: str, line: int, old: str, new: str) -> str:
    """Return `text` with `old` replaced once in the line that counts from 1."""
    lines = text.splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    return "".join(lines)


MALFORMED = {
    # name: (content of leavers.csv, line, column, a part of the message)
    "wrong header": (OC3.replace("ACTIV", "ACTIVITY"), 1, "ACTIV", "missing"),
    "column twice": (OC3.replace("ACTIV", "DOB"), 1, "DOB", "twice"),
    "column too many": (OC3.replace("ACCOM", "ACCOM,MORE"), 1, "6", "does not belong"),
    "another table's header": ("name,colour\nx,y\n", 1, "", "not a header of the return"),
    "no header": (OC3.split("\n", 1)[1], 1, "", "not a header of the return"),
    "a semicolon for a comma": (replaced(OC3, 3, "NO,0", "NO;0"), 3, "IN_TOUCH", "semicolon"),
    "semicolons in one line": (OC3 + "ASH003;20/08/2009;NO;0;0\n", 4, "CHILD", "semicolon"),
    "a field too few": (replaced(OC3, 2, ",K2", ""), 2, "ACCOM", "4 fields instead of 5"),
    "a field too many": (replaced(OC3, 2, "K2", "K2,1"), 2, "ACCOM", "6 fields instead of 5"),
    "day and month swapped": (replaced(OC3, 2, "14/05", "05/14"), 2, "DOB", "not a date"),
    "no such day": (replaced(OC3, 2, "14/05/1999", "29/02/1999"), 2, "DOB", "not a date"),
    "year of two digits": (replaced(OC3, 2, "14/05/1999", "14/05/99"), 2, "DOB", "not a date"),
    "number of a day": (replaced(OC3, 2, "14/05/1999", "36294"), 2, "DOB", "not a date"),
    "date among codes": (replaced(OC3, 2, "F2", "14/05/1999"), 2, "ACTIV", "holds codes"),
    "error of a spreadsheet": (replaced(OC3, 2, "F2", "#N/A"), 2, "ACTIV", "spreadsheet"),
    "year of another age": (replaced(OC3, 2, "14/05/1999", "14/05/0199"), 2, "DOB", "not a date"),
    "empty": ("", 1, "", "empty"),
    "only a byte order mark": ("\ufeff", 1, "", "empty"),
    "Latin-1": (replaced(OC3, 3, "NO", "N\u00d6").encode("latin-1"), 3, "IN_TOUCH", "UTF-8"),
    "UTF-16 without a mark": (OC3.encode("utf-16-le"), 1, "", "NUL"),
    "NUL byte": (replaced(OC3, 3, "NO", "N\0O"), 3, "IN_TOUCH", "NUL"),
    "quote not closed": (replaced(OC3, 2, "F2", '"F2'), 2, "", "not closed"),
    "text after a quote": (replaced(OC3, 3, "NO", '"NO"x'), 3, "", "double quote"),
    "lone carriage return": (replaced(OC3, 3, "NO", "N\rO"), 3, "", "carriage return"),
    "no child": (replaced(OC3, 3, "ASH002", " "), 3, "CHILD", "blank"),
    **{
        f"id of a spreadsheet, {n}": (replaced(OC3, 3, "ASH002", value), 3, "CHILD", "spreadsheet")
        for n, value in enumerate(
            (
                "3.98E+05",
                "3.98E5",
                "398768.0",
                "'398768",
                '"398,768"',
                "#N/A",
                "#######",
                "NULL",
                "(null)",
                "None",
                "TRUE",
                "01/05/2020",
                '"3,98E+05"',
                '"3,98E5"',
                '"398768,0"',
                "398\u00a0768",
                "1\u202f398\u202f768",
            )
        )
    },
}


@pytest.mark.parametrize("case", MALFORMED)
def test_check_return_of_a_malformed_file_names_file_line_and_column(
    tmp_path: Path, case: str
) -> None:
    content, line, column, message = MALFORMED[case]
    errors = refused(write_return(tmp_path / "return", {"leavers.csv": content}))
    places = [(file, line_, column_) for file, line_, column_, _ in errors]
    assert ("leavers.csv", line, column) in places
    assert message in errors[places.index(("leavers.csv", line, column))][3]


WELL_FORMED = {
    "byte order mark": ("\ufeff" + OC3).encode(),
    "CRLF": OC3.replace("\n", "\r\n"),
    "no line end at the end": OC3.rstrip("\n"),
    "blank lines at the end": OC3 + "\n\n",
    "quoted fields": OC3.replace("YES", '"YES"'),
    "rows of commas at the end": OC3 + ",,,,\n,,,,\n",
    "the mark of an old system at the end": OC3 + "\x1a",
    "an empty line": OC3.replace("\nASH002", "\n\nASH002"),
    "commas behind every line": OC3.replace("\n", ",,\n"),
}
READ_WITH_A_NOTE = {
    "header in lower case": (OC3.replace("ACTIV", "activ"), "", "not written exactly"),
    "header out of order": (
        "CHILD,DOB,ACTIV,IN_TOUCH,ACCOM\nASH001,14/05/1999,F2,YES,K2\nASH002,02/01/2000,0,NO,0\n",
        "",
        "not written exactly",
    ),
    "dates of a database": (OC3.replace("14/05/1999", "1999-05-14 00:00:00"), "DOB", "dd/mm/yyyy"),
    "dates without noughts": (OC3.replace("02/01/2000", "2/1/2000"), "DOB", "dd/mm/yyyy"),
    "dates with names": (OC3.replace("14/05/1999", "14-May-1999"), "DOB", "dd/mm/yyyy"),
    "semicolons": (OC3.replace(",", ";"), None, None),
    "tabs": (OC3.replace(",", "\t"), None, None),
    "a line that names the separator": ("sep=;\n" + OC3.replace(",", ";"), None, None),
    "UTF-16": (OC3.encode("utf-16"), None, None),
    "UTF-16 with tabs, as a spreadsheet saves Unicode text": (
        OC3.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
        None,
        None,
    ),
}


@pytest.mark.parametrize("case", READ_WITH_A_NOTE)
def test_check_return_of_a_file_that_leaves_no_doubt_reads_it(tmp_path: Path, case: str) -> None:
    content, column, message = READ_WITH_A_NOTE[case]
    right = delivered(write_return(tmp_path / "right"))
    folder = write_return(tmp_path / "unusual", {"leavers.csv": content})
    assert delivered(folder) == right
    notes = check_return(folder).notes
    if message is None:
        assert notes == ()
    else:
        (note,) = notes
        assert (note.file, note.column) == ("leavers.csv", column)
        assert message in note.message


@pytest.mark.parametrize("case", WELL_FORMED)
def test_check_return_of_an_unusual_but_right_file_accepts_it(tmp_path: Path, case: str) -> None:
    checked = check_return(write_return(tmp_path, {"leavers.csv": WELL_FORMED[case]}))
    assert checked.files["oc3"].row_count == 2
    assert checked.notes == ()


def test_check_return_lists_the_errors_of_all_files_at_once(tmp_path: Path) -> None:
    errors = refused(
        write_return(
            tmp_path,
            {
                "children.csv": replaced(HEADER, 3, "30/11/2017", "31/11/2017"),
                "stays.csv": replaced(EPISODES, 2, "09/06/2017", "June"),
                "leavers.csv": replaced(OC3, 2, "F2,", ""),
            },
        )
    )
    assert [error[:3] for error in errors] == [
        ("children.csv", 3, "MC_DOB"),
        ("leavers.csv", 2, "ACCOM"),
        ("stays.csv", 2, "DEC"),
    ]


def test_check_return_of_countless_errors_stops_at_fifty(tmp_path: Path) -> None:
    broken = OC3 + "".join(f"ASH{n},1/1/99,YES,F1,K1\n" for n in range(1000, 1200))
    assert len(refused(write_return(tmp_path, {"leavers.csv": broken}))) == MOST_ERRORS


@pytest.mark.parametrize("value", ["A" * 501, "\u00a3" * 251])
def test_check_return_with_a_value_too_long_for_an_index_names_it(
    tmp_path: Path, value: str
) -> None:
    for column, old in (("CHILD", "ASH001"), ("ETHNIC", "WBRI")):
        errors = refused(write_return(tmp_path, {"children.csv": replaced(HEADER, 2, old, value)}))
        assert errors == [
            ("children.csv", 2, column, "The value is longer than 500 bytes. Correct it.")
        ]
    longest = replaced(HEADER, 2, "ASH001", "A" * 500)
    assert check_return(write_return(tmp_path, {"children.csv": longest})).notes == ()


def test_check_return_with_two_files_of_one_kind_refuses_the_second(tmp_path: Path) -> None:
    errors = refused(write_return(tmp_path, {"leavers_old.csv": OC3 + "ASH009,14/05/1999,NO,0,0"}))
    assert errors == [
        ("leavers_old.csv", 1, "", "leavers.csv is also a file of OC3. Keep one of them.")
    ]


def test_check_return_with_a_copy_of_a_file_leaves_it_out(tmp_path: Path) -> None:
    checked = check_return(write_return(tmp_path, {"stays (1).csv": EPISODES}))
    assert [str(note) for note in checked.notes] == [
        "stays.csv: The file is a copy of stays (1).csv: it is left out."
    ]
    assert checked.files["episodes"].row_count == 2


def test_check_return_understands_how_a_yes_is_written(tmp_path: Path) -> None:
    oc2 = (
        "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,"
        "HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED\n"
        "ASH003,20/08/2009,12,,{},0,1,{},{},0,,\n"
    )
    plain = delivered(write_return(tmp_path / "a", {"health.csv": oc2.format(1, 1, 0)}))
    for number, written in enumerate((("Y", "True", "No"), ("yes", "01", "0.0"))):
        folder = write_return(tmp_path / str(number), {"health.csv": oc2.format(*written)})
        assert delivered(folder) == plain
        assert {note.column for note in check_return(folder).notes} == {
            "CONVICTED", "TEETH_CHECK", "HEALTH_ASSESSMENT",
        }  # fmt: skip
    folder = write_return(tmp_path / "b", {"health.csv": oc2.format("maybe", 1, 0)})
    (note,) = check_return(folder).notes
    assert (note.line, note.column) == (2, "CONVICTED")
    assert "neither 0 nor 1" in note.message


def test_check_return_without_a_header_file_refuses_it(tmp_path: Path) -> None:
    errors = refused(write_return(tmp_path, {"children.csv": None}))
    assert errors == [("header file", 0, "", "The return has no Header file. Add it.")]


@pytest.mark.parametrize("content", [HEADER.splitlines()[0], HEADER.splitlines()[0] + "\n"])
def test_check_return_with_only_a_header_line_refuses_the_children(
    tmp_path: Path, content: str
) -> None:
    errors = refused(write_return(tmp_path, {"children.csv": content}))
    assert errors[0][:3] == ("children.csv", 2, "CHILD")


def test_check_return_with_only_a_header_line_of_care_leavers_is_a_finding(
    tmp_path: Path,
) -> None:
    checked = check_return(write_return(tmp_path, {"leavers.csv": OC3.splitlines()[0] + "\n"}))
    (note,) = checked.notes
    assert (note.file, note.line, note.column) == ("leavers.csv", 2, "CHILD")


def test_check_return_with_a_duplicate_child_is_a_finding_with_both_lines(
    tmp_path: Path,
) -> None:
    again = OC3 + "ash001 ,14/05/1999,NO,F2,K2\n"
    (note,) = check_return(write_return(tmp_path, {"leavers.csv": again})).notes
    assert (note.file, note.line, note.column) == ("leavers.csv", 4, "CHILD")
    assert str(note) == (
        "leavers.csv, line 4, column CHILD: The line repeats CHILD of line 2. Keep one of them."
    )


def test_check_return_notes_what_a_file_says_otherwise_about_a_child_than_header(
    tmp_path: Path,
) -> None:
    """INT11 to INT18 and INT21 of the Department: one note for each value in each file."""
    files = {
        "leavers.csv": replaced(OC3, 3, "02/01/2000", "02/01/2001"),
        "reviews.csv": "CHILD,DOB,REVIEW,REVIEW_CODE\n"
        "ASH001,1999-05-14,01/05/2017,PN1\n"
        "ash003,21/08/2009,01/05/2017,PN1\n"
        "ASH003,21/08/2009,01/07/2017,PN1\n"
        "ASH009,21/08/2009,01/07/2017,PN1\n",
        "uasc.csv": "CHILD,SEX,DOB,DUC\nASH001,M,14/05/1999,\nASH003,2,20/08/2009,\n",
    }
    notes = check_return(write_return(tmp_path, files)).notes
    assert {(note.file, note.line, note.column) for note in notes if "Header" in note.message} == {
        ("leavers.csv", 3, "DOB"), ("reviews.csv", 3, "DOB"), ("uasc.csv", 3, "SEX"),
    }  # fmt: skip
    assert not any(value in str(note) for note in notes for value in ("2001", "21/08", "ASH"))
    # a copy says the same again, and a child of two dates in Header may be either
    copied = {**files, "copy.csv": files["reviews.csv"]}
    both = HEADER + "ASH003,1,21/08/2009,MWBC,A100000000002,0,\n"
    notes = check_return(write_return(tmp_path, {**copied, "children.csv": both})).notes
    assert {(note.file, note.line) for note in notes if "Header" in note.message} == {
        ("leavers.csv", 3), ("uasc.csv", 3),
    }  # fmt: skip


def test_check_return_with_a_blank_that_the_return_needs_is_a_finding(tmp_path: Path) -> None:
    blank = replaced(HEADER, 4, "MWBC", "")
    (note,) = check_return(write_return(tmp_path, {"children.csv": blank})).notes
    assert (note.file, note.line, note.column) == ("children.csv", 4, "ETHNIC")


def test_check_return_line_numbers_count_the_line_breaks_inside_quotes(tmp_path: Path) -> None:
    prev = (
        "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM\r\n"
        'ASH001,14/05/1999,P1,"Ash\r\nmere, ""North""",zz/05/2010\r\n'
        "ASH002,02/01/2000,P2,,zz/13/2010\r\n"
    )
    errors = refused(write_return(tmp_path, {"earlier.csv": prev}))
    assert [error[:3] for error in errors] == [("earlier.csv", 4, "DATE_PERM")]


@pytest.mark.parametrize("value", ["zz/05/2020", "zz/zz/2021", "zz/zz/zzzz", "01/05/2020"])
def test_check_return_accepts_an_order_date_known_in_part(tmp_path: Path, value: str) -> None:
    prev = f"CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM\nASH001,14/05/1999,P1,,{value}\n"
    checked = check_return(write_return(tmp_path, {"earlier.csv": prev}))
    assert checked.files["previous_permanence"].row_count == 1


@pytest.mark.parametrize("value", ["zz/13/2020", "01/zz/2020", "zz/05/zzzz", "zz/05/20", "zz"])
def test_check_return_refuses_a_partial_date_that_is_none(tmp_path: Path, value: str) -> None:
    prev = f"CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM\nASH001,14/05/1999,P1,,{value}\n"
    errors = refused(write_return(tmp_path, {"earlier.csv": prev}))
    assert [error[:3] for error in errors] == [("earlier.csv", 2, "DATE_PERM")]


def test_check_return_of_a_folder_of_returns_asks_for_one_of_them(tmp_path: Path) -> None:
    write_return(tmp_path / "2018")
    ((_, _, _, message),) = refused(tmp_path)
    assert "Give the folder of one return" in message


def test_check_return_of_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="no such file or folder"):
        check_return(tmp_path / "nowhere")


def test_check_return_names_files_that_it_did_not_read(tmp_path: Path) -> None:
    files = {"guide.pdf": "%PDF-1.7", "read me.txt": "How to send it", ".hidden": "x"}
    checked = check_return(write_return(tmp_path, {**files, "census.xml": "<Message/>"}))
    assert [str(note) for note in checked.notes] == [
        "census.xml: The file was not read: it is not of the return.",
        "guide.pdf: The file was not read: it is not CSV, XML, a workbook or a zip.",
        "read me.txt: The file was not read: it is not of the return.",
    ]


def test_check_return_takes_the_year_in_which_most_episodes_ended(tmp_path: Path) -> None:
    stays = EPISODES + (
        "ASH001,01/04/2017,S,C2,N1,U6,PR1,31/03/2018,E8,,,,\n"
        "ASH002,01/04/2017,S,C2,N1,U6,PR1,01/04/2018,E8,,,,\n"  # a day late: a wrong date
    )
    assert check_return(write_return(tmp_path, {"stays.csv": stays})).period == 2018


def test_check_return_where_no_episode_ended_takes_the_latest_start(tmp_path: Path) -> None:
    stays = "\n".join(line for line in EPISODES.splitlines() if "X1" not in line) + "\n"
    assert check_return(write_return(tmp_path, {"stays.csv": stays})).period == 2018


def test_check_return_that_tells_no_year_asks_for_it(tmp_path: Path) -> None:
    folder = write_return(tmp_path, {"stays.csv": None})
    ((_, _, _, message),) = refused(folder)
    assert "?period=" in message
    assert check_return(folder, 2018).period == 2018


SOCIAL_WORKERS = "CHILD,DOB,SW_ID,SW_DECOM,SW_DEC,SW_REASON\nASH003,20/08/2009,SW1,01/05/2017,,\n"


@pytest.mark.parametrize(("period", "accepted"), [(2023, False), (2024, True)])
def test_check_return_with_a_table_of_later_years_is_refused(
    tmp_path: Path, period: int, accepted: bool
) -> None:
    folder = write_return(tmp_path, {"workers.csv": SOCIAL_WORKERS})
    if accepted:
        assert "sw_episodes" in check_return(folder, period).files
    else:
        with pytest.raises(MalformedReturnError, match="from 2024 on"):
            check_return(folder, period)


def test_layout_gives_each_table_a_header_of_its_own() -> None:
    headers = [header for table in load_layout().values() for header in table.headers]
    assert len(headers) == len(set(headers)) == 12
    for table in load_layout().values():
        names = {column.name for column in table.columns}
        assert names >= {*table.unique, *table.year_shown_by}


@pytest.mark.parametrize("blank", ["\u200b", "\ufeff", "\t", "\u00a0", "\u3000"])
def test_blanks_of_every_kind_around_every_field_are_left_out(tmp_path: Path, blank: str) -> None:
    files = {}
    for name, text in RETURN.items():
        head, *rows = text.splitlines()
        fields = [[f"{blank}{field}{blank}" for field in row.split(",")] for row in rows]
        files[name] = "\n".join([head, *(",".join([*row, blank]) for row in fields)])
    right = delivered(write_return(tmp_path / "right"))
    assert delivered(write_return(tmp_path / "blanks", files)) == right
