"""Draws the pages of figures after a publication, so that the first reader does not wait for it."""

from __future__ import annotations

import logging
from threading import Event

import psycopg

from carepath.desk import figures
from carepath.errors import CarepathError, safe_message
from carepath.report import reading
from carepath.report.chosen import chosen

SECONDS_BETWEEN_LOOKS = 30

log = logging.getLogger(__name__)


def keep_drawing(stop: Event, every: float = SECONDS_BETWEEN_LOOKS) -> None:
    """Draw what has been published, again and again, until `stop` is set."""
    while not stop.wait(every):
        try:
            draw_published()
        except CarepathError as error:
            log.warning("No page was drawn ahead: %s", error)
        except psycopg.Error as error:
            log.warning("No page was drawn ahead: %s", safe_message(error))


def draw_published() -> None:
    """Draw the headlines, the pathway and the chosen measures of each authority with readers.

    An authority that nobody has looked at since the service started is left out: drawing takes
    seconds of a processor. What is drawn already is not drawn again.
    """
    with_readers = figures.authorities_kept()
    if not with_readers:
        return
    with reading.marts() as connection:
        publications = reading.read_publications(connection)
    for publication in publications:
        if publication.authority in with_readers:
            _draw(publication)


def _draw(publication: reading.Publication) -> None:
    with reading.marts() as connection:
        # another publication may have come in between
        if publication not in reading.read_publications(connection):
            return
        figures.drawn_headlines(connection, publication)
        figures.drawn_pathway(connection, publication)
        for code in dict.fromkeys(each.measure_code for each in chosen()):
            figures.drawn_measure(connection, publication, code)
