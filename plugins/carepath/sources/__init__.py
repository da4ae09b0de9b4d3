"""Recording systems: where a night's records come from, and how each kind is read.

The list is `<home>/sources.yml`:

    - name: liquidlogic              what runs, logs and the command line call it
      authority: E09900001           ONS code of the local authority
      authority_name: London Borough of Ashmere
      url: postgresql://reader:${SOURCE_PASSWORD}@db.example:5432/reporting
      schema: ssd                    where the tables are; default: the connection's own
      spelling: liquidlogic          whose column names it uses (liquidlogic, mosaic, eclipse)
      is_partial: true               other sources deliver the required tables that it lacks

`url` is a SQLAlchemy URL, `airflow://CONN_ID` for an Airflow connection, or `ssda903:FOLDER` for a
folder of return files. `${NAME}` stands for an environment variable, read when it is opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

import yaml

from carepath.contract import Table
from carepath.contract.model import VENDORS
from carepath.errors import SourceError
from carepath.settings import get_settings

SSDA903: Final = "ssda903:"
AIRFLOW: Final = "airflow://"
# Return files do not name their authority; one that the command line does not name gets this code.
UNNAMED_AUTHORITY: Final = ("E09900903", "Authority of the SSDA903 return")

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_AUTHORITY = re.compile(r"[A-Z][0-9]{8}")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class SourceColumn:
    """A column that a source really has; `type` in the source's own words."""

    name: str
    type: str


@dataclass(frozen=True)
class SourceSpec:
    """One recording system as sources.yml lists it; see the top of this module."""

    name: str
    authority: str
    authority_name: str
    url: str = field(repr=False)  # it may hold a password
    schema: str | None = None
    spelling: str | None = None
    is_partial: bool = False

    def resolved_url(self) -> str:
        """Return the URL with `${NAME}` replaced from the environment.

        Raises:
            SourceError: a variable is not set.
        """

        def value(found: re.Match[str]) -> str:
            try:
                return os.environ[found[1]]
            except KeyError:
                raise SourceError(
                    f"the environment variable {found[1]} is not set",
                    where=f"source {self.name}",
                    todo="set it where Airflow's workers run, or correct sources.yml.",
                ) from None

        return _VARIABLE.sub(value, self.url)


class SourceSession(Protocol):
    """An open source: one consistent picture of its tables, where it has snapshots.

    Attributes:
        period: the collection year of a return; None for a live system.
        accumulates: tables of which rows of earlier periods stay current when a later one comes.
        is_partial: whether, by its nature, it has some of the contract's tables only.
        parallel: how many tables may be streamed at the same time; None for no limit of its own.
    """

    @property
    def period(self) -> str | None: ...
    @property
    def accumulates(self) -> frozenset[str]: ...
    @property
    def is_partial(self) -> bool: ...
    @property
    def parallel(self) -> int | None: ...

    def describe(self) -> dict[str, list[SourceColumn]]:
        """Return the tables and columns that are there, by the source's own names."""
        ...

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        """Return a table as PostgreSQL's COPY text format, in chunks that may split a row.

        Args:
            table: the contract's table.
            columns: the source's column for each field to send; None sends nulls.

        Raises:
            SourceError: the source fails or goes away.
        """
        ...


class Source(Protocol):
    """A recording system that can be opened; `kind` is how it is read."""

    @property
    def name(self) -> str: ...
    @property
    def authority(self) -> str: ...
    @property
    def kind(self) -> str: ...

    def open(self) -> AbstractContextManager[SourceSession]:
        """Connect.

        Raises:
            SourceError: the source cannot be reached.
        """
        ...


def open_source(spec: SourceSpec) -> Source:
    """Return the source that `spec` describes; it connects when its `open` is entered.

    Raises:
        SourceError: the URL cannot be understood.
    """
    if spec.url.startswith(SSDA903):
        from carepath.sources.ssda903 import Ssda903Source

        source: Source = Ssda903Source(spec)
        return source
    from carepath.sources.database import DatabaseSource
    from carepath.sources.postgres import PostgresSource

    url = spec.resolved_url()
    if url.startswith(AIRFLOW):
        url = _airflow_url(spec, url.removeprefix(AIRFLOW).strip("/"))
    if url.startswith(("postgresql:", "postgresql+", "postgres:")):
        return PostgresSource(spec, url)
    return DatabaseSource(spec, url)


