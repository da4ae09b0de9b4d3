"""dbt's manifest of this code, in this home, wherever the marts were built.

The build leaves a manifest in the home of the machine that built. A publication on another machine,
or after an upgrade, has dbt write one from the checkout. That needs no warehouse.
"""

from __future__ import annotations

import fcntl
from importlib.metadata import version
from pathlib import Path
from typing import Final

from carepath.settings import get_settings
from carepath.warehouse.dbt import parse_project
from carepath.warehouse.staging import PROJECT, fingerprint

NOTE: Final = "manifest.code"  # beside a manifest: the code that it describes, and its time


def built_manifest() -> Path:
    """Return where a dbt run without variables (see carepath.warehouse.dbt) leaves its manifest."""
    return get_settings().home / "dbt_target" / PROJECT.name / "plain" / "manifest.json"


def current_manifest() -> Path:
    """Return a manifest of this code. If the home has none, dbt writes one, once.

    Raises:
        WarehouseError: dbt cannot parse the project.
    """
    built = built_manifest()
    if is_current(built):
        return built
    folder = get_settings().home / "dbt_target"
    folder.mkdir(parents=True, exist_ok=True)
    parsed = folder / "parsed" / "manifest.json"
    with (folder / "parse.lock").open("a") as lock:  # several publications may come at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_current(parsed):
            parse_project(parsed.parent)
            note_manifest(parsed)
    return parsed


def note_manifest(manifest: Path) -> None:
    """Note that dbt has just written a manifest from this code."""
    manifest.with_name(NOTE).write_text(_identity(manifest))


def is_current(manifest: Path) -> bool:
    """Return whether it is noted that this manifest is of this code."""
    try:
        return manifest.with_name(NOTE).read_text() == _identity(manifest)
    except FileNotFoundError:
        return False


def _identity(manifest: Path) -> str:
    # the time tells it from a manifest that somebody's own run of dbt has left there since
    code = fingerprint(PROJECT / "models", also=[f"dbt-core {version('dbt-core')}"])
    return f"{code} {manifest.stat().st_mtime_ns}"
