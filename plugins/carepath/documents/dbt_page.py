"""dbt's own documentation as one page, about the tables that people see.

dbt can write such a page itself (`dbt docs generate --static`). That page names marts_build, where
the marts are built, and holds compiled SQL with a council's settings and folders of this machine.
So Carepath puts its own facts into dbt's page: what the manifest says of each table, and
PostgreSQL's catalogue of schema `marts`. No row of any table is read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from carepath.errors import WarehouseError
from carepath.lineage import reading as lineage

MARTS: Final = "marts"
# what dbt's page shows of a table, a test or a macro; all else in the manifest is left out
OF_NODE: Final = (
    "unique_id", "name", "alias", "identifier", "resource_type", "package_name", "path",
    "original_file_path", "fqn", "database", "schema", "description", "tags", "access", "group",
    "docs", "language", "raw_code", "refs", "test_metadata", "column_name", "source_name",
    "source_description", "loader", "type", "owner", "label", "maturity", "url",
)  # fmt: skip
OF_MACRO: Final = (
    "unique_id", "name", "resource_type", "package_name", "path", "original_file_path",
    "description", "docs", "macro_sql", "arguments",
)  # fmt: skip
KINDS: Final = frozenset({"model", "seed", "source", "test"})
CATALOGUE: Final = """
select
    tables.relname as "table",
    case tables.relkind when 'v' then 'view' else 'table' end as kind,
    columns.attname as name,
    columns.attnum::integer as place,
    format_type(columns.atttypid, columns.atttypmod) as type
from pg_class as tables
inner join pg_attribute as columns
    on tables.oid = columns.attrelid and columns.attnum > 0 and not columns.attisdropped
where
    tables.relnamespace = to_regnamespace('marts')
    and tables.relkind in ('r', 'p', 'v', 'm')
    and has_table_privilege(tables.oid, 'select')
order by tables.relname, columns.attnum
"""
_SCRIPT: Final = re.compile(r"<script[^>]*>(.*?)</script", re.DOTALL)
# an address for search engines, and a picture that dbt forgot to put into the page
_LINKS: Final = re.compile(r'<link rel="(?:canonical|shortcut icon)"[^>]*>')
# browsers fetch this address before the script has filled it
_UNFILLED, _FILLED_LATER = ' xlink:href="{{', ' ng-attr-href="{{'
# what axe finds in dbt's page, and what it has instead; a newer page may need others
_ACCESSIBLE: Final = (
    (",minimum-scale=1,maximum-scale=1,", ","),  # people may zoom
    # grey and turquoise text is too light to read on white, in the SQL too
    ("#8b969e", "#5b6670"), ("color:#0bb", "color:#007070"), ("color:#0aa", "color:#005555"),
    ("color: #999988", "color: #6b6b5e"), ("color: #36acaa", "color: #1f6f6d"),
    ("color: #00a4db", "color: #00658a"),
    ('<div class="app-menu app-column">', '<div class="app-menu app-column" role="navigation">'),
    ('<div class="app-content app-column">', '<div class="app-content app-column" role="main">'),
    (
        '<div class="launcher" data-launcher',
        '<div class="launcher" role="region" aria-label="Lineage graph" data-launcher',
    ),
    ('title="Close Graph"', 'title="Close Graph" aria-label="Close the graph"'),
    # what scrolls can be reached with the keyboard
    ('<div class="detail-body">', '<div class="detail-body" tabindex="0">'),
    ('style="max-height: 800px;', 'tabindex="0" style="max-height: 800px;'),
    # a link without an address cannot be reached with the keyboard
    ('ng-click="onLauncherClick()"', 'href="" ng-click="onLauncherClick()"'),
    ("<h6>", '<h6 aria-level="2">'), ("<h5>", '<h5 aria-level="3">'),  # no level is left out
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a table or view of schema `marts`, as a reader of the marts sees it."""

    table: str
    kind: str
    name: str
    place: int
    type: str


@dataclass(frozen=True)
class DbtPage:
    """The page.

    Attributes:
        html: its text.
        scripts: the hashes of its scripts, as a content security policy names them.
    """

    html: str
    scripts: tuple[str, ...]


