"""From when records are complete, and what `carepath doctor` says about the first report date."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from messy_care import MessyCare

from carepath import doctor, record_start
from carepath.contract import load_contract
from carepath.landing.tables import ensure
from carepath.record_start import complete_from, first_report_date
from carepath.warehouse.connect import connect

AUTHORITY = "E09900001"


def quarters(*counts: int) -> dict[date, int]:
    """Return counts by quarter from 2010 on; a quarter without any has no entry."""
    return {
        date(2010 + position // 4, 3 * (position % 4) + 1, 1): count
        for position, count in enumerate(counts)
        if count
    }


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # a trickle of old records of those who are still known is no beginning
        ((5, 9, 7, 300, 310, 290, 330, 320, 350), date(2010, 10, 1)),
        # growth is no gap
        ((100, 130, 160, 200, 250, 170, 330, 400, 500), date(2010, 1, 1)),
        # records lost in the middle begin again after the gap
        ((300, 300, 300, 0, 300, 300, 300, 300, 300), date(2011, 1, 1)),
        # chance decides among few
        ((1, 4, 9, 2, 8, 5, 9, 7, 4), None),
        ((300, 300), None),
        ((), None),
    ],
)
def test_records_are_complete_after_the_last_weak_quarter(
    counts: tuple[int, ...], expected: date | None
) -> None:
    assert complete_from(quarters(*counts)) == expected


@pytest.mark.parametrize(
    ("complete", "expected"),
    [
        (date(2013, 7, 1), date(2015, 6, 30)),
        (date(2013, 7, 2), date(2015, 9, 30)),
        (date(2013, 8, 1), date(2015, 9, 30)),
        (date(2013, 12, 1), date(2015, 12, 31)),
        (date(2014, 1, 1), date(2015, 12, 31)),
    ],
)
def test_first_report_date_is_the_quarter_end_after_two_whole_years(
    complete: date, expected: date
) -> None:
    assert first_report_date(complete) == expected


@pytest.mark.usefixtures("warehouse")
def test_doctor_names_the_date_when_figures_would_look_back_too_far() -> None:
    assert doctor.report_dates().well
    ensure(load_contract())
    system = MessyCare("record_start", AUTHORITY, seed=1, children=1)
    load_id = system.load(date(2019, 9, 30)).load.load_id
    with connect("carepath_loader") as loader:
        loader.execute(
            "insert into ops.cutoffs values (%s, %s, '2019-09-30', 'gate')", (AUTHORITY, load_id)
        )
        loader.execute("create table core.fct_referrals (authority text, referral_date date)")
        loader.execute(
            "insert into core.fct_referrals select %s, day::date"
            " from generate_series(timestamp '2016-04-01', '2030-01-01', '1 day') as day",
            (AUTHORITY,),
        )
    found = doctor.report_dates()
    assert not found.well
    assert f"referrals of {AUTHORITY} are complete from April 2016" in found.text
    assert "to 2018-03-31 or a later quarter end" in found.text
    with connect("carepath_analyst") as analyst:
        assert record_start.starts(analyst) == {(AUTHORITY, "referrals"): date(2016, 4, 1)}
        assert analyst.info.transaction_status != psycopg.pq.TransactionStatus.INERROR
