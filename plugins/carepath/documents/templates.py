"""Fills the templates in `templates/` (Jinja2) with the facts of a document."""

from __future__ import annotations

import json
import textwrap
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

FOLDER: Final = Path(__file__).with_name("templates")
# In a dbt model, {{ }} and {% %} are dbt's. A template of a model therefore uses << >> and <% %>.
MARKS: Final = ("{{", "}}", "{%", "%}", "{#", "#}")
DBT_MARKS: Final = ("<<", ">>", "<%", "%>", "<#", "#>")


def render(template: str, **facts: object) -> str:
    """Return the text of a document.

    Args:
        template: a file of `templates/`, without its ending `.j2`. Values are escaped in HTML only.
        facts: what the template shows.

    Raises:
        jinja2.UndefinedError: the template needs a fact that is missing.
    """
    return _environment(template.endswith(".sql")).get_template(f"{template}.j2").render(facts)


@lru_cache
def _environment(is_dbt: bool) -> Environment:
    show, end_show, do, end_do, note, end_note = DBT_MARKS if is_dbt else MARKS
    found = Environment(
        variable_start_string=show,
        variable_end_string=end_show,
        block_start_string=do,
        block_end_string=end_do,
        comment_start_string=note,
        comment_end_string=end_note,
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters.update(
        cell=_cell,
        code_marks=_code_marks,
        json_object=json.dumps,
        json_text=_json_text,
        wrapped=_wrapped,
        words=_words,
    )
    return found


def _cell(text: str) -> str:
    """Keep a vertical bar from ending a cell of a Markdown table."""
    return text.replace("|", "\\|")


def _code_marks(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _json_text(value: str) -> str:
    """Return a string in double quotes, as YAML, SQL macros and JSON read it."""
    return json.dumps(value, ensure_ascii=False)


def _wrapped(text: str, prefix: str, width: int = 88) -> str:
    """Break a text into lines that each begin with `prefix`."""
    lines = textwrap.wrap(text, width, initial_indent=prefix, subsequent_indent=prefix)
    return "\n".join(lines)


def _words(name: str) -> str:
    return name.replace("_", " ")
