"""The page Headlines: each measure that matters, what changed, and what is held."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from carepath.dates import written
from carepath.report import reading
from carepath.report.chosen import Chosen, chosen
from carepath.report.disclosure import MARK, is_small
from carepath.report.numbers import MINUS, axis_format, difference, number
from carepath.report.pictures import Picture, Table, history_chart, months_chart
from carepath.report.reading import Compared, Connection, Figure, Measure, Month, Target

NEAR: Final = 31  # days by which the date of a year before may be missed
BETTER: Final = {"higher": "Higher is better", "lower": "Lower is better"}
RATES: Final = "statistics"  # the service of rates per 10,000
MONTHS_SHOWN: Final = 12  # signals of older months are no news
MONTHS_NAMED: Final = 3  # more signals are counted instead of named
EVENTS: Final = (
    "referral", "assessment_end", "enquiry", "conference", "step_up", "step_down", "entry_to_care",
    "return_home", "leaving_care", "move", "missing",
)  # fmt: skip


@dataclass(frozen=True)
class Movement:
    """How a figure differs from an earlier one, in words.

    Attributes:
        says: such as `3.1 percentage points higher than on 30 September 2018 (54.2%)`.
        kind: better, worse, or blank where neither direction is better or nothing changed.
    """

    says: str
    kind: str


@dataclass(frozen=True)
class Card:
    """One measure of the headlines.

    Attributes:
        value: the figure as people read it; blank if there is none.
        counted: numerator and denominator in words; blank if there are none.
        missing: why there is no figure; blank if there is one.
        year: how it differs from the year before.
        beside: the figure at the end of the newest published year, beside the published ones.
        england: the same in sentences.
        target: the target of the same figure.
        history: the figure over time.
        months: its events by month, with limits.
    """

    measure: Measure
    segment: str
    day: dt.date | None
    value: str
    counted: str
    missing: str
    year: Movement | None
    beside: Compared | None
    england: tuple[str, ...]
    target: Target | None
    history: Picture | None
    months: Picture | None

    @property
    def better(self) -> str:
        """Which direction is better, in words; blank if neither."""
        return BETTER.get(self.measure.direction, "")


@dataclass(frozen=True)
class Headlines:
    """The page.

    Attributes:
        in_short: a few sentences for somebody who reads nothing else.
        services: the cards by part of the service.
        months: the types of events that belong to no card, by month.
        is_compared: published figures have been added.
        signals: which months were unusual, in sentences.
        changes: shares that changed by more than chance, as a table; None if none did.
        last_events: what happened on the last night and in its week; None if nothing did.
    """

    in_short: tuple[str, ...]
    services: Mapping[str, Sequence[Card]]
    targets: Sequence[Target]
    months: tuple[Picture, ...]
    is_compared: bool
    signals: tuple[str, ...]
    changes: Table | None
    last_events: Table | None


def read_headlines(connection: Connection, authority: str, *, withhold: bool) -> Headlines:
    """Return the page of an authority.

    Args:
        connection: see `reading.marts`.
        authority: ONS code.
        withhold: the page leaves the department, so small counts are withheld.
    """
    measures = reading.read_measures(connection)
    wanted = [measures[each.measure_code] for each in chosen() if each.measure_code in measures]
    figures = reading.read_figures(connection, authority, wanted, withhold=withhold)
    targets = reading.read_targets(connection, authority, withhold=withhold)
    compared = reading.read_compared(connection, authority, wanted, withhold=withhold)
    months = reading.read_months(connection, authority, EVENTS, withhold=withhold)
    drawn = {code: months_picture(found) for code, found in months.items()}
    cards = [
        _card(
            each, measures[each.measure_code], figures.get(each.measure_code, ()), targets,
            compared, drawn,
        )
        for each in chosen()
        if each.measure_code in measures
    ]  # fmt: skip
    services: dict[str, list[Card]] = {}
    service = ""
    for card in cards:
        # a rate stands beside the count that it divides
        service = service if card.measure.service == RATES else card.measure.service
        services.setdefault(service, []).append(card)
    beside_cards = {each.event_type_code for each in chosen()}
    signals = tuple(_signals(months))
    return Headlines(
        in_short=tuple(_in_short(cards, targets, signals)),
        services=services,
        targets=targets,
        months=tuple(drawn[code] for code in EVENTS if code in drawn and code not in beside_cards),
        is_compared=bool(compared),
        signals=signals,
        changes=_changes(reading.read_changes(connection, authority, withhold=withhold)),
        last_events=_last_events(reading.read_last_events(connection, authority), withhold),
    )


def counted_of(figure: Figure, measure: Measure) -> str:
    """Return numerator and denominator in words: `137 of 265`; blank if there are none."""
    if figure.is_withheld or figure.denominator is None:
        return ""
    if figure.numerator is not None and measure.statistic in ("share", "rate"):
        return f"{figure.numerator:,} of {figure.denominator:,}"
    if measure.statistic in ("mean", "median", "maximum", "days", "money", "total"):
        things = "record" if figure.denominator == 1 else "records"
        return f"from {figure.denominator:,} {things}"
    return ""


def value_of(figure: Figure, measure: Measure) -> str:
    """Return the figure as people read it; `c` if it is withheld."""
    return MARK if figure.is_withheld else number(figure.value, measure.number_format)


def main_line(figures: Sequence[Figure], segment: str = "") -> list[Figure]:
    """Return a measure's figures of one segment, oldest first.

    Dates before records are complete are left out: there, figures rise with the records alone.

    Args:
        figures: all figures of the measure.
        segment: the wanted one; blank for the total. A measure without a total has the segment
            with the largest denominator on the last date.
    """
    if not segment:
        totals = [each.segment for each in figures if each.is_total]
        last = max((each.as_at_date for each in figures), default=None)
        of_last = [each for each in figures if each.as_at_date == last]
        largest = max(of_last, key=lambda each: each.denominator or 0, default=None)
        segment = totals[-1] if totals else largest.segment if largest else ""
    line = [each for each in figures if each.segment == segment]
    return [each for each in line if each.looks_back_far_enough] or line


def history_picture(
    line: Sequence[Figure], measure: Measure, target: Target | None = None
) -> Picture:
    """Return a measure's figures over time, with its target."""
    aim = None
    if target is not None and target.target_value is not None:
        aim = (target.target_value, f"target {number(target.target_value, target.number_format)}")
        if target.statistic == "count" and measure.statistic != "count":
            aim = None  # the target is about the number, and the drawing about the share
    known = [each for each in line if each.value is not None]
    says = "There are fewer than two figures, so there is nothing to draw."
    if len(known) > 1:
        first, last = known[0], known[-1]
        says = (
            f"From {written(first.as_at_date)} to {written(last.as_at_date)}: "
            f"{value_of(first, measure)} at first, {value_of(last, measure)} at the end."
        )
    rows = tuple(
        (written(each.as_at_date), value_of(each, measure), *_counts(each))
        for each in reversed(line)
    )
    return Picture(
        name=measure.title,
        says=says,
        svg=history_chart(
            [(each.as_at_date, each.value) for each in line],
            axis_format(measure.number_format),
            aim,
        ),
        table=Table(
            f"{measure.title}, {line[-1].segment if line else ''}",
            ("Date", "Figure", "Numerator", "Denominator"),
            rows,
        ),
    )


