"""dbt's staging layer, written from the contract.

Each table has one view of its records and, where snapshots need it, one of all their versions; the
YAML that documents them; and the sources. A macro knows the spellings of the code lists. Do
not edit these files by hand, because `carepath docs` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from carepath.contract.code_lists import CodeList
from carepath.contract.model import ColumnType, Contract, Table
from carepath.documents.templates import render
from carepath.settings import PROJECT_ROOT

DBT: Final = PROJECT_ROOT / "dbt_project"
COMMAND: Final = "carepath docs"
WIDTH: Final = 88
RECORD_GRAIN: Final = "one row per record known at its authority's cut-off."
VERSION_GRAIN: Final = "one row per version of a record, up to its authority's cut-off."

# Column type to the macro that reads it and the type that comes out. Row ids are left out: they
# have no meaning, and history keeps only the first one of a version.
READERS: Final[Mapping[ColumnType, tuple[str, str]]] = {
    "id": ("staging_id", "text"),
    "text": ("staging_text", "text"),
    "date": ("staging_date", "date"),
    "integer": ("staging_integer", "integer"),
    "number": ("staging_number", "numeric"),
    "flag": ("staging_flag", "boolean"),
    "json": ("staging_json", "jsonb"),
}
# Types that may arrive as unreadable text, with PostgreSQL's names for them.
UNREADABLE: Final[Mapping[ColumnType, str]] = {
    "date": "date",
    "integer": "integer",
    "number": "numeric",
    "flag": "boolean",
    "json": "jsonb",
}
# Code lists that a council sets itself, and what the names of their variables begin with.
SITE_LISTS: Final[Mapping[str, str]] = {"programme": "CAREPATH_PROGRAMME"}


def files(contract: Contract, code_lists: Mapping[str, CodeList]) -> dict[Path, str]:
    """Return every generated file below dbt_project with its text."""
    staging = Path("models") / "staging"
    written = {
        staging / "_sources.yml": sources(contract),
        Path("macros") / "staging" / "code_lists.sql": code_list_macro(contract, code_lists),
    }
    for table in contract.tables.values():
        folder = staging / table.domain
        names = [f"stg_{table.entity}"]
        written[folder / f"{names[0]}.sql"] = model(table)
        if table.versions:
            names.append(f"stg_{table.entity}_versions")
            written[folder / f"{names[1]}.sql"] = versions_model(table)
        for name in names:
            written[folder / f"{name}.yml"] = properties(table, name)
    return written


def staged_columns(table: Table) -> list[tuple[str, str, str, str]]:
    """Return what staging makes of a table's own columns.

    Returns:
        Name in staging, SQL type, dbt expression, description; two for a code column.
    """
    found = []
    for column in table.columns:
        text = column.description or column.as_name.replace("_", " ").capitalize()
        if column.type == "row_id":
            continue
        if column.type == "code":
            code = f'{{{{ staging_code("{column.name}", "{column.code_list}") }}}}'
            sent = f'{{{{ staging_sent("{column.name}") }}}}'
            listed = f"{text}: code of list {column.code_list}, null if unknown"
            found.append((f"{column.as_name}_code", "text", code, listed))
            found.append((f"{column.as_name}_sent", "text", sent, f"{text}: as sent"))
        else:
            macro, kind = READERS[column.type]
            bounds = "".join(f", {bound}" for bound in column.range or ())
            call = f'{{{{ {macro}("{column.name}"{bounds}) }}}}'
            found.append((column.as_name, kind, call, text))
    return found


def model(table: Table) -> str:
    """Return the SQL of stg_<entity>: the versions known at the cut-off."""
    return render(
        "staging/records.sql",
        command=COMMAND,
        grain=f"grain: {RECORD_GRAIN} {table.description}",
        table=table,
        selected=_selected(table),
        noticed={
            "sentinel_columns": [
                _pair(c.as_name, f'"{c.name}"') for c in table.columns if c.type == "date"
            ],
            "unreadable_columns": [
                _pair(c.as_name, json.dumps([c.name, UNREADABLE[c.type], *(c.range or ())]))
                for c in table.columns
                if c.type in UNREADABLE
            ],
        },
    )


def versions_model(table: Table) -> str:
    """Return the SQL of stg_<entity>_versions: all versions up to the cut-off."""
    return render(
        "staging/versions.sql",
        command=COMMAND,
        grain=f"grain: {VERSION_GRAIN} {table.description}",
        table=table,
        selected=_selected(table),
    )


def properties(table: Table, name: str) -> str:
    """Return the YAML of a staging model: description and the columns it promises."""
    versions = name.endswith("_versions")
    grain = (VERSION_GRAIN if versions else RECORD_GRAIN).capitalize()
    return render(
        "staging/properties.yml",
        command=COMMAND,
        table=table,
        name=name,
        is_versions=versions,
        description=f"{grain} {table.description}",
        key=", ".join(table.column(key).as_name for key in table.natural_key),
        columns=staged_columns(table),
    )


def sources(contract: Contract) -> str:
    """Return the YAML that declares history's tables to dbt."""
    return render("staging/sources.yml", command=COMMAND, tables=contract.tables.values())


