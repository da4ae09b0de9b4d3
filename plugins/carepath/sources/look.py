"""A look at the sources before a person's night: which of them cannot be reached?

Airflow takes most of a minute to start. A person need not wait for it to learn that a source is
down, so `carepath run` looks first. The service's nights do not look: they go on trying.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from carepath.errors import CarepathError
from carepath.sources.kind import Reachable
from carepath.sources.registry import kind_of, open_source
from carepath.sources.spec import SourceSpec

AT_ONCE: Final = 32  # each mostly waits for an answer, for as long as its driver waits


def unreachable(specs: Sequence[SourceSpec]) -> list[CarepathError]:
    """Return an error for each source that cannot be reached, in the words of a night.

    A source is only connected to, or its files are looked for. One whose address only Airflow
    knows is left out, because a look at it would have to start Airflow.
    """
    if not specs:
        return []
    with ThreadPoolExecutor(min(len(specs), AT_ONCE)) as threads:
        return [error for error in threads.map(_trouble, specs) if error]


def _trouble(spec: SourceSpec) -> CarepathError | None:
    kind = kind_of(spec.url)
    if kind and kind.needs_airflow:
        return None
    try:
        source = open_source(spec)
        if isinstance(source, Reachable):
            source.reach()
    except CarepathError as error:
        return error
    return None