def months_picture(months: Sequence[Month]) -> Picture:
    """Return a type of event by month, with the limits of an XmR chart."""
    last = months[-1]
    name = f"{last.event_type[:1].upper()}{last.event_type[1:]}, by month"
    signals = [each for each in months if each.signal]
    if last.mean is None:
        says = "There are fewer than 10 months, or no events, so there are no limits."
    else:
        says = (
            f"The mean is {number(last.mean, '0.0')} a month, and the limits are "
            f"{number(last.low, '0.0')} and {number(last.high, '0.0')}. "
        )
        recent = [each for each in signals if each in months[-MONTHS_SHOWN:]]
        if len(recent) > MONTHS_NAMED:
            says += f"{len(recent)} of the last {MONTHS_SHOWN} months are outside them."
        elif recent:
            says += f"Outside them: {', '.join(_month(each) for each in recent)}."
        else:
            says += f"None of the last {MONTHS_SHOWN} months is outside them."
    return Picture(
        name=name,
        says=says,
        svg=months_chart(
            [(each.month_start_date, each.event_count, each.signal) for each in months],
            last.mean,
            last.low,
            last.high,
        ),
        table=Table(
            name,
            ("Month", "Events", "Signal"),
            tuple(
                (
                    f"{each.month_start_date:%B %Y}",
                    MARK if each.is_withheld else f"{each.event_count:,}",
                    each.signal or "",
                )
                for each in reversed(months)
            ),
        ),
    )


