"""The page of one measure: what it means, how it changed, for whom, and who is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from carepath.dates import written
from carepath.report import reading
from carepath.report.chosen import chosen
from carepath.report.disclosure import MARK
from carepath.report.headlines import (
    BETTER,
    counted_of,
    history_picture,
    main_line,
    own_of,
    place_of,
    value_of,
)
from carepath.report.numbers import number
from carepath.report.pictures import Picture, Table
from carepath.report.reading import Compared, Connection, Figure, Measure, Target

_RULE = re.compile(r"\b[A-Z]{2,5}-\d{2}\b")


@dataclass(frozen=True)
class MeasurePage:
    """What the page of a measure shows.

    Attributes:
        segment: among whom its main figure is.
        last: the newest figure; None if there is none.
        segments: the newest figures by kind of segment.
        left_out: how many could not be measured, and why, in words; blank if nobody is.
        rules: the rules that the reason names.
        compared: the figure beside the published ones, by year; a table for each published figure.
        compared_note: what is missing from the newest comparison; blank if nothing is.
    """

    measure: Measure
    segment: str
    last: Figure | None
    value: str
    counted: str
    history: Picture | None
    target: Target | None
    segments: Sequence[Table]
    left_out: str
    rules: tuple[str, ...]
    compared: Sequence[Table]
    compared_note: str

    @property
    def better(self) -> str:
        """Which direction is better, in words."""
        return BETTER.get(self.measure.direction, "Neither direction is better")


def read_measure_page(
    connection: Connection, authority: str, code: str, *, withhold: bool
) -> MeasurePage | None:
    """Return the page of one measure; None if there is no such measure."""
    measure = reading.read_measures(connection).get(code)
    if measure is None:
        return None
    figures = reading.read_figures(connection, authority, [measure], withhold=withhold)
    targets = reading.read_targets(connection, authority, withhold=withhold)
    compared = reading.read_compared(connection, authority, [measure], withhold=withhold)
    return _page(measure, figures.get(code, ()), targets, _segment_of(code), compared)


def read_chosen_pages(
    connection: Connection, authority: str, *, withhold: bool
) -> list[MeasurePage]:
    """Return the pages of the chosen measures."""
    measures = reading.read_measures(connection)
    wanted = [measures[each.measure_code] for each in chosen() if each.measure_code in measures]
    figures = reading.read_figures(connection, authority, wanted, withhold=withhold)
    targets = reading.read_targets(connection, authority, withhold=withhold)
    compared = reading.read_compared(connection, authority, wanted, withhold=withhold)
    return [
        _page(
            each,
            figures.get(each.measure_code, ()),
            targets,
            _segment_of(each.measure_code),
            compared,
        )
        for each in wanted
    ]


def _segment_of(code: str) -> str:
    return next((each.segment for each in chosen() if each.measure_code == code), "")


def _page(
    measure: Measure,
    figures: Sequence[Figure],
    targets: Sequence[Target],
    segment: str,
    compared: Mapping[str, Sequence[Compared]],
) -> MeasurePage:
    line = main_line(figures, segment)
    shown = [each for each in line if each.value is not None or each.is_withheld]
    last = shown[-1] if shown else None
    target = next(
        (
            each
            for each in targets
            if last and (each.measure_code, each.kpi_segment) == (last.measure_code, last.segment)
        ),
        None,
    )
    newest = line[-1] if line else None
    beside = [each for each in compared.values() if each[0].measure_code == measure.measure_code]
    return MeasurePage(
        measure=measure,
        segment=last.segment if last else segment or measure.default_segment,
        last=last,
        value=value_of(last, measure) if last else "",
        counted=counted_of(last, measure) if last else "",
        history=history_picture(line, measure, target) if last else None,
        target=target,
        segments=_segments(figures, measure),
        left_out=_left_out(newest) if newest else "",
        rules=tuple(dict.fromkeys(_RULE.findall((newest and newest.left_out_reason) or ""))),
        compared=[_compared(each, measure) for each in beside],
        compared_note=next((each[0].comparison_note or "" for each in beside), ""),
    )


def _segments(figures: Sequence[Figure], measure: Measure) -> list[Table]:
    day = max((each.as_at_date for each in figures), default=None)
    kinds: dict[str, list[Figure]] = {}
    for each in figures:
        if each.as_at_date == day:
            kinds.setdefault(each.segment_kind or "segment", []).append(each)
    has_counts = any(each.denominator is not None for each in figures)
    return [
        Table(
            f"By {kind}, {written(found[0].as_at_date)}",
            ("Among", "Figure", *(("Counted",) if has_counts else ()), "Left out"),
            tuple(
                (
                    each.segment,
                    value_of(each, measure),
                    *((counted_of(each, measure),) if has_counts else ()),
                    _left_out_count(each),
                )
                for each in sorted(found, key=lambda each: (each.segment_order or 0, each.segment))
            ),
        )
        for kind, found in kinds.items()
        if len(figures) and (len(kinds) > 1 or len(found) > 1)
    ]


def _compared(found: Sequence[Compared], measure: Measure) -> Table:
    """Return the own figure of each published year beside the published ones.

    A column that is empty in all years is left out.
    """
    segment = found[0].segment
    region = next((each.region_name for each in found if each.region_name), None) or "Region"
    columns = {
        "Year to": [written(each.as_at_date) for each in found],
        "Here": [own_of(each, measure) for each in found],
        "England": [number(each.england_value, measure.number_format) for each in found],
        region: [_published(each.region_value, measure) for each in found],
        "Mean of neighbours": [_published(each.neighbour_mean_value, measure) for each in found],
        "Place among authorities": [place_of(each, measure) for each in found],
    }
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    among = "" if segment == "all" else f", {segment}"
    return Table(
        f"Beside published figures{among}",
        tuple(shown),
        tuple(zip(*shown.values(), strict=True)),
    )


def _published(value: Decimal | None, measure: Measure) -> str:
    return "" if value is None else number(value, measure.number_format)


def _left_out_count(figure: Figure) -> str:
    return MARK if figure.is_left_out_withheld else f"{figure.left_out_count:,}"


def _left_out(figure: Figure) -> str:
    if not figure.left_out_count and not figure.is_left_out_withheld:
        return ""
    why = f" ({figure.left_out_reason})" if figure.left_out_reason else ""
    return f"{_left_out_count(figure)} left out on {written(figure.as_at_date)}{why}."
