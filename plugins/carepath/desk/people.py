"""Who has signed in, and what their roles let them do.

Airflow keeps people and roles. Carepath adds three roles to Airflow's own. The role Admin may do
everything that they may.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from carepath.site.readers import read_readers

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
        teams: authority and name of the teams whose records the person may see; None for all.
    """

    user_id: int
    name: str
    roles: frozenset[str]
    teams: frozenset[tuple[str, str]] | None = None

    @property
    def may_enter(self) -> bool:
        """Whether the person may see the desk: counts, rules, decisions."""
        return bool(self.roles & {*ROLES, ADMIN})

    @property
    def may_see_records(self) -> bool:
        """Whether the person may see which records fail, and what they say."""
        return bool(self.roles & {STEWARD, APPROVER, ADMIN})

    @property
    def may_see_every_record(self) -> bool:
        """Whether the person may see the records of all teams, and of nobody's team."""
        return self.may_see_records and self.teams is None

    @property
    def own_teams(self) -> dict[str, list[str]]:
        """The teams as parameters of OF_OWN_TEAMS: an authority and a name for each."""
        pairs = sorted(self.teams or ())
        return {
            "own_authorities": [authority for authority, _ in pairs],
            "own_teams": [team for _, team in pairs],
        }

    def teams_of(self, authority: str) -> frozenset[str] | None:
        """Return the names of the teams that the person may see in an authority; None for all."""
        if self.teams is None:
            return None
        return frozenset(team for code, team in self.teams if code == authority)

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
    # settings that are wrong end the request: without them, nobody is known to see all teams
    teams = read_readers().teams_on_desk(user.get_name())
    return Person(int(user.get_id()), user.get_name(), roles, teams)


def custom_roles() -> str:
    """Return the roles that Airflow makes when it starts, as its setting fab/custom_roles."""
    return json.dumps(dict.fromkeys(ROLES, _PERMISSIONS))
