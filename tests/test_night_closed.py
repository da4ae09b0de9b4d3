"""A night fails closed: what was ended from outside, or never began, publishes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from carepath import night
from carepath.errors import CarepathError, SettingsError
from carepath.quality import gate as quality_gate
from carepath.quality.decision import Decision
from carepath.settings import get_settings
from carepath.sources import SourceSpec, write_sources
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")

ASHMERE, OTHER = "E09900001", "E09900002"
RUN, NIGHT = "run", dt.date(2019, 6, 30)


class TimedOut(BaseException):
    """As Airflow's timeout of a task: no Exception."""


@pytest.fixture
def loader() -> Iterator[psycopg.Connection[Any]]:
    """A loader's connection; two authorities, the first with two sources, and a run begun."""
    write_sources(
        [
            SourceSpec("first", ASHMERE, "Ashmere", "sqlite://", is_partial=True),
            SourceSpec("second", ASHMERE, "Ashmere", "sqlite://", is_partial=True),
            SourceSpec("other", OTHER, "Other", "sqlite://"),
        ]
    )
    with connect(night.LOADER, autocommit=True) as connection:
        connection.execute(
            "delete from ops.cutoffs; delete from quality.gate_runs; delete from ops.loads;"
            " delete from ops.runs"
        )
        for source, authority in (("first", ASHMERE), ("second", ASHMERE), ("other", OTHER)):
            connection.execute(
                "insert into ops.authorities values (%s, %s) on conflict do nothing",
                (authority, authority),
            )
            connection.execute(
                "insert into ops.sources values (%s, %s, 'test') on conflict do nothing",
                (source, authority),
            )
        night.start(RUN, NIGHT, None, "test")
        yield connection
    get_settings().sources_file.unlink()


def loaded(loader: psycopg.Connection[Any], source: str, authority: str, when: dt.date) -> int:
    row = loader.execute(
        "insert into ops.loads (run_id, source, authority, night, state)"
        " values (%s, %s, %s, %s, 'loaded') returning load_id",
        (RUN, source, authority, when),
    ).fetchone()
    loader.execute("update ops.run_steps set state = 'done' where source = %s", (source,))
    assert row is not None
    return int(row[0])


def judged(loader: psycopg.Connection[Any], load_id: int, decision: str) -> None:
    loader.execute(
        "insert into quality.gate_runs (run_id, authority, gate, load_id, night, decision)"
        " select run_id, authority, 1, load_id, night, %s from ops.loads where load_id = %s",
        (decision, load_id),
    )


def show(loader: psycopg.Connection[Any], load_id: int) -> None:
    loader.execute(
        "insert into ops.cutoffs select authority, load_id, night, 'test' from ops.loads"
        " where load_id = %s on conflict (authority) do update set load_id = excluded.load_id",
        (load_id,),
    )


def shown(loader: psycopg.Connection[Any], authority: str = ASHMERE) -> int | None:
    row = loader.execute(
        "select load_id from ops.cutoffs where authority = %s", (authority,)
    ).fetchone()
    return row[0] if row else None


