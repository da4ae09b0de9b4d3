"""Recording systems: where a night's records come from, and how Carepath reads each kind.

`spec` reads the list, `<home>/site/sources.yml`. `registry` finds the kind of source that reads an
entry. Each kind is one module: `postgres`, `database` (any other that SQLAlchemy reads), `ssda903`
(return files), `files` (files of several kinds at once) and `airflow_connection` (an address that
Airflow keeps).
"""

from carepath.sources.kind import Kind, Source, SourceColumn, SourceSession
from carepath.sources.registry import absolute_source, find_source, open_source
from carepath.sources.spec import SourceSpec, read_sources, write_sources

__all__ = [
    "Kind",
    "Source",
    "SourceColumn",
    "SourceSession",
    "SourceSpec",
    "absolute_source",
    "find_source",
    "open_source",
    "read_sources",
    "write_sources",
]
