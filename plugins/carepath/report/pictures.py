"""Charts as SVG, drawn by Altair with vl-convert. Nothing is fetched, and they hold no script.

Each picture has a sentence that says what it shows, and a table with the same numbers. Lines differ
by colour, dash and shape, so that nobody has to tell colours apart. The colours are those of the
Government Analysis Function for people who see few of them.

Altair needs 0.1 s to build and check a chart, and vl-convert a third of that to draw it. So a form
is built once, without numbers: Altair describes it, and vl-convert makes a Vega chart of it. To
draw, numbers are put into that chart, as the data sets and signals that the form names.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal

import altair as alt
import vl_convert
from lxml import etree
from markupsafe import Markup

COLOURS: Final = ("#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1", "#6E6E00")
DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 1], [1, 4])
SHAPES: Final = (
    "circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right",
)  # fmt: skip
DARK, GREY, PALE, STRONG = "#12436D", "#5B5F63", "#DDE3EA", "#C4420A"
WIDTH: Final = 300  # of the drawing without its axes, so that text is readable on a phone
HEIGHT: Final = 130
FONT: Final = "Arial"
POUNDS: Final = {
    "decimal": ".",
    "thousands": ",",
    "grouping": [3],
    "currency": ["£", ""],
}
Number = float | int | Decimal | None

Rows = list[dict[str, Any]]
Form = Mapping[str, Any]  # a Vega chart without its numbers
FORMS_KEPT: Final = 200

_lock = threading.Lock()  # the engine of vl-convert draws one picture at a time


@dataclass(frozen=True)
class Table:
    """The numbers of a picture, or others, as text.

    Attributes:
        caption: its title.
        columns: headings; those after the first `text_columns` are of numbers.
        rows: cells, the first of which names the row.
        text_columns: how many columns hold text.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1


@dataclass(frozen=True)
class Picture:
    """A chart.

    Attributes:
        name: its title.
        says: what it shows, in a sentence.
        svg: the drawing; blank if there is nothing to draw.
        table: the same numbers.
        is_wide: it needs the width of the page.
    """

    name: str
    says: str
    svg: Markup
    table: Table
    is_wide: bool = False


def history_chart(
    points: Sequence[tuple[dt.date, Number]],
    axis_format: str,
    target: tuple[Number, str] | None = None,
) -> Markup:
    """Return a line over dates, with its target as a dashed line.

    Args:
        points: date and value, oldest first; None leaves a gap.
        axis_format: how the axis writes values (d3).
        target: its value and name.
    """
    if sum(value is not None for _, value in points) < 2:
        return Markup()
    rows: list[dict[str, Any]] = [
        {"day": _time(day), "value": _float(value)} for day, value in points
    ]
    known = [row["value"] for row in rows if row["value"] is not None]
    if axis_format == ".0%" and max(known) - min(known) < 0.05:
        axis_format = ".1%"
    aim = target if target is not None and target[0] is not None else None
    return _drawn(
        _history_form(axis_format, aim is not None),
        rows=rows,
        alone=_alone(rows),
        aim=[{"value": _float(aim[0]), "name": aim[1]}] if aim else [],
    )


