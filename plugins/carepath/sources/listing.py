"""Add a source to sources.yml and remove it again. All other lines and comments stay."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from carepath.errors import SourceError
from carepath.settings import get_settings
from carepath.sources.spec import SourceSpec, read_sources
from carepath.yaml_files import validate


def checked(**entry: Any) -> SourceSpec:
    """Return a source as sources.yml would have it.

    Raises:
        SourceError: a value is wrong, or the address holds a password that should be a variable.
    """
    where = f"source {entry['name']}"
    spec = validate(
        TypeAdapter(SourceSpec), entry, where=where, error=SourceError, secret=frozenset({"url"})
    )
    if re.search(r"://[^/@]*:(?!\$\{\w+\}@)[^@]+@", spec.url):
        raise SourceError(
            "The address contains a password.",
            where=where,
            todo="Put the password into an environment variable, and write ${NAME} in its place "
            "(in single quotes on the command line).",
        )
    return spec


def add_source(spec: SourceSpec, path: Path | None = None) -> Path:
    """Write a source at the end of sources.yml.

    Returns:
        The file.

    Raises:
        SourceError: the file is not valid, or has a source of this name.
    """
    path = path or get_settings().sources_file
    before = read_sources(path)
    if spec.name in {each.name for each in before}:
        raise SourceError(
            f"There is a source {spec.name} already.",
            where=path.name,
            todo=f"Choose another name, or run `carepath source remove {spec.name}` first.",
        )
    entry = {key: value for key, value in asdict(spec).items() if value not in (None, False)}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    new = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=1000)
    if text and not text.endswith("\n"):
        text += "\n"
    _write(path, text + new, [*before, spec])
    return path


def remove_source(name: str, path: Path | None = None) -> Path:
    """Take a source out of sources.yml. What it delivered stays in the warehouse.

    Returns:
        The file.

    Raises:
        SourceError: the file is not valid, or has no source of this name.
    """
    path = path or get_settings().sources_file
    before = read_sources(path)
    names = [each.name for each in before]
    if name not in names:
        raise SourceError(
            f"There is no source {name}. Listed: {', '.join(names) or 'none'}.",
            where=path.name,
            todo="Correct the name.",
        )
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert root is not None  # noqa: S101 - a file with a source is not empty
    entry = root.value[names.index(name)]
    lines = text.splitlines(keepends=True)
    end = entry.end_mark.line
    while end > entry.start_mark.line + 1 and lines[end - 1].lstrip().startswith(("#", "\n")):
        end -= 1  # comments after an entry are about the next one
    del lines[entry.start_mark.line : end]
    _write(path, "".join(lines), [each for each in before if each.name != name])
    return path


def _write(path: Path, text: str, expected: list[SourceSpec]) -> None:
    """Write the file for its owner only, if it then says what it should."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    new.chmod(0o600)
    new.write_text(text, encoding="utf-8")
    try:
        is_right = read_sources(new) == expected
    except SourceError:
        is_right = False
    if not is_right:
        new.unlink()
        raise SourceError(
            "The file is written in a form that this command cannot change. It is as it was.",
            where=path.name,
            todo="Edit it by hand; docs/sources.md shows an entry.",
        )
    new.replace(path)
