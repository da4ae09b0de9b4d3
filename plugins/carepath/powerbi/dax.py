"""The measures of the model, as DAX.

No measure adds figures of several dates: each takes the last date in the filter. No measure adds
segments either, because they overlap. Without a choice of segments it shows the total.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from carepath.powerbi.catalogue import Mart, read_figures
from carepath.statistics.data_sets import published_measures


@dataclass(frozen=True)
class DaxMeasure:
    """A measure of the model.

    Attributes:
        table: the table that it is shown in.
        format_string: how its value is written; None if `format_expression` says it.
        format_expression: DAX that returns the format.
    """

    table: str
    name: str
    expression: str
    description: str
    folder: str
    format_string: str | None = None
    format_expression: str | None = None
    is_hidden: bool = False


_FORMAT_OF_MEASURE: Final = "SELECTEDVALUE ( 'Measures'[Number format], \"#,##0.0\" )"
_WHOLE: Final = "#,##0"
_DATE: Final = "dd mmm yyyy"

_AT_LAST_DATE: Final = """\
VAR LastDate = CALCULATE ( MAX ( 'Figures'[As-at date] ), REMOVEFILTERS ( 'Segments' ) )
VAR SegmentCount =
    CALCULATE ( DISTINCTCOUNT ( 'Figures'[Segment code] ), 'Figures'[As-at date] = LastDate )
RETURN
    IF (
        HASONEVALUE ( 'Measures'[Measure code] ),
        IF (
            ISFILTERED ( 'Segments' ) && SegmentCount = 1,
            CALCULATE ( {what}, 'Figures'[As-at date] = LastDate ),
            CALCULATE (
                {what},
                'Figures'[As-at date] = LastDate,
                KEEPFILTERS ( 'Figures'[Is total] = TRUE () )
            )
        )
    )"""


def _at_last_date(what: str) -> str:
    return _AT_LAST_DATE.format(what=what)


_TARGET: Final = """\
VAR MartShown = SELECTEDVALUE ( 'Measures'[Mart] )
VAR NameShown = SELECTEDVALUE ( 'Measures'[Measure] )
VAR SegmentShown = [Segment shown]
VAR LastDate =
    CALCULATE (
        MAX ( 'Targets'[As-at date] ),
        'Targets'[Kpi mart] = MartShown,
        'Targets'[Kpi measure] = NameShown
    )
RETURN
    CALCULATE (
        IF (
            MIN ( 'Targets'[Target value] ) = MAX ( 'Targets'[Target value] ),
            MAX ( 'Targets'[Target value] )
        ),
        'Targets'[Kpi mart] = MartShown,
        'Targets'[Kpi measure] = NameShown,
        'Targets'[Kpi segment] = SegmentShown,
        'Targets'[As-at date] = LastDate
    )"""

_PUBLISHED: Final = """\
VAR SegmentShown = [Segment shown]
VAR LastDate =
    CALCULATE (
        MAX ( 'Published figures'[As-at date] ),
        'Published figures'[Segment] = SegmentShown,
        FILTER ( 'Published figures', NOT ISBLANK ( 'Published figures'[{column}] ) )
    )
RETURN
    IF (
        HASONEVALUE ( 'Measures'[Measure code] ),
        CALCULATE (
            IF (
                MIN ( 'Published figures'[{column}] ) = MAX ( 'Published figures'[{column}] ),
                {shown}
            ),
            'Published figures'[Segment] = SegmentShown,
            'Published figures'[As-at date] = LastDate
        )
    )"""

_OF_EACH_AUTHORITY: Final = """\
SUMX (
    VALUES ( '{table}'[Authority code] ),
    VAR LastDate = CALCULATE ( MAX ( '{table}'[As-at date] ) )
    RETURN
        CALCULATE ( SUM ( '{table}'[{column}] ), '{table}'[As-at date] = LastDate )
)"""


def measure_name(title: str) -> str:
    """Return the name of the measure of a figure: its title, on one line and without brackets."""
    return " ".join(title.split()).replace("[", "(").replace("]", ")")


def measures(marts: Mapping[str, Mart]) -> list[DaxMeasure]:
    """Return all measures: those of any figure, one for each figure's code, and the others."""
    return [*_of_any_figure(), *_named_figures(marts), *_of_other_tables()]