def read_columns(connection: psycopg.Connection[Any]) -> list[Column]:
    """Return the columns that the connected role may read in schema `marts`."""
    return connection.cursor(row_factory=class_row(Column)).execute(CATALOGUE).fetchall()


def make_dbt_page(manifest: Mapping[str, Any], columns: Iterable[Column], way: str) -> DbtPage:
    """Return dbt's page.

    Args:
        manifest: dbt's manifest of the project.
        columns: what readers of the marts see.
        way: a sentence of the first page that leads to other pages, as Markdown; or blank.

    Raises:
        WarehouseError: this version of dbt has another page than the one that was expected.
    """
    page = _LINKS.sub("", _empty_page()).replace(_UNFILLED, _FILLED_LATER)
    for found, instead in _ACCESSIBLE:
        page = page.replace(found, instead)
    nodes = _nodes(manifest)
    for name, facts in (
        ("MANIFEST", _shown(manifest, nodes, way)),
        ("CATALOG", _catalogue(nodes, columns)),
    ):
        place = f'"{name}.JSON INLINE DATA"'
        if page.count(place) != 1:
            raise WarehouseError(
                f"dbt's page of documentation does not have one place for {name.lower()}.json.",
                where="dbt",
                todo="use the version of dbt that requirements.lock names.",
            )
        # no text of ours can end the script that it stands in
        page = page.replace(place, json.dumps(facts, separators=(",", ":")).replace("<", "\\u003c"))
    hashes = (hashlib.sha256(text.encode()).digest() for text in _SCRIPT.findall(page))
    return DbtPage(page, tuple(f"'sha256-{base64.b64encode(each).decode()}'" for each in hashes))


@lru_cache(maxsize=1)
def _empty_page() -> str:
    """Return the page that dbt brings. dbt itself is not imported: that takes 2 s."""
    found = find_spec("dbt")
    places = found.submodule_search_locations if found else None
    for place in places or ():
        path = Path(place) / "task" / "docs" / "index.html"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise WarehouseError(
        "dbt has no page of documentation.", where="dbt", todo="install dbt-core again."
    )


