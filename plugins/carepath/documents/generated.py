"""Every file that is generated and committed: written together and checked together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from carepath.contract import load_contract
from carepath.contract.code_lists import load as load_code_lists
from carepath.documents import staging
from carepath.documents.bank_holidays import bank_holidays_seed
from carepath.documents.combinations import combinations_page
from carepath.documents.data_contract import contract_page
from carepath.documents.dbt_page import make_dbt_page, read_columns
from carepath.documents.department_rules import department_page
from carepath.documents.faults import faults_page
from carepath.documents.indicators import indicators_page
from carepath.documents.kpi_book import (
    declared_marts,
    exposures,
    kpi_page,
    measures_seed,
)
from carepath.documents.report_tables import report_page
from carepath.documents.rule_book import rule_book
from carepath.documents.settings_page import settings_page
from carepath.documents.warehouse_pictures import warehouse_page
from carepath.lineage.columns import columns_page
from carepath.powerbi import project as powerbi
from carepath.powerbi.catalogue import read_catalogue
from carepath.settings import PROJECT_ROOT, get_settings
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import read_manifest

Files = Mapping[str, Callable[[], str]]

# Files of the dbt project, besides the staging models. dbt cannot read the project without them.
DBT_FILES: Final[dict[str, Callable[[], str]]] = {
    "dbt_project/macros/declared_marts.sql": declared_marts,
    "dbt_project/seeds/measures.csv": measures_seed,
    "dbt_project/models/marts/exposures.yml": exposures,
    "dbt_project/seeds/bank_holidays.csv": bank_holidays_seed,
}
PAGES: Final[dict[str, Callable[[], str]]] = {
    "docs/combinations.md": combinations_page,
    "docs/data_contract.md": contract_page,
    "docs/department_rules.md": department_page,
    "docs/faults.md": faults_page,
    "docs/indicators.md": indicators_page,
    "docs/kpis.md": kpi_page,
    "docs/report_tables.md": report_page,
    "docs/rule_book.md": rule_book,
    "docs/settings.md": settings_page,
}
# Made from what dbt makes of the project, and so written last.
PAGES_OF_DBT: Final[dict[str, Callable[[], str]]] = {
    "docs/warehouse.md": warehouse_page,
    "plugins/carepath/lineage/columns.csv": columns_page,
}


def stale() -> list[str]:
    """Return the generated files, from the project's root, that are missing or out of date.

    While a file of the dbt project is stale, dbt may not be able to read the project. So what is
    made from the project is not checked: it is written afterwards.
    """
    of_dbt = _stale(DBT_FILES)
    of_dbt += [f"dbt_project/{path}" for path in staging.stale(load_contract(), load_code_lists())]
    found = of_dbt + _stale(PAGES)
    return found if of_dbt else found + _stale_power_bi() + _stale(PAGES_OF_DBT)


def write() -> list[str]:
    """Write what is stale, the dbt project first; return the files written or removed."""
    written = _write(DBT_FILES)
    written += [f"dbt_project/{path}" for path in staging.write(load_contract(), load_code_lists())]
    written += _write(PAGES)
    changed = powerbi.write_project(powerbi.CHECKED_IN, powerbi.project_files(read_catalogue()))
    written += [f"powerbi/{path}" for path in changed]
    return written + _write(PAGES_OF_DBT)


def write_dbt_docs() -> Path:
    """Write dbt's own documentation as one page, as the desk shows it, and return its path.

    Raises:
        WarehouseError: dbt cannot parse the project, or nobody can reach the warehouse.
    """
    with connect("bi_reader") as connection:
        columns = read_columns(connection)
    page = get_settings().home / "docs" / "dbt.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(make_dbt_page(read_manifest(), columns, way="").html, encoding="utf-8")
    return page


def _stale_power_bi() -> list[str]:
    files = powerbi.project_files(read_catalogue())
    return [f"powerbi/{path}" for path in powerbi.stale_files(powerbi.CHECKED_IN, files)]


def _stale(files: Files) -> list[str]:
    return [
        name
        for name, text in files.items()
        if not (PROJECT_ROOT / name).is_file()
        or (PROJECT_ROOT / name).read_text(encoding="utf-8") != text()
    ]


def _write(files: Files) -> list[str]:
    written = _stale(files)
    for name in written:
        (PROJECT_ROOT / name).write_text(files[name](), encoding="utf-8")
    return written
