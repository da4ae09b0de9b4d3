"""The semantic model that is refreshed after a publication: `<home>/site/power_bi.yml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict, Field

from carepath.settings import get_settings
from carepath.site.wrong import named_by_file

POWER_BI: Final = "power_bi.yml"
REFRESH_DAG: Final = "power_bi_refresh"


class PowerBI(BaseModel):
    """What power_bi.yml holds.

    Attributes:
        workspace: the id of the workspace, from its address in the service.
        semantic_model: the id of the semantic model, from its address.
        longest_minutes: how long a refresh may take. A publication waits for it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    workspace: UUID
    semantic_model: UUID
    longest_minutes: Annotated[int, Field(ge=1, le=300)] = 60


def read_power_bi(folder: Path | None = None) -> PowerBI | None:
    """Return the settings; None if the file is missing or empty, so that nothing is refreshed.

    Raises:
        SettingsError: the file is not valid.
    """
    path = (folder or get_settings().home / "site") / POWER_BI
    if not path.is_file():
        return None
    with named_by_file(POWER_BI, "compare the file with the example in docs/powerbi.md."):
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return PowerBI.model_validate(raw) if raw else None
