"""Notes about a return reach the people who see to records."""

from __future__ import annotations

from pathlib import Path

from ssda903_returns import AUTHORITY, OC3, open_return, write_return

from carepath.sources.notes import keep_notes
from carepath.warehouse.connect import connect


def test_keep_notes_of_the_latest_load_are_read_by_stewards(
    warehouse: None, tmp_path: Path
) -> None:
    again = OC3 + "ASH001,14/05/1999,NO,F2,K2\n"
    notes = open_return(write_return(tmp_path, {"leavers.csv": again, "r.pdf": "%PDF"})).notes()
    with connect("carepath_loader") as connection:
        connection.execute("insert into ops.authorities values (%s, 'Ashmere')", (AUTHORITY,))
        connection.execute(
            "insert into ops.sources values ('ssda903-test', %s, 'ssda903')", (AUTHORITY,)
        )
        load_id = connection.execute(
            "insert into ops.loads (source, authority, night, period, state)"
            " values ('ssda903-test', %s, '2018-03-31', '2018', 'loaded') returning load_id",
            (AUTHORITY,),
        ).fetchone()[0]
        keep_notes(connection, load_id, notes)
        keep_notes(connection, load_id, notes)  # a task may run twice
    with connect("carepath_steward") as connection:
        found = connection.execute(
            "select authority, period, file, line, column_name, message"
            " from quality.delivery_findings order by file"
        ).fetchall()
    assert found == [
        (
            AUTHORITY,
            "2018",
            "leavers.csv",
            4,
            "CHILD",
            "The line repeats CHILD of line 2. Keep one of them.",
        ),
        (
            AUTHORITY,
            "2018",
            "r.pdf",
            None,
            None,
            "The file was not read: it is not CSV, XML, a workbook or a zip.",
        ),
    ]
