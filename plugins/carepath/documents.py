"""Everything that is generated and committed, written and checked together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from carepath.bank_holidays import bank_holidays_seed
from carepath.contract import load_contract, staging
from carepath.contract.code_lists import load as load_code_lists
from carepath.contract.pages import contract_page
from carepath.quality.pages import combinations_page, rule_book
from carepath.settings import PROJECT_ROOT, Settings
from carepath.sources.demo.report_page import report_page
from carepath.warehouse.dbt import run_dbt
from carepath.warehouse.embedded import SERVER_SETTINGS
from carepath.warehouse.kpi_page import exposures, kpi_page
from carepath.warehouse.pictures import warehouse_page
from carepath.warehouse.roles import DATABASE_SETTINGS


def settings_page() -> str:
    """Return docs/settings.md: every setting with its variable, default and sense."""
    lines = [
        "# Settings",
        "",
        "Written by `carepath docs` from `plugins/carepath/settings.py`. Each is an environment "
        "variable, read when a process starts; restart the service after a change.",
        "",
        "| variable | default | sense |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = ".carepath in the checkout" if name == "home" else field.default
        shown = "none" if default is None else f"{default}"
        lines.append(f"| `CAREPATH_{name.upper()}` | {shown} | {field.description} |")
    lines += [
        "",
        "## Of the embedded PostgreSQL",
        "",
        "| setting | value | why |",
        "|---|---|---|",
        *(f"| {name} | {value} | {why} |" for name, value, why in SERVER_SETTINGS),
        "",
        "Of database `warehouse`, also on an existing server: "
        + ", ".join(f"{name} {value}" for name, value in DATABASE_SETTINGS["warehouse"].items())
        + ".",
    ]
    return "\n".join([*lines, ""])


PAGES: dict[str, Callable[[], str]] = {
    "dbt_project/models/marts/exposures.yml": exposures,
    "dbt_project/seeds/bank_holidays.csv": bank_holidays_seed,
    "docs/combinations.md": combinations_page,
    "docs/data_contract.md": contract_page,
    "docs/kpis.md": kpi_page,
    "docs/report_tables.md": report_page,
    "docs/rule_book.md": rule_book,
    "docs/settings.md": settings_page,
    "docs/warehouse.md": warehouse_page,
}


def stale() -> list[str]:
    """Return the generated files, from the project's root, that are missing or out of date."""
    pages = [
        name
        for name, page in PAGES.items()
        if not (PROJECT_ROOT / name).is_file()
        or (PROJECT_ROOT / name).read_text(encoding="utf-8") != page()
    ]
    models = staging.stale(load_contract(), load_code_lists())
    return pages + [f"dbt_project/{path}" for path in models]


def write() -> list[str]:
    """Write what is stale; return the files written."""
    written = stale()
    for name in written:
        if name in PAGES:
            (PROJECT_ROOT / name).write_text(PAGES[name](), encoding="utf-8")
    staging.write(load_contract(), load_code_lists())
    return written


def write_dbt_docs() -> Path:
    """Write dbt's own documentation as one page and return it.

    Raises:
        WarehouseError: dbt could not read the warehouse.
    """
    from carepath.settings import get_settings

    run_dbt(["docs", "generate", "--static"], layer="docs")
    folder = get_settings().home / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    page = get_settings().home / "dbt_target" / "dbt_project" / "plain" / "static_index.html"
    return page.replace(folder / "dbt.html")
