"""Generated passwords, kept in `<home>/passwords.json` (mode 0600)."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carepath.errors import WarehouseError
from carepath.settings import get_settings

ADMINISTRATOR = "carepath_administrator"


def passwords_file() -> Path:
    """Return where the passwords are kept."""
    settings = get_settings()
    return settings.passwords_file or settings.home / "passwords.json"


def known_passwords() -> dict[str, str]:
    """Return the passwords that are kept, by role. The result is empty before the first set-up.

    Raises:
        WarehouseError: if this account may not read them.
    """
    try:
        passwords: dict[str, str] = json.loads(passwords_file().read_text())
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise WarehouseError(
            "The warehouse's passwords belong to another account.",
            where=str(passwords_file()),
            todo="use the account that set the warehouse up, or set CAREPATH_HOME.",
        ) from None
    return passwords


def password(role: str) -> str:
    """Return a role's password. The first call generates and keeps it.

    Raises:
        WarehouseError: it is missing, and the file is another machine's, mounted for reading.
    """
    if role in (passwords := known_passwords()):
        return passwords[role]
    if passwords and not os.access(passwords_file().parent, os.W_OK):
        raise WarehouseError(
            f"There is no password for the role {role}.",
            where=str(passwords_file()),
            todo="run `carepath up` where the file is kept, then copy it again.",
        )
    with _lock():
        passwords = known_passwords()  # another process may have added some
        if role not in passwords:
            passwords[role] = secrets.token_urlsafe(24)
            _keep(passwords)
    return passwords[role]


@contextmanager
def _lock() -> Iterator[None]:
    """Let one process at a time add a password: the file is written as a whole."""
    folder = passwords_file().parent
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _keep(passwords: dict[str, str]) -> None:
    path = passwords_file()
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        json.dump(passwords, handle, indent=2, sort_keys=True)
        if os.geteuid() == 0:  # root is working in another account's home
            home = path.parent.stat()
            os.fchown(descriptor, home.st_uid, home.st_gid)
    partial.rename(path)
