"""A few invented rows in the marts that the Power BI model reads, in a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import psycopg
import yaml
from psycopg import sql

from carepath.powerbi.catalogue import MODELS, PUBLICATION, read_catalogue, read_figures
from carepath.powerbi.sources import SOURCES
from carepath.publish.comments import write_comments
from carepath.publish.shape import Shape, built_shape, create_table
from carepath.publish.tables import MartTable

ASHMERE, OTHER = "E09900091", "E09900092"
DATES = (dt.date(2018, 9, 30), dt.date(2019, 6, 30), dt.date(2019, 9, 30))
EVENT_DAYS = (
    dt.date(2018, 12, 31),
    dt.date(2019, 1, 1),
    dt.date(2019, 12, 31),
    dt.date(2020, 1, 1),
)
EET, MEAN, COUNT, SHARE_OF_SUMS = (
    "care_leavers_eet",
    "caseload_social_worker_mean",
    "care_entries_12_months",
    "pathway_break_even_share",
)


@lru_cache(maxsize=1)
def read_keys() -> dict[str, tuple[str, ...]]:
    """Return the key that each mart of the model declares."""
    found = {}
    for path in (MODELS / "marts").rglob("*.yml"):
        for model in yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader).get("models", ()):
            config = model["config"]
            found[config.get("alias", model["name"])] = tuple(config["meta"]["key"])
    return {source.mart: found[source.mart] for source in SOURCES if source.mart != PUBLICATION}


def fill(owner: psycopg.Connection[Any]) -> None:
    """Create the marts of the model and fill those that its figures rest on."""
    marts = read_catalogue()
    for name, key in read_keys().items():
        columns = {column: about.type for column, about in marts[name].columns.items()}
        create_table(owner, "marts", built_shape(MartTable(name, key), Shape(name, columns, ())))
    write_comments(
        owner,
        "marts",
        [
            MartTable(
                name,
                (),
                mart.description,
                {column: about.description for column, about in mart.columns.items()},
            )
            for name, mart in marts.items()
        ],
    )
    for authority, name in ((ASHMERE, "Ashmere"), (OTHER, "Othermere")):
        _insert(owner, "dim_authority", authority=authority, authority_name=name)
        for order, segment in enumerate(("all", "open cases", "female", "male", "all teams")):
            _insert(
                owner,
                "dim_segment",
                authority=authority,
                segment=segment,
                segment_code=segment.replace(" ", "_"),
                segment_kind="kind",
                is_total=segment == "all",
                is_additive=False,
                segment_order=order,
            )
        for date in DATES:
            _insert(owner, "dim_snapshot", authority=authority, as_at_date=date)
    figures = {row["measure_code"]: row for row in read_figures()}
    for code in (EET, MEAN, COUNT, SHARE_OF_SUMS):
        row = {key: value for key, value in figures[code].items() if value}
        _insert(owner, "dim_measure", **row)
    owner.execute(
        """
        insert into marts.dim_date (calendar_date, calendar_year, month_number)
        select day::date, extract(year from day), extract(month from day)
        from generate_series(date '2018-01-01', date '2019-12-31', interval '1 day') as day
        """
    )
    for place, authority in enumerate((ASHMERE, OTHER)):
        for turn, date in enumerate(DATES):
            counted, of = 40 + 3 * turn + 10 * place, 87 + turn
            _figure(owner, authority, date, EET, "open cases", counted, of, True)
            _figure(owner, authority, date, EET, "female", counted - 20, of - 40, False)
            _figure(owner, authority, date, EET, "male", 20, 40, False)
            _figure(owner, authority, date, COUNT, "all", 30 + turn, None, True)
            _value(owner, authority, date, MEAN, "all teams", 14.25 + turn, True)
            _value(owner, authority, date, MEAN, "all", 13.5, False)
    # a share of sums of money has no numerator
    _value(owner, ASHMERE, DATES[-1], SHARE_OF_SUMS, "all", 0.9819, False)
    # a segment that no longer exists at the last date
    _figure(owner, ASHMERE, DATES[0], EET, "all", 1, 2, False)
    for key, day in enumerate(EVENT_DAYS):
        _insert(
            owner,
            "fct_pathway_events",
            pathway_event_key=key,
            authority=ASHMERE,
            young_person_key=key,
            event_date=day,
        )
    _insert(
        owner,
        "kpi_targets",
        authority=ASHMERE,
        target_code="eet",
        as_at_date=DATES[-1],
        kpi_mart="kpi_eet",
        kpi_measure=figures[EET]["measure"],
        kpi_segment="open cases",
        target_value=0.6,
        is_reached=False,
        is_latest=True,
    )
    # EET: the newest year is not published yet, and another segment has its own England
    for code, segment, date, own, england in (
        (EET, "open cases", DATES[-1], 0.51, None),
        (EET, "open cases", DATES[-2], 0.49, 0.54),
        (EET, "female", DATES[-2], 0.45, 0.6),
        (COUNT, "all", DATES[-1], 31, 29),
    ):
        _insert(
            owner,
            "kpi_comparison",
            authority=ASHMERE,
            as_at_date=date,
            measure_code=code,
            segment=segment,
            figure_code=f"{code} {segment}",
            own_value=own,
            england_value=england,
        )


def _figure(
    owner: psycopg.Connection[Any],
    authority: str,
    date: dt.date,
    code: str,
    segment: str,
    numerator: int,
    denominator: int | None,
    is_total: bool,
) -> None:
    value = numerator if denominator is None else round(numerator / denominator, 6)
    _insert(
        owner,
        "kpi",
        authority=authority,
        as_at_date=date,
        measure_code=code,
        segment_code=segment.replace(" ", "_"),
        segment=segment,
        numerator=numerator,
        denominator=denominator,
        value=value,
        left_out_count=3,
        is_total=is_total,
    )


def _value(
    owner: psycopg.Connection[Any],
    authority: str,
    date: dt.date,
    code: str,
    segment: str,
    value: float,
    is_total: bool,
) -> None:
    _insert(
        owner,
        "kpi",
        authority=authority,
        as_at_date=date,
        measure_code=code,
        segment_code=segment.replace(" ", "_"),
        segment=segment,
        denominator=12,
        value=value,
        left_out_count=0,
        is_total=is_total,
    )


def _insert(owner: psycopg.Connection[Any], table: str, /, **row: Any) -> None:
    columns: Sequence[str] = tuple(row)
    owner.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier("marts", table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(sql.Placeholder() * len(columns)),
        ),
        list(row.values()),
    )
