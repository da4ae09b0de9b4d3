"""How people sign in to Airflow's pages: with its accounts, or the council's own directory.

Airflow's FAB auth manager does the sign-in. With a directory (OpenID Connect) it uses authlib,
which compares the state and the nonce, and checks the signature, the issuer, the audience and the
time of the token. This module says which directory it is and what the token means. It also keeps
sign-ins in the audit. Airflow reads `airflow_sign_in.py`, which calls it.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from airflow.providers.fab.auth_manager.security_manager.override import (
    FabAirflowSecurityManagerOverride,
)
from flask_appbuilder.const import AUTH_OAUTH  # type: ignore[import-untyped]

from carepath.audit import note
from carepath.errors import SettingsError
from carepath.site.directory import PROVIDER, Directory, client_secret, read_directory

log = structlog.get_logger(__name__)

# what no password's hash is equal to: the account can only sign in with the directory
NO_PASSWORD: Final = "!"  # noqa: S105
NO_ROLE: Final = "Public"  # Airflow's role that may do nothing


def settings() -> dict[str, Any]:
    """Return the settings of Flask AppBuilder. Without a directory, people have accounts.

    Raises:
        SettingsError: directory.yml is not valid, or its secret is missing.
    """
    directory = read_directory()
    if directory is None:
        return {"SECURITY_MANAGER_CLASS": NotedSignIns}
    return {
        "AUTH_TYPE": AUTH_OAUTH,
        "AUTH_USER_REGISTRATION": True,
        "AUTH_USER_REGISTRATION_ROLE": NO_ROLE,
        "AUTH_ROLES_MAPPING": directory.roles_of_groups,
        "AUTH_ROLES_SYNC_AT_LOGIN": True,
        "SECURITY_MANAGER_CLASS": DirectorySecurityManager,
        "OAUTH_PROVIDERS": [
            {
                "name": PROVIDER,
                "icon": "fa-key",
                "token_key": "access_token",
                "remote_app": {
                    "client_id": directory.client_id,
                    "client_secret": client_secret(),
                    "server_metadata_url": directory.metadata_url,
                    "client_kwargs": {
                        "scope": "openid profile email",
                        "code_challenge_method": "S256",
                    },
                },
            }
        ],
    }


class NotedSignIns(FabAirflowSecurityManagerOverride):  # type: ignore[misc]
    """Keeps in the audit who signed in, and whose account was tried in vain.

    A name without an account is not kept: people type passwords into that field.
    """

    def on_user_login(self, user: Any) -> None:
        """Keep a sign-in."""
        note("signed in", "Airflow's pages or its interface", by=user.username)

    def on_user_login_failed(self, user: Any) -> None:
        """Keep a sign-in that was refused."""
        note("was refused at sign-in", "wrong password", by=user.username)


class DirectorySecurityManager(NotedSignIns):
    """Takes the person from the token that was checked, and from nothing else."""

    def get_oauth_user_info(
        self,
        provider: str,  # noqa: ARG002
        resp: dict[str, Any],
    ) -> dict[str, Any]:
        """Return who signs in, as Flask AppBuilder wants it.

        Raises:
            SettingsError: the token is for another client, or does not name the person.
        """
        return person_in(resp.get("userinfo") or {}, _directory())

    def set_oauth_session(self, provider: str, oauth_response: dict[str, Any]) -> None:
        """Keep nothing: no page uses the token after the sign-in."""

    def add_user(self, *args: Any, **kwargs: Any) -> Any:
        """Add an account for a person of the directory, without a password."""
        return super().add_user(*args, **{**kwargs, "hashed_password": NO_PASSWORD})

    def auth_user_oauth(self, userinfo: dict[str, Any], rotate_session_id: bool = True) -> Any:
        """Return the account of the person; None if the name belongs to a local account."""
        user = self.find_user(username=userinfo["username"])
        if user is not None and user.password != NO_PASSWORD:
            log.warning("a name of the directory is that of a local account, so it was refused")
            return None
        return super().auth_user_oauth(userinfo, rotate_session_id)


def person_in(claims: dict[str, Any], directory: Directory) -> dict[str, Any]:
    """Return the person whom a checked token names, with the groups that it lists.

    Raises:
        SettingsError: the token is for another client, or it does not name the person, or not
            clearly.
    """
    name = claims.get(directory.name_claim)
    name = name.strip() if isinstance(name, str) else ""
    audience = claims.get("aud")
    is_ours = directory.client_id in (audience if isinstance(audience, list) else [audience])
    if not is_ours or not name:
        raise SettingsError(
            f"The directory's token is not for Carepath, or it has no {directory.name_claim}.",
            where="site/directory.yml",
            todo="correct client_id or name_claim (docs/sign_in.md).",
        )
    # the sign for kelvin is a k in small letters: its name would be that of another person
    if any(not letter.isascii() and letter.lower().isascii() for letter in name):
        raise SettingsError(
            "The directory's token has a name with a letter that Carepath takes for another one.",
            where="site/directory.yml",
            todo="give the person another name in the directory.",
        )
    groups = claims.get(directory.groups_claim)
    return {
        "username": name.lower(),
        "first_name": str(claims.get("given_name") or claims.get("name") or name)[:60],
        "last_name": str(claims.get("family_name") or "")[:60],
        # Airflow wants addresses that differ; two people of a directory may share one
        "email": f"{name.lower()}#directory",
        "role_keys": [each for each in groups if isinstance(each, str)]
        if isinstance(groups, list)
        else [],
    }


def _directory() -> Directory:
    directory = read_directory()
    if directory is None:
        raise SettingsError("There is no directory to sign in with.", where="site/directory.yml")
    return directory
