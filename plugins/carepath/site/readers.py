"""`readers.yml`: who sees some authorities only, or some teams only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from carepath.errors import SettingsError
from carepath.settings import get_settings
from carepath.site.files import Authority

READERS: Final = "readers.yml"

Team = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def _is_no_role(login: str) -> str:
    from carepath.warehouse.roles import ROLES

    if login != "bi_reader" and login in ROLES:
        raise ValueError(f"'{login}' is a role of Carepath itself.")
    return login


class Reader(BaseModel):
    """A login and what it may see.

    Attributes:
        login: the name with which a report signs in to PostgreSQL; `bi_reader` may be one. A
            login that begins with `caseload_` reads the list of what is due, not the marts.
        authorities: ONS codes of the authorities whose rows it sees.
        teams: names of the teams whose rows it sees; without any, it sees all teams.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    login: Annotated[
        str,
        StringConstraints(pattern=r"^(bi|caseload)_[a-z0-9_]{1,50}$"),
        AfterValidator(_is_no_role),
    ]
    authorities: Annotated[tuple[Authority, ...], Field(min_length=1)]
    teams: Annotated[tuple[Team, ...], Field(min_length=1)] | None = None


class OnTheDesk(BaseModel):
    """An account that sees the records of some teams only on the desk.

    Attributes:
        person: the name of the account.
        authorities: ONS codes of the authorities of the teams.
        teams: names of the teams.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: Team
    authorities: Annotated[tuple[Authority, ...], Field(min_length=1)]
    teams: Annotated[tuple[Team, ...], Field(min_length=1)]


class Readers(BaseModel):
    """The settings of `readers.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    readers: tuple[Reader, ...] = ()
    desk: tuple[OnTheDesk, ...] = ()

    @model_validator(mode="after")
    def _names_each_login_once(self) -> Self:
        logins = [reader.login for reader in self.readers]
        logins += [each.person.casefold() for each in self.desk]
        if twice := sorted({login for login in logins if logins.count(login) > 1}):
            raise ValueError(f"It names {', '.join(twice)} twice.")
        return self

    def rows(self) -> list[tuple[str, str]]:
        """Return one pair of login and authority for each that may be seen."""
        return sorted({(r.login, authority) for r in self.readers for authority in r.authorities})

    def teams_on_desk(self, person: str) -> frozenset[tuple[str, str]] | None:
        """Return authority and team of each team that an account may see; None for all teams.

        Capital letters make no difference, so that another spelling of a name sees no more.
        """
        for each in self.desk:
            if each.person.casefold() == person.casefold():
                return frozenset((code, team) for code in each.authorities for team in each.teams)
        return None

    def team_rows(self) -> list[tuple[str, str]]:
        """Return one pair of login and team for each team that a limited login may see."""
        return sorted({(r.login, team) for r in self.readers for team in r.teams or ()})


def read_readers(folder: Path | None = None) -> Readers:
    """Return the settings; without the file, no login is limited.

    Raises:
        SettingsError: the file is not valid.
    """
    path = (folder or get_settings().home / "site") / READERS
    if not path.is_file():
        return Readers()
    where, todo = f"site/{READERS}", "compare the file with the example in docs/row_policies.md."
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return Readers.model_validate(raw)
    except (yaml.YAMLError, UnicodeDecodeError):
        what = "The file cannot be read as YAML."
        raise SettingsError(what, where=where, todo=todo) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ", ".join([where, *(str(part) for part in first["loc"])])
        own = first["type"] == "value_error"
        what = str(first["ctx"]["error"]) if own else "The setting is not valid."
        raise SettingsError(what, where=place, todo=todo) from None
