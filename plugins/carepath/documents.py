"""The generated pages, written together so that none is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from carepath.settings import PROJECT_ROOT


def generators() -> dict[Path, Callable[[], str]]:
    """Return each generated page with the function that writes its text."""
    from carepath.contract.pages import contract_page
    from carepath.quality.pages import combinations_page, rule_book
    from carepath.warehouse.kpi_page import kpi_page

    return {
        PROJECT_ROOT / "docs" / "data_contract.md": contract_page,
        PROJECT_ROOT / "docs" / "rule_book.md": rule_book,
        PROJECT_ROOT / "docs" / "combinations.md": combinations_page,
        PROJECT_ROOT / "docs" / "kpis.md": kpi_page,
    }
