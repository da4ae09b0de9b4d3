"""The council's rules for figures that leave the department: `<home>/site/disclosure.yml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from carepath.errors import SettingsError

DISCLOSURE: Final = "disclosure.yml"
# what stands in place of a figure, as in the Department's statistics
CONFIDENTIAL: Final = "c"
NOT_APPLICABLE: Final = "z"
NOT_AVAILABLE: Final = "x"
LOW: Final = "low"


Dates = Literal["quarter ends and latest", "year ends and latest", "quarter ends", "year ends"]


class Disclosure(BaseModel):
    """The settings of `disclosure.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suppress_up_to: Annotated[int, Field(ge=2, le=100)] = Field(
        default=5, description="Counts from 1 to this number are suppressed (c)"
    )
    width: Annotated[float, Field(ge=1, le=1000)] = Field(
        default=4,
        description="The bounds that a reader can compute for any other suppressed count are at "
        "least this far apart",
    )
    round_to: Literal[1, 5, 10] = Field(
        default=1,
        description="Published counts are rounded to the nearest multiple; shares are computed "
        "from the rounded counts; 1 does not round",
    )
    decimals: Annotated[int, Field(ge=0, le=2)] = Field(
        default=1, description="Decimal places of percentages, rates and averages"
    )
    dates: Literal[
        "quarter ends and latest", "year ends and latest", "quarter ends", "year ends"
    ] = Field(
        default="quarter ends and latest",
        description="The dates that are released, unless the command names them; a year ends "
        "on 31 March",
    )
    leave_out_segments: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), description="Kinds of segments that are not released, such as team"
    )
    leave_out_measures: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), description="Codes of measures that are not released (docs/kpis.md)"
    )

    def rounded(self, count: int) -> int:
        """Return a count as it is published; half goes up."""
        return nearest(count, self.round_to)


def nearest(count: int, base: int) -> int:
    """Return the nearest multiple of a base; half goes up."""
    return (count + base // 2) // base * base


def read_disclosure(folder: Path) -> Disclosure:
    """Read and validate the file in a folder; without it, the defaults.

    Raises:
        SettingsError: the file cannot be read, or says something that is not allowed.
    """
    path = folder / DISCLOSURE
    where = f"site/{DISCLOSURE}"
    if not path.is_file():
        return Disclosure()
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError):
        raise SettingsError(
            "The file cannot be read as YAML.",
            where=where,
            todo="compare it with the example in docs/settings.md.",
        ) from None
    try:
        return Disclosure.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ", ".join([where, *(str(part) for part in first["loc"])])
        what = "Carepath does not know it." if first["type"] == "extra_forbidden" else first["msg"]
        raise SettingsError(
            what, where=place, todo="compare the file with docs/settings.md."
        ) from None
