"""The folder of the Power BI project: its files, written or compared."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from carepath.errors import SettingsError
from carepath.powerbi.catalogue import Mart, read_figures
from carepath.powerbi.dax import measure_name, measures
from carepath.powerbi.report import SCHEMAS, report_files
from carepath.powerbi.tmdl import model_files, tag
from carepath.settings import PROJECT_ROOT

NAME: Final = "Carepath"
CHECKED_IN: Final = PROJECT_ROOT / "powerbi"
MODEL: Final = f"{NAME}.SemanticModel"
REPORT: Final = f"{NAME}.Report"
SERVER: Final = "localhost:5432"
DATABASE: Final = "warehouse"


def project_files(
    marts: Mapping[str, Mart], *, server: str = SERVER, database: str = DATABASE
) -> dict[str, str]:
    """Return every file of the project by its path in the folder.

    Args:
        marts: the tables of schema `marts`.
        server: host and port that the parameter Server begins with.
        database: what the parameter Database begins with.

    Raises:
        SettingsError: the name of the server or database cannot be written.
    """
    for name, value in (("server", server), ("database", database)):
        if not value or set(value) & set('"#\n\r\t'):
            raise SettingsError(
                f"The name of the {name} is empty or has a character that it cannot have.",
                where="carepath powerbi",
                todo=f"give the {name} as Power BI would connect to it, such as {SERVER}.",
            )
    titles = {row["measure_code"]: measure_name(row["title"]) for row in read_figures()}
    files = {
        f"{NAME}.pbip": _json(
            {
                "$schema": f"{SCHEMAS}/pbip/pbipProperties/1.0.0/schema.json",
                "version": "1.0",
                "artifacts": [{"report": {"path": REPORT}}],
                "settings": {"enableAutoRecovery": True},
            }
        ),
        ".gitignore": "**/.pbi/localSettings.json\n**/.pbi/cache.abf\n",
        f"{MODEL}/.platform": _platform("SemanticModel"),
        f"{MODEL}/definition.pbism": _json(
            {
                "$schema": f"{SCHEMAS}/item/semanticModel/definitionProperties/1.0.0/schema.json",
                "version": "4.2",
                "settings": {"qnaEnabled": False},
            }
        ),
        f"{REPORT}/.platform": _platform("Report"),
        f"{REPORT}/definition.pbir": _json(
            {
                "$schema": f"{SCHEMAS}/item/report/definitionProperties/2.0.0/schema.json",
                "version": "4.0",
                "datasetReference": {"byPath": {"path": f"../{MODEL}"}},
            }
        ),
    }
    for path, text in model_files(marts, measures(marts), server, database).items():
        files[f"{MODEL}/definition/{path}"] = text
    for path, text in report_files(titles).items():
        files[f"{REPORT}/definition/{path}"] = text
    return dict(sorted(files.items()))


def write_project(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Make a folder hold the project and return the files that changed, from the folder.

    A file of an earlier project that is no longer part of it is removed, with its empty folder.
    What Power BI Desktop keeps for itself (`.pbi`), and what else is in the folder, stays.

    Raises:
        SettingsError: the folder cannot be written.
    """
    changed = stale_files(folder, files)
    try:
        for name in changed:
            path = folder / name
            if name in files:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(files[name], encoding="utf-8", newline="\n")
            else:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()
    except OSError as error:
        raise SettingsError(
            f"The Power BI project cannot be written: {error.strerror}.",
            where=str(folder),
            todo="name a folder that you may write, or one that does not exist yet.",
        ) from None
    return changed


def stale_files(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Return the files of the folder that are missing, out of date or no longer part of it."""
    present = {
        path.relative_to(folder).as_posix()
        for part in (MODEL, REPORT)
        for path in (folder / part).rglob("*")
        if path.is_file() and ".pbi" not in path.parts
    }
    return sorted(
        {name for name, text in files.items() if _read(folder / name) != text}
        | (present - files.keys())
    )


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _platform(type_: str) -> str:
    return _json(
        {
            "$schema": f"{SCHEMAS}/gitIntegration/platformProperties/2.0.0/schema.json",
            "metadata": {"type": type_, "displayName": NAME},
            "config": {"version": "2.0", "logicalId": str(uuid.UUID(tag("item", type_)))},
        }
    )


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