def _nodes(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the page shows of each table and test. Marts have the schema of their readers."""
    own = {name for name, each in manifest["macros"].items() if _is_own(each)}
    return {
        name: _node(node, own)
        for name, node in {**manifest["nodes"], **manifest["sources"]}.items()
        if node["resource_type"] in KINDS
    }


def _node(node: Mapping[str, Any], macros: set[str]) -> dict[str, Any]:
    config, behind = node.get("config", {}), node.get("depends_on", {})
    found = {name: node[name] for name in OF_NODE if name in node}
    found |= {
        "meta": {},
        "config": {
            "materialized": config.get("materialized"),
            "contract": {"enforced": config.get("contract", {}).get("enforced", False)},
        },
        "depends_on": {
            "nodes": behind.get("nodes", []),
            "macros": [each for each in behind.get("macros", ()) if each in macros],
        },
    }
    is_mart = node["resource_type"] == "model" and lineage.kind_of(node) == lineage.MART
    comes_from = lineage.read_columns(str(node.get("alias"))) if is_mart else {}
    found["columns"] = {
        name: {
            "name": name,
            # the type of a mart's column is that in the catalogue
            **({} if is_mart else {"type": column.get("data_type")}),
            "description": _described(column.get("description") or "", comes_from.get(name)),
            "constraints": [{"type": each["type"]} for each in column.get("constraints", ())],
            "tags": [],
            "meta": {},
        }
        for name, column in node.get("columns", {}).items()
    }
    if is_mart:
        found["schema"] = MARTS
        found["description"] = _defined(node["description"], config.get("meta", {}))
    return found


def _described(text: str, column: lineage.Column | None) -> str:
    """Return what a column means, and which columns it comes from."""
    if column is None:
        return text
    sides = (
        ("Core", column.core), ("Recording system", column.delivered),
        ("Settings", column.settings), ("Carepath's records", column.own),
    )  # fmt: skip
    said = [
        f"{side}: {', '.join(f'`{each}`' for each in found)}." for side, found in sides if found
    ]
    return "\n\n".join([text, "Comes from:", *said]) if said else text


def _defined(text: str, meta: Mapping[str, Any]) -> str:
    """Return what a mart holds, and what its YAML says of its figures."""
    names = ("numerator", "denominator", "left_out", "source", "owner")
    said = [
        f"- **{name.replace('_', ' ').capitalize()}**: {meta[name]}"
        for name in names
        if meta.get(name)
    ]
    return "\n\n".join([text.strip(), "\n".join(said)]) if said else text


def _shown(
    manifest: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]], way: str
) -> dict[str, Any]:
    """Return the manifest that the page gets."""
    exposures = {
        name: {key: each[key] for key in (*OF_NODE, "depends_on") if key in each}
        | {"meta": {}, "tags": []}
        for name, each in manifest.get("exposures", {}).items()
    }
    known = nodes.keys() | exposures.keys()
    return {
        "metadata": {
            "adapter_type": manifest["metadata"]["adapter_type"],
            "dbt_version": manifest["metadata"]["dbt_version"],
            "project_name": manifest["metadata"]["project_name"],
            "send_anonymous_usage_stats": False,
        },
        "nodes": {n: each for n, each in nodes.items() if each["resource_type"] != "source"},
        "sources": {n: each for n, each in nodes.items() if each["resource_type"] == "source"},
        "macros": {
            name: {key: each[key] for key in OF_MACRO if key in each}
            | {"depends_on": each["depends_on"]}
            for name, each in manifest["macros"].items()
            if _is_own(each)
        },
        "exposures": exposures,
        "groups": {
            name: {"name": each["name"], "owner": {"name": each["owner"].get("name")}}
            for name, each in manifest["groups"].items()
        },
        "docs": {"doc.dbt.__overview__": _overview(way)},
        "parent_map": {
            name: [each for each in parents if each in known]
            for name, parents in manifest["parent_map"].items()
            if name in known
        },
        "metrics": {}, "semantic_models": {}, "saved_queries": {}, "unit_tests": {},
        "functions": {},
    }  # fmt: skip


def _is_own(macro: Mapping[str, Any]) -> bool:
    """Return whether a macro is of this project, and not one of the hundreds that dbt brings."""
    return bool(macro["package_name"] == "carepath")


def _overview(way: str) -> dict[str, str]:
    says = (
        "# The tables of Carepath",
        "These pages are dbt's own documentation. They describe the tables of schema `marts`, which"
        " Power BI and the pages of figures read, and the tables that they are made from.",
        "On the left, choose *Database* and then `marts`. A table has its description, its columns"
        " with the columns that they come from, its tests and its SQL. The button at the bottom"
        " right draws what a table comes from and what reads it.",
        "These pages show no value of any record.",
        way,
    )
    return {
        "unique_id": "doc.dbt.__overview__",
        "name": "__overview__",
        "package_name": "carepath",
        "block_contents": "\n\n".join(filter(None, says)),
    }


def _catalogue(nodes: Mapping[str, Mapping[str, Any]], columns: Iterable[Column]) -> dict[str, Any]:
    """Return the catalogue that the page gets: the tables that readers see, with their types."""
    tables: dict[str, list[Column]] = {}
    for column in columns:
        tables.setdefault(column.table, []).append(column)
    return {
        "metadata": {},
        "nodes": {
            name: _in_catalogue(name, node, tables[node["alias"]])
            for name, node in nodes.items()
            if node["schema"] == MARTS and node.get("alias") in tables
        },
        "sources": {},
        "errors": None,
    }


def _in_catalogue(name: str, node: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    return {
        "unique_id": name,
        "metadata": {
            "type": columns[0].kind,
            "schema": MARTS,
            "name": columns[0].table,
            "database": node["database"],
            "owner": "",
            "comment": None,
        },
        "columns": {
            each.name: {
                "name": each.name, "index": each.place, "type": each.type, "comment": None
            }
            for each in columns
        },
        "stats": {},
    }  # fmt: skip