@lru_cache(FORMS_KEPT)
def _history_form(axis_format: str, has_target: bool) -> Form:
    base = alt.Chart(_named("rows")).encode(
        x=_dates(),
        y=alt.Y("value:Q", axis=_axis(axis_format), scale=alt.Scale(zero=False, nice=True)),
    )
    layers: list[Any] = [
        base.mark_line(color=DARK, strokeWidth=2.5),
        alt.Chart(_named("alone"))
        .mark_point(color=DARK, filled=True, size=45, opacity=1)
        .encode(x=_dates(), y="value:Q"),
    ]
    if has_target:
        layers += _level("aim", STRONG, [5, 4])
    return _form(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def months_chart(
    points: Sequence[tuple[dt.date, Number, str | None]],
    mean: Number,
    low: Number,
    high: Number,
) -> Markup:
    """Return an XmR chart: months, their mean and limits, and a mark where a month is a signal.

    Args:
        points: month, number and signal; None as number leaves a gap.
        mean, low, high: of all months; None if there are too few months.
    """
    if sum(number is not None for _, number, _ in points) < 2:
        return Markup()
    rows = [
        {"day": _time(day), "value": _float(number), "is_signal": signal is not None}
        for day, number, signal in points
    ]
    limits = [{"low": _float(low), "high": _float(high), "value": _float(mean)}]
    return _drawn(_months_form(mean is not None), rows=rows, limits=limits)


@lru_cache(FORMS_KEPT)
def _months_form(has_limits: bool) -> Form:
    layers: list[Any] = []
    if has_limits:
        limits = alt.Chart(_named("limits"))
        layers += [
            limits.mark_rect(color=PALE).encode(y="low:Q", y2="high:Q"),
            limits.mark_rule(color=GREY, strokeDash=[5, 4]).encode(y="value:Q"),
        ]
    base = alt.Chart(_named("rows")).encode(
        x=_dates(), y=alt.Y("value:Q", axis=_axis(",.0f"), scale=alt.Scale(zero=True))
    )
    layers += [
        base.mark_line(color=DARK, strokeWidth=1.75),
        base.mark_point(color=DARK, filled=True, size=22, opacity=1),
        base.transform_filter("datum.is_signal && isValid(datum.value)").mark_point(
            color=STRONG, filled=True, size=150, shape="diamond", opacity=1
        ),
    ]
    return _form(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def lines_chart(
    lines: Mapping[str, Sequence[tuple[Any, Number]]],
    axis_format: str,
    *,
    x_title: str = "",
    x_format: str | None = None,
    zero: bool = True,
) -> Markup:
    """Return several lines in one drawing, each with a colour, a dash and a shape of its own.

    Args:
        lines: by name, the points: a date, or a number if `x_format` is given.
        axis_format: how the upright axis writes values (d3).
        x_title: what the level axis measures.
        x_format: how the level axis writes numbers; None if it has dates.
        zero: the upright axis begins at 0.
    """
    rows: list[dict[str, Any]] = [
        {"x": _time(x) if x_format is None else _float(x), "value": _float(value), "name": name}
        for name, points in lines.items()
        for x, value in points
    ]
    if sum(row["value"] is not None for row in rows) < 2:
        return Markup()
    is_below = any((row["value"] or 0) < 0 for row in rows)
    form = _lines_form(tuple(lines), axis_format, x_title, x_format, zero, is_below)
    return _drawn(form, rows=rows)


@lru_cache(FORMS_KEPT)
def _lines_form(
    names: tuple[str, ...],
    axis_format: str,
    x_title: str,
    x_format: str | None,
    zero: bool,
    is_below: bool,
) -> Form:
    x = (
        _dates("x")
        if x_format is None
        else alt.X("x:Q", title=x_title or None, axis=alt.Axis(format=x_format, grid=False))
    )
    legend = alt.Legend(
        title=None, orient="bottom", columns=1, labelLimit=340, symbolSize=90,
        symbolStrokeWidth=0,
    )  # fmt: skip
    colour = alt.Color(
        "name:N", scale=alt.Scale(domain=list(names), range=list(COLOURS)), legend=legend
    )
    dash = alt.StrokeDash(
        "name:N", scale=alt.Scale(domain=list(names), range=list(DASHES)), legend=None
    )
    shape = alt.Shape(
        "name:N", scale=alt.Scale(domain=list(names), range=list(SHAPES)), legend=legend
    )
    base = alt.Chart(_named("rows")).encode(
        x=x,
        y=alt.Y("value:Q", axis=_axis(axis_format), scale=alt.Scale(zero=zero)),
        color=colour,
    )
    points = base.encode(shape=shape).mark_point(filled=True, size=55, opacity=1)
    layers: list[Any] = [base.encode(strokeDash=dash).mark_line(strokeWidth=2), points]
    if is_below:
        layers.insert(
            0, alt.Chart(_data([{"value": 0}])).mark_rule(color="#0b0c0c").encode(y="value:Q")
        )
    return _form(alt.layer(*layers).properties(width=WIDTH + 40, height=210))


def bars_chart(
    bars: Sequence[tuple[str, str, Number, str]], axis_format: str, *, groups: Sequence[str] = ()
) -> Markup:
    """Return level bars with their numbers beside them.

    Args:
        bars: name, group, value and the text beside the bar, from the top down.
        axis_format: how values are written (d3).
        groups: the groups in their order, if each name has one bar for each.
    """
    rows: list[dict[str, Any]] = [
        {"name": name, "group": group, "value": _float(value) or 0, "text": text}
        for name, group, value, text in bars
    ]
    if not any(value is not None for _, _, value, _ in bars):
        return Markup()
    names = tuple(dict.fromkeys(row["name"] for row in rows))
    most = max(float(row["value"]) for row in rows) or 1
    form = _bars_form(names, axis_format, tuple(groups))
    return _drawn(form, {"longest": most * 1.3}, rows=rows)


@lru_cache(FORMS_KEPT)
def _bars_form(names: tuple[str, ...], axis_format: str, groups: tuple[str, ...]) -> Form:
    longest = alt.param(name="longest", value=1)
    base = alt.Chart(_named("rows")).encode(
        y=alt.Y("name:N", sort=list(names), title=None, axis=alt.Axis(labelLimit=150, ticks=False)),
        x=alt.X(
            "value:Q", title=None, axis=alt.Axis(format=axis_format, tickCount=4, grid=False),
            scale=alt.Scale(domainMin=0, domainMax=alt.ExprRef(expr="longest"), nice=False),
        ),
    )  # fmt: skip
    if groups:
        scale = alt.Scale(domain=list(groups), range=[COLOURS[0], COLOURS[1]])
        legend = alt.Legend(title=None, orient="bottom", columns=1, symbolType="square")
        base = base.encode(yOffset=alt.YOffset("group:N", sort=list(groups)))
        drawn = base.encode(color=alt.Color("group:N", scale=scale, legend=legend)).mark_bar()
    else:
        drawn = base.mark_bar(color=DARK)
    texts = base.encode(text="text:N").mark_text(align="left", dx=4, color="#0b0c0c", fontSize=12)
    height = alt.Step(17 if groups else 24)
    chart = alt.layer(drawn, texts).properties(width=WIDTH - 80, height=height)
    return _form(chart.add_params(longest))


def flow_chart(links: Sequence[tuple[str, str, int]], stages: Sequence[str]) -> Markup:
    """Return a Sankey diagram: from which stage, on the left, to which one, on the right.

    Args:
        links: from, to and number.
        stages: all stages, from the top down.
    """
    links = [link for link in links if link[2]]
    total = sum(number for _, _, number in links)
    if not total:
        return Markup()
    order = {stage: place for place, stage in enumerate(stages)}
    gap = total * 0.07
    left = _stack({s: sum(n for a, _, n in links if a == s) for s in stages}, gap)
    right = _stack({s: sum(n for _, b, n in links if b == s) for s in stages}, gap)
    bands, starts, ends = [], dict(left), dict(right)
    for a, b, number in sorted(links, key=lambda link: (order[link[0]], order[link[1]])):
        starts[a], top_left = starts[a] + number, starts[a]
        bands.append((a, b, number, top_left))
    shapes = []
    for a, b, number, top_left in sorted(bands, key=lambda band: (order[band[1]], order[band[0]])):
        top_right = ends[b]
        ends[b] += number
        for step in range(25):
            x = step / 24
            ease = x * x * (3 - 2 * x)
            top = top_left + (top_right - top_left) * ease
            shapes.append(
                {"link": f"{a} to {b}", "stage": a, "x": x, "y": -top, "y2": -(top + number)}
            )
    boxes = [
        {"x": x, "x2": x + 0.025 * side, "y": -tops[s], "y2": -(tops[s] + size), "stage": s,
         "middle": -(tops[s] + size / 2), "text": f"{s} {size:,}", "side": side}
        for tops, side, x in ((left, -1, 0.0), (right, 1, 1.0))
        for s in stages
        if (size := sum(n for a, b, n in links if (a if side < 0 else b) == s))
    ]  # fmt: skip
    return _drawn(
        _flow_form(tuple(stages)),
        shapes=shapes,
        boxes=boxes,
        left=[row for row in boxes if row["side"] == -1],
        right=[row for row in boxes if row["side"] == 1],
    )


@lru_cache(FORMS_KEPT)
def _flow_form(stages: tuple[str, ...]) -> Form:
    colour = alt.Color(
        "stage:N", scale=alt.Scale(domain=list(stages), range=list(COLOURS)), legend=None
    )
    across = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.95, 1.95], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(zero=False, nice=False))
    flows = (
        alt.Chart(_named("shapes"))
        .mark_area(opacity=0.45)
        .encode(x=across, y=y, y2="y2:Q", color=colour, detail="link:N")
    )
    box = alt.Chart(_named("boxes")).encode(x=across, y=y)
    marks = box.mark_rect().encode(x2="x2:Q", y2="y2:Q", color=colour)
    sides: tuple[tuple[str, int, Literal["right", "left"]], ...] = (
        ("left", -1, "right"),
        ("right", 1, "left"),
    )
    labels = [
        alt.Chart(_named(name))
        .mark_text(align=align, dx=8 * side, fontSize=14, color="#0b0c0c")
        .encode(x=alt.X("x:Q", axis=None), y=alt.Y("middle:Q", axis=None), text="text:N")
        for name, side, align in sides
    ]
    chart = alt.layer(flows, marks, *labels).properties(width=430, height=330)
    return _form(chart)


