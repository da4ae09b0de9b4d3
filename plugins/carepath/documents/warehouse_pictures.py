"""The page `docs/warehouse.md`: pictures of core and marts, drawn from dbt's manifest.

The pictures are Mermaid, which GitHub, GitLab, VS Code and most wikis draw. A table refers to
another if one of its columns is the whole key of the other, or if its YAML says so
(`config: meta: refers_to`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from carepath.documents.templates import render
from carepath.warehouse.dbt import read_manifest

Node = Mapping[str, Any]

# Mermaid's words for the types that contracts use
_TYPES = {"double precision": "double", "timestamp with time zone": "timestamptz"}
_JOURNEY = "fct_pathway_events"


@dataclass(frozen=True)
class Entity:
    """One table of a picture.

    Attributes:
        name: in the warehouse.
        references: the table that owns it, by column.
        columns: type, name and marks (PK, FK) of those that are a key or a reference.
    """

    name: str
    references: Mapping[str, str]
    columns: tuple[tuple[str, str, str], ...]


def warehouse_page() -> str:
    """Return the page: one entity-relationship picture a domain, and the journey's picture."""
    models = _models()
    pictures = []
    for layer, domain in sorted({(node["fqn"][1], node["fqn"][2]) for node in models.values()}):
        here = sorted(
            (name, node)
            for name, node in models.items()
            if node["fqn"][1:3] == [layer, domain] and "key" in node["config"]["meta"]
        )
        if here:
            pictures.append((layer, domain, [_entity(node, models) for _, node in here]))
    boxes, arrows = _journey(models)
    return render("warehouse.md", pictures=pictures, journey=_JOURNEY, boxes=boxes, arrows=arrows)


def _models() -> dict[str, Node]:
    """Return the models of core and marts by name."""
    return {
        node["name"]: node
        for node in read_manifest()["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] in ("core", "marts")
    }


def _key(node: Node) -> list[str]:
    key: Sequence[str] = node["config"]["meta"].get("key", ())
    return [column for column in key if column != "authority"]


def _references(node: Node, models: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    """Yield the columns of a table that are another one's key, with that one's name.

    Core refers to core, and a mart to a mart that republishes the table. Where a fact has the key
    of a dimension, the dimension is meant. Where two facts have one key, the shorter name is meant:
    a placement is a row of fct_placements, and fct_placement_carers says more about it.
    """
    owners: dict[str, str] = {}
    # the last one stays
    for name, other in sorted(
        models.items(), key=lambda item: ("dim_" in item[0], -len(item[0]), item[0])
    ):
        if other["fqn"][1] == node["fqn"][1] and len(_key(other)) == 1:
            owners[_key(other)[0]] = name
    for column, about in node["columns"].items():
        declared = about.get("config", {}).get("meta", {}).get("refers_to")
        owner = str(declared or owners.get(column, ""))
        if owner in models and owner != node["name"]:
            yield column, owner


def _entity(node: Node, models: Mapping[str, Node]) -> Entity:
    references = dict(_references(node, models))
    columns = []
    for column, about in node["columns"].items():
        keys = ["PK"] * (column in _key(node)) + ["FK"] * (column in references)
        if keys:
            kind = str(about["data_type"]).partition("(")[0]
            kind = _TYPES.get(kind, kind).replace(" ", "_").replace("[]", "_array")
            columns.append((kind, column, ", ".join(keys)))
    owners = {column: models[owner]["alias"] for column, owner in references.items()}
    return Entity(node["alias"], owners, tuple(columns))


def _journey(
    models: Mapping[str, Node],
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the tables that the journey is made from, and those that are made from it.

    Returns:
        The boxes (model, table with its schema) and the arrows (from, to); empty if the project
        has no journey.
    """
    if _JOURNEY not in models:
        return [], []
    by_id = {node["unique_id"]: name for name, node in models.items()}
    edges = {
        (by_id[parent], name)
        for name, node in models.items()
        for parent in node["depends_on"]["nodes"]
        if parent in by_id
    }
    before = {_JOURNEY}
    while more := {a for a, b in edges if b in before} - before:
        before |= more
    after = {_JOURNEY}
    while more := {b for a, b in edges if a in after} - after:
        after |= more
    shown = before | after
    boxes = [
        (name, f"{models[name]['schema'].removesuffix('_build')}.{models[name]['alias']}")
        for name in sorted(shown)
    ]
    return boxes, [(a, b) for a, b in sorted(edges) if a in shown and b in shown]
