"""The report as PBIR: one folder a page, one file a visual."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SCHEMAS: Final = "https://developer.microsoft.com/json-schemas/fabric"
_DEFINITION: Final = f"{SCHEMAS}/item/report/definition"
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://carepath.invalid/powerbi/report")
WIDTH, HEIGHT = 1280, 720
_GAP: Final = 16


@dataclass(frozen=True)
class Field:
    """A column or measure of the model that a visual shows."""

    table: str
    name: str
    is_measure: bool = False

    def expression(self, source: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the field as a visual names it, or by an alias where a filter has one."""
        return {
            "Measure" if self.is_measure else "Column": {
                "Expression": {"SourceRef": source or {"Entity": self.table}},
                "Property": self.name,
            }
        }


@dataclass(frozen=True)
class Visual:
    """One visual and where it stands.

    Attributes:
        roles: the fields by role, such as Values, Category, Y or Series.
        only: values that a column must have for this visual, by column.
        text: the words of a text box.
        leaves: titles of the visuals that a choice in this one does not filter.
        descending_by: the field that orders it, largest first.
    """

    kind: str
    title: str
    place: tuple[int, int, int, int]
    roles: Mapping[str, Sequence[Field]] = field(default_factory=dict)
    only: Mapping[Field, Sequence[str]] = field(default_factory=dict)
    text: str | None = None
    descending_by: Field | None = None
    leaves: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """One page, the values that filter all of it, and its visuals."""

    title: str
    visuals: Sequence[Visual]
    only: Mapping[Field, Sequence[str]] = field(default_factory=dict)


def column(table: str, name: str) -> Field:
    """Return a column of the model as a field."""
    return Field(table, name)


def measure(name: str, table: str = "Figures") -> Field:
    """Return a measure of the model as a field."""
    return Field(table, name, is_measure=True)


AUTHORITY = column("Authorities", "Authority name")
TITLE = column("Measures", "Title")
SERVICE = column("Measures", "Service")
TOPIC = column("Measures", "Topic")
SEGMENT = column("Segments", "Segment")
SEGMENT_KIND = column("Segments", "Segment kind")
DATE = column("Calendar", "Date")
CODE = column("Measures", "Measure code")
VALUE, TARGET, ENGLAND = measure("Value"), measure("Target"), measure("England")
SCORECARD = (
    TITLE,
    VALUE,
    measure("Date shown"),
    measure("Value a year before"),
    measure("Change in a year"),
    TARGET,
    measure("England date"),
    measure("Value beside England"),
    ENGLAND,
    measure("Statistical neighbours"),
    column("Measures", "Direction"),
)
# what a head of service asks about first: codes of dim_measure
HEADLINES: Final = (
    "children_looked_after",
    "care_entries_12_months",
    "protection_plans_at_date",
    "children_in_need_dfe",
    "care_leavers_open_cases",
    "care_leavers_eet",
    "care_leavers_suitable_accommodation",
    "care_leavers_staying_put",
)


def _slicer(
    title: str, shown: Field, x: int, width: int = 300, leaves: Sequence[str] = ()
) -> Visual:
    return Visual("slicer", title, (x, 64, width, 72), {"Values": [shown]}, leaves=leaves)


def _heading(text: str) -> Visual:
    return Visual("textbox", text, (_GAP, 12, WIDTH - 2 * _GAP, 44), text=text)


def _service_page(title: str, services: Sequence[str]) -> Page:
    """Return the page of a service: its measures, one of them over time, and by segment."""
    return Page(
        title,
        [
            _heading(title),
            _slicer("Authority", AUTHORITY, _GAP),
            _slicer("Topic", TOPIC, 332),
            _slicer("Measure of the charts", TITLE, 648, 616, leaves=["Every measure"]),
            Visual("tableEx", "Every measure", (16, 148, 1248, 268), {"Values": SCORECARD}),
            Visual(
                "lineChart",
                "Over time: choose one measure",
                (16, 428, 616, 280),
                {"Category": [DATE], "Y": [VALUE, TARGET, ENGLAND]},
            ),
            Visual(
                "clusteredBarChart",
                "By segment: choose one measure",
                (648, 428, 616, 280),
                {"Category": [SEGMENT], "Y": [VALUE]},
                descending_by=VALUE,
            ),
        ],
        {SERVICE: services},
    )


