"""Which tables a publication covers: the models that dbt builds into marts_build."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from carepath.errors import PublicationError
from carepath.warehouse.manifest import current_manifest

BUILD_SCHEMA = "marts_build"


@dataclass(frozen=True)
class MartTable:
    """A mart and the columns that identify one of its rows.

    A table with a column `authority` is published authority by authority; one without it
    (the calendar) is shared and published whole by whichever authority publishes.

    Attributes:
        description: what the table holds, for its comment in the catalogue.
        columns: what each column means.
    """

    name: str
    key: tuple[str, ...]
    description: str = field(default="", compare=False)
    columns: Mapping[str, str] = field(default_factory=dict, compare=False)


def mart_tables(manifest: Path | None = None) -> list[MartTable]:
    """Return every table that dbt builds for publication, in the order of their names.

    Args:
        manifest: dbt's manifest.json; by default the one of this code.

    Raises:
        PublicationError: there is no manifest, no mart in it, or a mart declares no key.
        WarehouseError: dbt cannot parse the project.
    """
    manifest = manifest or current_manifest()
    try:
        nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    except FileNotFoundError:
        raise PublicationError(
            "The list of dbt's models is missing, because dbt has not run yet.",
            where=manifest.name,
            todo="build the marts first (the build step of a night).",
        ) from None
    marts = [
        MartTable(
            node.get("alias") or node["name"],
            _key_of(node),
            _one_line(node.get("description", "")),
            {
                name: _one_line(column.get("description", ""))
                for name, column in node.get("columns", {}).items()
            },
        )
        for node in nodes
        if node["resource_type"] == "model"
        and node["schema"] == BUILD_SCHEMA
        and node["config"].get("materialized") != "ephemeral"
    ]
    if not marts:
        raise PublicationError(
            f"dbt has no model for the schema {BUILD_SCHEMA}.", where=manifest.name
        )
    return sorted(marts, key=lambda mart: mart.name)


def _key_of(node: dict[str, dict[str, dict[str, Sequence[str]]]]) -> tuple[str, ...]:
    key = tuple(node["config"].get("meta", {}).get("key", ()))
    if not key:
        raise PublicationError(
            "The mart does not declare a key, so Carepath cannot identify its rows.",
            where=str(node["name"]),
            todo="declare `config: meta: key: [column, ...]` in the model's YAML.",
        )
    return key


def _one_line(text: str) -> str:
    return " ".join(text.split())
