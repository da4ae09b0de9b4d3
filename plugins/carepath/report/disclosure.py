"""Which figures are withheld in a file that leaves the department: counts from 1 to 5.

This is primary suppression only. It does not stop a reader who subtracts the other segments from
a total.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from carepath.report.reading import Figure

MARK: Final = "c"  # the symbol of the Department for Education for a suppressed figure
LARGEST_WITHHELD: Final = 5
_NUMBER = re.compile(r"(?<![\w.,-])\d+(?![\w.,-]*\w)")


def is_small(count: float | Decimal | None) -> bool:
    """Return whether a count is so small that people might be recognised."""
    return count is not None and 0 < count <= LARGEST_WITHHELD


def must_be_withheld(
    statistic: str, numerator: int | None, denominator: int | None, value: float | Decimal | None
) -> bool:
    """Return whether a figure is withheld: the count, the share and the mean that rest on it.

    Of a share, also those who are not counted must be more than 5, because the denominator less
    the numerator shows them.

    Args:
        statistic: of dim_measure.
        numerator: who is counted; None for a mean and the like.
        denominator: out of whom; for a mean and the like, the records behind it.
        value: the figure.
    """
    if is_small(numerator) or is_small(denominator):
        return True
    if statistic == "count":
        return numerator is None and is_small(abs(Decimal(value)) if value is not None else None)
    if statistic == "share" and numerator is not None and denominator is not None:
        return is_small(denominator - numerator)
    return False


def withheld(figure: Figure, statistic: str) -> Figure:
    """Return the figure as the file may show it."""
    reason = figure.left_out_reason and _NUMBER.sub(_small_as_mark, figure.left_out_reason)
    figure = replace(
        figure,
        left_out_reason=reason,
        is_left_out_withheld=is_small(figure.left_out_count),
        left_out_count=0 if is_small(figure.left_out_count) else figure.left_out_count,
    )
    if not must_be_withheld(statistic, figure.numerator, figure.denominator, figure.value):
        return figure
    return replace(figure, numerator=None, denominator=None, value=None, is_withheld=True)


def _small_as_mark(found: re.Match[str]) -> str:
    return MARK if is_small(int(found[0])) else found[0]
