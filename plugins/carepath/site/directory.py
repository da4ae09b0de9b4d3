"""The council's own directory, with which people sign in: `<home>/site/directory.yml`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic import field_validator as check

from carepath.errors import SettingsError
from carepath.settings import get_settings
from carepath.site.wrong import named_by_file
from carepath.warehouse.passwords import known_passwords

DIRECTORY: Final = "directory.yml"
PROVIDER: Final = "directory"  # the last part of the address to which the directory leads back
SECRET: Final = "CAREPATH_DIRECTORY_SECRET"  # noqa: S105  (the name of a variable)
KEPT_SECRET: Final = "directory"  # noqa: S105  its name in passwords.json
ON_THIS_MACHINE: Final = ("127.0.0.1", "localhost")

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
DirectoryRole = Literal["Carepath viewer", "Carepath steward", "Carepath approver", "Admin"]


class Directory(BaseModel):
    """What directory.yml holds.

    Attributes:
        issuer: the address of the OpenID Connect provider, exactly as its tokens have it.
        client_id: what the directory calls Carepath.
        name_claim: the part of a token that names the person, as decisions are recorded under it.
        groups_claim: the part that lists the person's groups.
        roles: by role, the groups that have it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Text
    client_id: Text
    name_claim: Text = "preferred_username"
    groups_claim: Text = "groups"
    roles: Annotated[Mapping[DirectoryRole, tuple[Text, ...]], Field(min_length=1)]

    @check("issuer")
    @classmethod
    def _is_encrypted(cls, issuer: str) -> str:
        address = urlsplit(issuer)
        if address.scheme != "https" and address.hostname not in ON_THIS_MACHINE:
            raise ValueError("not https")
        return issuer

    @property
    def metadata_url(self) -> str:
        """Where the provider says what else its addresses are."""
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"

    @property
    def roles_of_groups(self) -> dict[str, list[str]]:
        """By group, the roles that it gives."""
        found: dict[str, list[str]] = {}
        for role, groups in self.roles.items():
            for group in groups:
                found.setdefault(group, []).append(role)
        return found


def read_directory(folder: Path | None = None) -> Directory | None:
    """Return the settings; None if the file is missing or empty.

    Without them, people sign in with Airflow's accounts.

    Raises:
        SettingsError: the file is not valid.
    """
    path = (folder or get_settings().home / "site") / DIRECTORY
    return _read(path, path.stat().st_mtime_ns) if path.is_file() else None


def client_secret() -> str:
    """Return the secret with which Carepath proves to the directory what it is.

    Raises:
        SettingsError: it is neither in the environment nor in the file of passwords.
    """
    secret = os.environ.get(SECRET) or known_passwords().get(KEPT_SECRET)
    if not secret:
        raise SettingsError(
            "The secret of the directory is missing.",
            where=f"site/{DIRECTORY}",
            todo=f"set {SECRET} for the service, or add `{KEPT_SECRET}` to passwords.json.",
        )
    return secret


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> Directory | None:
    with named_by_file(path.name, "compare the file with the example in docs/sign_in.md."):
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return None if raw is None else Directory.model_validate(raw)
