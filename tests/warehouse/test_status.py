"""`carepath status`: the last nights, what held figures back, and what never began."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass

import pytest
from rich.console import Console

from carepath.terminal.status import print_status
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")

HELD = (
    "E09900001: The figures stay as they were, because rule EET-01 found too many contradictory"
    " records. What to do: have them corrected. | load other: The source cannot be reached."
)


@dataclass(frozen=True)
class Early:
    started_at: dt.datetime
    reason: str


def printed(width: int = 80, *early: Early) -> str:
    out = io.StringIO()
    print_status(Console(file=out, width=width), {"scheduler": None}, early)
    return out.getvalue()


def night(day: int, state: str, message: str | None = None) -> None:
    with connect("carepath_loader") as loader:
        loader.execute(
            "insert into ops.runs (run_id, night, state, code_version, trigger, started_at,"
            " finished_at, message) values (%(id)s, %(night)s, %(state)s, '0.1.0+3f2a91c.changed',"
            " 'command line 0a1b2c3d', %(began)s, %(began)s + interval '95 s', %(message)s)",
            {
                "id": f"run-{day}",
                "night": dt.date(2019, 6, day),
                "state": state,
                "began": dt.datetime(2019, 6, day, 2, tzinfo=dt.UTC),
                "message": message,
            },
        )


def test_status_explains_the_last_held_night_beside_later_ones() -> None:
    assert "No night has run yet" in printed()
    night(26, "held", HELD)
    text = " ".join(printed().split())
    assert "The last night, of 26 June 2019: held" in text
    assert "held figures back" not in text
    assert "contradictory records. What to do: have them corrected. load other: The" in text
    night(27, "failed", "The mail server is down. What to do: nothing.")
    text = " ".join(printed().split())
    assert "The last night, of 27 June 2019: failed" in text
    assert "The last night that held figures back, of 26 June 2019: held" in text
    assert "may have been put right" not in text
    night(28, "published")
    text = " ".join(printed().split())
    assert "The last night, of" not in text
    assert "The last night that held figures back, of 26 June 2019: held" in text
    assert "A later night was published, so this may have been put right." in text


def test_status_shows_runs_that_failed_before_their_first_step() -> None:
    early = Early(dt.datetime(2019, 6, 30, 2, tzinfo=dt.UTC), "No source is listed.")
    assert "30 June 2019, 02:00 UTC: No source is listed." in printed(80, early)


def test_status_says_that_a_published_night_left_records_out() -> None:
    night(29, "published")
    with connect("carepath_loader") as loader:
        loader.execute(
            "insert into quality.decisions (run_id, authority, night, kind, outcome,"
            " left_out_count) values ('run-29', 'E09900001', '2019-06-29', 'night',"
            " 'published with records left out', 7)"
        )
    assert "published with records left out" in " ".join(printed(140).split())


def test_status_says_which_source_a_running_night_could_not_load_yet() -> None:
    night(30, "running")  # the nights before it, which the tests above recorded, change nothing
    with connect("carepath_loader") as loader:
        loader.execute(
            "insert into ops.run_steps (run_id, step, authority, source, state, started_at,"
            " message) values ('run-30', 'load', 'E09900001', 'coast', 'failed', now(),"
            " 'source coast: The source cannot be reached: nothing answers.')"
        )
    text = " ".join(printed().split())
    assert "Not loaded yet. The service tries again a few times: source coast: The source" in text
    with connect("carepath_loader") as loader:
        loader.execute("update ops.runs set state = 'failed' where run_id = 'run-30'")
    assert "Not loaded yet" not in printed()


def test_status_takes_the_last_night_recorded_even_if_the_clock_was_set_back() -> None:
    night(1, "held", HELD)
    text = " ".join(printed().split())
    assert "The last night, of 1 June 2019: held" in text
    assert "A later night was published" not in text


@pytest.mark.parametrize("width", [80, 140])
def test_status_fits_its_width_and_cuts_nothing_off(width: int) -> None:
    text = printed(width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert ("0.1.0+3f2a91c.changed" in text) == (width == 140)
    assert "command line " in text
    assert "0a1b2c3d" not in text