def _of_any_figure() -> Iterator[DaxMeasure]:
    folder = "Any measure"

    def figure(name: str, expression: str, description: str, **more: str | bool) -> DaxMeasure:
        return DaxMeasure("Figures", name, expression, description, folder, **more)  # type: ignore[arg-type]

    yield figure(
        "Value",
        "SWITCH (\n"
        "    SELECTEDVALUE ( 'Measures'[Statistic] ),\n"
        '    "share",\n'
        "        IF (\n"
        "            ISBLANK ( [Numerator] ),\n"
        "            [Single value],\n"
        "            DIVIDE ( [Numerator], [Denominator] )\n"
        "        ),\n"
        '    "count", [Sum of values],\n'
        "    [Single value]\n"
        ")",
        "The figure of one measure at the last date in the filter, for the segment chosen or in "
        "total. Choose one measure. A mean, a rate and a share of sums need one authority.",
        format_expression=_FORMAT_OF_MEASURE,
    )
    yield figure(
        "Numerator",
        _at_last_date("SUM ( 'Figures'[Numerator of the row] )"),
        "Who or what is counted, at the last date in the filter",
        format_string=_WHOLE,
    )
    yield figure(
        "Denominator",
        _at_last_date("SUM ( 'Figures'[Denominator of the row] )"),
        "Out of whom or what; for a mean and the like, the records behind it",
        format_string=_WHOLE,
    )
    yield figure(
        "Left out",
        _at_last_date("SUM ( 'Figures'[Left out of the row] )"),
        "How many could not be measured, at the last date in the filter",
        format_string=_WHOLE,
    )
    yield figure(
        "Left out share",
        "DIVIDE ( [Left out], [Left out] + [Denominator] )",
        "Share of those who could not be measured among all who should have been",
        format_string="0.0%",
    )
    yield figure(
        "Sum of values",
        _at_last_date("SUM ( 'Figures'[Value of the row] )"),
        "Counts of the authorities in the filter, at one date",
        format_string=_WHOLE,
        is_hidden=True,
    )
    yield figure(
        "Single value",
        _at_last_date("IF ( COUNTROWS ( 'Figures' ) = 1, MAX ( 'Figures'[Value of the row] ) )"),
        "A value that cannot be added, such as a mean: shown for one authority only",
        format_string="#,##0.0",
        is_hidden=True,
    )
    yield figure(
        "Segment shown",
        _at_last_date(
            "IF ( DISTINCTCOUNT ( 'Figures'[Segment] ) = 1, MAX ( 'Figures'[Segment] ) )"
        ),
        "The segment that Value is about",
    )
    yield figure(
        "Date shown",
        "CALCULATE ( MAX ( 'Figures'[As-at date] ), REMOVEFILTERS ( 'Segments' ) )",
        "The date that Value is about",
        format_string=_DATE,
    )
    yield figure(
        "Value a year before",
        "VAR LastDate = [Date shown]\n"
        "RETURN\n"
        "    CALCULATE (\n"
        "        [Value],\n"
        "        REMOVEFILTERS ( 'Calendar' ),\n"
        "        REMOVEFILTERS ( 'As-at dates' ),\n"
        "        'Calendar'[Date] = EDATE ( LastDate, -12 )\n"
        "    )",
        "Value twelve months before the date shown",
        format_expression=_FORMAT_OF_MEASURE,
    )
    yield figure(
        "Change in a year",
        "IF (\n"
        "    NOT ISBLANK ( [Value] ) && NOT ISBLANK ( [Value a year before] ),\n"
        "    [Value] - [Value a year before]\n"
        ")",
        "Value less the value a year before",
        format_expression=_FORMAT_OF_MEASURE,
    )
    yield figure(
        "Target",
        _TARGET,
        "The figure that reaches the target of this measure and segment; blank without a target",
        format_expression=_FORMAT_OF_MEASURE,
    )
    for name, column in (
        ("England", "England value"),
        ("Region", "Region value"),
        ("Statistical neighbours", "Neighbour mean value"),
    ):
        yield figure(
            name,
            _PUBLISHED.format(column=column, shown=f"MAX ( 'Published figures'[{column}] )"),
            "What the Department for Education published for the same definition and segment, in "
            f"its newest year: {name}; blank where it publishes nothing, or for several "
            "authorities that differ",
            format_expression=_FORMAT_OF_MEASURE,
        )
    for name, column, about in (
        ("England date", "As-at date", "The end of the year that England is about"),
        ("Value beside England", "Own value", "The figure of the same year and segment as England"),
    ):
        yield figure(
            name,
            _PUBLISHED.format(
                column="England value", shown=f"MAX ( 'Published figures'[{column}] )"
            ),
            about,
            **(
                {"format_string": _DATE}
                if column == "As-at date"
                else {"format_expression": _FORMAT_OF_MEASURE}
            ),
        )


