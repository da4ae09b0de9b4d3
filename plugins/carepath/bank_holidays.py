"""English bank holidays, from which dbt's calendar knows the working days."""

from __future__ import annotations

import csv
import io
from typing import Final

# those that dim_date covers (variables first_calendar_date and last_calendar_date)
YEARS: Final = range(1990, 2040)


def bank_holidays_seed() -> str:
    """Return the text of the seed bank_holidays.csv: holiday_date, holiday_name, by date.

    Only days from Monday to Friday: where a bank holiday falls on a weekend, its substitute day
    counts. Of years ahead the usual holidays are known; one that is proclaimed later comes with
    a new version of the library, and `carepath docs` then writes this file anew.

    Source: python-holidays, which keeps to https://www.gov.uk/bank-holidays (England).
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
