"""The page `docs/warehouse.md`: pictures of core and marts, drawn from dbt's manifest.

The pictures are Mermaid, which GitHub, GitLab, VS Code and most wikis draw. A table refers to
another where one of its columns is the whole key of the other, or where its YAML says so
(`config: meta: refers_to`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from carepath.warehouse.dbt import read_manifest

Node = Mapping[str, Any]

# Mermaid's words for the types that contracts use
_TYPES = {"double precision": "double", "timestamp with time zone": "timestamptz"}
_JOURNEY = "fct_pathway_events"

_OPENING = """\
# The warehouse in pictures

Written by `carepath docs` from dbt's manifest; change the models and their YAML instead. The
pictures show keys (PK) and references (FK). Every table of core and marts also has the column
`authority`, and references hold within an authority. All columns with their meaning are in the
models' YAML and in dbt's own pages (`carepath docs` says where they are).
"""


def warehouse_page() -> str:
    """Return the page: one entity-relationship picture a domain, and the journey's picture."""
    models = _models()
    lines = [_OPENING]
    for layer, domain in sorted({tuple(node["fqn"][1:3]) for node in models.values()}):
        here = {name: node for name, node in models.items() if node["fqn"][1:3] == [layer, domain]}
        lines += [f"## {layer}: {domain.replace('_', ' ')}", "", *_entities(here, models), ""]
    lines += ["## The journey", "", *_journey(models)]
    return "\n".join(lines) + "\n"


def _models() -> dict[str, Node]:
    """Return the models of core and marts by name."""
    return {
        node["name"]: node
        for node in read_manifest()["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] in ("core", "marts")
    }


def _key(node: Node) -> list[str]:
    return [column for column in node["config"]["meta"]["key"] if column != "authority"]


def _references(node: Node, models: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    """Yield the columns of a table that are another one's key, with that one's name.

    Core refers to core, and a mart to a mart that republishes the table. Where a fact has the key
    of a dimension, the dimension is meant.
    """
    owners: dict[str, str] = {}
    for name, other in sorted(models.items(), key=lambda item: "dim_" in item[0]):
        if other["fqn"][1] == node["fqn"][1] and len(_key(other)) == 1:
            owners[_key(other)[0]] = name
    for column, about in node["columns"].items():
        declared = about.get("config", {}).get("meta", {}).get("refers_to")
        owner = str(declared or owners.get(column, ""))
        if owner in models and owner != node["name"]:
            yield column, owner


def _entities(here: Mapping[str, Node], models: Mapping[str, Node]) -> Iterator[str]:
    yield "```mermaid"
    yield "erDiagram"
    for _, node in sorted(here.items()):
        references = dict(_references(node, models))
        for column, owner in references.items():
            title = models[owner]["alias"]
            yield f'    {title} ||--o{{ {node["alias"]} : "{column}"'
        yield f"    {node['alias']} {{"
        for column, about in node["columns"].items():
            keys = ["PK"] * (column in _key(node)) + ["FK"] * (column in references)
            if not keys:
                continue
            kind = str(about["data_type"]).partition("(")[0]
            kind = _TYPES.get(kind, kind).replace(" ", "_").replace("[]", "_array")
            yield f"        {kind} {column} {', '.join(keys)}".rstrip()
        yield "    }"
    yield "```"


def _journey(models: Mapping[str, Node]) -> Iterator[str]:
    """Draw what the journey of a young person is made of, and what is made of it."""
    if _JOURNEY not in models:
        yield "No journey yet."
        return
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
    yield f"What `{_JOURNEY}` is made of, and what is made of it."
    yield ""
    yield "```mermaid"
    yield "flowchart LR"
    for name in sorted(shown):
        node = models[name]
        yield f"    {name}[{node['schema'].removesuffix('_build')}.{node['alias']}]"
    for parent, child in sorted(edges):
        if parent in shown and child in shown:
            yield f"    {parent} --> {child}"
    yield "```"
