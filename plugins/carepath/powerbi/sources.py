"""Which marts the model has, what they are called there, and how they relate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Source:
    """One mart as a table of the model.

    Attributes:
        name: in the model.
        keys: a key that Power Query joins from several columns, because Power BI relates tables
            by one column only.
        renamed: columns whose name would be that of a measure, or would mislead.
        hidden: columns that no reader needs, besides keys and the sides of relationships.
        sorted_by: a column whose values another column puts in order.
        date_key: the column that makes it the model's date table.
        range_column: the date by which an incremental refresh reads a range.
    """

    mart: str
    name: str
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    sorted_by: Mapping[str, str] = field(default_factory=dict)
    date_key: str | None = None
    range_column: str | None = None


_SEGMENT = {"segment_key": ("authority", "segment_code")}
_SNAPSHOT = {"snapshot_key": ("authority", "as_at_date")}

SOURCES: Final = (
    Source(
        "kpi",
        "Figures",
        keys={**_SEGMENT, **_SNAPSHOT},
        renamed={
            "numerator": "Numerator of the row",
            "denominator": "Denominator of the row",
            "value": "Value of the row",
            "left_out_count": "Left out of the row",
        },
        hidden=(
            "segment_code",
            "segment",
            "numerator",
            "denominator",
            "value",
            "left_out_count",
            "is_total",
        ),
    ),
    Source("dim_measure", "Measures", renamed={"numerator": "Counted", "denominator": "Out of"}),
    Source(
        "dim_segment",
        "Segments",
        keys=_SEGMENT,
        hidden=("segment_order", "segment_code"),
        sorted_by={"segment": "segment_order"},
    ),
    Source("dim_snapshot", "As-at dates", keys=_SNAPSHOT),
    Source(
        "dim_date",
        "Calendar",
        renamed={"calendar_date": "Date"},
        hidden=("month_number", "day_of_week_number", "working_day_number"),
        sorted_by={"month_name": "month_number", "day_of_week_name": "day_of_week_number"},
        date_key="calendar_date",
    ),
    Source("dim_authority", "Authorities"),
    Source("dim_team", "Teams"),
    Source("dim_event_type", "Event types"),
    Source("dim_young_person", "Young people"),
    Source(
        "fct_kpi_member",
        "People in figures",
        keys=_SEGMENT,
        hidden=("record_number",),
    ),
    Source("kpi_targets", "Targets"),
    Source("kpi_comparison", "Published figures"),
    Source("due_counts", "Due and overdue", hidden=("due_count", "overdue_count")),
    Source(
        "monthly_counts",
        "Months",
        hidden=("event_count", "mean", "mean_moving_range", "low", "high"),
    ),
    Source("last_night_events", "Last night", hidden=("last_night_count", "last_week_count")),
    Source("fct_pathway_events", "Journey events", range_column="event_date"),
    Source("publication", "Publication", hidden=("load_id",)),
)
BY_NAME: Final = {source.name: source for source in SOURCES}


@dataclass(frozen=True)
class Relationship:
    """Many rows of one table refer to one row of another, by columns named as in the marts."""

    table: str
    column: str
    to_table: str
    to_column: str


RELATIONSHIPS: Final = tuple(
    Relationship(table, column, to_table, to_column)
    for to_table, to_column, references in (
        (
            "Authorities",
            "authority",
            {
                "Figures": "authority",
                "People in figures": "authority",
                "Targets": "authority",
                "Published figures": "authority",
                "Due and overdue": "authority",
                "Months": "authority",
                "Last night": "authority",
                "Journey events": "authority",
                "Publication": "authority",
            },
        ),
        (
            "Calendar",
            "calendar_date",
            {
                "Figures": "as_at_date",
                "Targets": "as_at_date",
                "Published figures": "as_at_date",
                "Months": "month_start_date",
                "Journey events": "event_date",
            },
        ),
        (
            "Measures",
            "measure_code",
            {
                "Figures": "measure_code",
                "People in figures": "measure_code",
                "Published figures": "measure_code",
            },
        ),
        (
            "Segments",
            "segment_key",
            {"Figures": "segment_key", "People in figures": "segment_key"},
        ),
        ("As-at dates", "snapshot_key", {"Figures": "snapshot_key"}),
        ("Teams", "team_key", {"People in figures": "team_key", "Due and overdue": "team_key"}),
        (
            "Event types",
            "event_type_code",
            {
                "Months": "event_type_code",
                "Last night": "event_type_code",
                "Journey events": "event_type_code",
            },
        ),
        (
            "Young people",
            "young_person_key",
            {"People in figures": "young_person_key", "Journey events": "young_person_key"},
        ),
    )
    for table, column in references.items()
)


def related_keys() -> dict[str, tuple[str, ...]]:
    """Return, by mart, the columns by which relationships find one row of it."""
    found = {}
    for each in RELATIONSHIPS:
        source = BY_NAME[each.to_table]
        found[source.mart] = source.keys.get(each.to_column, (each.to_column,))
    return found


# Tables with rows of an authority that the filter on Authorities does not reach.
RESTRICTED_TOO: Final = ("As-at dates", "Segments", "Teams", "Young people")
ROLE: Final = "Own authority"


def column_name(source: Source, column: str) -> str:
    """Return what a column of a mart, or a joined key, is called in the model."""
    if column in source.renamed:
        return source.renamed[column]
    if column == "authority":
        return "Authority code"
    words = column.replace("as_at", "as-at").replace("_gbp", "_(£)").replace("_", " ")
    return words[0].upper() + words[1:]


def is_hidden(source: Source, column: str) -> bool:
    """Whether readers do not see the column: keys, and what a relationship or measure reads."""
    return (
        column in source.hidden
        or column.endswith("_key")
        or any(
            relationship.table == source.name and relationship.column == column
            for relationship in RELATIONSHIPS
        )
    )