def _named_figures(marts: Mapping[str, Mart]) -> Iterator[DaxMeasure]:
    """One measure for each figure, and what belongs beside it.

    A figure whose name a council words itself is reached by Value and the table Measures.
    """
    with_england = {figure.measure_code for figure in published_measures()}
    for row in read_figures():
        if row["measure_code"].endswith("*"):
            continue
        title = measure_name(row["title"])
        folder = f"{_capital(row['service'])}\\{row['topic']}".replace("/", " or ")
        described = ". ".join(
            part.rstrip(".")
            for part in (
                title,
                f"Counted: {row['numerator']}" if row["numerator"] else "",
                f"Out of: {row['denominator']}" if row["denominator"] else "",
                f"Left out: {row['left_out']}" if row["left_out"] else "",
                f"{row['standard']}, {row['period']}, {row['date_basis']}",
            )
            if part
        )
        yield _named(row, title, "Value", described, folder, row["number_format"])
        parts = f"{folder}\\Beside them"
        if row["statistic"] in ("share", "rate"):
            for part in ("Numerator", "Denominator"):
                about = row[part.lower()] or f"{part} of the figure"
                name = f"{title}: {part.lower()}"
                yield _named(row, name, part, about, parts, _WHOLE)
        if marts[row["mart"]].has_targets:
            name = f"{title}: target"
            about = "Figure that reaches the target"
            yield _named(row, name, "Target", about, parts, row["number_format"])
        if row["measure_code"] in with_england:
            name = f"{title}: England"
            about = "What the Department published for England"
            yield _named(row, name, "England", about, parts, row["number_format"])


def _named(
    row: Mapping[str, str], name: str, what: str, about: str, folder: str, format_string: str
) -> DaxMeasure:
    expression = (
        f"CALCULATE ( [{what}], REMOVEFILTERS ( 'Measures' ), "
        f"'Measures'[Measure code] = \"{row['measure_code']}\" )"
    )
    return DaxMeasure("Figures", name, expression, about, folder, format_string)


