"""`carepath doctor`: whether all is well, and where a source differs from the contract."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from carepath import doctor
from carepath.contract.differences import Kind, SourceComparison
from carepath.errors import CarepathError
from carepath.sources import read_sources
from carepath.sources.content import FEWEST_RECORDS, TableContent, years_in_words
from carepath.terminal.layout import plural, table_of
from carepath.without_data import WithoutData


def print_examination(console: Console, source: str | None, *, full: bool = False) -> bool:
    """Examine and print; with a source, compare it with the contract as well.

    Args:
        console: where to print.
        source: a source's name, `ssda903:PATH`, `all`, or None for no comparison.
        full: whether to list each rule and each measure that has no data.

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
            well = _print_source(console, name, full=full) and well
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


def print_contents(console: Console, contents: Sequence[TableContent], today: dt.date) -> None:
    """Print the codes that Carepath does not know, and the records by year. Values are counted."""
    codes = table_of(
        "Codes that Carepath does not know",
        left=("table", "column"),
        right=("records", "values"),
    )
    codes.add_column("shown", overflow="fold")
    for table in contents:
        for each in table.unknown_codes:
            shown = ", ".join(f"{value} ({count:,})" for value, count in each.shown.items())
            codes.add_row(
                table.table, each.column, f"{each.record_count:,}", f"{each.value_count:,}",
                escape(shown),
            )  # fmt: skip
    if codes.row_count:
        console.print(codes)
        console.print(
            "Staging shows these values as null. A value is shown here only if it looks like "
            f"a code and at least {FEWEST_RECORDS} records have it. Other values may be personal."
        )
    elif contents:
        console.print("Carepath knows every code of this source.")
    years = table_of("Records by year", left=("table", "by"), right=("records",))
    years.add_column("years", overflow="fold")
    for table in contents:
        words = years_in_words(table.years, today)
        if table.undated_count:
            words.append(f"no date: {table.undated_count:,}")
        years.add_row(
            table.table, table.date_column or "", f"{table.row_count:,}", ", ".join(words)
        )
    if years.row_count:
        console.print(years)


def print_without_data(
    console: Console,
    rules: Sequence[WithoutData],
    measures: Sequence[WithoutData],
    *,
    is_partial: bool,
    full: bool,
) -> None:
    """Print how many rules and measures have no data, by topic, or each of them."""
    if not rules and not measures:
        console.print("Every rule and every measure has what it needs.")
        return
    counts = {
        "rules": Counter(topic for topic, _ in {(each.topic, each.code) for each in rules}),
        "measures": Counter(each.topic for each in measures),
    }
    lacking = _lacking(rules, measures)
    grid = table_of("What will have no data", left=("topic",), right=("rules", "measures"))
    grid.add_column("because these are not delivered", overflow="fold")
    for topic in sorted(lacking):
        grid.add_row(
            topic,
            f"{counts['rules'][topic]:,}",
            f"{counts['measures'][topic]:,}",
            ", ".join(sorted(lacking[topic])),
        )
    console.print(grid)
    console.print(
        "A rule counts here if it cannot judge one of its tables. Other sources of the authority "
        "may deliver what this one lacks."
        if is_partial
        else "A rule counts here if it cannot judge one of its tables."
    )
    if not full:
        console.print("To list each rule and measure, add --full.")
        return
    for title, found in (("Rules without data", rules), ("Measures without data", measures)):
        if found:
            each_one = table_of(title, left=("rule" if found is rules else "code", "about"))
            each_one.add_column("not delivered", overflow="fold")
            for each in found:
                each_one.add_row(each.code, escape(each.title), ", ".join(each.missing))
            console.print(each_one)


def _lacking(*found: Sequence[WithoutData]) -> dict[str, set[str]]:
    lacking: dict[str, set[str]] = {}
    for each in (one for several in found for one in several):
        lacking.setdefault(each.topic, set()).update(each.missing)
    return lacking


def _print_source(console: Console, name: str, *, full: bool) -> bool:
    try:
        found = doctor.examine_source(name)
    except CarepathError as error:
        _print_line(console, name, str(error), well=False)
        return False
    print_contents(console, found.contents, dt.datetime.now(tz=dt.UTC).date())
    print_without_data(console, found.rules, found.measures, is_partial=found.is_partial, full=full)
    print_comparison(console, found.comparison)
    return found.comparison.kept


def _print_line(console: Console, subject: str, text: str, *, well: bool) -> None:
    line = Table.grid(padding=(0, 1))
    line.add_column(width=4)
    line.add_column(width=18, overflow="fold")
    line.add_column(overflow="fold")
    line.add_row("[green]ok[/]" if well else "[bold red]FIX[/]", escape(subject), escape(text))
    console.print(line)
