"""Who may come in: roles that only read figures, and the database `warehouse` only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from carepath.door.startup import NOT_ALLOWED, NOT_UNDERSTOOD
from carepath.errors import SettingsError
from carepath.site.readers import read_readers
from carepath.warehouse.roles import ROLES

DATABASE: Final = "warehouse"
READERS: Final = frozenset({"bi_reader", "published_reader"})


class RefusedError(Exception):
    """A client is not let in.

    Args:
        code: PostgreSQL's code of the error.
        text: what the client shows.
        reason: what the log says; it has nothing that the client sent.
        role: the role of the client, if Carepath knows it.
    """

    def __init__(self, code: str, text: str, reason: str, role: str = "") -> None:
        super().__init__(reason)
        self.code, self.text, self.reason, self.role = code, text, reason, role


def readers() -> frozenset[str]:
    """Return the roles that may come in: Carepath's readers, and the logins of `readers.yml`.

    If that file is wrong, its logins do not come in.
    """
    try:
        return READERS | {reader.login for reader in read_readers().readers}
    except SettingsError:
        return READERS


def admit(parameters: Mapping[bytes, bytes]) -> str:
    """Return the role of a startup message that may come in.

    Args:
        parameters: names and values of the message, as the client sent them.

    Raises:
        RefusedError: it may not.
    """
    role = parameters.get(b"user", b"").decode("utf-8", "replace")
    admitted = readers()
    if role not in admitted:
        raise RefusedError(
            NOT_ALLOWED,
            "This role may not connect from another machine. Use bi_reader, or a login that the"
            " council has named in readers.yml.",
            "role that may not come in",
            # people type other things than a role, a password too, into the field for it
            role if role in ROLES else "",
        )
    if parameters.get(b"database", b"") != DATABASE.encode():
        raise RefusedError(
            NOT_ALLOWED,
            f"Only the database {DATABASE} can be reached here. Write {DATABASE} as the database.",
            "another database",
            role,
        )
    if b"replication" in parameters:
        raise RefusedError(
            NOT_UNDERSTOOD, "A replica cannot connect here.", "asks for replication", role
        )
    return role
