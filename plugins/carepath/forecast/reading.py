"""Read the published flows of an authority. They are counts, without a key of a child."""

from __future__ import annotations

from typing import Final

import psycopg

from carepath.errors import CarepathError
from carepath.forecast.flows import NOT_IN_CARE, Flows, State, flows_of
from carepath.warehouse.connect import connect

READER: Final = "bi_reader"


def read_flows(authority: str) -> Flows:
    """Return the flows of an authority's children in care, as published.

    Raises:
        CarepathError: no night has published them, or no child was in care.
    """
    with connect(READER) as connection:
        try:
            rows = connection.execute(
                "select as_at_date, from_group, from_age_band, to_group, to_age_band,"
                " child_count, costed_count, weekly_cost_gbp::double precision"
                " from marts.fct_care_flows where authority = %s"
                " order by as_at_date, from_group, from_age_band, to_group, to_age_band",
                [authority],
            ).fetchall()
        except psycopg.errors.UndefinedTable:
            rows = []
    if not rows:
        raise CarepathError(
            "No night has published the months of children in care.",
            where=authority,
            todo="run a night (`carepath run --date DATE`). If one is published, check that the "
            "source delivers periods of care, and the date in first_report_dates.csv.",
        )
    return flows_of(
        (day, _state(*before), _state(*after), count, costed, cost)
        for day, *states, count, costed, cost in rows
        for before, after in [(states[:2], states[2:])]
    )


def _state(group: str, band: str) -> State | None:
    return None if group == NOT_IN_CARE else (group, band)
