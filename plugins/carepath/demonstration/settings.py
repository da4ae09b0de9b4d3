"""The demonstration's own settings (targets, unit costs, cohorts, dates) and its population."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from carepath.errors import SettingsError
from carepath.settings import get_settings
from carepath.statistics import add
from carepath.warehouse.connect import connect

SETTINGS: Final = Path(__file__).parent / "site"
STATISTICS: Final = Path(__file__).parent / "statistics"


def lay_settings() -> None:
    """Put the demonstration's settings into `<home>/site`.

    Raises:
        SettingsError: a council's own file exists. Nothing was changed.
    """
    folder = get_settings().home / "site"
    for path in sorted(SETTINGS.glob("*.csv")):
        there = folder / path.name
        if there.is_file() and there.read_bytes() != path.read_bytes():
            raise SettingsError(
                "The demonstration would replace your own settings file.",
                where=str(there),
                todo="run the demonstration in another home: CAREPATH_HOME=/some/folder make demo",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(SETTINGS.glob("*.csv")):
        shutil.copyfile(path, folder / path.name)


def add_population() -> None:
    """Add the invented population of the first invented authority, as a council adds its own.

    Published figures are real, so the demonstration has none: docs/statistics.md says how to add
    them.
    """
    with connect("carepath_loader", autocommit=True) as connection:
        for path in sorted(STATISTICS.glob("*.csv")):
            add(connection, path, "demonstration")
