"""Everything held about one person as one file, or one file for each of several people."""

from __future__ import annotations

import datetime as dt
import html
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from carepath.contract import load_contract
from carepath.errors import CarepathError
from carepath.person.copies import Place, Subject, UnknownPersonError, find_person
from carepath.quality.waivers import person as who_runs_this
from carepath.warehouse.connect import connect

PAGE: Final = "subject access"  # of quality.desk_looks
NOT_HERE: Final = (
    "backups (docs/backup.md)",
    "the recording system itself, and files that people exported earlier",
    "Airflow's own database and the logs, which hold no value of a record",
)
STYLE: Final = (
    "body{font:16px sans-serif;margin:2em}table{border-collapse:collapse;margin:0 0 1.5em}"
    "td,th{border:1px solid #b1b4b6;padding:.2em .5em;text-align:left;vertical-align:top}"
)


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        rows: number of rows by table (schema.table); only tables that have some.
    """

    path: Path
    subject: Subject
    rows: Mapping[str, int]


class UnknownPeopleError(CarepathError):
    """Nothing is held about some of several people.

    The message does not have their case ids, because it may be logged.

    Attributes:
        case_ids: of these people, as given.
    """

    case_ids: tuple[str, ...] = ()


def export_people(
    authority: str,
    case_ids: Sequence[str],
    folder: Path,
    *,
    to_read: bool = False,
    begun: Callable[[int, int], None] | None = None,
) -> list[Export]:
    """Write what `export_person` writes about each of several people.

    The folder is there when the last file is complete, and not before. The audit has a line for
    each person.

    Args:
        authority: ONS code.
        case_ids: as for `export_person`; one that is given twice counts once.
        folder: a new folder, in a folder that exists. Each file is named after its case id.
        to_read: pages instead of JSON.
        begun: called for each person with a number, from 1, and how many there are.

    Raises:
        UnknownPeopleError: nothing is held about some of them, and nothing was written.
        CarepathError: the folder exists, or the one that it would be in does not.
    """
    if folder.exists() or not folder.parent.is_dir():
        why = (
            "exists, and is not overwritten"
            if folder.exists()
            else "would be in one that is not there"
        )
        raise CarepathError(f"The folder {why}.", where=str(folder), todo="name a new folder.")
    found: dict[str, Subject] = {}
    unknown = []
    with connect("carepath_owner") as owner:
        for case_id in case_ids:
            try:
                subject, _ = find_person(owner, load_contract(), authority, case_id)
            except UnknownPersonError:
                unknown.append(case_id)
            else:
                found[subject.case_id] = subject
    if unknown:
        error = UnknownPeopleError(
            f"Nothing is held about {len(unknown)} of {len(case_ids)} people, so no file was"
            " written.",
            where=f"authority {authority}",
            todo="check the authority's ONS code and the case ids in the recording system.",
        )
        error.case_ids = tuple(unknown)
        raise error
    exports = []
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        ready = Path(beside) / "files"
        ready.mkdir(mode=0o700)
        for number, case_id in enumerate(found, 1):
            if begun:
                begun(number, len(found))
            name = quote(case_id, safe="") + (".html" if to_read else ".json")
            exports.append(export_person(authority, case_id, ready / name))
        ready.rename(folder)
    return [replace(each, path=folder / each.path.name) for each in exports]


def export_person(authority: str, case_id: str, path: Path) -> Export:
    """Write everything that the warehouse holds about a person.

    The audit says first that somebody exported it, and `quality.desk_looks` of which case. All
    tables are read at one moment. Only the file's owner can read it.

    Args:
        authority: ONS code.
        case_id: with or without blanks around it, in any case of letters.
        path: a new file: `.html` to read, anything else JSON.

    Raises:
        CarepathError: nothing is held about the person, or the file exists.
    """
    if path.exists():
        raise CarepathError(
            "The file exists, and is not overwritten.", where=str(path), todo="name a new file."
        )
    with connect("carepath_owner") as owner:
        subject, _ = find_person(owner, load_contract(), authority, case_id)
    _note(subject)
    with connect("carepath_owner") as owner:
        owner.execute("set transaction isolation level repeatable read")
        _, found = find_person(owner, load_contract(), authority, case_id)
        tables = [(place, held) for place in found if (held := _rows(owner, place))]
    rows = {f"{place.schema}.{place.table}": len(held) for place, held in tables}
    _write(path, subject, tables)
    return Export(path, subject, rows)


def _note(subject: Subject) -> None:
    """Keep who looks at which person, before the file is written."""
    with connect("carepath_owner") as owner:
        owner.execute(
            "insert into quality.desk_looks (looked_by, page, authority, table_name, record_key)"
            " values (%s, %s, %s, 'ssd_person', %s)",
            (who_runs_this(), PAGE, subject.authority, subject.case_id),
        )
        owner.execute(
            "insert into ops.audit_events (done_by, what, authority, detail)"
            " values (%s, 'exported what is held about a person', %s, 'one file')",
            (who_runs_this(), subject.authority),
        )


def _rows(owner: psycopg.Connection[Any], place: Place) -> list[dict[str, Any]]:
    return [
        row
        for (row,) in owner.execute(
            sql.SQL("select to_jsonb(held) from {} as held where {}").format(
                place.name, place.condition
            )
        )
    ]


def _write(
    path: Path,
    subject: Subject,
    tables: Sequence[tuple[Place, Sequence[Mapping[str, Any]]]],
) -> None:
    about = {
        "authority": subject.authority,
        "case_id": subject.case_id,
        "young_person_key": subject.key,
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "made_by": who_runs_this(),
        "rows": sum(len(rows) for _, rows in tables),
        "not_in_this_file": list(NOT_HERE),
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if path.suffix == ".html":
            file.writelines(_page(about, tables))
            return
        listed = [
            {"schema": place.schema, "table": place.table, "says": place.says, "rows": rows}
            for place, rows in tables
        ]
        json.dump({"about": about, "tables": listed}, file, ensure_ascii=False, indent=1)


def _page(
    about: Mapping[str, Any], tables: Sequence[tuple[Place, Sequence[Mapping[str, Any]]]]
) -> Iterator[str]:
    """Yield a page with a table for each place; columns without a value are left out."""
    yield "<!doctype html><html lang=en-GB><meta charset=utf-8><title>What is held</title>"
    yield f"<style>{STYLE}</style><h1>What is held about one person</h1><table>"
    for name, value in about.items():
        said = "; ".join(value) if isinstance(value, list) else value
        yield f"<tr><th>{_cell(name.replace('_', ' '))}<td>{_cell(said)}"
    yield "</table>"
    for place, rows in tables:
        yield f"<h2>{_cell(f'{place.schema}.{place.table}')}</h2><p>{_cell(place.says)}</p>"
        columns = [name for name in rows[0] if any(row[name] is not None for row in rows)]
        yield f"<table><tr>{''.join(f'<th>{_cell(name)}' for name in columns)}"
        for row in rows:
            yield f"<tr>{''.join(f'<td>{_cell(row[name])}' for name in columns)}"
        yield "</table>"


def _cell(value: Any) -> str:
    return "" if value is None else html.escape(str(value))
