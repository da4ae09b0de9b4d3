"""Who has signed in, and what their roles let them do.

Airflow keeps people and roles. Carepath adds three roles to Airflow's own. The role Admin may do
everything that they may.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

VIEWER: Final = "Carepath viewer"
STEWARD: Final = "Carepath steward"
APPROVER: Final = "Carepath approver"
ADMIN: Final = "Admin"
ROLES: Final = (VIEWER, STEWARD, APPROVER)

# Airflow's pages show the link to the desk to those who may read its list of plugins.
_PERMISSIONS: Final = [{"action": "can_read", "resource": "Plugins"}]


@dataclass(frozen=True)
class Person:
    """Somebody who has signed in.

    Attributes:
        user_id: Airflow's number of the account.
        name: the name of the account, as decisions and looks are recorded under it.
        roles: names of Airflow's roles.
    """

    user_id: int
    name: str
    roles: frozenset[str]

    @property
    def may_enter(self) -> bool:
        """Whether the person may see the desk: counts, rules, decisions."""
        return bool(self.roles & {*ROLES, ADMIN})

    @property
    def may_see_records(self) -> bool:
        """Whether the person may see which records fail, and what they say."""
        return bool(self.roles & {STEWARD, APPROVER, ADMIN})

    @property
    def may_ask(self) -> bool:
        """Whether the person may ask for a waiver, and withdraw one."""
        return self.may_see_records

    @property
    def may_approve(self) -> bool:
        """Whether the person may approve what another one has asked for."""
        return bool(self.roles & {APPROVER, ADMIN})


# From the token of a cookie to the person, or None if the token is not valid.
Identify = Callable[[str], Awaitable[Person | None]]


async def person_of(token: str) -> Person | None:
    """Return the person to whom Airflow gave a token; None if it is not valid any more."""
    from airflow.api_fastapi.core_api.security import resolve_user_from_token
    from fastapi import HTTPException

    try:
        user = await resolve_user_from_token(token)
    except (HTTPException, ValueError):  # a ValueError: the account is gone or switched off
        return None
    roles = frozenset(role.name for role in user.roles)
    return Person(int(user.get_id()), user.get_name(), roles)


def custom_roles() -> str:
    """Return the roles that Airflow makes when it starts, as its setting fab/custom_roles."""
    return json.dumps(dict.fromkeys(ROLES, _PERMISSIONS))
