"""Code lists of the Department for Education (DfE), read from the dbt seed `code_lists.csv`.

A list gives its codes, their meanings, the other spellings of recording systems, and the collection
years in which each code is valid. Collection year Y covers 1 April Y-1 to 31 March Y.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from carepath.errors import SettingsError
from carepath.settings import PROJECT_ROOT

SEED: Final = PROJECT_ROOT / "dbt_project" / "seeds" / "code_lists.csv"
# each council sets its own programmes (carepath.site); these are the project's default
PROGRAMMES: Final = PROJECT_ROOT / "dbt_project" / "site" / "programmes.csv"

# Codes that are also plain answers. The words after them decide the meaning ("No - refused contact"
# is not NO), so such a code counts only as the whole value or in a spelling of the list.
ANSWERS: Final = frozenset({"yes", "no", "none"})


@dataclass(frozen=True)
class Code:
    """One code with its meaning, other spellings, and first and last collection year."""

    code: str
    description: str
    aliases: tuple[str, ...] = ()
    valid_from_year: int | None = None
    valid_to_year: int | None = None

    def valid_in(self, year: int) -> bool:
        """Say whether a return of collection year `year` may carry the code."""
        return (self.valid_from_year or year) <= year <= (self.valid_to_year or year)


@dataclass(frozen=True)
class CodeList:
    """The codes of one list, in the order in which people expect them."""

    name: str
    codes: tuple[Code, ...]

    def __contains__(self, code: object) -> bool:
        return any(each.code == code for each in self.codes)

    @cached_property
    def spellings(self) -> Mapping[str, str]:
        """The code for every known spelling; keys are as `spelling_key` gives them."""
        return spellings(self)

    @cached_property
    def heads(self) -> Mapping[str, str]:
        """The codes that other words may follow; keys are as `spelling_key` gives them."""
        keys = {spelling_key(each.code): each.code for each in self.codes}
        return {key: code for key, code in keys.items() if key not in ANSWERS}

    def normalise(self, value: str | None) -> str | None:
        """Return the code that `value` means, or None if it is blank or unknown.

        It may be the code, its description, an alias, or the code with other words after a dash or
        colon ("F1 - ...", "F1: ..."). Case and extra whitespace do not matter. Words after a
        description are not ignored, because they may give it the meaning of another code.
        """
        if value is None:
            return None
        key = spelling_key(value)
        return self.spellings.get(key) or self.heads.get(code_part(key))


def spelling_key(value: str) -> str:
    """Return `value` trimmed, in lower case, and with single spaces."""
    return re.sub(r"\s+", " ", value).strip().lower()


def code_part(key: str) -> str:
    """Return the text before the first colon or spaced dash; "" if there is neither."""
    found = re.match(r"(.+?) ?(?::| [-\u2013\u2014]) ?", key)
    return found.group(1).strip() if found else ""


def spellings(code_list: CodeList) -> dict[str, str]:
    """Return each known spelling of `code_list` with its code.

    Raises:
        SettingsError: one spelling means two codes.
    """
    found: dict[str, str] = {}
    for code in code_list.codes:
        for text in (code.code, code.description, *code.aliases):
            key = spelling_key(text)
            if found.setdefault(key, code.code) != code.code:
                raise SettingsError(
                    f"'{text}' means both {found[key]} and {code.code}.",
                    where=f"code list {code_list.name}",
                    todo="Remove one of the spellings from seeds/code_lists.csv.",
                )
    return found


def collection_year(day: date) -> int:
    """Return the collection year of `day`: 1 April 2018 to 31 March 2019 is 2019."""
    return day.year + (1 if (day.month, day.day) >= (4, 1) else 0)


@lru_cache(maxsize=1)
def load() -> Mapping[str, CodeList]:
    """Read all code lists, by name, once per process.

    Raises:
        SettingsError: a code is declared twice or one spelling means two codes.
    """
    with SEED.open(encoding="utf-8", newline="") as file:
        return read(csv.DictReader(file)) | {"programme": read_programmes(PROGRAMMES)}


def read_programmes(path: Path) -> CodeList:
    """Return the programmes of a `programmes.csv` as the code list `programme`."""
    with path.open(encoding="utf-8", newline="") as file:
        return CodeList(
            "programme",
            tuple(
                Code(
                    code=row["programme_code"],
                    description=row["programme"],
                    aliases=tuple(text for text in row["other_spellings"].split("|") if text),
                )
                for row in csv.DictReader(file)
            ),
        )


def read(rows: Iterable[Mapping[str, str]]) -> dict[str, CodeList]:
    """Build the code lists from rows of the seed."""
    grouped: dict[str, list[tuple[int, Code]]] = {}
    for row in rows:
        code = Code(
            code=row["code"],
            description=row["description"],
            aliases=tuple(alias for alias in row["aliases"].split("|") if alias),
            valid_from_year=int(row["valid_from_year"]) if row["valid_from_year"] else None,
            valid_to_year=int(row["valid_to_year"]) if row["valid_to_year"] else None,
        )
        grouped.setdefault(row["code_list"], []).append((int(row["sort_order"]), code))
    lists = {}
    for name, codes in grouped.items():
        ordered = tuple(code for _, code in sorted(codes, key=lambda item: item[0]))
        names = [code.code for code in ordered]
        if len(set(names)) != len(names):
            raise SettingsError(
                "A code is declared twice.", where=f"code list {name}", todo="Keep one row."
            )
        lists[name] = CodeList(name, ordered)
        spellings(lists[name])
    return lists
