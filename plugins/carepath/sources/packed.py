"""Records of MySQL and MariaDB, each asked for as one value.

PyMySQL takes records apart in Python, field by field. So the server puts the texts of a record
together, with bytes between them that UTF-8 never has. These bytes become COPY's tabs, line ends
and nulls, a whole batch at a time. A table with a column that only Python can turn into the right
text is read field by field, as from any other database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import sqlalchemy as sa

from carepath.sources.kind import WHOLE

# No byte of a text in UTF-8 is one of these.
_FIELD, _NULL, _RECORD = b"\xff", b"\xfe", b"\xfd"
_ESCAPES: Final = (
    (b"\\", b"\\\\"), (b"\t", b"\\t"), (b"\n", b"\\n"), (b"\r", b"\\r"), (b"\x00", b""),
    (_FIELD, b"\t"), (_NULL, b"\\N"), (_RECORD, b"\n"),
)  # fmt: skip

_TEXT: Final = re.compile(
    r"varchar|(tiny)?text|date$|datetime$|(tiny|small|medium|big)?int\b(?!.*zerofill)"
)
_PADDED: Final = re.compile(r"char|enum|set")
_NUMBER: Final = re.compile(r"decimal\(\d+,(\d+)\)( unsigned)?$")
_FRACTION: Final = re.compile(r"datetime\(")
_BIT: Final = re.compile(r"bit\b")

# The server makes a value that is longer than this a null. 64 bytes hold any number or date; a
# byte of another character set may become four.
FITS: Final = sa.text(
    "select coalesce(sum(coalesce(character_octet_length, 64)), 0) * 4 < @@max_allowed_packet"
    " from information_schema.columns"
    " where table_schema = coalesce(:schema, database()) and table_name = :name"
)


def packed(columns: Sequence[tuple[str, str, str] | None]) -> sa.ColumnElement[Any] | None:
    """Return how to ask for all columns as one value; None if Python must make a column's text.

    Args:
        columns: of each its name, the server's type and the contract's; None stands for a null.
    """
    null: sa.ColumnElement[Any] = sa.literal_column("x'fe'")
    texts: list[sa.ColumnElement[Any]] = []
    for column in columns:
        if column is None:
            texts.append(null)
            continue
        text = _text(*column)
        if text is None:
            return None
        texts.append(sa.func.ifnull(sa.cast(text, sa.BINARY), null))
    return sa.func.concat_ws(sa.literal_column("x'ff'"), *texts).label("record")


def encode_packed(batches: Iterable[Sequence[Sequence[bytes]]]) -> Iterator[bytes]:
    """Yield each batch of records in PostgreSQL's COPY text format. NUL characters are left out."""
    for rows in batches:
        text = _RECORD.join(chain.from_iterable(rows)) + _RECORD
        for raw, escaped in _ESCAPES:
            if raw in text:
                text = text.replace(raw, escaped)
        yield text


def _text(name: str, kind: str, wanted: str) -> sa.ColumnElement[Any] | None:
    """Return a column as text in UTF-8, as `carepath.sources.database` would make it."""
    column: sa.ColumnElement[Any] = sa.column(name)
    if _BIT.match(kind):
        column = column + sa.literal_column("0")
    text = sa.func.convert(column.op("using")(sa.literal_column("utf8mb4")))
    if _TEXT.match(kind) or _BIT.match(kind):
        return text
    if _PADDED.match(kind):
        return _without(" ", text)
    number = _NUMBER.match(kind)
    if number and (wanted not in WHOLE or number[1] == "0"):
        return text
    if number or _FRACTION.match(kind):
        return _without(".", _without("0", text))
    return None


def _without(what: str, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a text without some characters at its end."""
    return sa.func.trim(sa.literal_column(f"trailing '{what}' from").op("")(text))
