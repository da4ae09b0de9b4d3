"""The pages of figures: headlines, the pathway, each measure, and the evaluation report.

They read schema marts as bi_reader. Only what is held, and since when, is read as the desk.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from carepath.demonstration import INVENTED, REPORTED
from carepath.desk.answers import page
from carepath.desk.database import read, warehouse
from carepath.desk.members import STANDINGS as MEMBER_STANDINGS
from carepath.desk.members import Kept, by_standing, read_kept
from carepath.desk.tonight import STANDINGS, Standing, holding_reasons
from carepath.report import reading
from carepath.report.reading import Connection, Publication

if TYPE_CHECKING:
    from carepath.report.headlines import Headlines
    from carepath.report.measure import MeasurePage
    from carepath.report.pathway import Pathway

router = APIRouter(prefix="/figures")

PATHWAY: Final = ("pathway", "", None)  # of all young people on the latest date
KEPT_PAGES: Final = 2000  # what is read for a page is kept until the next publication

T = TypeVar("T")
_kept: OrderedDict[tuple[str, int, dt.datetime, Hashable], Any] = OrderedDict()
_lock = Lock()


@router.get("")
def headlines(request: Request, authority: str = "") -> HTMLResponse:
    """Show each measure that matters, what changed, and what is held."""
    with reading.marts() as connection:
        frame = frame_of(connection, authority, "Headlines")
        found = frame["publication"]
        if found is not None:
            frame["headlines"] = drawn_headlines(connection, found)
    return shown_page(request, "figures_headlines.html", **frame, **standing_of(found))


@router.get("/pathway")
def pathway(
    request: Request, authority: str = "", segment: str = "", day: str = ""
) -> HTMLResponse:
    """Show the way from stage to stage, time in care, programmes, placements, leaving care."""
    try:
        wanted = dt.date.fromisoformat(day) if day else None
    except ValueError:
        raise HTTPException(404) from None
    with reading.marts() as connection:
        frame = frame_of(connection, authority, "The pathway")
        found = frame["publication"]
        if found is not None:
            frame["pathway"] = drawn_pathway(connection, found, segment, wanted)
    return shown_page(request, "figures_pathway.html", **frame)


@router.get("/measures")
def measures(request: Request, authority: str = "") -> HTMLResponse:
    """Show the list of all measures."""
    with reading.marts() as connection:
        frame = frame_of(connection, authority, "Measures")
        if frame["publication"] is not None:
            frame["measures"] = list(reading.read_measures(connection).values())
    return shown_page(request, "figures_measures.html", **frame)


@router.get("/measures/{code}")
def measure(request: Request, code: str, authority: str = "") -> HTMLResponse:
    """Show one measure."""
    with reading.marts() as connection:
        frame = frame_of(connection, authority, "Measure")
        found = frame["publication"]
        if found is not None:
            shown = drawn_measure(connection, found, code)
            if shown is None:
                raise HTTPException(404)
            frame["measure_page"], frame["heading"] = shown, shown.measure.title
            frame["behind"] = _behind(kept_members(connection, found, code), shown.segment)
    return shown_page(request, "figures_measure.html", **frame, standing_names=MEMBER_STANDINGS)


@router.get("/evaluation")
def evaluation(request: Request, authority: str = "") -> HTMLResponse:
    """Show the tables of the evaluation report beside those of the demonstration."""
    with reading.marts() as connection:
        frame = frame_of(connection, authority, "Beside the evaluation report")
        found = frame["publication"]
    if found is not None:
        if not frame["is_reported"]:
            raise HTTPException(404)
        frame |= drawn(found, "evaluation", lambda: evaluation_of(found))
    return shown_page(request, "figures_evaluation.html", **frame)


def evaluation_of(publication: Publication) -> dict[str, Any]:
    """Return the figures of the evaluation report beside those of the demonstration."""
    from carepath.demonstration.comparison import TITLES, compare, summarise

    lines = list(compare(publication.authority))
    return {
        "lines": lines,
        "summary": summarise(lines),
        "tables": {
            title: [line for line in lines if line.report.table == number]
            for number, title in TITLES.items()
        },
    }


def kept_members(connection: Connection, publication: Publication, code: str) -> Kept:
    """Return what is kept of the members of a measure, read once for each publication."""
    return drawn(
        publication,
        ("members", code),
        lambda: read_kept(connection, publication.authority, code),
    )


def _behind(kept: Kept, segment: str) -> dict[str, Any]:
    """Return how many records are behind a measure's main figure, on the kept date."""
    counts = kept.of(kept.segment_of(segment) or "")
    return {
        "kept": kept,
        "day": kept.day,
        "segment": counts[0].segment if counts else "",
        "standings": by_standing(counts),
    }


