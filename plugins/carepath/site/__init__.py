"""The council's own settings: `<home>/site/`, apart from the code.

A file in that folder replaces the project's default (`dbt_project/site/`) as a whole. A night
validates all of them first, and keeps the settings that it runs with beside them
(`<home>/site-effective/`). So a file that is edited during a night takes effect from the next.
"""

from carepath.site.decisions import Budget, Decisions
from carepath.site.effective import (
    SEEDS,
    apply_site,
    dbt_project,
    effective_decisions,
    effective_folder,
    effective_programmes,
    effective_thresholds,
    fingerprint,
    follow_night,
    with_thresholds,
)
from carepath.site.files import FILES, SITE_DEFAULTS, FirstReportDate, SiteFile
from carepath.site.reading import Site, read_site

__all__ = [
    "FILES",
    "SEEDS",
    "SITE_DEFAULTS",
    "Budget",
    "Decisions",
    "FirstReportDate",
    "Site",
    "SiteFile",
    "apply_site",
    "dbt_project",
    "effective_decisions",
    "effective_folder",
    "effective_programmes",
    "effective_thresholds",
    "fingerprint",
    "follow_night",
    "read_site",
    "with_thresholds",
]