def _stack(sizes: Mapping[str, int], gap: float) -> dict[str, float]:
    """Return where each stage begins, from the top down."""
    found, place = {}, 0.0
    for stage, size in sizes.items():
        found[stage] = place
        place += size + (gap if size else 0)
    return found


def _form(chart: Any) -> Form:
    """Return a chart as Vega. Altair checks it against the schema of Vega-Lite."""
    chart = chart.configure(
        font=FONT, background="transparent", padding=4, locale=alt.Locale(number=POUNDS)
    ).configure_view(stroke=None)
    chart = chart.configure_axis(
        labelFontSize=12, titleFontSize=12, labelColor="#383F43", titleColor="#383F43",
        titleFontWeight="normal", gridColor="#E3E6E8", domainColor="#8D9397", tickColor="#8D9397",
    ).configure_legend(labelFontSize=12, labelColor="#0b0c0c")  # fmt: skip
    with _lock:
        form: Form = vl_convert.vegalite_to_vega(chart.to_dict(), vl_version=_version())
    return form


def _drawn(form: Form, signals: Mapping[str, float] | None = None, **data: Rows) -> Markup:
    """Return the SVG without sizes, roles and labels: the page gives it its name and width.

    Args:
        form: of the chart.
        signals: numbers that the form names.
        data: rows that the form names.
    """
    filled = {
        **form,
        "data": [_filled(each, "values", data) for each in form["data"]],
        "signals": [_filled(each, "value", signals or {}) for each in form.get("signals", ())],
    }
    with _lock:
        text = vl_convert.vega_to_svg(filled)
    root = etree.fromstring(text.encode())
    for part in root.iter():
        for name in list(part.attrib):
            if name == "role" or str(name).startswith("aria-"):
                del part.attrib[name]
    for name in ("width", "height", "class"):
        if name in root.attrib:
            del root.attrib[name]
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    return Markup(etree.tostring(root, encoding="unicode"))  # noqa: S704 (text is escaped in it)


