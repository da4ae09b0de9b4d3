"""Draws the pages of figures after a publication, so that the first reader does not wait for it."""

from __future__ import annotations

import logging
from threading import Event
from typing import Final

import psycopg

from carepath.desk import dbt_documentation, figures
from carepath.errors import CarepathError, safe_message
from carepath.lineage import reading as lineage
from carepath.report import reading
from carepath.report.chosen import chosen

SECONDS_BETWEEN_LOOKS: Final = 30
# drawing takes 4 s of a processor for each authority, which the nights of a region need
MOST_AUTHORITIES: Final = 10

log = logging.getLogger(__name__)


def keep_drawing(stop: Event, every: float = SECONDS_BETWEEN_LOOKS) -> None:
    """Draw what has been published, now and again and again, until `stop` is set."""
    while not stop.is_set():
        try:
            draw_published()
        except CarepathError as error:
            log.warning("No page was drawn ahead: %s", error)
        except psycopg.Error as error:
            log.warning("No page was drawn ahead: %s", safe_message(error))
        stop.wait(every)


def draw_published() -> None:
    """Draw the headlines, the pathway and the chosen measures, and read what describes tables.

    If there are many authorities, those that nobody has looked at since the service started are
    left out. What is drawn already is not drawn again.
    """
    with reading.marts() as connection:
        publications = reading.read_publications(connection)
    if len(publications) > MOST_AUTHORITIES:
        with_readers = figures.authorities_kept()
        publications = [each for each in publications if each.authority in with_readers]
    for publication in publications:
        if not _is_drawn(publication):
            _draw(publication)
    if publications:
        lineage.read_lineage()  # for the pages of tables
        dbt_documentation.read_page()


def _is_drawn(publication: reading.Publication) -> bool:
    pages = ("headlines", figures.PATHWAY, *(("measure", code) for code in _codes()))
    return all(figures.is_kept(publication, page) for page in pages)


def _draw(publication: reading.Publication) -> None:
    with reading.marts() as connection:
        # another publication may have come in between
        if publication not in reading.read_publications(connection):
            return
        figures.drawn_headlines(connection, publication)
        figures.drawn_pathway(connection, publication)
        for code in _codes():
            figures.drawn_measure(connection, publication, code)


def _codes() -> list[str]:
    return list(dict.fromkeys(each.measure_code for each in chosen()))
