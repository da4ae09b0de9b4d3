"""The first messages of PostgreSQL's protocol, which a client sends before it signs in.

A message is its length (4 bytes, which count themselves), a code (4 bytes) and the rest. A startup
message has the version of the protocol as its code, then names and values that end with a zero
byte each, and one more zero byte. Source: PostgreSQL's documentation, "Message Formats".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SSL_REQUEST: Final = (1234 << 16) + 5679
GSS_REQUEST: Final = (1234 << 16) + 5680
CANCEL_REQUEST: Final = (1234 << 16) + 5678
PROTOCOL: Final = 3  # the major version

HEAD: Final = 8  # bytes of the length and the code
LONGEST: Final = 10_000  # bytes of a message; PostgreSQL has the same limit
TLS_HANDSHAKE: Final = 0x16  # the first byte of a client that begins TLS without asking for it

NOT_ALLOWED: Final = "28000"  # PostgreSQL's codes
TOO_MANY: Final = "53300"
NOT_READY: Final = "57P03"
NOT_UNDERSTOOD: Final = "08P01"


class MessageError(ValueError):
    """The bytes are not a message of PostgreSQL's protocol."""


def head_of(head: bytes) -> tuple[int, int]:
    """Return how many bytes follow the head of a message, and the message's code.

    Raises:
        MessageError: the length cannot be right.
    """
    length, code = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:HEAD], "big")
    if not HEAD <= length <= LONGEST:
        raise MessageError(f"a first message of {length} bytes")
    return length - HEAD, code


def parameters_of(rest: bytes) -> dict[bytes, bytes]:
    """Return the names and values of a startup message.

    PostgreSQL takes the last value of a name that comes twice, and this refuses it. Otherwise the
    door might judge one value and PostgreSQL use the other.

    Raises:
        MessageError: they do not end as they should, or a name comes twice.
    """
    parts = rest.split(b"\0")
    # n names and n values, each with its zero byte, then one zero byte: two empty parts at the end
    if len(parts) < 2 or len(parts) % 2 or parts[-2:] != [b"", b""]:
        raise MessageError("a startup message without its end")
    names, values = parts[0:-2:2], parts[1:-2:2]
    if b"" in names or len(set(names)) != len(names):
        raise MessageError("a startup message that names a parameter twice, or none")
    return dict(zip(names, values, strict=True))


def message(code: int, rest: bytes) -> bytes:
    """Return a message with its length and code."""
    return (HEAD + len(rest)).to_bytes(4, "big") + code.to_bytes(4, "big") + rest


def startup(code: int, parameters: Mapping[bytes, bytes]) -> bytes:
    """Return a startup message with these parameters."""
    pairs = b"".join(name + b"\0" + value + b"\0" for name, value in parameters.items())
    return message(code, pairs + b"\0")


def refusal(code: str, text: str) -> bytes:
    """Return an ErrorResponse: the client shows the text, and the connection ends."""
    fields = (("S", "FATAL"), ("V", "FATAL"), ("C", code), ("M", text))
    body = b"".join(f"{kind}{value}".encode() + b"\0" for kind, value in fields) + b"\0"
    return b"E" + (4 + len(body)).to_bytes(4, "big") + body


def code_of_error(body: bytes) -> str:
    """Return the code in the body of an ErrorResponse; empty without one."""
    codes = [field[1:] for field in body.split(b"\0") if field[:1] == b"C"]
    return codes[0].decode("ascii", "replace")[:5] if codes else ""
