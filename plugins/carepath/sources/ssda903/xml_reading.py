"""Read a return that is XML: the records of one child at a time become rows of the return's tables.

The Department's layout is EXPSSDA903 / CHILD / HEADER and EPISODE, with AREVIEW, AMISSING, OC2,
PERMANENCE and AD_PLACED inside HEADER. Other exports write each table's rows one after the other,
each with its CHILD. Both are read, because the names of the values inside an element say which
table it belongs to. The social workers' file, whose group has another name, is read the same way.

The file is never held as a whole. Entities and the network are off, and a DOCTYPE is refused.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from lxml import etree

from carepath.sources.blanks import trim
from carepath.sources.delivered import local_name
from carepath.sources.ssda903.layout import ReturnTable, load_layout
from carepath.sources.ssda903.reading import Row, Tell, plain_flag

ALIASES: Final = {"CHILDID": "CHILD", "PL": "PLACE"}  # names of XML for columns of the return
UASC: Final = "UASC"  # says in XML what the UASC table says by having a row
_CONTEXT: Final = ("CHILD", "DOB", "SEX")  # of the child, for the records inside it


@dataclass(frozen=True)
class Record:
    """A record of a table; without a row, the file has the table's elements, but they are empty."""

    table: ReturnTable
    row: Row | None


def read_records(file: io.BufferedReader, tell: Tell) -> Iterator[Record]:
    """Yield the records of a file in order.

    Args:
        file: the file's bytes; it is read to the end.
        tell: called with line, element and message for each error.
    """
    events = etree.iterparse(
        file,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    path: list[str] = []
    number = reached = 0
    try:
        for event, element in events:
            if event == "start":
                if not path and element.getroottree().docinfo.doctype:
                    tell(1, "", "The file has a DOCTYPE, which a return does not need. Remove it.")
                    _read_to_the_end(file)
                    return
                path.append(_name(element))
                reached = element.sourceline or reached
                continue
            name = path.pop()
            if _is_child(element, name, path):
                number += 1
                yield from _records(element, number, tell)
                _forget(element)
            elif len(path) == 1:
                if trim("".join(element.itertext())):
                    tell(
                        element.sourceline or 0,
                        name,
                        "The element does not belong to a child. Remove it.",
                    )
                _forget(element)
        _read_to_the_end(file)
    except etree.XMLSyntaxError as error:
        line = error.lineno or reached  # the parser does not always say where
        tell(line, "", "The XML is damaged or cut short here. Export the file again.")
        _read_to_the_end(file)


def _read_to_the_end(file: io.BufferedReader) -> None:
    while file.read(1 << 16):
        pass


def _name(element: Any) -> str:
    return local_name(element).upper()


def _is_child(element: Any, name: str, path: list[str]) -> bool:
    """Say whether an element holds a child, or a record that names its child itself."""
    if not len(element) or not path or "CHILD" in path:
        return False
    if name == "CHILD":
        return True
    return any(
        not len(each) and ALIASES.get(_name(each), _name(each)) == "CHILD" for each in element
    )


def _forget(element: Any) -> None:
    """Free the memory of an element and of those before it."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


def _records(child: Any, number: int, tell: Tell) -> Iterator[Record]:
    """Yield the records of one child. `number` says which child of the file it is."""
    place = f" of child {number}"
    groups = [
        (group, _values(group, place, tell)) for group in child.iter(etree.Element) if len(group)
    ]
    context: dict[str, str] = {}
    for _, values in groups:
        if "CHILD" in values:
            context = {name: values[name] for name in _CONTEXT if name in values}
            break
    for group, values in groups:
        for table in load_layout().values():
            present = _markers()[table.name] & values.keys()
            if not present and not (
                table.name == "header" and _name(group) == "HEADER" and "SEX" in values
            ):
                continue
            filled = table.name == "header" or any(
                plain_flag(values[name]) == "1" if name == UASC else trim(values[name])
                for name in present
            )
            row = [
                values.get(column.name, context.get(column.name, ""))
                if column.name in _CONTEXT
                else values.get(column.name, "")
                for column in table.columns
            ]
            yield Record(table, Row(group.sourceline or 0, row, place) if filled else None)


def _values(group: Any, place: str, tell: Tell) -> Mapping[str, str]:
    """Return the values that stand directly in an element, by the return's name."""
    values: dict[str, str] = {}
    line = group.sourceline or 0
    if trim("".join([group.text or "", *(each.tail or "" for each in group)])):
        tell(line, _name(group) + place, "There is text between the elements. Remove it.")
    for leaf in group:
        if len(leaf):
            continue
        sent = _name(leaf)
        name = ALIASES.get(sent, sent)
        if name not in _known():
            if trim(leaf.text or ""):
                tell(
                    leaf.sourceline or line,
                    sent + place,
                    "The element does not belong to the return. Remove it.",
                )
        elif name in values:
            tell(
                leaf.sourceline or line,
                sent + place,
                "The element is twice in its record. Remove one of them.",
            )
        else:
            values[name] = leaf.text or ""
    return values


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    columns = {column.name for table in load_layout().values() for column in table.columns}
    return frozenset({*columns, UASC})


@lru_cache(maxsize=1)
def _markers() -> Mapping[str, frozenset[str]]:
    """Return the names that only one table has: in XML, they say which table a record is of."""
    tables = load_layout().values()
    found = {
        table.name: frozenset(
            column.name
            for column in table.columns
            if not any(
                column.name in {c.name for c in other.columns}
                for other in tables
                if other is not table
            )
        )
        for table in tables
    }
    return {**found, "uasc": found["uasc"] | {UASC}}