def _card(
    each: Chosen,
    measure: Measure,
    figures: Sequence[Figure],
    targets: Sequence[Target],
    compared: Mapping[str, Sequence[Compared]],
    drawn: Mapping[str, Picture],
) -> Card:
    line = main_line(figures, each.segment)
    shown = [figure for figure in line if figure.value is not None or figure.is_withheld]
    last = shown[-1] if shown else None
    segment = last.segment if last else each.segment or measure.default_segment
    target = next(
        (
            target
            for target in targets
            if (target.measure_code, target.kpi_segment) == (each.measure_code, segment)
        ),
        None,
    )
    beside = newest_of(compared.get(each.figure_code, ()))
    return Card(
        measure=measure,
        segment=segment,
        day=last.as_at_date if last else None,
        value=value_of(last, measure) if last else "",
        counted=counted_of(last, measure) if last else "",
        missing="" if last else _missing(line),
        year=_year_before(shown, measure) if last else None,
        beside=beside,
        england=tuple(_beside(beside, measure)) if beside else (),
        target=target,
        history=history_picture(line, measure, target) if last else None,
        months=drawn.get(each.event_type_code),
    )


def _missing(line: Sequence[Figure]) -> str:
    reason = next((each.left_out_reason for each in reversed(line) if each.left_out_reason), None)
    return f"There is no figure: {reason}." if reason else "There is no figure yet."


def _year_before(line: Sequence[Figure], measure: Measure) -> Movement | None:
    """Return how the last figure differs from the one a year before it."""
    last = line[-1]
    if last.value is None:
        return None
    wanted = _a_year_before(last.as_at_date)
    earlier = [
        each
        for each in line
        if each.value is not None and abs((each.as_at_date - wanted).days) <= NEAR
    ]
    if not earlier:
        return Movement(f"There is no figure for {written(wanted)}.", "")
    before = min(earlier, key=lambda each: abs((each.as_at_date - wanted).days))
    if before.value is None:
        return None
    on, was = written(before.as_at_date), value_of(before, measure)
    change = last.value - before.value
    if value_of(last, measure) == was:
        return Movement(f"The same as on {on}", "")
    way = "higher" if change > 0 else "lower"
    says = f"{difference(change, measure.number_format)} {way} than on {on} ({was})"
    if measure.direction not in BETTER:
        return Movement(says, "")
    return Movement(says, "better" if way == measure.direction else "worse")


def _a_year_before(day: dt.date) -> dt.date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def newest_of(found: Sequence[Compared]) -> Compared | None:
    """Return the newest year with an own figure; without one, the newest year."""
    with_own = (each for each in found if each.own_value is not None or each.is_withheld)
    return next(with_own, found[0] if found else None)


def own_of(found: Compared, measure: Measure) -> str:
    """Return the own figure that stands beside the published ones; `c` if it is withheld."""
    return MARK if found.is_withheld else number(found.own_value, measure.number_format)


def place_of(found: Compared, measure: Measure) -> str:
    """Return the place among the authorities in words; blank if there is none."""
    if found.rank_among_authorities is None:
        return ""
    first = "best" if measure.direction in BETTER else "highest"
    return f"{found.rank_among_authorities} of {found.authority_count} (1 is {first})"


def _beside(found: Compared, measure: Measure) -> list[str]:
    """Return the published figures in words."""

    def of(name: str, value: object) -> str:
        return f"{name} {number(value, measure.number_format)}"  # type: ignore[arg-type]

    published = [f"here {own_of(found, measure)}", of("England", found.england_value)]
    if found.region_value is not None:
        published.append(of(found.region_name or "region", found.region_value))
    if found.neighbour_mean_value is not None:
        published.append(
            of(f"mean of {found.neighbour_count} neighbours", found.neighbour_mean_value)
        )
    said = [f"Year to {written(found.as_at_date)}: {', '.join(published)}"]
    if place := place_of(found, measure):
        said.append(f"Place among all authorities: {place}")
    return said


def _in_short(
    cards: Sequence[Card], targets: Sequence[Target], signals: Sequence[str]
) -> list[str]:
    said = []
    if targets:
        counts = Counter(target.judgement for target in targets)
        said.append(
            f"{counts['Met'] or 'None'} of {len(targets)} targets "
            f"{'is' if counts['Met'] < 2 else 'are'} met. {_moved(counts)}"
        )
    better = [card for card in cards if card.year and card.year.kind == "better"]
    worse = [card for card in cards if card.year and card.year.kind == "worse"]
    if better or worse:
        said.append(
            f"Compared with the year before, {len(better)} measures are better and "
            f"{len(worse)} are worse. A small difference may be due to chance."
        )
    if england := _beside_england(cards):
        said.append(england)
    unusual = f"{len(signals)} monthly figure{'' if len(signals) == 1 else 's'}"
    said.append(
        f"In the last {MONTHS_SHOWN} months, {unusual if signals else 'no monthly figure'} "
        f"{'was' if len(signals) < 2 else 'were'} outside the usual limits."
    )
    return said


