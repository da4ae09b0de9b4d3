"""What each mart comes from, down to the tables of the recording system, by dbt's manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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


def read_lineage(target: Path | None = None) -> Lineage | None:
    """Return the lineage by the newest manifest in this home; None if dbt has written none.

    Args:
        target: the folder in which dbt leaves what it writes; by default that of the home.
    """
    target = target or get_settings().home / "dbt_target"
    written = [target / place / "manifest.json" for place in ("dbt_project/plain", "parsed")]
    try:
        newest = max(
            (path for path in written if path.is_file()), key=lambda path: path.stat().st_mtime_ns
        )
        return _read(newest, newest.stat().st_mtime_ns)
    except (OSError, ValueError):  # there is none, or a night is writing it
        return None


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
                "" if _kind(node) == MART else node["schema"],
                _kind(node),
                " ".join((node.get("description") or "").split()),
                node["fqn"][2] if len(node["fqn"]) > 3 else "",
                tuple(
                    each for each in node.get("depends_on", {}).get("nodes", ()) if each in nodes
                ),
            )
            for number, node in nodes.items()
        }
    )


def _kind(node: Mapping[str, Any]) -> str:
    if node["resource_type"] == "source":
        return CONTRACT if node["schema"] == CONTRACT_SCHEMA else OWN
    if node["resource_type"] == "seed":
        return SETTING
    return {BUILD_SCHEMA: MART, "staging": STAGING}.get(node["schema"], CORE)


def _sorted(tables: Iterable[Table]) -> list[Table]:
    return sorted(tables, key=lambda each: (each.kind, each.name))