def pages(titles: Mapping[str, str]) -> list[Page]:
    """Return the pages of the report.

    Args:
        titles: title of each measure by its code; the headline cards are measures of that name.
    """
    cards = [
        Visual(
            "card",
            titles[code],
            (16 + (number % 4) * 316, 148 + (number // 4) * 120, 300, 108),
            {"Values": [measure(titles[code])]},
        )
        for number, code in enumerate(HEADLINES)
    ]
    return [
        Page(
            "Headlines",
            [
                _heading("Headlines"),
                _slicer("Authority", AUTHORITY, _GAP),
                _slicer("Date", DATE, 332),
                Visual(
                    "card",
                    "Published from the night of",
                    (964, 64, 300, 72),
                    {"Values": [measure("Published from night", "Publication")]},
                ),
                *cards,
                Visual(
                    "tableEx",
                    "Beside target, last year, England and neighbours",
                    (16, 388, 1248, 316),
                    {"Values": SCORECARD},
                    {CODE: HEADLINES},
                ),
            ],
        ),
        _service_page("Edge of care", ["edge of care", "practice"]),
        _service_page("In care", ["in care", "young people"]),
        _service_page("Leaving care", ["leaving care"]),
        _service_page(
            "Workforce and timeliness",
            ["workforce", "front door", "children in need", "child protection"],
        ),
        Page(
            "Journey",
            [
                _heading("Journey"),
                _slicer("Authority", AUTHORITY, _GAP),
                _slicer("Type of event", column("Event types", "Event type"), 332, 616),
                Visual(
                    "lineChart",
                    "Events of each month with the limits: choose one type of event",
                    (16, 148, 616, 268),
                    {
                        "Category": [DATE],
                        "Y": [
                            measure("Events in the month", "Months"),
                            measure("Usual events", "Months"),
                            measure("Lower limit", "Months"),
                            measure("Upper limit", "Months"),
                        ],
                    },
                ),
                Visual(
                    "tableEx",
                    "Last night and the last week",
                    (648, 148, 616, 268),
                    {
                        "Values": [
                            column("Event types", "Event type"),
                            measure("Events last night", "Last night"),
                            measure("Events in the last week", "Last night"),
                        ]
                    },
                ),
                Visual(
                    "tableEx",
                    "Flow between stages, time between stages, and timeliness",
                    (16, 428, 1248, 280),
                    {
                        "Values": [
                            TOPIC,
                            TITLE,
                            VALUE,
                            measure("Numerator"),
                            measure("Denominator"),
                            measure("Value a year before"),
                        ]
                    },
                    {SERVICE: ["journey"]},
                ),
            ],
        ),
        Page(
            "Targets",
            [
                _heading("Targets"),
                _slicer("Authority", AUTHORITY, _GAP),
                _slicer("Service", column("Targets", "Service"), 332),
                Visual(
                    "card",
                    "Targets reached",
                    (648, 64, 300, 72),
                    {"Values": [measure("Targets reached", "Targets")]},
                ),
                Visual(
                    "card",
                    "Targets set",
                    (964, 64, 300, 72),
                    {"Values": [measure("Targets set", "Targets")]},
                ),
                Visual(
                    "tableEx",
                    "Each target at the latest report date",
                    (16, 148, 1248, 560),
                    {
                        "Values": [
                            column("Targets", "Measure"),
                            column("Targets", "Baseline value"),
                            column("Targets", "Target value"),
                            column("Targets", "Actual value"),
                            measure("Actual against baseline", "Targets"),
                            column("Targets", "Target change percent"),
                            column("Targets", "Is reached"),
                            column("Targets", "Movement"),
                            column("Targets", "Due date"),
                            column("Targets", "Not measured reason"),
                        ]
                    },
                    {column("Targets", "Is latest"): ["true"]},
                ),
            ],
        ),
        Page(
            "Data quality",
            [
                _heading("Data quality"),
                _slicer("Authority", AUTHORITY, _GAP),
                _slicer("Service", SERVICE, 332),
                Visual(
                    "tableEx",
                    "Publications",
                    (648, 64, 616, 120),
                    {
                        "Values": [
                            AUTHORITY,
                            column("Publication", "Night"),
                            column("Publication", "Published at"),
                            column("Publication", "Kind"),
                        ]
                    },
                ),
                Visual(
                    "tableEx",
                    "Who could not be measured",
                    (16, 196, 1248, 512),
                    {
                        "Values": [
                            TITLE,
                            measure("Left out"),
                            measure("Left out share"),
                            measure("Denominator"),
                            column("Measures", "Left out"),
                            column("Measures", "Owner"),
                        ]
                    },
                    descending_by=measure("Left out share"),
                ),
            ],
        ),
        Page(
            "Due and overdue",
            [
                _heading("Due and overdue"),
                _slicer("Authority", AUTHORITY, _GAP),
                _slicer("Team", column("Teams", "Team name"), 332),
                Visual(
                    "card",
                    "Overdue",
                    (648, 64, 300, 72),
                    {"Values": [measure("Overdue", "Due and overdue")]},
                ),
                Visual(
                    "card",
                    "Due in 14 days",
                    (964, 64, 300, 72),
                    {"Values": [measure("Due in 14 days", "Due and overdue")]},
                ),
                Visual(
                    "clusteredBarChart",
                    "By what is due",
                    (16, 148, 616, 560),
                    {
                        "Category": [column("Due and overdue", "Due type")],
                        "Y": [
                            measure("Overdue", "Due and overdue"),
                            measure("Due in 14 days", "Due and overdue"),
                        ],
                    },
                    descending_by=measure("Overdue", "Due and overdue"),
                ),
                Visual(
                    "pivotTable",
                    "By team",
                    (648, 148, 616, 560),
                    {
                        "Rows": [column("Teams", "Team name")],
                        "Columns": [column("Due and overdue", "Due type")],
                        "Values": [measure("Overdue", "Due and overdue")],
                    },
                ),
            ],
        ),
    ]


def report_files(titles: Mapping[str, str]) -> dict[str, str]:
    """Return the files of the report's folder `definition` by their path in it."""
    found = pages(titles)
    files = {
        "version.json": _json(
            {"$schema": f"{_DEFINITION}/versionMetadata/1.0.0/schema.json", "version": "2.0.0"}
        ),
        "report.json": _json(
            {
                "$schema": f"{_DEFINITION}/report/3.0.0/schema.json",
                "themeCollection": {},
                "settings": {
                    "useStylableVisualContainerHeader": True,
                    "exportDataMode": "AllowSummarized",
                },
            }
        ),
        "pages/pages.json": _json(
            {
                "$schema": f"{_DEFINITION}/pagesMetadata/1.0.0/schema.json",
                "pageOrder": [_name(page.title) for page in found],
                "activePageName": _name(found[0].title),
            }
        ),
    }
    for page in found:
        folder = f"pages/{_name(page.title)}"
        files[f"{folder}/page.json"] = _json(_page(page))
        for number, visual in enumerate(page.visuals):
            name = _name(page.title, visual.kind, visual.title)
            files[f"{folder}/visuals/{name}/visual.json"] = _json(_visual(visual, name, number))
    return files


def _name(*words: str) -> str:
    return uuid.uuid5(_NAMESPACE, "/".join(words)).hex[:20]


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _page(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = {
        "$schema": f"{_DEFINITION}/page/2.0.0/schema.json",
        "name": _name(page.title),
        "displayName": page.title,
        "displayOption": "FitToPage",
        "height": HEIGHT,
        "width": WIDTH,
    }
    names = {visual.title: _name(page.title, visual.kind, visual.title) for visual in page.visuals}
    if unfiltered := [
        {"source": names[visual.title], "target": names[title], "type": "NoFilter"}
        for visual in page.visuals
        for title in visual.leaves
    ]:
        found["visualInteractions"] = unfiltered
    if page.only:
        found["filterConfig"] = {"filters": list(_filters(page.only.items(), page.title))}
    return found


def _visual(visual: Visual, name: str, number: int) -> dict[str, Any]:
    x, y, width, height = visual.place
    inner: dict[str, Any] = {"visualType": visual.kind}
    if visual.roles:
        inner["query"] = {
            "queryState": {
                role: {"projections": [_projection(shown) for shown in fields]}
                for role, fields in visual.roles.items()
            }
        }
    if visual.descending_by:
        inner["query"]["sortDefinition"] = {
            "sort": [{"field": visual.descending_by.expression(), "direction": "Descending"}]
        }
    if visual.text:
        inner["objects"] = {
            "general": [
                {
                    "properties": {
                        "paragraphs": [
                            {
                                "textRuns": [
                                    {
                                        "value": visual.text,
                                        "textStyle": {"fontWeight": "bold", "fontSize": "20pt"},
                                    }
                                ]
                            }
                        ]
                    }
                }
            ]
        }
    else:
        if visual.kind == "slicer" and DATE not in visual.roles["Values"]:
            inner["objects"] = {"data": [{"properties": {"mode": _text("Dropdown")}}]}
        inner["visualContainerObjects"] = {
            "title": [{"properties": {"show": _literal("true"), "text": _text(visual.title)}}],
            "general": [{"properties": {"altText": _text(visual.title)}}],
        }
    inner["drillFilterOtherVisuals"] = True
    found: dict[str, Any] = {
        "$schema": f"{_DEFINITION}/visualContainer/2.0.0/schema.json",
        "name": name,
        "position": {
            "x": x,
            "y": y,
            "z": number * 1000,
            "height": height,
            "width": width,
            "tabOrder": number * 1000,
        },
        "visual": inner,
    }
    if visual.only:
        found["filterConfig"] = {"filters": list(_filters(visual.only.items(), name))}
    return found


def _projection(shown: Field) -> dict[str, Any]:
    return {
        "field": shown.expression(),
        "queryRef": f"{shown.table}.{shown.name}",
        "nativeQueryRef": shown.name,
    }


def _filters(only: Iterable[tuple[Field, Sequence[str]]], where: str) -> Iterable[dict[str, Any]]:
    for shown, values in only:
        yield {
            "name": _name(where, shown.table, shown.name),
            "field": shown.expression(),
            "type": "Categorical",
            "filter": {
                "Version": 2,
                "From": [{"Name": "f", "Entity": shown.table, "Type": 0}],
                "Where": [
                    {
                        "Condition": {
                            "In": {
                                "Expressions": [shown.expression({"Source": "f"})],
                                "Values": [
                                    [
                                        {
                                            "Literal": {
                                                "Value": value
                                                if value in ("true", "false")
                                                else _quoted(value)
                                            }
                                        }
                                    ]
                                    for value in values
                                ],
                            }
                        }
                    }
                ],
            },
        }


def _literal(value: str) -> dict[str, Any]:
    return {"expr": {"Literal": {"Value": value}}}


def _text(value: str) -> dict[str, Any]:
    return _literal(_quoted(value))


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