def test_gate_ended_by_a_timeout_has_not_passed(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = loaded(loader, "first", ASHMERE, NIGHT - dt.timedelta(days=1))
    judged(loader, accepted, "pass")
    show(loader, loaded(loader, "first", ASHMERE, NIGHT))

    def too_long(*_: object) -> Decision:
        raise TimedOut

    monkeypatch.setattr(quality_gate, "run_gate", too_long)
    with pytest.raises(TimedOut):
        night.gate(RUN, ASHMERE)
    assert shown(loader) == accepted
    assert night.build(RUN) == []
    assert night.verdict(RUN).state == "failed"


def test_gate_that_was_killed_leaves_nothing_for_the_build(
    loader: psycopg.Connection[Any],
) -> None:
    accepted = loaded(loader, "first", ASHMERE, NIGHT - dt.timedelta(days=1))
    judged(loader, accepted, "pass")
    show(loader, loaded(loader, "first", ASHMERE, NIGHT))
    assert night.build(RUN) == []
    assert shown(loader) == accepted


def test_load_judged_again_and_held_is_not_accepted(loader: psycopg.Connection[Any]) -> None:
    earlier = loaded(loader, "first", ASHMERE, NIGHT - dt.timedelta(days=1))
    later = loaded(loader, "first", ASHMERE, NIGHT)
    for load_id, decision in ((earlier, "pass"), (later, "pass"), (later, "hold")):
        judged(loader, load_id, decision)
    show(loader, later)
    night.build(RUN)
    assert shown(loader) == earlier


def test_source_that_never_began_keeps_its_authority_out(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carepath.warehouse.staging.ensure_staging", lambda *_: False)
    loaded(loader, "first", ASHMERE, NIGHT)
    load_id = loaded(loader, "other", OTHER, NIGHT)
    assert night.stage(RUN) == [OTHER]
    assert shown(loader, ASHMERE) is None
    assert shown(loader, OTHER) == load_id


def test_verdict_of_a_night_whose_steps_never_ended_is_no_publication(
    loader: psycopg.Connection[Any],
) -> None:
    loader.execute("update ops.run_steps set state = 'done' where authority = %s", (OTHER,))
    loader.execute(
        "insert into ops.run_steps (run_id, step, authority, state)"
        " values (%s, 'publish', %s, 'done')",
        (RUN, OTHER),
    )
    verdict = night.verdict(RUN)
    assert verdict.state == "partly"
    assert "load E09900001 first" in verdict.message
    assert "What to do" in verdict.message


def test_verdict_misses_an_authority_without_any_word(loader: psycopg.Connection[Any]) -> None:
    loader.execute("update ops.run_steps set state = 'done'")
    loader.execute(
        "insert into ops.run_steps (run_id, step, authority, state)"
        " values (%s, 'publish', %s, 'done')",
        (RUN, OTHER),
    )
    verdict = night.verdict(RUN)
    assert verdict.state == "partly"
    assert verdict.message.startswith(ASHMERE)


def test_build_of_another_load_is_not_published(loader: psycopg.Connection[Any]) -> None:
    built = loaded(loader, "first", ASHMERE, NIGHT)
    judged(loader, built, "pass")
    crossed = loaded(loader, "first", ASHMERE, NIGHT)
    judged(loader, crossed, "pass")
    loader.execute(
        "drop table if exists core.dim_snapshot;"
        " create table core.dim_snapshot (authority text, is_latest boolean, load_id bigint)"
    )
    loader.execute("insert into core.dim_snapshot values (%s, true, %s)", (ASHMERE, built))
    show(loader, crossed)
    with pytest.raises(CarepathError, match="not built from the load"):
        night.check(RUN, ASHMERE)


def test_step_error_of_a_library_names_its_kind_only(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def quotes(*_: object) -> Decision:
        raise ValueError("could not convert Anneliese")

    monkeypatch.setattr(quality_gate, "run_gate", quotes)
    with pytest.raises(CarepathError, match="ValueError") as caught:
        night.gate(RUN, ASHMERE)
    kept = loader.execute("select string_agg(message, '') from ops.run_steps").fetchone()
    assert "Anneliese" not in f"{caught.value}{kept}"


def test_start_refuses_a_night_to_come(loader: psycopg.Connection[Any]) -> None:
    with pytest.raises(SettingsError, match="has not come yet"):
        night.start("another", dt.date(2919, 6, 30), None, "test")


def test_start_refuses_a_source_that_is_not_listed(loader: psycopg.Connection[Any]) -> None:
    with pytest.raises(SettingsError, match="no source nowhere"):
        night.start("another", NIGHT, ["nowhere"], "test")


def test_start_beside_a_running_night_is_refused(loader: psycopg.Connection[Any]) -> None:
    with pytest.raises(SettingsError, match="is running"):
        night.start("another run", NIGHT, None, "test")
    assert loader.execute("select run_id from ops.runs").fetchall() == [(RUN,)]

    night.start(RUN, NIGHT, None, "test")  # a retry of the same run's first step


def test_start_after_a_killed_night_was_abandoned_goes_on(loader: psycopg.Connection[Any]) -> None:
    assert night.abandon() == 1
    night.start("another run", NIGHT, None, "test")
    states = loader.execute("select run_id, state from ops.runs order by run_id").fetchall()
    assert states == [("another run", "running"), (RUN, "failed")]


def test_start_after_a_night_that_airflow_has_timed_out_goes_on(
    loader: psycopg.Connection[Any],
) -> None:
    loader.execute("update ops.runs set started_at = now() - interval '6 hours'")
    night.start("another run", NIGHT, None, "test")
