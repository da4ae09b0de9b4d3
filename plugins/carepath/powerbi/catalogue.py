"""What the marts hold, from the YAML beside their models: tables, columns, types, descriptions.

dbt's manifest says the same, but dbt needs ten seconds to write one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from carepath.errors import SettingsError
from carepath.settings import PROJECT_ROOT

MODELS: Final = PROJECT_ROOT / "dbt_project" / "models"
FIGURES: Final = PROJECT_ROOT / "dbt_project" / "seeds" / "measures.csv"
_DOCS: Final = re.compile(r"{% docs (\w+) %}(.*?){% enddocs %}", re.DOTALL)
_DOC: Final = re.compile(r"{{ doc\('(\w+)'\) }}")
# The only published table that is not a model of dbt: its migration defines it.
PUBLICATION: Final = "publication"
_PUBLICATION_COLUMNS: Final = {
    "authority": ("text", "ONS code of the local authority"),
    "publication_id": ("bigint", "Rises with every publication and rollback"),
    "night": ("date", "The night of the delivery that the figures rest on"),
    "load_id": ("bigint", "The delivery that the figures rest on"),
    "kind": ("text", "publish, or rollback to the set before"),
    "code_version": ("text", "Version and commit that built the figures"),
    "published_at": ("timestamp with time zone", "When the figures were published"),
}


@dataclass(frozen=True)
class MartColumn:
    """A column of a mart: its type in PostgreSQL and what it means."""

    type: str
    description: str


@dataclass(frozen=True)
class Mart:
    """A table of schema `marts`.

    Attributes:
        has_targets: a council usually has targets for its figures, so the model shows them.
    """

    description: str
    columns: Mapping[str, MartColumn]
    has_targets: bool = False


def read_catalogue(models: Path = MODELS) -> dict[str, Mart]:
    """Return every table of schema `marts` by name.

    Args:
        models: folder of dbt's models; those of `marts` are read, and the words of all.

    Raises:
        SettingsError: a description refers to words that no `{% docs %}` has.
    """
    words = {
        name: text.strip()
        for path in models.rglob("*.md")
        for name, text in _DOCS.findall(path.read_text(encoding="utf-8"))
    }
    found = {}
    for path in sorted((models / "marts").rglob("*.yml")):
        declared = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for model in declared.get("models", ()):
            name = model.get("config", {}).get("alias") or model["name"]
            found[name] = Mart(
                _in_words(model["description"], words, path),
                {
                    column["name"]: MartColumn(
                        str(column["data_type"]).lower(),
                        _in_words(column["description"], words, path),
                    )
                    for column in model["columns"]
                },
                bool(model.get("config", {}).get("meta", {}).get("has_targets")),
            )
    found[PUBLICATION] = Mart(
        "Grain: one row per authority. The publication that its figures belong to.",
        {name: MartColumn(*about) for name, about in _PUBLICATION_COLUMNS.items()},
    )
    return dict(sorted(found.items()))


def read_figures() -> list[dict[str, str]]:
    """Return what dim_measure says of each figure; names that a council words end with *."""
    with FIGURES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _in_words(text: str, words: Mapping[str, str], path: Path) -> str:
    def named(found: re.Match[str]) -> str:
        try:
            return words[found.group(1)]
        except KeyError:
            raise SettingsError(
                f"A description refers to the words '{found.group(1)}', which do not exist.",
                where=path.name,
                todo="write them as {% docs %} in a columns.md of the models.",
            ) from None

    return " ".join(_DOC.sub(named, text).split())
