"""The lists of Annex A, read from `layout.yml`: headings and words as departments write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from carepath.contract import code_lists
from carepath.contract.code_lists import spelling_key
from carepath.sources.blanks import trim
from carepath.yaml_files import read_yaml

LAYOUT: Final = Path(__file__).with_name("layout.yml")
_CODE_FIRST: Final = re.compile(r"[(\[]?([A-Za-z0-9]+)(?:\s*($|[)\]:]|-\s)|\s)")
_CODE_LAST: Final = re.compile(r"[(\[]([A-Z0-9]{1,4})[)\]]$")
_LIST_LETTER: Final = re.compile(r"^\(?[a-z][0-9]?\)\s*")  # the letter of the list: `b) Female`


@dataclass(frozen=True)
class CodeSet:
    """The codes of a field, their spellings in the contract, and the words that mean them."""

    codes: Mapping[str, str]  # by the code in capitals
    spellings: Mapping[str, str]
    patterns: Mapping[str, re.Pattern[str]]

    def code_of(self, sent: str) -> str | None:
        """Return the code that a value means; empty for "not recorded", None for no code at all."""
        value = _LIST_LETTER.sub("", trim(sent))
        for whole in (sent, value):
            if code := self.spellings.get(spelling_key(whole)):
                return code
        # a code at the beginning: `N1`, `N1 - Abuse`, `(F1) Full time`, `Y: Other`, `WBRI British`
        if found := _CODE_FIRST.match(value):
            token, mark = found.groups()
            is_code = mark or (len(token) > 1 and token.isupper())
            if is_code and token.upper() in self.codes:
                return self.codes[token.upper()]
        # a code in brackets at the end: `Physical abuse [PHY]`
        found = _CODE_LAST.search(value)
        if found and found.group(1) in self.codes:
            return self.codes[found.group(1)]
        words = plain_words(value)
        return next((c for c, pattern in self.patterns.items() if pattern.search(words)), None)


@dataclass(frozen=True)
class Field:
    """A column of a list; `type` is id, text, date or the name of a set of codes."""

    name: str
    heading: re.Pattern[str]
    type: str

    @property
    def title(self) -> str:
        """The name for messages."""
        return self.name.replace("_", " ")


@dataclass(frozen=True)
class AnnexAList:
    """A list; a sheet is this list's if it has all fields of `must`."""

    number: int
    title: str
    fields: tuple[Field, ...]
    must: frozenset[str]


@dataclass(frozen=True)
class Layout:
    """All lists by number, all fields and sets of codes by name."""

    lists: Mapping[int, AnnexAList]
    fields: Mapping[str, Field]
    codes: Mapping[str, CodeSet]


def plain_words(text: str) -> str:
    """Return text in lower case without punctuation and double blanks."""
    words = re.sub(r"[\u2018\u2019']", "", text.lower())
    return " ".join(re.sub(r"[^\w]+", " ", words).split())


def _code_set(known: code_lists.CodeList | None, patterns: Mapping[str, str]) -> CodeSet:
    """Return the codes of the contract's list, if it has one, and the words of layout.yml."""
    codes = [each.code for each in known.codes] if known else [each for each in patterns if each]
    return CodeSet(
        {code.upper(): code for code in codes},
        known.spellings if known else {},
        {code: re.compile(pattern) for code, pattern in patterns.items()},
    )


@lru_cache(maxsize=1)
def load_layout() -> Layout:
    """Read the layout once per process."""
    raw: dict[str, Any] = read_yaml(LAYOUT)
    codes = {
        name: _code_set(code_lists.load().get(name), patterns)
        for name, patterns in raw["codes"].items()
    }
    fields = {
        name: Field(name, re.compile(heading), kind)
        for name, (heading, kind) in raw["fields"].items()
    }
    lists = {
        number: AnnexAList(
            number,
            entry["title"],
            tuple(
                field
                for name, field in fields.items()
                if name in (*entry["must"], *raw["children"], *entry["may"])
            ),
            frozenset(entry["must"]),
        )
        for number, entry in raw["lists"].items()
    }
    return Layout(lists, fields, codes)
