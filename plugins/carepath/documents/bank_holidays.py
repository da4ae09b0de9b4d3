"""English bank holidays, which dbt's calendar needs for working days."""

from __future__ import annotations

import csv
import io
from typing import Final

# the years of dim_date (variables first_calendar_date and last_calendar_date)
YEARS: Final = range(1990, 2040)


def bank_holidays_seed() -> str:
    """Return the text of the seed bank_holidays.csv: holiday_date, holiday_name, by date.

    It has days from Monday to Friday only. If a bank holiday is on a weekend, its substitute day
    counts. For future years it has the usual holidays. If another one is proclaimed, update the
    library and run `carepath docs`.

    Source: python-holidays, which follows https://www.gov.uk/bank-holidays (England).
    """
    import holidays

    england = holidays.country_holidays("GB", subdiv="ENG", years=YEARS, language="en_GB")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("holiday_date", "holiday_name"))
    writer.writerows(
        (day.isoformat(), name) for day, name in sorted(england.items()) if day.isoweekday() <= 5
    )
    return text.getvalue()
