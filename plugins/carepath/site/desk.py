"""The council's settings of the desk: `<home>/site/desk.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from carepath.errors import SettingsError
from carepath.settings import get_settings
from carepath.site.wrong import named_by_file

DESK: Final = "desk.yml"
CASE: Final = "{case_id}"

RecordLink = Annotated[str, StringConstraints(pattern=r"^https?://[^\s{}]+\{case_id\}[^\s{}]*$")]


class Digest(BaseModel):
    """Who gets a digest each morning.

    Attributes:
        team: the team, as the work list names it; blank for all teams together.
        authority: its authority; blank for all authorities.
        addresses: the variable of the service's environment that holds the apprise addresses,
            separated by spaces. They hold passwords, so they are not in this file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    team: str = ""
    authority: str = ""
    addresses: Annotated[str, StringConstraints(pattern=r"^CAREPATH_[A-Z0-9_]+$")]


class DeskSettings(BaseModel):
    """What desk.yml holds.

    Attributes:
        record_links: by authority, the address of a case in the recording system; `{case_id}` is
            where the id goes. The authority `all` means every other one.
        digests: who gets a digest each morning.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    record_links: Mapping[str, RecordLink] = Field(default_factory=dict)
    digests: tuple[Digest, ...] = ()


def read_desk(folder: Path | None = None) -> DeskSettings:
    """Return the settings; without the file, the defaults.

    Raises:
        SettingsError: the file is not valid.
    """
    path = (folder or get_settings().home / "site") / DESK
    if not path.is_file():
        return DeskSettings()
    return _read(path, path.stat().st_mtime_ns)


def record_links() -> Mapping[str, RecordLink]:
    """Return for each authority the pattern of a case's address in the recording system."""
    try:
        return read_desk().record_links
    except SettingsError:  # `carepath site check` reports it; pages work without the links
        return {}


def link_to_case(links: Mapping[str, str], authority: str, case_id: str | None) -> str:
    """Return the address of a case in the recording system; blank if it is not known."""
    pattern = links.get(authority) or links.get("all", "")
    return pattern.replace(CASE, quote(case_id, safe="")) if pattern and case_id else ""


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> DeskSettings:
    with named_by_file(path.name, "compare the file with the example in docs/desk.md."):
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return DeskSettings.model_validate(raw)
