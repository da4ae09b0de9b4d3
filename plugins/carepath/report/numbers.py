"""Figures as people read them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

MINUS: Final = "\N{MINUS SIGN}"
NONE: Final = "none"


def number(value: float | Decimal | None, number_format: str) -> str:
    """Return a value as its measure writes it: `51.6%`, `1,204`, `£485,177`.

    Args:
        value: of `marts.kpi`; a share is from 0 to 1.
        number_format: of dim_measure, as Excel writes it.
    """
    if value is None:
        return NONE
    is_share = number_format.endswith("%")
    decimals = len(number_format.rstrip("%").partition(".")[2])
    exact = Decimal(str(value)) * (100 if is_share else 1)
    rounded = exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    sign = MINUS if rounded < 0 else ""
    pound = "£" if number_format.startswith("£") else ""
    return f"{sign}{pound}{abs(rounded):,f}{'%' if is_share else ''}"


def difference(value: float | Decimal, number_format: str) -> str:
    """Return how far apart two values are, without a sign: `3.1 percentage points`, `12`."""
    text = number(abs(Decimal(value)), number_format)
    if number_format.endswith("%"):
        points = text.removesuffix("%")
        return f"{points} percentage point{'' if points == '1.0' else 's'}"
    return text


def signed_per_cent(value: float | Decimal | None) -> str:
    """Return a change in per cent with its sign: `+4.5%`."""
    text = number(None if value is None else Decimal(value) / 100, "0.0%")
    return text if value is None or value <= 0 else f"+{text}"


def axis_format(number_format: str) -> str:
    """Return the format of an axis of a chart, as d3 writes it."""
    if number_format.endswith("%"):
        return ".0%"
    if number_format.startswith("£"):
        return "$,.0f"  # the locale of the charts writes pounds
    return ",.1f" if "." in number_format else ",.0f"
