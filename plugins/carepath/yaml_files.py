"""YAML files that people write, read into pydantic models.

An error names the file, the entry and the key, and says what to do. It quotes a value only where
the file cannot hold a secret, and never an address, which may hold a password.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from carepath.errors import CarepathError, SettingsError

Model = TypeVar("Model")
ADDRESS: Final = "://"  # what the address of a server has


def read_yaml(
    path: Path, *, where: str | None = None, error: type[CarepathError] = SettingsError
) -> Any:
    """Return what a YAML file says; None if it is empty.

    Args:
        path: the file.
        where: how an error calls it; its name if not given.
        error: the class of the errors.

    Raises:
        CarepathError: the file is not readable as YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        # the parser's own message quotes the line, which may hold a password
        mark = getattr(problem, "problem_mark", None)
        line = f" near line {mark.line + 1}" if mark else ""
        raise error(
            f"The file is not readable as YAML{line}.",
            where=where or path.name,
            todo="Correct it: check the indents, the colons and the quotes.",
        ) from None


def validate(
    model: TypeAdapter[Model],
    raw: object,
    *,
    where: str,
    error: type[CarepathError] = SettingsError,
    context: Mapping[str, Any] | None = None,
    secret: frozenset[str] = frozenset(),
) -> Model:
    """Return `raw` as the model has it.

    Args:
        model: what the file must hold.
        raw: what `read_yaml` returned, or a part of it.
        where: the file, and the entry if it is a part.
        error: the class of the errors.
        context: what the model's validators need to know besides.
        secret: keys with values that must not be quoted.

    Raises:
        CarepathError: for the first thing that is wrong; the message says how many more there are.
    """
    try:
        return model.validate_python(raw, context=dict(context or {}))
    except ValidationError as problem:
        found = problem.errors(include_url=False)
    first = found[0]
    place = _place(raw, [key for key in first["loc"] if key != "[key]"])
    what, todo = _said(first, quotes=not secret.intersection(map(str, first["loc"])))
    more = f" {len(found) - 1} more things are wrong in this entry." if len(found) > 1 else ""
    raise error(what + more, where=", ".join([where, *place]), todo=todo)


def _place(raw: object, path: Sequence[int | str]) -> list[str]:
    """Return the path to a value in words. An entry of a list has its name, or its number."""
    names = []
    # an entry of a list is a place; a key is what is wrong at that place
    for key in path if path and isinstance(path[-1], int) else path[:-1]:
        if isinstance(raw, list) and isinstance(key, int) and key < len(raw):
            raw = raw[key]
            name = raw.get("name") if isinstance(raw, dict) else None
            names.append(_quoted(name or f"entry {key + 1}"))
        elif isinstance(raw, dict) and isinstance(key, int) and key < len(raw):
            # the model has a list here, and the file has names
            name, raw = list(raw.items())[key]
            names.append(_quoted(name))
        elif isinstance(raw, dict) and key in raw:
            raw = raw[key]
            names.append(_quoted(key))
    return names


def _quoted(text: object) -> str:
    """Return what the file says as an error may show it: an address may hold a password."""
    return "with an address" if ADDRESS in str(text) else str(text)


def _said(found: ErrorDetails, *, quotes: bool) -> tuple[str, str]:
    """Return what is wrong with a value, and what to do."""
    path = [key for key in found["loc"] if key != "[key]"]
    key = _quoted(path[-1]) if path and isinstance(path[-1], str) else "entry"
    sent = found["input"]
    value = f" {_quoted(sent)}" if quotes and isinstance(sent, str | int | float) else ""
    context = found.get("ctx", {})
    match found["type"]:
        case "missing" | "missing_argument":
            return f"{key} is missing.", "Add it."
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"There is an unknown entry {key}.", "Remove it, or correct its spelling."
        case "literal_error" if found["loc"][-1] == "[key]":
            return f"There is an unknown entry {key}.", f"Use one of {context['expected']}."
        case "literal_error":
            return f"There is an unknown {key}{value}.", f"Use one of {context['expected']}."
        case "value_error":
            said = str(context["error"])
            if ADDRESS in str(sent):  # the model's own message may quote it
                said = said.replace(str(sent), "with an address")
            what, _, todo = said.partition(" | ")
            return what, todo or "Correct it."
        case "dict_type" | "model_type" | "dataclass_type" | "dataclass_exact_type":
            return (
                f"{key}{value} is not a list of names and values.",
                "Write each as `name: value`.",
            )
        case "list_type" | "tuple_type":
            return f"{key}{value} is not a list.", "Write it as [first, second] or with dashes."
        case "bool_type" | "bool_parsing":
            return f"{key}{value} is not true or false.", "Write true or false."
    return f"{key}{value} cannot be used: {found['msg'].lower()}.", "Correct it."