def _of_other_tables() -> Iterator[DaxMeasure]:
    yield DaxMeasure(
        "People in figures",
        "People counted",
        "VAR LastDate = MAX ( 'Figures'[As-at date] )\n"
        "VAR LatestDate =\n"
        "    CALCULATE (\n"
        "        MAX ( 'Figures'[As-at date] ),\n"
        "        REMOVEFILTERS ( 'Calendar' ),\n"
        "        REMOVEFILTERS ( 'As-at dates' )\n"
        "    )\n"
        "RETURN\n"
        "    IF (\n"
        "        HASONEVALUE ( 'Measures'[Measure code] ) && LastDate = LatestDate,\n"
        "        CALCULATE (\n"
        "            DISTINCTCOUNT ( 'People in figures'[Young person key] ),\n"
        "            'People in figures'[Is counted] = TRUE ()\n"
        "        )\n"
        "    )",
        "Young people in the numerator of one measure at the latest date, once each; blank for "
        "an earlier date",
        "People",
        _WHOLE,
    )
    for name, column, about in (
        ("Due in 14 days", "Due count", "due in the 14 days after the latest report date"),
        ("Overdue", "Overdue count", "overdue at the latest report date"),
    ):
        yield DaxMeasure(
            "Due and overdue",
            name,
            _OF_EACH_AUTHORITY.format(table="Due and overdue", column=column),
            f"Visits, reviews, assessments, conferences and plans {about}",
            "Due and overdue",
            _WHOLE,
        )
    for name, column, about in (
        ("Events last night", "Last night count", "on the day of the last accepted load"),
        ("Events in the last week", "Last week count", "in the seven days that end with it"),
    ):
        yield DaxMeasure(
            "Last night",
            name,
            _OF_EACH_AUTHORITY.format(table="Last night", column=column),
            f"Events of the journey {about}",
            "Last night",
            _WHOLE,
        )
    yield DaxMeasure(
        "Months",
        "Events in the month",
        "SUM ( 'Months'[Event count] )",
        "Events of complete months, as recorded tonight. Events of several months may be added",
        "Months",
        _WHOLE,
    )
    for name, column, about in (
        ("Usual events", "Mean", "The mean of the months"),
        ("Lower limit", "Low", "A month below it is a signal"),
        ("Upper limit", "High", "A month above it is a signal"),
    ):
        yield DaxMeasure(
            "Months",
            name,
            f"IF ( COUNTROWS ( 'Months' ) = 1, MAX ( 'Months'[{column}] ) )",
            f"{about}; for one type of event, one authority and one month (XmR chart)",
            "Months",
            "#,##0.0",
        )
    yield DaxMeasure(
        "Journey events",
        "Journey events counted",
        "COUNTROWS ( 'Journey events' )",
        "Events on young people's ways. Events of several days may be added",
        "Journey",
        _WHOLE,
    )
    yield DaxMeasure(
        "Journey events",
        "Young people with events",
        "DISTINCTCOUNT ( 'Journey events'[Young person key] )",
        "Young people with at least one event, once each",
        "Journey",
        _WHOLE,
    )
    at_date = (
        "VAR LastDate = MAX ( 'Targets'[As-at date] )\n"
        "RETURN\n"
        "    CALCULATE ( {what}, 'Targets'[As-at date] = LastDate{more} )"
    )
    reached = ", 'Targets'[Is reached] = TRUE ()"
    for name, what, more, about, format_string in (
        ("Targets set", "COUNTROWS ( 'Targets' )", "", "Targets at the last date", _WHOLE),
        ("Targets reached", "COUNTROWS ( 'Targets' ) + 0", reached, "Targets reached then", _WHOLE),
        (
            "Actual against baseline",
            "IF ( COUNTROWS ( 'Targets' ) = 1, MAX ( 'Targets'[Change percent] ) )",
            "",
            "Change since the baseline in per cent of it, for one target",
            "#,##0.0",
        ),
    ):
        yield DaxMeasure(
            "Targets", name, at_date.format(what=what, more=more), about, "Targets", format_string
        )
    yield DaxMeasure(
        "Publication",
        "Published from night",
        "IF (\n"
        "    MIN ( 'Publication'[Night] ) = MAX ( 'Publication'[Night] ),\n"
        "    MAX ( 'Publication'[Night] )\n"
        ")",
        "The night whose delivery the figures rest on; blank if the authorities differ",
        "Publication",
        _DATE,
    )


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
