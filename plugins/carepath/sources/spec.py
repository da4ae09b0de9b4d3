"""The list of sources, `<home>/site/sources.yml`. An entry reads:

    - name: liquidlogic              what runs, logs and the command line call it
      authority: E09900001           ONS code of the local authority
      authority_name: London Borough of Ashmere
      url: postgresql://reader:${SOURCE_PASSWORD}@db.example:5432/reporting
      schema: ssd                    the schema of the tables; default: the connection's
      spelling: liquidlogic          the vendor of its column names (liquidlogic, mosaic, eclipse)
      is_partial: true               other sources deliver the required tables that it lacks

`url` is a SQLAlchemy URL, `airflow://CONN_ID` for an Airflow connection, `ssda903:FOLDER` for
return files, or `files:FOLDER` for files of several kinds. `${NAME}` stands for an environment
variable. It is read when the source is opened and used as it is: do not encode the characters of a
password in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from carepath.contract.model import Vendor
from carepath.errors import SourceError
from carepath.settings import get_settings
from carepath.yaml_files import read_yaml, validate

VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_AUTHORITY: Final = re.compile(r"[A-Z][0-9]{8}")


def _is_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"The name {text} may only have lower-case letters, digits, - and _, and at most 63"
            " characters. | Choose another name."
        )
    return text


def is_authority(text: str) -> str:
    """Return `text` if it is the ONS code of an authority.

    Raises:
        ValueError: it is not.
    """
    if not _AUTHORITY.fullmatch(text):
        raise ValueError(
            f"The authority {text} is not an ONS code. | Write a code such as E09000001."
        )
    return text


def _is_url(text: str) -> str:
    if ":" not in text:
        raise ValueError(
            "url is not a SQLAlchemy URL, airflow://CONN_ID, ssda903:FOLDER or files:FOLDER."
            " | Write one of them."
        )
    if "${" in VARIABLE.sub("", text):
        raise ValueError(
            "url has a ${ that does not name an environment variable. | Write ${NAME}, with "
            "letters, digits and _ only."
        )
    return text


Required = Field(min_length=1)


@dataclass(
    frozen=True,
    config=ConfigDict(extra="forbid", coerce_numbers_to_str=True, hide_input_in_errors=True),
)
class SourceSpec:
    """One entry of sources.yml; see the top of this module."""

    name: Annotated[str, AfterValidator(_is_name)]
    authority: Annotated[str, AfterValidator(is_authority)]
    authority_name: Annotated[str, Required]
    url: Annotated[str, AfterValidator(_is_url)] = Field(repr=False)  # it may hold a password
    schema: str | None = None
    spelling: Vendor | None = None
    is_partial: Annotated[bool, Field(strict=True)] = False


_SPEC: Final = TypeAdapter(SourceSpec)


def read_sources(path: Path | None = None) -> list[SourceSpec]:
    """Return the sources that sources.yml lists; an empty list without the file.

    Raises:
        SourceError: an entry is wrong; the message names it.
    """
    path = path or get_settings().sources_file
    if not path.exists():
        return []
    raw = read_yaml(path, error=SourceError) or []
    if not isinstance(raw, list):
        raise SourceError(
            "The file is not a list of sources.",
            where=path.name,
            todo="Begin each source with a dash; docs/sources.md shows an entry.",
        )
    specs = [
        validate(
            _SPEC,
            _without_blanks(entry),
            where=f"{path.name}, entry {number}",
            error=SourceError,
            secret=frozenset({"url"}),
        )
        for number, entry in enumerate(raw, 1)
    ]
    names = [spec.name for spec in specs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError(
            f"Two sources are called {twice[0]}.",
            where=path.name,
            todo="Give each source a different name.",
        )
    return specs


def write_sources(specs: Iterable[SourceSpec], path: Path | None = None) -> None:
    """Write sources.yml, readable by its owner only."""
    path = path or get_settings().sources_file
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [{k: v for k, v in asdict(spec).items() if v not in (None, False)} for spec in specs]
    text = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True)
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    new.chmod(0o600)
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _without_blanks(entry: Any) -> Any:
    """Return an entry without its empty keys, which mean the same as missing ones."""
    if not isinstance(entry, dict):
        return entry
    return {str(key): value for key, value in entry.items() if value is not None}