def read_sources(path: Path | None = None) -> list[SourceSpec]:
    """Return the sources that sources.yml lists; none if there is no such file.

    Raises:
        SourceError: an entry is wrong; the message names it.
    """
    path = path or get_settings().sources_file
    if not path.exists():
        return []
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (yaml.YAMLError, UnicodeDecodeError):
        # the parser's own message quotes the line, which may hold a password
        raise _wrong(path.name, "it is not readable as YAML") from None
    if not isinstance(raw, list):
        raise _wrong(path.name, "it is not a list of sources")
    specs = [_read_spec(entry, f"{path.name}, entry {n}") for n, entry in enumerate(raw, 1)]
    names = [spec.name for spec in specs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _wrong(path.name, f"two sources are called {twice[0]}")
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


def find_source(name: str) -> SourceSpec:
    """Return the source called `name` in sources.yml, or the folder of `ssda903:FOLDER`.

    `ssda903:FOLDER?authority=E09900001` says whose return it is. Loads of one authority's returns
    belong to one source, whatever their folders are called, so that the years follow each other.

    Raises:
        SourceError: there is no such source.
    """
    specs = read_sources()
    for spec in specs:
        if spec.name == name:
            return spec
    if not name.startswith(SSDA903):
        listed = ", ".join(spec.name for spec in specs) or "none"
        raise SourceError(
            f"there is no source {name}; listed: {listed}",
            where=get_settings().sources_file.name,
            todo="add it there, or name a folder of return files as ssda903:FOLDER.",
        )
    authority = (
        parse_qs(name.partition("?")[2]).get("authority", [UNNAMED_AUTHORITY[0]])[-1].upper()
    )
    if not _AUTHORITY.fullmatch(authority):
        raise _wrong(name, f"{authority} is not an ONS code such as E09000001")
    known = {spec.authority: spec.authority_name for spec in specs} | dict([UNNAMED_AUTHORITY])
    return SourceSpec(
        name=f"ssda903-{authority.lower()}",
        authority=authority,
        authority_name=known.get(authority, authority),
        url=absolute_source(name),
    )


def absolute_source(name: str) -> str:
    """Return `name` with the folder of `ssda903:FOLDER` made absolute, for another process."""
    if not name.startswith(SSDA903):
        return name
    folder, mark, query = name.removeprefix(SSDA903).partition("?")
    return f"{SSDA903}{Path(folder).expanduser().resolve()}{mark}{query}"


def _read_spec(entry: Any, where: str) -> SourceSpec:
    if not isinstance(entry, dict):
        raise _wrong(where, "it is not a list of names and values")
    known = [each.name for each in fields(SourceSpec)]
    if unknown := sorted(set(map(str, entry)) - set(known)):
        raise _wrong(where, f"unknown setting {unknown[0]}; known: {', '.join(known)}")
    if missing := [name for name in known[:4] if not entry.get(name)]:
        raise _wrong(where, f"{missing[0]} is missing")
    is_partial = entry.get("is_partial", False)
    if not isinstance(is_partial, bool):
        raise _wrong(where, "is_partial is true or false")
    texts = {str(k): str(v) for k, v in entry.items() if v is not None and k != "is_partial"}
    spec = SourceSpec(**texts, is_partial=is_partial)
    if not _NAME.fullmatch(spec.name):
        raise _wrong(where, "a name has lower-case letters, digits, - and _ only")
    if not _AUTHORITY.fullmatch(spec.authority):
        raise _wrong(where, f"authority {spec.authority} is not an ONS code such as E09000001")
    if spec.spelling is not None and spec.spelling not in VENDORS:
        raise _wrong(where, f"spelling {spec.spelling} is none of {', '.join(VENDORS)}")
    if ":" not in spec.url:
        raise _wrong(where, "url is no SQLAlchemy URL, airflow://CONN_ID or ssda903:FOLDER")
    return spec


def _airflow_url(spec: SourceSpec, connection_id: str) -> str:
    from airflow.sdk import BaseHook

    try:
        uri = str(BaseHook.get_connection(connection_id).get_uri())
    except Exception as error:  # Airflow raises different classes inside and outside a task
        raise SourceError(
            f"Airflow has no connection {connection_id} ({type(error).__name__})",
            where=f"source {spec.name}",
            todo="add it in Airflow (Admin, Connections), or correct sources.yml.",
        ) from None
    # settings that Airflow could not put into the URL are for its own hooks
    return re.sub(r"^postgres(ql)?:", "postgresql:", uri).partition("?__extra__=")[0]


def _wrong(where: str, what: str) -> SourceError:
    return SourceError(what, where=where, todo="correct it; carepath/sources/__init__.py says how.")
