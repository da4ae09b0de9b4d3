"""What each mart comes from, down to the tables of the recording system, by dbt's manifest."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from carepath.publish.tables import BUILD_SCHEMA
from carepath.settings import get_settings

MART: Final = "mart"
CORE: Final = "core"
STAGING: Final = "staging"
CONTRACT: Final = "contract"
SETTING: Final = "setting"
OWN: Final = "own"
CONTRACT_SCHEMA: Final = "history"
COLUMNS: Final = Path(__file__).parent / "columns.csv"
FIELDS: Final = ("column", MART, CORE, CONTRACT, SETTING, OWN, "is_followed")


@dataclass(frozen=True)
class Table:
    """A table that dbt reads or makes.

    Attributes:
        name: in its schema.
        schema: where it is in the warehouse; blank for a mart, which people see in `marts`.
        kind: MART; CORE, which marts read; STAGING, which core reads; CONTRACT, a table that the
            recording system sends; SETTING, a code list or a setting; OWN, what Carepath records
            about nights and rules.
        domain: the folder of a mart.
        parents: ids of the tables that it reads.
    """

    name: str
    schema: str
    kind: str
    description: str
    domain: str
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """What a column of a mart comes from, as `table.column`, by kind.

    Attributes:
        core: of the tables that marts read.
        delivered: of the tables that the recording system sends.
        settings: of code lists and settings.
        own: of Carepath's own records; blank where there are delivered columns.
        is_followed: False if something else is behind it that could not be found.
    """

    core: tuple[str, ...]
    delivered: tuple[str, ...]
    settings: tuple[str, ...]
    own: tuple[str, ...]
    is_followed: bool


class Lineage:
    """All tables of a manifest, by their ids."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.tables = tables
        self._marts = {table.name: number for number, table in tables.items() if table.kind == MART}

    def mart(self, name: str) -> Table | None:
        """Return a table of schema `marts`; None if dbt does not make it."""
        return self.tables[self._marts[name]] if name in self._marts else None

    def parents(self, table: Table) -> list[Table]:
        """Return the tables that a table reads itself, by kind and name."""
        return _sorted(self.tables[each] for each in table.parents)

    def behind(self, table: Table, *kinds: str) -> list[Table]:
        """Return all tables of some kinds from which a table comes, however far away."""
        found: dict[str, Table] = {}
        waiting = list(table.parents)
        while waiting:
            number = waiting.pop()
            if number not in found:
                found[number] = self.tables[number]
                waiting += found[number].parents
        return _sorted(each for each in found.values() if each.kind in kinds)

    def readers(self, name: str) -> list[Table]:
        """Return the marts that read a mart."""
        number = self._marts.get(name)
        return _sorted(
            each for each in self.tables.values() if each.kind == MART and number in each.parents
        )


def read_columns(mart: str) -> Mapping[str, Column]:
    """Return what each column of a mart comes from; nothing for a table that dbt does not make."""
    return _columns_of_marts().get(mart, {})


@lru_cache(maxsize=1)
def _columns_of_marts() -> Mapping[str, Mapping[str, Column]]:
    """Follow each column that `carepath docs` has written through other marts and through core."""
    with COLUMNS.open(encoding="utf-8", newline="") as file:
        rows = {row["column"]: row for row in csv.DictReader(file)}

    def behind(name: str, through: Sequence[str], kind: str) -> set[str]:
        row = rows[name]
        further = (each for way in through for each in row[way].split())
        return set(row[kind].split()).union(*(behind(each, through, kind) for each in further))

    def is_followed(name: str) -> bool:
        row = rows[name]
        further = (row[MART] + " " + row[CORE]).split()
        return row["is_followed"] == "yes" and all(is_followed(each) for each in further)

    found: dict[str, dict[str, Column]] = {}
    for name in rows:
        mart, _, column = name.partition(".")
        if "." not in column:
            delivered = tuple(sorted(behind(name, (MART, CORE), CONTRACT)))
            found.setdefault(mart, {})[column] = Column(
                tuple(sorted(behind(name, (MART,), CORE))),
                delivered,
                tuple(sorted(behind(name, (MART, CORE), SETTING))),
                () if delivered else tuple(sorted(behind(name, (MART, CORE), OWN))),
                is_followed(name),
            )
    return found


def read_lineage(target: Path | None = None) -> Lineage | None:
    """Return the lineage by the newest manifest in this home; None if dbt has written none.

    Args:
        target: the folder in which dbt leaves what it writes; by default that of the home.
    """
    newest = newest_manifest(target)
    try:
        return _read(*newest) if newest else None
    except (OSError, ValueError):  # a night is writing it
        return None


def newest_manifest(target: Path | None = None) -> tuple[Path, int] | None:
    """Return the newest manifest in this home, and its time in ns; None if dbt has written none.

    Args:
        target: as for `read_lineage`.
    """
    target = target or get_settings().home / "dbt_target"
    found = []
    for place in ("dbt_project/plain", "parsed"):
        path = target / place / "manifest.json"
        with suppress(OSError):
            found.append((path, path.stat().st_mtime_ns))
    return max(found, key=lambda each: each[1], default=None)


@lru_cache(maxsize=2)
def _read(manifest: Path, _changed: int) -> Lineage:
    found = json.loads(manifest.read_text(encoding="utf-8"))
    nodes = {
        number: node
        for number, node in {**found["nodes"], **found["sources"]}.items()
        if node["resource_type"] in ("model", "seed", "source")
    }
    return Lineage(
        {
            number: Table(
                node.get("alias") or node["name"],
                "" if kind_of(node) == MART else node["schema"],
                kind_of(node),
                " ".join((node.get("description") or "").split()),
                node["fqn"][2] if len(node["fqn"]) > 3 else "",
                tuple(
                    each for each in node.get("depends_on", {}).get("nodes", ()) if each in nodes
                ),
            )
            for number, node in nodes.items()
        }
    )


def kind_of(node: Mapping[str, Any]) -> str:
    """Return which kind of table a node of dbt's manifest is."""
    if node["resource_type"] == "source":
        return CONTRACT if node["schema"] == CONTRACT_SCHEMA else OWN
    if node["resource_type"] == "seed":
        return SETTING
    return {BUILD_SCHEMA: MART, "staging": STAGING}.get(node["schema"], CORE)


def _sorted(tables: Iterable[Table]) -> list[Table]:
    return sorted(tables, key=lambda each: (each.kind, each.name))
