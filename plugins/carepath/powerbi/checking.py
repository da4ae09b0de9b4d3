"""Compares model, report and catalogue: whatever one of them names must exist in the other.

Power BI says what is misspelt only when a file is opened, and only the first. This check reads
the files again, knows which words TMDL has, and returns everything that is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from carepath.powerbi.catalogue import Mart
from carepath.powerbi.tmdl import READERS, data_type

# the words that an object may have one level below it: properties, flags and further objects
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    kind: frozenset(words.split())
    for kind, words in {
        "database": "compatibilityLevel compatibilityMode",
        "model": "culture defaultPowerBIDataSourceVersion discourageImplicitMeasures "
        "sourceQueryCulture dataAccessOptions",
        "dataAccessOptions": "legacyRedirects returnErrorValuesAsNull",
        "table": "lineageTag dataCategory isHidden measure column partition refreshPolicy "
        "annotation",
        "column": "dataType isKey isHidden formatString lineageTag summarizeBy sourceColumn "
        "sortByColumn annotation",
        "measure": "formatString isHidden displayFolder lineageTag formatStringDefinition",
        "partition": "mode source",
        "refreshPolicy": "policyType rollingWindowGranularity rollingWindowPeriods "
        "incrementalGranularity incrementalPeriods sourceExpression",
        "relationship": "fromColumn toColumn",
        "role": "modelPermission tablePermission",
        "expression": "lineageTag annotation",
        "annotation": "",
        "ref": "",
        "tablePermission": "",
        "source": "",
        "sourceExpression": "",
        "formatStringDefinition": "",
    }.items()
}
_TOP: Final = frozenset(
    ["database", "model", "table", "relationship", "role", "expression", "annotation", "ref"]
)
_OBJECT: Final = re.compile(r"(\w+) ('(?:[^']|'')*'|[^=]+?)?(?: ?= ?(.*))?$")
_NAME: Final = r"'((?:[^']|'')+)'"
_COLUMN: Final = re.compile(rf"{_NAME}\[([^\]]+)\]")
_TABLE: Final = re.compile(rf"{_NAME}(?!\[|')")
_MEASURE: Final = re.compile(r"(?<![\w'\]])\[([^\]]+)\]")
_TEXT: Final = re.compile(r'"(?:[^"]|"")*"')


@dataclass
class _Object:
    kind: str
    name: str
    where: str
    expression: str = ""
    values: dict[str, str] = field(default_factory=dict)
    parts: list[_Object] = field(default_factory=list)

    def all(self, kind: str) -> list[_Object]:
        return [part for part in self.parts if part.kind == kind]


@dataclass
class _Model:
    """Columns with their types, and measures, by table; in lower case, as DAX compares them."""

    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    measures: dict[str, set[str]] = field(default_factory=dict)

    def has_column(self, table: str, column: str) -> bool:
        return column.lower() in self.columns.get(table.lower(), {})

    def has_measure(self, measure: str) -> bool:
        return any(measure.lower() in names for names in self.measures.values())


def check_project(files: Mapping[str, str], marts: Mapping[str, Mart]) -> list[str]:
    """Return what is wrong in a project, a sentence each; nothing if all names and types agree.

    Args:
        files: the files of the project by their path.
        marts: the tables of schema `marts`.
    """
    found: list[str] = []
    objects: list[_Object] = []
    for path, text in files.items():
        if path.endswith(".tmdl"):
            objects += _read(path, text, found)
    tables = [entry for entry in objects if entry.kind == "table"]
    model = _Model()
    for table in tables:
        own = model.columns.setdefault(table.name.lower(), {})
        names = model.measures.setdefault(table.name.lower(), set())
        for entry in (*table.all("column"), *table.all("measure")):
            if entry.name.lower() in own or (
                entry.kind == "measure" and model.has_measure(entry.name)
            ):
                found.append(f"{table.where}: '{entry.name}' is in the model twice.")
            if entry.kind == "column":
                own[entry.name.lower()] = entry.values.get("dataType", "")
            else:
                names.add(entry.name.lower())
    for table in tables:
        if table.name != READERS:
            found += _against_marts(table, marts)
        found += _inside(table, model)
    found += _relationships(objects, model)
    for role in (entry for entry in objects if entry.kind == "role"):
        for permission in role.all("tablePermission"):
            if permission.name.lower() not in model.columns:
                found.append(f"{role.where}: the table '{permission.name}' does not exist.")
            found += _dax(permission.expression, role.where, model)
    for entry in (entry for entry in objects if entry.kind == "ref"):
        kind, _, name = entry.name.partition(" ")
        if not any(other.kind == kind and other.name == _bare(name) for other in objects):
            found.append(f"{entry.where}: refers to the {kind} {name}, which does not exist.")
    for path, text in files.items():
        if path.endswith(("visual.json", "page.json", "report.json")):
            found += _report(path, json.loads(text), model)
    return found


def _read(path: str, text: str, found: list[str]) -> list[_Object]:
    """Return the objects of a TMDL file; words that TMDL does not have are noted."""
    top: list[_Object] = []
    stack: list[tuple[int, _Object]] = []
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{path}:{number}"
        bare = line.lstrip("\t")
        depth = len(line) - len(bare)
        if not bare.strip() or bare.startswith("///"):
            continue
        # two levels below an object stands its expression
        if stack and depth >= stack[-1][0] + 2:
            stack[-1][1].expression += bare + "\n"
            continue
        if bare.startswith((" ", "//")):
            found.append(f"{where}: indents with spaces, or has a comment.")
            continue
        while stack and stack[-1][0] >= depth:
            stack.pop()
        owner = stack[-1][1] if stack else None
        word = re.match(r"\w+", bare)
        allowed = _WORDS[owner.kind] if owner else _TOP
        if word is None or word.group() not in allowed:
            kind = owner.kind if owner else "a model"
            found.append(f"{where}: '{bare.split(':')[0].strip()}' is not a word of {kind}.")
            continue
        if word.group() in _WORDS and not bare.startswith(f"{word.group()}:"):
            entry = _object(bare, where)
            (owner.parts if owner else top).append(entry)
            stack.append((depth, entry))
        elif owner:
            key, _, value = bare.partition(":")
            owner.values[key] = value.strip()
    return top


def _object(line: str, where: str) -> _Object:
    parts = _OBJECT.match(line)
    if parts is None:
        return _Object(line, "", where)
    kind, name, expression = parts.groups()
    return _Object(kind, _bare(name or ""), where, (expression or "").strip())


def _bare(name: str) -> str:
    name = name.strip()
    return name[1:-1].replace("''", "'") if name.startswith("'") else name


def _against_marts(table: _Object, marts: Mapping[str, Mart]) -> Iterator[str]:
    queries = [
        source.expression for part in table.all("partition") for source in part.all("source")
    ]
    queries += [
        source.expression
        for part in table.all("refreshPolicy")
        for source in part.all("sourceExpression")
    ]
    if not queries:
        yield f"{table.where}: the table '{table.name}' has no partition."
        return
    for query in queries:
        items = re.findall(r'Schema="marts", Item="(\w+)"', query)
        mart = marts.get(items[0]) if len(items) == 1 else None
        if mart is None:
            yield (
                f"{table.where}: the table '{table.name}' reads {items}, which marts does not have."
            )
            return
        added = set(re.findall(r'AddColumn\(\w+, "(\w+)"', query))
        listed = re.search(r"SelectColumns\(\w+, \{([^}]*)\}", query)
        read = set(re.findall(r'"(\w+)"', listed.group(1))) if listed else set()
        read |= {name for name in re.findall(r"\[(\w+)\]", query) if name != "Data"}
        for name in sorted(read - mart.columns.keys()):
            yield f"{table.where}: '{table.name}' reads {items[0]}.{name}, which does not exist."
        for column in table.all("column"):
            source = column.values.get("sourceColumn", "")
            if source in added:
                wanted = "string"
            elif source in mart.columns:
                wanted = data_type(mart.columns[source].type)
            else:
                yield (
                    f"{column.where}: '{table.name}'[{column.name}] comes from "
                    f"{items[0]}.{source}, which does not exist."
                )
                continue
            if column.values.get("dataType") != wanted:
                yield (
                    f"{column.where}: '{table.name}'[{column.name}] is "
                    f"{column.values.get('dataType')}, but {items[0]}.{source} is {wanted}."
                )


def _inside(table: _Object, model: _Model) -> Iterator[str]:
    for column in table.all("column"):
        sort_by = column.values.get("sortByColumn")
        if sort_by and not model.has_column(table.name, _bare(sort_by)):
            yield f"{column.where}: sorts by {sort_by}, which '{table.name}' does not have."
    for measure in table.all("measure"):
        yield from _dax(measure.expression, measure.where, model)
        for written in measure.all("formatStringDefinition"):
            yield from _dax(written.expression, measure.where, model)


def _dax(expression: str, where: str, model: _Model) -> Iterator[str]:
    code = _TEXT.sub('""', expression)
    for table, column in _COLUMN.findall(code):
        if not model.has_column(table, column):
            yield f"{where}: names '{table}'[{column}], which does not exist."
    rest = _COLUMN.sub(" ", code)
    for table in _TABLE.findall(rest):
        if table.lower() not in model.columns:
            yield f"{where}: names the table '{table}', which does not exist."
    for measure in _MEASURE.findall(rest):
        if not model.has_measure(measure):
            yield f"{where}: names the measure [{measure}], which does not exist."


def _relationships(objects: Sequence[_Object], model: _Model) -> Iterator[str]:
    for entry in (entry for entry in objects if entry.kind == "relationship"):
        types = []
        for side in ("fromColumn", "toColumn"):
            parts = re.fullmatch(rf"{_NAME}\.{_NAME}", entry.values.get(side, ""))
            if parts is None or not model.has_column(*parts.groups()):
                yield f"{entry.where}: {side} {entry.values.get(side)} does not exist."
            else:
                types.append(model.columns[parts.group(1).lower()][parts.group(2).lower()])
        if len(set(types)) > 1:
            yield f"{entry.where}: relates a {types[0]} to a {types[1]}."


def _report(path: str, part: Any, model: _Model) -> Iterator[str]:
    """Yield the fields of a page or visual that the model does not have."""
    aliases = {
        entry["Name"]: entry["Entity"] for entry in _values_of(part, "From") for entry in entry
    }
    for kind in ("Column", "Measure"):
        for shown in _values_of(part, kind):
            source = shown["Expression"]["SourceRef"]
            table = source.get("Entity") or aliases.get(source.get("Source"), "")
            name = shown["Property"]
            known = (
                model.has_column(table, name)
                if kind == "Column"
                else name.lower() in model.measures.get(table.lower(), set())
            )
            if not known:
                yield f"{path}: shows the {kind.lower()} '{table}'[{name}], which does not exist."


def _values_of(part: Any, key: str) -> Iterator[Any]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == key:
                yield value
            yield from _values_of(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from _values_of(value, key)
