"""Blanks around a value: one rule for everything that arrives.

An id with a carriage return or a no-break space behind it is the same id. So values are trimmed
before they reach landing, and nothing behind it needs to know other blanks than the space. Return
files are trimmed when they are read (`trim`), and every delivery once more on its way into landing
(`without_blanks`). Free text and JSON stay as sent. Spaces alone stay too, because staging and
history's keys leave them out: records that a warehouse holds already get no new version.

Return files also lose ASCII's other control characters, which no recording system sends around an
id. To look for them in every delivery would take longer than its digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from carepath.contract import Table

# the space in all its widths, control characters, line ends, the byte order mark, zero widths
BLANKS: Final = "".join(
    [
        *(chr(code) for code in range(33)), "\x7f", "\x85", "\xa0", "\u1680", "\u180e",
        *(chr(code) for code in range(0x2000, 0x2010)), "\u2028", "\u2029", "\u202f",
        "\u205f", "\u2060", "\u3000", "\ufeff",
    ]
)  # fmt: skip

# The same in PostgreSQL's COPY text format, without the space: escaped, and as they are. Each
# begins with a byte that never continues another character.
_ESCAPED: Final = rb"\\[bfnrtv]"
_RAW: Final = (
    rb"[\b\v\f]|\xc2[\x85\xa0]|\xe1(?:\x9a\x80|\xa0\x8e)"
    rb"|\xe2(?:\x80[\x80-\x8f\xa8\xa9\xaf]|\x81[\x9f\xa0])|\xe3\x80\x80|\xef\xbb\xbf"
)
_RAW_BLANK: Final = re.compile(_RAW)
# An escaped blank that may be at an edge: behind or before a separator, with spaces between.
_ESCAPED_AT_AN_EDGE: Final = re.compile(rb"\\[bfnrtv](?:(?<![^\t\n ]..)|(?= *[\t\n]))", re.DOTALL)
# An escaped backslash is one token: in `\\r`, the r is a letter.
_FIELD: Final = re.compile(
    rb"((?: |%b|%b)*)((?:\\.|[^\\])*?)((?: |%b|%b)*)" % (_ESCAPED, _RAW, _ESCAPED, _RAW),
    re.DOTALL,
)
_ORDINARY: Final = bytes([9, 10, *range(32, 127)])


def trim(value: str) -> str:
    """Return a value without blanks of any kind around it."""
    return value.strip(BLANKS)


def without_blanks(
    chunks: Iterable[bytes], table: Table, columns: Sequence[str]
) -> Iterator[bytes]:
    """Yield rows in COPY text format without blanks around ids, codes, flags, dates and numbers.

    Args:
        chunks: the rows; a chunk may end within one.
        table: the table that they belong to.
        columns: the contract's names of the columns, in the order of the fields.
    """
    places = [n for n, name in enumerate(columns) if _is_trimmed(table, name)]
    if not places:
        yield from chunks
        return
    rest = b""
    for chunk in chunks:
        rows = rest + chunk if rest else chunk
        rest = b""
        if not rows.endswith(b"\n"):
            head, line_end, rest = rows.rpartition(b"\n")
            rows = head + line_end
        if rows:
            yield _trimmed(rows, places)
    if rest:
        yield _trimmed(rest + b"\n", places)[:-1]


def _is_trimmed(table: Table, name: str) -> bool:
    column = table.column(name)
    return column.type not in ("text", "json") or name in table.indexed_columns


def _trimmed(rows: bytes, places: Sequence[int]) -> bytes:
    # nearly all chunks hold nothing of this: the tests take less time than the delivery's digest
    hits = list(_ESCAPED_AT_AN_EDGE.finditer(rows))
    if _may_hold_raw(rows) and _RAW_BLANK.search(rows.translate(None, _ORDINARY)):
        hits += _RAW_BLANK.finditer(rows)
    if not hits:
        return rows
    parts: list[bytes] = []
    kept = 0
    for start in sorted({rows.rfind(b"\n", 0, hit.start()) + 1 for hit in hits}):
        end = rows.index(b"\n", start)
        fields = rows[start:end].split(b"\t")
        for n in places:
            fields[n] = _trimmed_field(fields[n])
        parts += rows[kept:start], b"\t".join(fields)
        kept = end
    parts.append(rows[kept:])
    return b"".join(parts)


def _may_hold_raw(data: bytes) -> bool:
    return not data.isascii() or b"\v" in data or b"\f" in data or b"\b" in data


def _trimmed_field(field: bytes) -> bytes:
    if (b"\\" not in field or field == b"\\N") and not _may_hold_raw(field):
        return field
    found = _FIELD.fullmatch(field)
    if found is None:
        return field
    before, value, behind = found.groups()
    return value if before.strip(b" ") or behind.strip(b" ") else field
