"""The door itself: it encrypts what readers on other machines say to the embedded PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import logging.handlers
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from carepath.door import certificate, startup
from carepath.door.admission import RefusedError, admit
from carepath.door.greeting import greet
from carepath.errors import CarepathError, SettingsError
from carepath.logs import PROCESSORS
from carepath.settings import get_settings
from carepath.warehouse import embedded

START_SECONDS: Final = 10  # from the connection to the end of the startup message
SIGN_IN_SECONDS: Final = 30
CLOSE_SECONDS: Final = 5
MOST_INSIDE: Final = 40  # PostgreSQL takes 100, and a night must find room
MOST_WAITING: Final = 100  # connections that PostgreSQL does not know of yet
CHUNK: Final = 128 * 1024  # bytes
LOG_BYTES: Final = 10_000_000  # then the file is renamed, and a new one begins
LONGEST_ANSWER: Final = 100_000  # bytes of a message of PostgreSQL until a client is signed in
OF_EACH_SOCKET: Final = (
    # asyncio sets this only for sockets that it has opened; without it, signing in waits 40 ms
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    # a reader whose machine has gone without a word is noticed after two minutes
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 6),
)


@dataclass
class Stream:
    """Both directions of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Write, and wait while the other side is slow."""
        self.writer.write(data)
        await self.writer.drain()

    async def close(self) -> None:
        """Send what is left and close. Cut the connection off if that takes long."""
        self.writer.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.writer.wait_closed()
        except (OSError, TimeoutError):
            self.writer.transport.abort()


@dataclass(frozen=True)
class Visitor:
    """A client that may come in, with its startup message."""

    stream: Stream
    role: str
    address: str
    startup: bytes


class Door:
    """What the door has open: its connections, and the keys with which queries are cancelled.

    Args:
        log: where a line about each connection goes.

    Raises:
        SettingsError: the certificate cannot be used.
    """

    def __init__(self, log: Any) -> None:
        self._log = log
        self._seen = _state_of_certificate()
        self._encryption = certificate.context()
        self._waiting = 0
        self._inside = 0
        self._keys: set[bytes] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, listener: socket.socket) -> None:
        """Take connections until this is cancelled. Then close all of them."""
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        try:
            while True:
                try:
                    sock, (address, *_) = await loop.sock_accept(listener)
                except OSError as error:  # no descriptor is free, or the client is gone already
                    self._log.warning("not accepted", reason=error.strerror)
                    await asyncio.sleep(0.1)
                    continue
                if self._waiting >= MOST_WAITING:
                    self._log.warning("refused", address=address, reason="too many are waiting")
                    sock.close()
                    continue
                self._waiting += 1
                task = asyncio.create_task(self._receive(sock, address))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=2 * CLOSE_SECONDS)

    async def _receive(self, sock: socket.socket, address: str) -> None:
        """Serve one connection from its first byte to its end, and say so in the log."""
        streams: list[Stream] = []
        try:
            try:
                async with asyncio.timeout(START_SECONDS):
                    for setting in OF_EACH_SOCKET:
                        sock.setsockopt(*setting)
                    visitor = await self._at_the_door(sock, address, streams)
            finally:
                self._waiting -= 1
            if visitor is not None:
                self._inside += 1
                try:
                    await self._inside_until_the_end(visitor)
                finally:
                    self._inside -= 1
        except RefusedError as refused:
            self._log.warning("refused", address=address, role=refused.role, reason=refused.reason)
            await _tell(streams, sock, refused)
        except startup.MessageError as error:
            self._log.warning("refused", address=address, reason=str(error))
        except TimeoutError:
            self._log.warning("refused", address=address, reason="too slow")
        except (OSError, EOFError) as error:
            # OpenSSL's reason is a word, such as WRONG_VERSION_NUMBER
            reason = getattr(error, "reason", None) or type(error).__name__
            self._log.warning("refused", address=address, reason=f"broken off: {reason}")
        finally:
            for stream in streams:
                await stream.close()
            sock.close()

    async def _at_the_door(
        self, sock: socket.socket, address: str, streams: list[Stream]
    ) -> Visitor | None:
        """Return who wants to come in and may; None if there is nothing more to do.

        Raises:
            RefusedError: the client may not come in.
        """
        greeting = await greet(sock)
        if greeting is None:
            return None
        if greeting.cancels is not None:
            await self._cancel(greeting.cancels, address)
            return None
        stream = await self._encrypt(sock)
        streams.append(stream)
        spoken = stream.writer.get_extra_info("ssl_object").selected_alpn_protocol()
        if greeting.is_direct and spoken != "postgresql":
            raise startup.MessageError("begins TLS for another protocol")
        length, code = startup.head_of(await stream.reader.readexactly(startup.HEAD))
        rest = await stream.reader.readexactly(length)
        if code == startup.CANCEL_REQUEST:
            await self._cancel(rest, address)
            return None
        if code >> 16 != startup.PROTOCOL:
            raise RefusedError(
                startup.NOT_UNDERSTOOD,
                "Version 3 of PostgreSQL's protocol is needed. Use a newer driver.",
                "another version of the protocol",
            )
        parameters = startup.parameters_of(rest)
        role = admit(parameters)
        if self._inside >= MOST_INSIDE:
            raise RefusedError(
                startup.TOO_MANY,
                "Too many readers are connected. Close some reports, or try again in a few"
                " minutes.",
                "too many are inside",
                role,
            )
        return Visitor(stream, role, address, startup.startup(code, parameters))

    async def _encrypt(self, sock: socket.socket) -> Stream:
        """Begin TLS with the certificate as it is now."""
        if (now := _state_of_certificate()) != self._seen:
            self._seen = now
            try:
                self._encryption = certificate.context()
            except SettingsError as error:  # half of it may be replaced; the old one still serves
                self._log.warning("the new certificate is not used", reason=error.what)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=CHUNK)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol,
            sock,
            ssl=self._encryption,
            ssl_handshake_timeout=START_SECONDS,
            ssl_shutdown_timeout=CLOSE_SECONDS,
        )
        return Stream(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    async def _inside_until_the_end(self, visitor: Visitor) -> None:
        """Carry bytes both ways between a client and PostgreSQL until one of them ends."""
        server = await _to_postgresql(visitor.role)
        upward: asyncio.Task[None] | None = None
        key: bytes | None = None
        try:
            await server.send(visitor.startup)
            upward = asyncio.create_task(_carry(visitor.stream, server, then_close=True))
            async with asyncio.timeout(SIGN_IN_SECONDS):
                key, code = await _sign_in(server, visitor.stream)
            said = {"address": visitor.address, "role": visitor.role}
            if key is None:
                reason = f"PostgreSQL refused it ({code})" if code else "went away"
                self._log.warning("refused", **said, reason=reason)
                return
            self._keys.add(key)
            # the number of the process is in pg_stat_activity, which knows no address
            self._log.info("opened", **said, postgres_pid=int.from_bytes(key[:4], "big"))
            await _carry(server, visitor.stream)
        finally:
            self._keys.discard(key or b"")
            if upward is not None:
                upward.cancel()
                await asyncio.wait([upward])
            await server.close()

    async def _cancel(self, key: bytes, address: str) -> None:
        """Pass on that a query is to be cancelled, if it came through this door."""
        if key not in self._keys:
            self._log.warning("refused", address=address, reason="cancels a query of no reader")
            return
        server = await _to_postgresql("")
        try:
            await server.send(startup.message(startup.CANCEL_REQUEST, key))
            await server.reader.read()  # PostgreSQL closes when it has done it
        finally:
            await server.close()


async def _to_postgresql(role: str) -> Stream:
    try:
        return Stream(*await asyncio.open_connection(embedded.HOST, embedded.port(), limit=CHUNK))
    except (OSError, CarepathError):
        raise RefusedError(
            startup.NOT_READY,
            "The warehouse does not answer at the moment. Try again in a few minutes.",
            "PostgreSQL does not answer",
            role,
        ) from None


async def _sign_in(server: Stream, client: Stream) -> tuple[bytes | None, str]:
    """Carry PostgreSQL's answers until a client is signed in.

    Returns:
        The key with which its queries are cancelled, or None and the code of PostgreSQL's error.
    """
    key, code = None, ""
    try:
        while True:
            head = await server.reader.readexactly(5)
            length = int.from_bytes(head[1:], "big") - 4
            if not 0 <= length <= LONGEST_ANSWER:
                raise startup.MessageError("PostgreSQL's answer is not understood")
            body = await server.reader.readexactly(length)
            await client.send(head + body)
            match head[:1]:
                case b"K":
                    key = body
                case b"E":
                    code = startup.code_of_error(body)
                case b"Z":  # ready for a query
                    return key, code
    except EOFError:
        return None, code


async def _carry(source: Stream, target: Stream, *, then_close: bool = False) -> None:
    """Carry bytes until the source ends, no faster than the target takes them."""
    with contextlib.suppress(OSError):
        while data := await source.reader.read(CHUNK):
            await target.send(data)
    if then_close:
        target.writer.close()


async def _tell(streams: list[Stream], sock: socket.socket, refused: RefusedError) -> None:
    """Say why, encrypted if TLS has begun."""
    answer = startup.refusal(refused.code, refused.text)
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            if streams:
                await streams[0].send(answer)
            else:
                await asyncio.get_running_loop().sock_sendall(sock, answer)


def _state_of_certificate() -> tuple[tuple[int, int, int], ...]:
    """Return what changes when a file of the certificate is replaced."""
    found = []
    for file in certificate.files():
        with contextlib.suppress(OSError):
            about = file.stat()
            found.append((about.st_ino, about.st_mtime_ns, about.st_size))
    return tuple(found)


def listener() -> socket.socket:
    """Return a socket that listens where the settings say.

    Raises:
        SettingsError: they do not say where, or that address and port cannot be used.
    """
    settings = get_settings()
    if (wanted := settings.tls_address) is None:
        raise SettingsError(
            "The encrypted door is off.",
            where="CAREPATH_TLS_LISTEN",
            todo="set it to an address and a port, such as 0.0.0.0:5432.",
        )
    if settings.warehouse_url is not None:
        raise SettingsError(
            "The encrypted door is for the embedded PostgreSQL only.",
            where="CAREPATH_TLS_LISTEN",
            todo="unset it, and let readers connect to your own server (docs/tls.md).",
        )
    try:
        family = socket.AF_INET6 if ":" in wanted[0] else socket.AF_INET
        return socket.create_server(wanted, family=family, backlog=MOST_WAITING)
    except OSError as error:
        raise SettingsError(
            f"The door cannot listen at {settings.tls_listen}: {error.strerror}.",
            where="CAREPATH_TLS_LISTEN",
            todo="choose an address of this machine, and a port above 1023 that no other program"
            " uses.",
        ) from None


def run() -> None:
    """Serve until a signal ends it.

    Raises:
        SettingsError: the settings or the certificate cannot be used.
    """
    certificate.ready()
    with listener() as sock:
        asyncio.run(_serve(Door(_opened_log()), sock))


async def _serve(door: Door, sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(door.listen(sock))
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, task.cancel)
    loop.set_exception_handler(_note_unexpected)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _note_unexpected(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Log what asyncio found, without the text of an exception."""
    kind = type(context.get("exception")).__name__
    _opened_log().error("unexpected", what=context.get("message"), kind=kind)


def _opened_log() -> Any:
    """Return a logger into the log of the door: a line of JSON for each connection."""
    logger = logging.getLogger("carepath.door")
    if not logger.handlers:
        file = get_settings().logs / "tls-door.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        logger.addHandler(
            logging.handlers.RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=5)
        )
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return structlog.wrap_logger(logger, processors=PROCESSORS)
