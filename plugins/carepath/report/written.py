"""The file that can be sent round: one page that needs nothing else, of one publication."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from carepath.desk.figures import evaluation_of, is_invented, is_reported, standing_of
from carepath.desk.pages import STATIC, render
from carepath.errors import CarepathError
from carepath.report import reading
from carepath.report.headlines import read_headlines
from carepath.report.measure import read_chosen_pages
from carepath.report.pathway import read_pathway
from carepath.report.reading import Publication
from carepath.settings import get_settings


def write_report(authority: str, file: Path | None = None) -> Path:
    """Write the report of an authority's publication and return its file.

    Args:
        authority: ONS code; it has published.
        file: where to write; by default in the home, named by authority and night.

    Raises:
        CarepathError: the marts hold nothing of the authority, or the file cannot be written.
    """
    if file is not None and not file.parent.is_dir():  # said before anything is drawn
        raise _not_written(file, "there is no such folder")
    publication, text = report_of(authority)
    if file is None:
        file = get_settings().home / f"report-{publication.authority}-{publication.night}.html"
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _not_written(file, str(error.strerror)) from None
    return file


def _not_written(file: Path, reason: str) -> CarepathError:
    return CarepathError(
        f"The report cannot be written: {reason}.",
        where=str(file),
        todo="name a file in a folder that exists and that you may write to.",
    )


def report_of(authority: str) -> tuple[Publication, str]:
    """Return an authority's publication and the page about it.

    Raises:
        CarepathError: the marts hold nothing of the authority.
    """
    with reading.marts() as connection:
        publication = next(
            (each for each in reading.read_publications(connection) if each.authority == authority),
            None,
        )
        if publication is None:
            raise CarepathError(
                f"Nothing has been published for {authority}, so there is nothing to report.",
                todo="run a night first; `carepath status` says how the last one ended.",
            )
        shown = {
            "headlines": read_headlines(connection, authority, withhold=True),
            "pathway": read_pathway(connection, authority, withhold=True),
            "measures": read_chosen_pages(connection, authority, withhold=True),
        }
    evaluation = evaluation_of(publication) if is_reported(publication) else {"lines": []}
    text = render(
        "report.html",
        publication=publication,
        is_invented=is_invented(publication),
        style=_style(),
        **shown,
        **evaluation,
        **standing_of(publication),
    )
    return publication, text


def _style() -> Markup:
    """Return the styles as they are: a style sheet does not read HTML's escapes."""
    names = ("desk.css", "figures.css")
    return Markup("".join((STATIC / name).read_text("utf-8") for name in names))  # noqa: S704