def standing_of(publication: Publication | None) -> dict[str, Any]:
    """Return whether newer figures of the authority are held, since when and by which rules."""
    if publication is None:
        return {"standing": None, "reasons": []}
    with warehouse() as connection:
        standings = [
            each
            for each in read(connection, Standing, STANDINGS)
            if each.authority == publication.authority
        ]
        reasons = holding_reasons(connection, standings)
    return {
        "standing": next(iter(standings), None),
        "reasons": reasons.get(publication.authority, []),
    }


def is_invented(publication: Publication | None) -> bool:
    """Return whether the figures are those of the demonstration, in which all are invented."""
    return publication is not None and publication.authority.startswith(INVENTED)


def is_reported(publication: Publication | None) -> bool:
    """Return whether the authority's records carry the figures of the evaluation report."""
    return publication is not None and publication.authority == REPORTED


def frame_of(connection: Connection, authority: str, heading: str) -> dict[str, Any]:
    """Return what surrounds each page: which authorities have published, and which is shown."""
    publications = reading.read_publications(connection)
    shown = [each for each in publications if not authority or each.authority == authority]
    if publications and not shown:
        raise HTTPException(404)
    found = next(iter(shown), None)
    return {
        "heading": heading,
        "publications": publications,
        "publication": found,
        "chosen_authority": authority,
        "is_reported": is_reported(found),
    }


def shown_page(request: Request, template: str, **facts: Any) -> HTMLResponse:
    if facts["publication"] is None:
        template = "figures.html"
    return page(request, template, **facts)


def drawn_headlines(connection: Connection, publication: Publication) -> Headlines:
    """Return the headlines, drawn once for each publication."""
    from carepath.report.headlines import read_headlines

    return drawn(
        publication,
        "headlines",
        lambda: read_headlines(connection, publication.authority, withhold=False),
    )


def drawn_pathway(
    connection: Connection,
    publication: Publication,
    segment: str = "",
    day: dt.date | None = None,
) -> Pathway:
    """Return the pathway of a cohort and a date, drawn once for each publication."""
    from carepath.report.pathway import read_pathway

    return drawn(
        publication,
        ("pathway", segment, day),
        lambda: read_pathway(
            connection, publication.authority, withhold=False, segment=segment, day=day
        ),
    )


def drawn_measure(
    connection: Connection, publication: Publication, code: str
) -> MeasurePage | None:
    """Return the page of a measure, drawn once for each publication; None if there is none."""
    from carepath.report.measure import read_measure_page

    return drawn(
        publication,
        ("measure", code),
        lambda: read_measure_page(connection, publication.authority, code, withhold=False),
    )


def authorities_kept() -> set[str]:
    """Return the authorities of which somebody has looked at a page."""
    with _lock:
        return {authority for authority, *_ in _kept}


def is_kept(publication: Publication, what: Hashable) -> bool:
    """Return whether a page has been drawn for a publication."""
    with _lock:
        return _key(publication, what) in _kept


def _key(publication: Publication, what: Hashable) -> tuple[str, int, dt.datetime, Hashable]:
    return (publication.authority, publication.publication_id, publication.published_at, what)


def drawn(publication: Publication, what: Hashable, draw: Callable[[], T]) -> T:
    """Return what a page shows, drawn once for each publication."""
    key = _key(publication, what)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            found: T = _kept[key]
            return found
    found = draw()
    with _lock:
        for old in [each for each in _kept if each[0] == key[0] and each[1] < key[1]]:
            del _kept[old]
        _kept[key] = found
        while len(_kept) > KEPT_PAGES:
            _kept.popitem(last=False)
    return found
