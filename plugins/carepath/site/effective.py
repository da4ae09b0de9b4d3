"""The settings that nights run with, as the last night's plan validated them.

`<home>/site-effective/` has the thresholds and dbt's project: links to the checkout's files, and
the settings as seeds in place of the defaults. They lie below the project because dbt writes a
compiled seed to the seed's own path below its target. With an absolute path, that would be the
seed itself. A night's plan writes the folder, or the first process that finds it incomplete. Do
not edit it.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
import yaml

from carepath.contract.code_lists import CodeList, read_programmes
from carepath.errors import SettingsError
from carepath.settings import get_settings
from carepath.site.decisions import DECISIONS, Decisions
from carepath.site.files import FILES, SITE_DEFAULTS
from carepath.site.readers import READERS
from carepath.site.reading import (
    RULES,
    Site,
    ThresholdOverride,
    file_hash,
    read_site,
    site_folder,
)

PROJECT: Final = "dbt_project"
SEEDS: Final = f"{PROJECT}/{SITE_DEFAULTS.name}"
NIGHT: Final = ".night"  # the run whose settings the folder holds

if TYPE_CHECKING:
    from expectations.rule import Rule


def effective_folder() -> Path:
    """Return the folder that dbt's seeds and the gate's thresholds are read from, complete.

    Raises:
        SettingsError: no night has written it yet, and the settings are not valid.
    """
    folder = get_settings().home / "site-effective"
    wanted = [RULES, DECISIONS, *(f"{SEEDS}/{name}.csv" for name in FILES)]
    if not all((folder / name).is_file() for name in wanted):
        _write(folder, read_site().require_valid())
    _link_project(folder / PROJECT)
    return folder


def apply_site(connection: psycopg.Connection[Any], run_id: str, site: Site) -> list[str]:
    """Make this night, and everything after it, use these settings. Record what changed.

    Args:
        connection: as carepath_loader.
        run_id: the night, in ops.runs.
        site: as `read_site` returned it.

    Returns:
        The names of the files that differ from the night before.

    Raises:
        SettingsError: the settings are not valid; nothing was changed.
    """
    from carepath.warehouse.readers import map_readers  # which needs the settings of the warehouse

    site.require_valid()
    _write_for_night(run_id, site)
    connection.execute(
        "update quality.decision_settings set one_person_decides = %(alone)s"
        " where one_person_decides <> %(alone)s",
        {"alone": site.decisions.one_person_decides},
    )
    map_readers(connection, site.readers.rows(), site.readers.team_rows())
    return [
        name
        for name, (path, rows) in _paths(site).items()
        if _record(connection, run_id, name, path, rows)
    ]


def follow_night(connection: psycopg.Connection[Any], run_id: str) -> None:
    """Make a step on this machine use the settings that its night was planned with.

    The plan may have run on another machine. This one has its own copy of the council's files. If
    it is the same copy, by the hashes that the plan recorded, the step uses it.

    Args:
        connection: as carepath_loader.
        run_id: the current night.

    Raises:
        SettingsError: this machine's settings differ from those of the plan, or are not valid.
    """
    note = get_settings().home / "site-effective" / NIGHT
    if note.is_file() and note.read_text(encoding="utf-8") == run_id:
        return
    site = read_site().require_valid()
    recorded = {
        file: (is_default, content_hash)
        for file, is_default, content_hash in connection.execute(
            "select distinct on (file) file, is_default, content_hash from ops.site_settings"
            " order by file, setting_id desc"
        ).fetchall()
    }
    differing = [
        name
        for name, (path, _) in _paths(site).items()
        if recorded.get(name) != (path is None, _content_hash(name, path))
    ]
    if differing:
        raise SettingsError(
            "The settings of this machine differ from those that the night was planned with: "
            f"{', '.join(differing)}.",
            where=str(site_folder()),
            todo="copy the folder `site` and the same version of the code to each worker, then "
            "clear the failed tasks in Airflow, or run the night again.",
        )
    _write_for_night(run_id, site)


def effective_thresholds() -> dict[str, ThresholdOverride]:
    """Return the thresholds that replace those of the register, by rule."""
    raw = yaml.safe_load((effective_folder() / RULES).read_text(encoding="utf-8")) or {}
    return {rule: ThresholdOverride.model_validate(values) for rule, values in raw.items()}


def with_thresholds(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules with the thresholds that the council has set."""
    own = effective_thresholds()
    return tuple(
        _with_threshold(rule, own[rule.rule_id]) if rule.rule_id in own else rule for rule in rules
    )


