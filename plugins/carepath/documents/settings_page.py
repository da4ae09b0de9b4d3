"""The page `docs/settings.md`: every setting with its variable, its default and what it does."""

from __future__ import annotations

from carepath.documents.templates import render
from carepath.settings import Settings
from carepath.site import FILES
from carepath.site.decisions import DEFAULT_BUDGET
from carepath.site.disclosure import Disclosure
from carepath.site.starter import described
from carepath.warehouse.embedded import SERVER_SETTINGS, WAL_SETTINGS
from carepath.warehouse.roles import DATABASE_SETTINGS


def settings_page() -> str:
    """Return docs/settings.md."""
    return render(
        "settings.md",
        site_files=[(file, described(name)) for name, file in FILES.items()],
        budget=DEFAULT_BUDGET,
        disclosure=Disclosure.model_fields,
        fields=Settings.model_fields,
        server=SERVER_SETTINGS,
        wal=WAL_SETTINGS,
        database=DATABASE_SETTINGS["warehouse"],
    )