def code_list_macro(contract: Contract, code_lists: Mapping[str, CodeList]) -> str:
    """Return the macros with the spellings and codes of the lists that a column refers to."""
    used = sorted({c.code_list for t in contract.tables.values() for c in t.columns if c.code_list})
    return render(
        "staging/code_lists.sql",
        command=COMMAND,
        spellings={name: code_lists[name].spellings for name in used},
        heads={name: code_lists[name].heads for name in used},
        site_lists=SITE_LISTS,
    )


def site_environment(code_lists: Iterable[CodeList]) -> dict[str, str]:
    """Return the environment variables by which the macros know a council's own lists."""
    return {
        f"{SITE_LISTS[each.name]}_{macro}": json.dumps(codes)
        for each in code_lists
        for macro, codes in (
            ("CODE_LIST_SPELLINGS", each.spellings),
            ("CODE_LIST_HEADS", each.heads),
        )
    }


def stale(contract: Contract, code_lists: Mapping[str, CodeList], root: Path = DBT) -> list[str]:
    """Return the generated files that are missing, outdated or left over."""
    wanted = files(contract, code_lists)
    found = [
        str(path)
        for path, text in wanted.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]
    return sorted([*found, *(str(path.relative_to(root)) for path in _left_over(wanted, root))])


def write(contract: Contract, code_lists: Mapping[str, CodeList], root: Path = DBT) -> list[str]:
    """Write what is stale, remove what is left over; return the files touched."""
    wanted = files(contract, code_lists)
    touched = stale(contract, code_lists, root)
    for path in _left_over(wanted, root):
        path.unlink()
    for path, text in wanted.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return touched


def _left_over(wanted: Mapping[Path, str], root: Path) -> list[Path]:
    """Files that say they were generated here, for tables that the contract no longer has."""
    return [
        path
        for path in sorted((root / "models" / "staging").rglob("*"))
        if path.suffix in (".sql", ".yml")
        and path.relative_to(root) not in wanted
        and f"by {COMMAND}" in path.read_text(encoding="utf-8")
    ]


def _selected(table: Table) -> list[str]:
    """Return the entries of a select list that give staging's columns, on two lines if long."""
    found = []
    for name, _, expression, _ in staged_columns(table):
        line = f"    {expression} as {name},"
        found.append(line if len(line) <= WIDTH else f"    {expression}\n        as {name},")
    return found


def _pair(name: str, value: str) -> str:
    """Return an entry of the dictionary that a macro is called with, on two lines if long."""
    line = f'        "{name}": {value},'
    return line if len(line) <= WIDTH else f'        "{name}":\n            {value},'
