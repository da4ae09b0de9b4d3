"""The measures that leave out records that fail a rule, as core declares them.

A column of a core model that says why a record is left out declares the name of its measure:

    - name: eet_left_out_reason
      config: {meta: {falsified_as: eet}}

A rule names the measure in `falsifies`. Core finds the rule in `stg_rules` by that name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import yaml

from carepath.settings import PROJECT_ROOT

CORE = PROJECT_ROOT / "dbt_project" / "models" / "core"

# what people call the measures
IN_WORDS: Final[Mapping[str, str]] = {
    "accommodation": "care leavers in suitable accommodation",
    "eet": "care leavers in education, employment or training",
    "pathway_plan": "care leavers with an up-to-date pathway plan",
}


def in_words(measure: str) -> str:
    """Return what people call a measure."""
    return IN_WORDS.get(measure, measure.replace("_", " "))


@lru_cache(maxsize=1)
def measure_names() -> tuple[str, ...]:
    """Return the names that a rule may falsify, in alphabetical order."""
    found = set()
    for path in CORE.rglob("*.yml"):
        declared = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for model in declared.get("models", ()):
            for column in model.get("columns", ()):
                found.add(column.get("config", {}).get("meta", {}).get("falsified_as"))
    return tuple(sorted(name for name in found if name))
