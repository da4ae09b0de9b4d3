"""The council's periods of retention: `<home>/site/retention.yml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from carepath.errors import SettingsError

RETENTION: Final = "retention.yml"


class Retention(BaseModel):
    """The settings of `retention.yml`, in years. None may be shorter than the law says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    looked_after: Annotated[int, Field(ge=75, le=150)] = Field(
        default=75, description="Years from the birth of a child who was ever looked after"
    )
    died_before_18: Annotated[int, Field(ge=15, le=150)] = Field(
        default=15, description="Years from the death of a looked-after child who died before 18"
    )
    adopted: Annotated[int, Field(ge=100, le=150)] = Field(
        default=100, description="Years from the adoption"
    )
    other: Annotated[int, Field(ge=19, le=150)] = Field(
        default=25, description="Years from the birth of anybody else"
    )


def read_retention(folder: Path) -> Retention:
    """Read and validate the file in a folder; without it, the defaults.

    Raises:
        SettingsError: the file cannot be read, or says something that is not allowed.
    """
    path = folder / RETENTION
    where = f"site/{RETENTION}"
    if not path.is_file():
        return Retention()
    todo = "compare the file with docs/retention.md."
    try:
        return Retention.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (yaml.YAMLError, UnicodeDecodeError):
        what = "The file cannot be read as YAML."
        raise SettingsError(what, where=where, todo=todo) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ", ".join([where, *(str(part) for part in first["loc"])])
        what = "Carepath does not know it." if first["type"] == "extra_forbidden" else first["msg"]
        raise SettingsError(what, where=place, todo=todo) from None