def _filled(part: Mapping[str, Any], place: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a data set or a signal of a form with what the chart has for it."""
    name = part["name"]
    return {**part, place: facts[name]} if name in facts else part


def _version() -> str:
    """Return the version of Vega-Lite for which Altair writes."""
    return ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def _level(name: str, colour: str, dash: list[int]) -> list[Any]:
    """Return a level line across the drawing, with its name above its left end."""
    base = alt.Chart(_named(name)).encode(y="value:Q")
    return [
        base.mark_rule(color=colour, strokeDash=dash, strokeWidth=1.75),
        base.mark_text(align="left", dy=-7, color="#8F3000", fontSize=12).encode(
            x=alt.value(3), text="name:N"
        ),
    ]


def _alone(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the last point of each part of a line: one between two gaps has no line."""
    found = []
    for place, row in enumerate(rows):
        if row["value"] is None:
            continue
        if place + 1 == len(rows) or rows[place + 1]["value"] is None:
            found.append(row)
    return found


def _dates(name: str = "day") -> alt.X:
    axis = alt.Axis(format="%b %Y", tickCount=4, grid=False, labelFlush=True, labelOverlap=True)
    return alt.X(f"{name}:T", title=None, axis=axis, scale=alt.Scale(type="utc"))


def _axis(form: str) -> alt.Axis:
    return alt.Axis(format=form, title=None, tickCount=4, domain=False, ticks=False, labelPadding=7)


def _named(name: str) -> alt.Data:
    return alt.Data(name=name)  # type: ignore[no-untyped-call]


def _data(rows: Rows) -> alt.Data:
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def _time(day: dt.date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _float(number: Any) -> float | None:
    return None if number is None else float(number)
