"""`decisions.yml`: how a council decides: who approves waivers, and what a figure may leave out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from carepath.errors import SettingsError
from carepath.site.files import known_mart

DECISIONS: Final = "decisions.yml"
PLAIN: Final = {
    "missing": "It is missing.",
    "extra_forbidden": "Carepath does not know it.",
}


class Budget(BaseModel):
    """How many records rules may take out of a figure before it is held.

    Attributes:
        share: of the records that the figure would count, 0 to 1.
        count: number of records, whatever their share.
        because: why the council allows that many.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(gt=0, lt=1)
    count: int = Field(ge=0)
    because: str = Field(min_length=1)


# More than this share of a figure left out for contradictions moves it by as much as a year does.
# A share of a handful is one record, so a few records are always allowed, as for a rule.
DEFAULT_BUDGET: Final = Budget(share=0.03, count=3, because="the default")


class Decisions(BaseModel):
    """The settings of `decisions.yml`.

    Attributes:
        one_person_decides: a waiver counts without the approval of a second person.
        because: why one person decides alone.
        budgets: budgets other than the default, by mart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    one_person_decides: bool = False
    because: str = ""
    budgets: Mapping[Annotated[str, AfterValidator(known_mart)], Budget] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.one_person_decides and not self.because.strip():
            raise ValueError("It does not say why one person decides alone.")
        return self

    def budget(self, mart: str) -> Budget:
        """Return the budget of a mart."""
        return self.budgets.get(mart, DEFAULT_BUDGET)


def read_decisions(path: Path) -> tuple[Decisions, list[SettingsError]]:
    """Read and validate the file; without it, the defaults."""
    where = f"site/{path.name}"
    if not path.is_file():
        return Decisions(), []
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError):
        what, todo = "The file cannot be read as YAML.", "compare it with docs/settings.md."
        return Decisions(), [SettingsError(what, where=where, todo=todo)]
    try:
        return Decisions.model_validate(raw), []
    except ValidationError as error:
        return Decisions(), [_problem(each, where) for each in error.errors()]


def _problem(error: Any, where: str) -> SettingsError:
    place = ", ".join([where, *(str(part) for part in error["loc"] if part != "[key]")])
    if error["type"] == "value_error":
        what = str(error["ctx"]["error"])
    else:
        what = PLAIN.get(error["type"], f"It is not allowed ({error['msg']}).")
    return SettingsError(what, where=place, todo="compare the file with docs/settings.md.")
