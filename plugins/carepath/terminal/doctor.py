"""`carepath doctor`: whether all is well, and where a source differs from the contract."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from carepath import doctor
from carepath.contract.differences import Kind, SourceComparison
from carepath.errors import CarepathError
from carepath.sources import read_sources
from carepath.terminal.layout import plural, table_of


def print_examination(console: Console, source: str | None) -> bool:
    """Examine and print; with a source, compare it with the contract as well.

    Args:
        console: where to print.
        source: a source's name, `ssda903:PATH`, `all`, or None for no comparison.

    Returns:
        Whether all is well.
    """
    well = True
    for found in doctor.examine():
        well = well and found.well
        _print_line(console, found.subject, found.text, well=found.well)
    console.print(settings_table())
    if source:
        names = [each.name for each in read_sources()] if source == "all" else [source]
        if not names:
            console.print(
                "No source is listed, so there is nothing to compare with the contract. "
                "Run `carepath site init` to write a list that you can fill in."
            )
            return False
        for name in names:
            well = _print_source(console, name) and well
    return well


def settings_table() -> Table:
    """Return which settings are yours and which are defaults, one row per file."""
    table = table_of("Settings", left=("file", "in use", "what for"))
    for each in doctor.settings_in_use():
        version = "default" if each.is_default else "[bold]yours[/]"
        count = f", {each.row_count:,}" if each.row_count else ", empty"
        table.add_row(each.file, version + count, each.says)
    return table


def print_comparison(console: Console, comparison: SourceComparison) -> None:
    """Print the differences per table, the tables without any, and whether a night can load it."""
    grid = Table(title="Source against contract", title_justify="left", expand=False)
    for heading in ("table", "column", "difference", "what to do"):
        grid.add_column(heading, overflow="fold")
    order: Mapping[Kind, int] = {"missing": 0, "mistyped": 1, "extra": 2}
    for difference in sorted(
        comparison.differences, key=lambda d: (not d.stops, d.table, order[d.kind])
    ):
        kind = "[bold red]missing, required[/]" if difference.stops else difference.kind
        grid.add_row(
            difference.table, escape(difference.column) or "(table)", kind, escape(difference.todo)
        )
    if grid.row_count:
        console.print(grid)
    whole = [r.table.name for r in comparison.tables.values() if r.delivered and not r.differences]
    absent = [r.table.name for r in comparison.tables.values() if r.standing == "not delivered"]
    if whole:
        console.print(f"As contracted ({len(whole)}): {', '.join(whole)}")
    if absent:
        console.print(f"Optional, not delivered ({len(absent)}): {', '.join(absent)}")
    if comparison.other_tables:
        console.print(
            f"Not read ({len(comparison.other_tables)}): {', '.join(comparison.other_tables)}"
        )
    stops = sum(difference.stops for difference in comparison.differences)
    if comparison.kept:
        console.print("[green]The contract is kept[/]: a night can load this source.")
    else:
        console.print(
            f"[bold red]The contract is broken[/]: {plural(stops, 'required part')} missing."
        )


def _print_source(console: Console, name: str) -> bool:
    try:
        comparison = doctor.compare_source(name)
    except CarepathError as error:
        _print_line(console, name, str(error), well=False)
        return False
    print_comparison(console, comparison)
    return comparison.kept


def _print_line(console: Console, subject: str, text: str, *, well: bool) -> None:
    line = Table.grid(padding=(0, 1))
    line.add_column(width=4)
    line.add_column(width=18, overflow="fold")
    line.add_column(overflow="fold")
    line.add_row("[green]ok[/]" if well else "[bold red]FIX[/]", escape(subject), escape(text))
    console.print(line)
