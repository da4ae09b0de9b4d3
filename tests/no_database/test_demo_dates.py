"""No record of the demonstration says that something to come has already happened (CAL-01)."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from carepath.contract import load_contract
from carepath.demonstration.generator import borough, system
from carepath.demonstration.generator.dirt import DirtRates
from carepath.demonstration.generator.rows import (
    DATE_WORDS,
    FIRST_DAY,
    SENTINEL_POSITION,
    Rows,
    day_number,
)
from expectations.table_facts import dates_past

DAYS = [day_number(day) for day in (date(2017, 11, 30), date(2019, 6, 27), date(2019, 9, 30))]
PAST = {
    table.name: [column.name for column in table.columns if column.as_name in past]
    for table in load_contract().tables.values()
    if (past := dates_past(table.entity))
}


def to_come(rows: Rows, name: str, day: int) -> int:
    """Return how many records have a date after the day on which they are shown."""
    column = rows.columns.get(name)
    if column is None or column.words is not DATE_WORDS:
        return 0
    position = column.at(day, rows.present(day))
    is_date = (position >= 0) & (position < SENTINEL_POSITION)
    return int(np.count_nonzero(is_date & (position + FIRST_DAY > day)))


@pytest.mark.parametrize("seed", [system.SEED, 1])
def test_dates_of_the_past_have_come_on_each_night(seed: int) -> None:
    looked_at = set()
    for rows in borough.tables(1, seed, DirtRates()):
        for name in PAST.get(rows.table, ()):
            looked_at.add(name)
            assert not [day for day in DAYS if to_come(rows, name, day)], (rows.table, name)
    assert len(looked_at) > 60