def _with_threshold(rule: Rule, own: ThresholdOverride) -> Rule:
    return replace(
        rule,
        threshold=rule.threshold if own.threshold is None else own.threshold,
        threshold_count=(
            rule.threshold_count if own.threshold_count is None else own.threshold_count
        ),
        because=own.because,
    )


def effective_decisions() -> Decisions:
    """Return how the council decides."""
    raw = yaml.safe_load((effective_folder() / DECISIONS).read_text(encoding="utf-8")) or {}
    return Decisions.model_validate(raw)


def effective_programmes() -> CodeList:
    """Return the programmes as the code list that staging uses."""
    return read_programmes(effective_folder() / SEEDS / "programmes.csv")


def dbt_project() -> Path:
    """Return the folder from which dbt runs: the project, with the council's settings."""
    return effective_folder() / PROJECT


def fingerprint() -> str:
    """Return a hash over the settings from which dbt's tables are made."""
    digest = hashlib.sha256()
    for path in sorted((effective_folder() / SEEDS).glob("*.csv")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _write_for_night(run_id: str, site: Site) -> None:
    folder = get_settings().home / "site-effective"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:  # several steps of a night may begin at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        _write(folder, site)
        (folder / NIGHT).write_text(run_id, encoding="utf-8")


def _write(folder: Path, site: Site) -> None:
    texts = {f"{SEEDS}/{name}.csv": table.text() for name, table in site.tables.items()}
    own = {rule: each.model_dump() for rule, each in site.thresholds.items()}
    texts[DECISIONS] = yaml.safe_dump(
        site.decisions.model_dump(), sort_keys=True, allow_unicode=True
    )
    texts[RULES] = yaml.safe_dump(own, sort_keys=True, allow_unicode=True)
    (folder / SEEDS).mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            new = path.with_name(f".{path.name}.new")
            new.write_text(text, encoding="utf-8")
            new.replace(path)
    for path in (folder / SEEDS).glob(
        "*.csv"
    ):  # left by a version of the code that had other files
        if f"{SEEDS}/{path.name}" not in texts:
            path.unlink()


def _link_project(folder: Path) -> None:
    """Link everything in the checkout's dbt project except the default settings."""
    own = SITE_DEFAULTS.parent
    wanted = {
        path.name: path
        for path in own.iterdir()
        if path not in (SITE_DEFAULTS, own / "target", own / "logs") and path.name[0] != "."
    }
    for link in folder.iterdir():
        if link.is_symlink() and wanted.get(link.name) != link.readlink():
            link.unlink(missing_ok=True)
    for name, path in wanted.items():
        with suppress(FileExistsError):
            (folder / name).symlink_to(path)


def _paths(site: Site) -> dict[str, tuple[Path | None, int]]:
    """Return each file's own path (None for the default) and how many rows it has."""
    found: dict[str, tuple[Path | None, int]] = {
        f"{name}.csv": (None if table.is_default else table.path, len(table.rows))
        for name, table in site.tables.items()
    }
    rules = site_folder() / RULES
    found[RULES] = (rules if rules.is_file() else None, len(site.thresholds))
    decisions = site_folder() / DECISIONS
    found[DECISIONS] = (decisions if decisions.is_file() else None, len(site.decisions.budgets))
    readers = site_folder() / READERS
    found[READERS] = (readers if readers.is_file() else None, len(site.readers.readers))
    return found


def _record(
    connection: psycopg.Connection[Any], run_id: str, name: str, path: Path | None, rows: int
) -> bool:
    hashed = _content_hash(name, path)
    who = when = None
    if path:
        who, when = _owner(path), dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    inserted = connection.execute(
        "insert into ops.site_settings"
        " (run_id, file, is_default, content_hash, row_count, changed_by, changed_at)"
        " select %(run)s, %(file)s, %(default)s, %(hash)s, %(rows)s, %(who)s, %(when)s"
        " where not exists (select from (select is_default, content_hash from ops.site_settings"
        " where file = %(file)s order by setting_id desc limit 1) as last"
        " where last.is_default = %(default)s and last.content_hash is not distinct from %(hash)s)",
        {
            "run": run_id,
            "file": name,
            "default": path is None,
            "hash": hashed,
            "rows": rows,
            "who": who,
            "when": when,
        },
    )
    return inserted.rowcount > 0


def _content_hash(name: str, path: Path | None) -> str | None:
    default = SITE_DEFAULTS / name
    return file_hash(path) if path else file_hash(default) if default.is_file() else None


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:  # this machine does not know the account that wrote the file
        return f"uid {path.stat().st_uid}"
