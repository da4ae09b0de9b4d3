"""The page `docs/report_tables.md`: how each figure of the evaluation report is computed."""

from __future__ import annotations

from collections.abc import Iterator

from carepath.sources.demo.reconciliation import TITLES, Lookup, lookup_of, remarks
from carepath.sources.demo.report import ReportFigure, report_figures

_OPENING = """\
# How the report's tables are computed

Written by `carepath docs` from `plugins/carepath/sources/demo/` (report.csv, reconciliation.csv and
remarks.csv); change them there.

The evaluation of Face to Face Pathways (Department for Education, RR1034, July 2020) printed these
figures. The demonstration's recording system holds invented people whose records carry them; `make
demo` loads those records like anybody's, builds the marts, reads the figures back as role
`bi_reader` and prints report, Carepath and difference for each. What a measure means is in the
[KPI book](kpis.md); the models know nothing of the report.

A figure is one row of a mart, for instance:

```sql
select numerator, denominator, share, left_out_count, left_out_reason
from marts.kpi_eet
where authority = 'E09900001' and snapshot_date = date '2019-06-30'
    and measure = 'NEET' and segment = 'open UASC cases';
```

Care leavers are counted as known on the day (`core.dim_snapshot`); everything else as recorded in
the last accepted night (`core.dim_report_date`).
"""


def report_page() -> str:
    """Return the page: every printed figure, the row of the marts that computes it, and remarks."""
    return "\n".join([_OPENING, *_sections()])


def _sections() -> Iterator[str]:
    for number, title in TITLES.items():
        figures = [figure for figure in report_figures() if figure.table == number]
        yield f"## {title}\n"
        yield "| figure | among | on | report prints | mart | measure | segment | column |"
        yield "|---|---|---|---:|---|---|---|---|"
        yield from (_line(figure, lookup_of(figure)) for figure in figures)
        yield ""
        for figure in figures:
            key = (
                figure.table, figure.measure, figure.segment, figure.statistic,
                figure.snapshot.isoformat(),
            )  # fmt: skip
            if remark := remarks().get(key):
                yield f"- **{_name(figure)}, {figure.segment}**: {remark}"
            if figure.note:
                yield f"- {_name(figure)}, {figure.segment}, {figure.snapshot}: {figure.note}."
        yield ""


def _line(figure: ReportFigure, lookup: Lookup) -> str:
    column = lookup.column or ("numerator, share" if figure.percent else "numerator")
    return (
        f"| {_name(figure)} | {figure.segment} | {figure.snapshot} | {figure.printed} "
        f"| [{lookup.mart}](kpis.md#{lookup.mart}) | {lookup.measure} | {lookup.segment} "
        f"| {column} |"
    )


def _name(figure: ReportFigure) -> str:
    return figure.measure + (f", {figure.statistic}" if figure.statistic else "")
