"""Which kind reads which source. Every module of this package with a `KIND` is asked."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

import carepath.sources as package
from carepath.errors import SourceError
from carepath.settings import get_settings
from carepath.sources.kind import Kind, Source
from carepath.sources.spec import SourceSpec, read_sources


@lru_cache(maxsize=1)
def kinds() -> tuple[Kind, ...]:
    """Return every kind of source, the general ones last."""
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    ]
    found = [module.KIND for module in modules if hasattr(module, "KIND")]
    return tuple(sorted(found, key=lambda kind: kind.is_general))


def kinds_of_files() -> frozenset[str]:
    """Return what ops.sources calls the kinds that read files, such as returns."""
    return frozenset(kind.files_as for kind in kinds() if kind.files_as)


def kind_of(url: str) -> Kind | None:
    """Return the kind that reads a URL, or None."""
    return next((kind for kind in kinds() if kind.handles(url)), None)


def open_source(spec: SourceSpec) -> Source:
    """Return the source that `spec` describes; it connects when its `open` is entered.

    Raises:
        SourceError: the URL cannot be understood.
    """
    kind = kind_of(spec.url)
    if kind is None:
        raise SourceError(
            "No kind of source reads this URL.",
            where=f"source {spec.name}",
            todo=f"Write a URL such as {', '.join(kind.example for kind in kinds())}.",
        )
    return kind.source(spec)


def find_source(name: str) -> SourceSpec:
    """Return the source called `name` in sources.yml, or the source that a URL names.

    Only some kinds need no entry in sources.yml, such as `ssda903:FOLDER`.

    Raises:
        SourceError: there is no such source.
    """
    specs = read_sources()
    for spec in specs:
        if spec.name == name:
            return spec
    kind = _kind_named_by(name)
    if kind and kind.named_by:
        return kind.named_by(name, specs)
    listed = ", ".join(spec.name for spec in specs) or "none"
    examples = " or ".join(kind.example for kind in kinds() if kind.named_by)
    raise SourceError(
        f"There is no source {name}. Listed: {listed}.",
        where=get_settings().sources_file.name,
        todo=f"Add it to the file, or name a folder of return files as {examples}.",
    )


def absolute_source(name: str) -> str:
    """Return a source's name, or a URL with absolute paths, for use in another process."""
    kind = _kind_named_by(name)
    return kind.absolute(name) if kind else name


def _kind_named_by(url: str) -> Kind | None:
    return next((kind for kind in kinds() if kind.named_by and kind.handles(url)), None)