def _beside_england(cards: Sequence[Card]) -> str:
    """Say how many measures are better and worse than England's; blank if none has both."""
    ways: Counter[str] = Counter()
    for card in cards:
        beside, measure = card.beside, card.measure
        if beside is None or beside.own_value is None or measure.direction not in BETTER:
            continue
        if own_of(beside, measure) == number(beside.england_value, measure.number_format):
            ways["the same"] += 1
        elif beside.england_value is not None:
            way = "higher" if beside.own_value > beside.england_value else "lower"
            ways["better" if way == measure.direction else "worse"] += 1
    if not ways:
        return ""
    counts = ", ".join(f"{ways[way]} {way}" for way in ("better", "worse", "the same") if ways[way])
    measures = "1 measure is" if ways.total() == 1 else f"{ways.total()} measures are"
    return f"{measures} compared with England, each in its newest published year: {counts}."


def _moved(counts: Mapping[str, int]) -> str:
    """Say which way the targets that are not met moved."""
    ways = (
        ("Not met, right direction", "in the right direction"),
        ("Not met, wrong direction", "in the wrong direction"),
        ("Not met, unchanged", "not at all"),
    )
    parts = [f"{counts[name]} {way}" for name, way in ways if counts.get(name)]
    who = "Of the others, figures" if counts["Met"] else "Figures"
    return f"{who} moved: {', '.join(parts)}." if parts else ""


def _signals(months: Mapping[str, Sequence[Month]]) -> list[str]:
    found = []
    for line in months.values():
        for each in line[-MONTHS_SHOWN:]:
            if each.signal:
                count = MARK if each.is_withheld else f"{each.event_count:,}"
                found.append(
                    f"{each.event_type[:1].upper()}{each.event_type[1:]}, {_month(each)}: "
                    f"{count}, {each.signal} of {number(each.low, '0.0')} to "
                    f"{number(each.high, '0.0')}."
                )
    return found


def _changes(changes: Sequence[reading.Change]) -> Table | None:
    if not changes:
        return None
    first = changes[0]

    def share(numerator: int, denominator: int, value: object) -> str:
        return f"{number(value, '0.0%')} ({numerator:,} of {denominator:,})"  # type: ignore[arg-type]

    return Table(
        "Shares of care leavers that changed by more than chance, "
        f"{written(first.earlier_snapshot_date)} to {written(first.as_at_date)}",
        ("Measure", "Among", "Before", "Now", "Difference", "95% interval"),
        tuple(
            (
                each.title,
                each.segment,
                share(each.earlier_numerator, each.earlier_denominator, each.earlier_share),
                share(each.later_numerator, each.later_denominator, each.later_share),
                _points(each.difference),
                f"{_points(each.difference_low)} to {_points(each.difference_high)}",
            )
            for each in changes
        ),
        text_columns=2,
    )


def _points(value: object) -> str:
    text = number(value, "0.0%").removesuffix("%")  # type: ignore[arg-type]
    return text if text.startswith(MINUS) or not text.strip("0.") else f"+{text}"


def _last_events(events: Sequence[reading.LastEvents], withhold: bool) -> Table | None:
    if not events:
        return None

    def count(found: int) -> str:
        return MARK if withhold and is_small(found) else f"{found:,}"

    return Table(
        f"What happened on {written(events[0].as_at_date)}, and in the week that ends with it",
        ("Event", "That day", "Seven days"),
        tuple(
            (
                f"{each.event_type[:1].upper()}{each.event_type[1:]}",
                count(each.last_night_count),
                count(each.last_week_count),
            )
            for each in events
        ),
    )


def _month(each: Month) -> str:
    return f"{each.month_start_date:%B %Y}"


def _counts(figure: Figure) -> tuple[str, str]:
    if figure.is_withheld:
        return MARK, MARK
    return (
        "" if figure.numerator is None else f"{figure.numerator:,}",
        "" if figure.denominator is None else f"{figure.denominator:,}",
    )
