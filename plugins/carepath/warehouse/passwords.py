"""Generated passwords, kept in `<home>/passwords.json` (mode 0600)."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from carepath.errors import WarehouseError
from carepath.own_files import locked_folder, replace_file
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
    with locked_folder(passwords_file().parent):
        passwords = known_passwords()  # another process may have added some
        if role not in passwords:
            passwords[role] = secrets.token_urlsafe(24)
            text = json.dumps(passwords, indent=2, sort_keys=True)
            replace_file(passwords_file(), text.encode())
    return passwords[role]
