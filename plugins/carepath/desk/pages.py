"""Fills the templates of the desk. What they are given is escaped always."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from carepath.dates import written
from carepath.report.numbers import number, signed_per_cent
from carepath.site.desk import link_to_case
from expectations.measures import in_words

TEMPLATES: Final = Path(__file__).with_name("templates")
STATIC: Final = Path(__file__).with_name("static")
REPORT_TEMPLATES: Final = Path(__file__).parents[1] / "report" / "templates"
LONDON: Final = ZoneInfo("Europe/London")
_RULE: Final = re.compile(r"\b([A-Z]{2,5}-\d{2})\b")


def render(template: str, **facts: object) -> str:
    """Return a page.

    Args:
        template: a file of `templates/`, without its ending `.j2`.
        facts: what it shows.

    Raises:
        jinja2.UndefinedError: the template needs a fact that is missing.
    """
    return _environment().get_template(f"{template}.j2").render(facts)


def moment(value: dt.datetime) -> str:
    """Return a time as `5 March 2019, 02:14`, in London."""
    there = value.astimezone(LONDON)
    return f"{written(there)}, {there:%H:%M}"


def count(value: int) -> str:
    """Return a number with commas: `1,204`."""
    return f"{value:,}"


def counted(value: int, thing: str, things: str | None = None) -> str:
    """Return a number and what it counts: `1 record`, `1,204 records`."""
    return f"{value:,} {thing if value == 1 else things or thing + 's'}"


def per_cent(value: float) -> str:
    """Return a share as a percentage: `1.3%`, `2%`."""
    return f"{round(value * 100, 1):g}%"


def capitalize_first(text: str) -> str:
    """Return a text with a capital letter at its beginning and the others as they are."""
    return text[:1].upper() + text[1:]


def said(value: object) -> str:
    """Return what a column holds as people read it."""
    if value is None or value == "":
        return "blank"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return moment(value) if value.tzinfo else f"{written(value)}, {value:%H:%M}"
    if isinstance(value, dt.date):
        return written(value)
    if isinstance(value, list):
        return ", ".join(map(said, value)) or "none"
    return str(value)


def around_rules(text: str) -> list[str]:
    """Return a text in pieces, of which each second one is the id of a rule: `EET-01`."""
    return _RULE.split(text)


def query(values: Mapping[str, object]) -> str:
    """Return the part of an address that begins with a question mark, without blank values."""
    kept = {name: value for name, value in values.items() if value not in (None, "", False)}
    return f"?{urlencode(kept)}" if kept else ""


@lru_cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader([TEMPLATES, REPORT_TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["link_to_case"] = link_to_case
    found.filters["around_rules"] = around_rules
    found.filters.update(
        capitalize_first=capitalize_first,
        count=count,
        counted=counted,
        day=written,
        figure=number,
        measure=in_words,
        moment=moment,
        per_cent=per_cent,
        query=query,
        said=said,
        signed_per_cent=signed_per_cent,
    )
    return found
