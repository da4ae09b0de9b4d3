"""The XSD of a collection year: from `census.xsd`, or from a file that the user names."""

from __future__ import annotations

import copy
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from lxml import etree

from carepath.errors import SettingsError

CENSUS: Final = Path(__file__).with_name("census.xsd")
FIRST_YEAR: Final = 2021  # the first collection whose layout is known
EXPECTED: Final = re.compile(r"Expected is(?: one of)? \( ([^)]*) \)")  # in a message of libxml2
_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_SINCE, _UNTIL = ("{urn:carepath:collection-years}" + word for word in ("since", "until"))


class CensusSchema:
    """The XSD of one collection: it checks parts of a census, and says which elements it has.

    Attributes:
        tree: the XSD itself.
        elements: the names of all elements.
    """

    def __init__(self, tree: etree._ElementTree) -> None:
        self.tree = tree
        root = tree.getroot()
        declared = {each.get("name"): each for each in root.iter(f"{_XS}element")}
        self.elements = frozenset(str(name) for name in declared if name)
        self._whole = etree.XMLSchema(tree)
        # a census is checked child by child, so those elements are declared by themselves too
        parts = copy.deepcopy(root)
        for name in ("Header", "Child"):
            if name in declared and declared[name].getparent() is not root:
                part = copy.deepcopy(declared[name])
                for occurrence in {"minOccurs", "maxOccurs"} & set(part.keys()):
                    del part.attrib[occurrence]
                parts.append(part)
        self._parts = etree.XMLSchema(parts)

    def violations(self, part: etree._Element) -> list[etree._LogEntry]:
        """Return what is wrong in a Header or a Child."""
        self._parts.validate(part)
        log: Any = self._parts.error_log  # its stub does not say that it can be listed
        return list(log)

    def faults(self, part: etree._Element) -> list[tuple[etree._Element, str]]:
        """Return each element of a part in which something is wrong, with what is missing.

        The name is that of an element that should be inside it; it is empty where the value of the
        element itself is wrong. The part must be a tree by itself, with its elements in order.
        """
        found: dict[etree._Element, str] = {}
        for entry in self.violations(part):
            at: Any = part.getroottree().xpath(entry.path)
            element: etree._Element = at[0]
            expected = EXPECTED.search(entry.message)
            if expected is None:
                found[element] = ""
            else:
                # in front of an element, the last of the expected ones is the one that is required
                is_inside = "Missing child element" in entry.message
                parent = element.getparent()
                place = element if is_inside or parent is None else parent
                found[place] = expected.group(1).rpartition(", ")[2]
        return list(found.items())

    def first_violation(self, tree: etree._ElementTree) -> etree._LogEntry | None:
        """Return what is wrong first in a whole census, or None."""
        self._whole.validate(tree)
        log: Any = self._whole.error_log
        return next(iter(log), None)


@lru_cache(maxsize=8)
def schema_of(year: int) -> CensusSchema:
    """Return the XSD of a collection year. Years before 2021 have the layout of 2021."""
    tree = etree.parse(CENSUS, _parser())
    for each in list(tree.getroot().iter(etree.Element)):
        since, until = int(each.get(_SINCE, "0")), int(each.get(_UNTIL, "9999"))
        parent = each.getparent()
        if parent is not None and not since <= max(year, FIRST_YEAR) <= until:
            parent.remove(each)
        for name in {_SINCE, _UNTIL} & set(each.keys()):
            del each.attrib[name]
    return CensusSchema(tree)


@lru_cache(maxsize=8)
def named_schema(path: Path) -> CensusSchema:
    """Return the XSD in a file that the user names, such as the Department's own.

    Raises:
        SettingsError: the file cannot be read, or is not the XSD of a census.
    """
    try:
        found = CensusSchema(etree.parse(path, _parser()))
    except (OSError, etree.XMLSyntaxError, etree.XMLSchemaParseError):
        found = None
    if found is None or not {"Message", "Child", "LAchildID"} <= found.elements:
        raise SettingsError(
            "This file is not the XSD of a children in need census.",
            where=str(path),
            todo="Name the XSD of the collection, or leave it out to use Carepath's.",
        )
    return found


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
