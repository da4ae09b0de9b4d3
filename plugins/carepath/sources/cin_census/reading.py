"""Read a census file as a stream: its header, then one child at a time.

What stands outside a child is found as well: a record there would otherwise be lost without a word.

Entities, document types and the network are off. A file is never held in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from carepath.sources.blanks import trim
from carepath.sources.delivered import DeliveredFile, Digest, new_digest, opened

ROOT: Final = "Message"
CONTAINERS: Final = frozenset({ROOT, "Header", "Children", "Child"})


class NotACensusError(Exception):
    """The file cannot be read as a census; the message says why, and never quotes it."""

    def __init__(self, line: int, element: str, message: str) -> None:
        super().__init__(message)
        self.line, self.element, self.message = line, element, message


def read_parts(path: DeliveredFile, digest: Digest) -> Iterator[etree._Element]:
    """Yield the Header, every Child, and what stands outside them. The next step clears it.

    Each is complete. A Child counts wherever it stands, except in another Child, which holds it.

    Raises:
        NotACensusError: the file is not XML, has a document type, or is not a census.
        OSError: the file cannot be read, or is damaged in its zip.
    """
    try:
        with opened(path, new_digest()) as file:
            for _, first in _events(file, "start"):
                _check_root(first)
                break
        with opened(path, digest) as file:
            # only these two are handed to Python, which makes it many times faster
            root: etree._Element | None = None
            for _, element in _events(file, "end", "Header", "Child"):
                root = element.getroottree().getroot()
                if next(element.iterancestors("Child"), None) is None:
                    for before in element.itersiblings(preceding=True):
                        yield from _strays(before)
                    yield element
                    _clear(element)
            if root is not None:
                yield from _strays(root)
            while file.read(1 << 16):  # what may follow the last element
                pass
    except etree.XMLSyntaxError as error:
        raise NotACensusError(error.lineno or 0, "", _syntax(error)) from None


def _events(file: Any, event: str, *tags: str) -> Iterator[tuple[str, etree._Element]]:
    events: Any = etree.iterparse(
        file,
        events=(event,),
        tag=tags or None,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    yield from events


def _strays(place: etree._Element) -> Iterator[etree._Element]:
    """Yield every element with a value in a place whose children have been read and cleared."""
    for element in place.iter(etree.Element):
        if element.tag not in CONTAINERS and trim(element.text or ""):
            yield element


def line_of(element: etree._Element) -> int:
    """Return the line on which an element begins; 0 if the parser does not know it."""
    line: Any = element.sourceline
    return int(line or 0)


def _check_root(root: etree._Element) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotACensusError(
            1, "", "The file declares a document type (DOCTYPE). A census has none. Remove it."
        )
    if root.tag != ROOT:
        raise NotACensusError(
            line_of(root),
            "",
            "This is not a census: the first element must be Message, without a namespace.",
        )


def _clear(element: etree._Element) -> None:
    """Give back the memory of a child that was read, and of those before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _syntax(error: etree.XMLSyntaxError) -> str:
    """Return a syntax error in fixed words: the parser's own may quote the file."""
    code = str(error.msg or "")
    if "encoding" in code.lower() or "utf-8" in code.lower():
        return "The bytes are not in the encoding that the file declares. Export it again."
    if "Document is empty" in code or "no element found" in code:
        return "The file is empty, or is not XML. Export it again."
    return "The XML is not well formed here, or the file is cut off. Export it again."
