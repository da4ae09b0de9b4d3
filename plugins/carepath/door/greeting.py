"""From the first byte of a connection to the beginning of TLS.

Here exactly as many bytes are taken from the socket as a message has. What follows stays in the
kernel and reaches TLS as it came. So nothing that was sent in clear can count as sent in secret
(that was PostgreSQL's CVE-2021-23214).
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Final

from carepath.door import startup
from carepath.door.admission import RefusedError

UNENCRYPTED: Final = (
    "This server takes encrypted connections only. Set sslmode=require, or in Power BI keep"
    " 'Use encrypted connection' on."
)


@dataclass(frozen=True)
class Greeting:
    """How a client began.

    Attributes:
        is_direct: whether it began TLS without asking, as PostgreSQL 17 allows.
        cancels: the key of the query that it wants cancelled, if that is all it wants. Many
            clients send this in clear, also if their connection is encrypted.
    """

    is_direct: bool = False
    cancels: bytes | None = None


async def greet(sock: socket.socket) -> Greeting | None:
    """Bring a client to where TLS begins; None if it says nothing and is gone.

    Raises:
        RefusedError: it did not ask for TLS, or what it sent is not PostgreSQL's protocol.
    """
    loop = asyncio.get_running_loop()
    await _readable(sock)
    first = sock.recv(1, socket.MSG_PEEK)
    if not first:
        return None
    if first[0] == startup.TLS_HANDSHAKE:
        return Greeting(is_direct=True)
    for _ in range(2):  # some clients ask for GSSAPI before they ask for TLS
        length, code = startup.head_of(await _exactly(sock, startup.HEAD))
        rest = await _exactly(sock, length)
        if code == startup.CANCEL_REQUEST:
            return Greeting(cancels=rest)
        if code == startup.SSL_REQUEST and not rest:
            if _has_more(sock):
                raise RefusedError(
                    startup.NOT_UNDERSTOOD,
                    "Something was sent unencrypted after the request for TLS.",
                    "sent something in clear after asking for TLS",
                )
            await loop.sock_sendall(sock, b"S")
            return Greeting()
        if code != startup.GSS_REQUEST or rest:
            break
        await loop.sock_sendall(sock, b"N")
    if code >> 16 == startup.PROTOCOL:
        raise RefusedError(startup.NOT_ALLOWED, UNENCRYPTED, "asks for no encryption")
    raise startup.MessageError("not a first message")


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(sock, arrived.set)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(sock)


async def _exactly(sock: socket.socket, count: int) -> bytes:
    loop = asyncio.get_running_loop()
    found = b""
    while len(found) < count:
        more = await loop.sock_recv(sock, count - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _has_more(sock: socket.socket) -> bool:
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
