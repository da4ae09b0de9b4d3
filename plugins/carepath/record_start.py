"""From when records are complete, and from when the pathway can be counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import psycopg
from dateutil.relativedelta import relativedelta

# a quarter counts as incomplete with fewer than half the records of the year after it
SHARE: Final = 0.5
# with fewer records than this in an average quarter, chance decides
FEWEST: Final = 20
YEARS_LOOKED_BACK: Final = 2

# for each kind of record that the pathway is made from: how many began in each quarter
QUARTERS: Final = {
    "referrals": (
        "select authority, date_trunc('quarter', referral_date)::date, count(*)"
        " from core.fct_referrals join ops.cutoffs using (authority)"
        " where referral_date <= night group by 1, 2"
    ),
    "periods of care": (
        "select authority, date_trunc('quarter', start_date)::date, count(*)"
        " from core.fct_care_periods join ops.cutoffs using (authority)"
        " where start_date <= night group by 1, 2"
    ),
}


def complete_from(counts: Mapping[date, int]) -> date | None:
    """Return the first day from which every quarter has its share of the records.

    A source that keeps only some of its older records delivers few of them for a while. Each
    quarter is compared with the mean of the four after it, so that growth does not look like a gap.

    Args:
        counts: records that began in each quarter, by the quarter's first day.

    Returns:
        The first day of the quarter after the last incomplete one, or of the first quarter if all
        are complete. None if there are too few records to tell.
    """
    if not counts:
        return None
    first, last = min(counts), max(counts)
    quarters = [first]
    while quarters[-1] < last:
        quarters.append(quarters[-1] + relativedelta(months=3))
    found = None
    for position, quarter in enumerate(quarters[:-4]):
        usual = sum(counts.get(each, 0) for each in quarters[position + 1 : position + 5]) / 4
        if usual < FEWEST:
            continue
        if counts.get(quarter, 0) < SHARE * usual:
            found = quarters[position + 1]
        elif found is None:
            found = quarter
    return found


def first_report_date(complete: date) -> date:
    """Return the first quarter end by which records had been complete for two years."""
    # only whole months count, so a start within a month waits for the next one
    after = complete + relativedelta(years=YEARS_LOOKED_BACK, months=complete.day > 1, day=1)
    after += relativedelta(months=(1 - after.month) % 3)
    return date.fromordinal(after.toordinal() - 1)


def starts(connection: psycopg.Connection) -> dict[tuple[str, str], date]:
    """Return from when records are complete, by authority and kind, if there are enough to tell.

    The result is empty until core has been built.
    """
    found: dict[tuple[str, str], date] = {}
    for kind, query in QUARTERS.items():
        try:
            with connection.transaction():
                rows = connection.execute(query).fetchall()
        except psycopg.errors.UndefinedTable:
            continue
        for authority in sorted({row[0] for row in rows}):
            complete = complete_from({row[1]: row[2] for row in rows if row[0] == authority})
            if complete is not None:
                found[authority, kind] = complete
    return found
