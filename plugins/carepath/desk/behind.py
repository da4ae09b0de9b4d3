"""The page of the records behind a measure: who is counted, who is left out and why, by team.

Everybody sees how many. A steward also sees which cases they are, and downloads them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from carepath.desk import members
from carepath.desk.answers import page
from carepath.desk.database import warehouse
from carepath.desk.downloads import csv_answer, excel_answer
from carepath.desk.figures import drawn_measure, frame_of, kept_members
from carepath.desk.forms import Asker
from carepath.desk.looks import note_look
from carepath.desk.members import NO_TEAM, ON_A_PAGE, STANDINGS, Chosen
from carepath.desk.people import Person
from carepath.report import reading
from carepath.site import desk as site
from carepath.spreadsheets import inert

router = APIRouter(prefix="/figures/measures/{code}")

HEADINGS: Final = (
    "Measure",
    "Date",
    "Among",
    "Case",
    "How it counts",
    "Why left out",
    "Team",
    "Age band",
    "Record",
)

Short = Annotated[str, Query(max_length=200)]


def asked_choice(
    authority: Short = "", day: Short = "", segment: Short = "", standing: Short = "",
    team: Short = "",
) -> dict[str, str]:  # fmt: skip
    """Return what the address of a page asks for.

    Raises:
        HTTPException: 404 if a value is none that the page could have offered.
    """
    is_key = team in ("", NO_TEAM) or (team.isdecimal() and len(team) <= 18)
    if standing not in ("", *STANDINGS) or not is_key:
        raise HTTPException(404)
    try:
        dt.date.fromisoformat(day or "2000-01-01")
    except ValueError:
        raise HTTPException(404) from None
    return {
        "authority": authority, "day": day, "segment": segment, "standing": standing, "team": team,
    }  # fmt: skip


Asked = Annotated[dict[str, str], Depends(asked_choice)]
Number = Annotated[int, Query(ge=1, le=1_000_000)]


@router.get("/records")
def records(
    request: Request, person: Asker, code: str, asked: Asked, number: Number = 1
) -> HTMLResponse:
    """Show who is behind a figure: counts by team, and a page of the records for a steward."""
    with reading.marts() as connection:
        frame = frame_of(connection, asked["authority"], "The records behind a figure")
        if frame["publication"] is None:
            return page(request, "figures.html", **frame)
        found = _found(connection, person, frame, code, asked)
        chosen: Chosen | None = found["chosen"]
        if chosen and person.may_see_records and found["total"]:
            found["members"] = members.read_page(connection, chosen, number)
    if found["members"] and chosen:
        with warehouse() as desk:
            _note(desk, person, chosen, len(found["members"]))
            found["cases"] = members.look_up_cases(desk, chosen.authority, found["members"])
    return page(
        request,
        "figures_records.html",
        **frame,
        **found,
        number=number,
        last=-(-found["total"] // ON_A_PAGE),
        standing_names=STANDINGS,
        standing_options=[(each, STANDINGS[each]) for each in found["standings"]],
        team_options=[(each.team, each.name) for each in found["teams"]],
        links=site.record_links(),
    )


@router.get("/records.csv")
def as_csv(person: Asker, code: str, asked: Asked) -> StreamingResponse:
    """Give all records behind a figure that match, as CSV."""
    chosen, measure = _downloaded(person, code, asked, "CSV")
    return csv_answer(_file_name(chosen), HEADINGS, _rows(chosen, measure))


@router.get("/records.xlsx")
def as_excel(person: Asker, code: str, asked: Asked) -> StreamingResponse:
    """Give all records behind a figure that match, as an Excel workbook."""
    chosen, measure = _downloaded(person, code, asked, "Excel")
    return excel_answer(_file_name(chosen), "Records", HEADINGS, _rows(chosen, measure))


def _found(
    connection: reading.Connection,
    person: Person,
    frame: dict[str, Any],
    code: str,
    asked: dict[str, str],
) -> dict[str, Any]:
    """Return what is kept of a measure, what of it is shown, and how many records that is."""
    publication = frame["publication"]
    shown = drawn_measure(connection, publication, code)
    if shown is None:
        raise HTTPException(404)
    frame["heading"] = f"The records behind: {shown.measure.title}"
    kept = kept_members(connection, publication, code)
    day = dt.date.fromisoformat(asked["day"]) if asked["day"] else kept.day
    segment = asked["segment"] or kept.segment_of(shown.segment) or ""
    chosen = None
    if kept.counts and day and day == kept.day:
        own = person.teams_of(publication.authority)
        chosen = Chosen(
            publication.authority,
            code,
            day,
            segment,
            asked["standing"],
            asked["team"],
            None if own is None else sorted(own),
        )
    counts = [each for each in kept.of(segment) if chosen.may_hold(each)] if chosen else []
    return {
        "measure": shown.measure,
        "kept": kept,
        "day": day,
        "segment": segment,
        "chosen": chosen,
        "address": {name: value for name, value in asked.items() if value},
        "standings": members.by_standing(counts),
        "teams": members.by_team(counts),
        "reasons": members.by_reason(counts),
        "total": sum(each.record_count for each in counts if chosen and chosen.holds(each)),
        "members": [],
        "cases": {},
    }


def _downloaded(person: Person, code: str, asked: dict[str, str], kind: str) -> tuple[Chosen, str]:
    """Return what a person downloads, after keeping that they do."""
    if not person.may_see_records:
        raise HTTPException(403)
    with reading.marts() as connection:
        frame = frame_of(connection, asked["authority"], "")
        if frame["publication"] is None:
            raise HTTPException(404)
        found = _found(connection, person, frame, code, asked)
    chosen: Chosen | None = found["chosen"]
    if chosen is None:
        raise HTTPException(404)
    with warehouse() as desk:
        _note(desk, person, chosen, found["total"], f" as {kind}")
    return chosen, found["measure"].title


def _note(desk: Any, person: Person, chosen: Chosen, count: int, how: str = "") -> None:
    note_look(
        desk,
        person,
        f"records behind {chosen.code}{how}",
        count=count,
        authority=chosen.authority,
    )


def _rows(chosen: Chosen, title: str) -> Iterator[list[object]]:
    with reading.marts() as connection, warehouse() as desk:
        row = connection.execute(
            "select segment from marts.dim_segment where authority = %s and segment_code = %s",
            (chosen.authority, chosen.segment),
        ).fetchone()
        among = inert(row[0] if row else chosen.segment)
        for piece in members.each_piece(connection, chosen):
            cases = members.look_up_cases(desk, chosen.authority, piece)
            for each in piece:
                yield [
                    title,
                    chosen.day,
                    among,
                    inert(cases.get(each.young_person_key, "")),
                    each.stands,
                    inert(each.left_out_reason or ""),
                    inert(each.team),
                    each.age_band or "",
                    each.record_number,
                ]


def _file_name(chosen: Chosen) -> str:
    return f"records-{chosen.code}-{chosen.day}"
