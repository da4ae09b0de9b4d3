"""A night fails closed: what was ended from outside, or never began, publishes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest

import carepath.publish
from carepath.errors import CarepathError, GateHeldError, SettingsError, WaiverError
from carepath.night import lock, record, steps
from carepath.publish import MartTable
from carepath.quality.decision import Decision
from carepath.quality.figures import gate as figure_gate
from carepath.quality.records import gate as quality_gate
from carepath.quality.waivers import Accepted, approve, read_waivers
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
    with connect(record.LOADER, autocommit=True) as connection:
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
        with lock.driving():
            steps.plan(RUN, NIGHT, None, "test")
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


@pytest.mark.fault(
    "A gate runs into its time limit.",
    "It has not passed, and nothing is published.",
)
def test_gate_ended_by_a_timeout_has_not_passed(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = loaded(loader, "first", ASHMERE, NIGHT - dt.timedelta(days=1))
    judged(loader, accepted, "pass")
    show(loader, loaded(loader, "first", ASHMERE, NIGHT))

    def too_long(*_: object) -> Decision:
        raise TimedOut

    monkeypatch.setattr(quality_gate, "run_gates", too_long)
    with pytest.raises(TimedOut):
        steps.judge_records(RUN, [ASHMERE])
    assert shown(loader) == accepted
    assert steps.build(RUN) == []
    assert steps.close(RUN).state == "failed"


@pytest.mark.fault("A gate is killed.", "The build does not use the load that it judged.")
def test_gate_that_was_killed_leaves_nothing_for_the_build(
    loader: psycopg.Connection[Any],
) -> None:
    accepted = loaded(loader, "first", ASHMERE, NIGHT - dt.timedelta(days=1))
    judged(loader, accepted, "pass")
    show(loader, loaded(loader, "first", ASHMERE, NIGHT))
    assert steps.build(RUN) == []
    assert shown(loader) == accepted


def test_load_judged_again_and_held_is_not_accepted(loader: psycopg.Connection[Any]) -> None:
    earlier = loaded(loader, "first", ASHMERE, NIGHT - dt.timedelta(days=1))
    later = loaded(loader, "first", ASHMERE, NIGHT)
    for load_id, decision in ((earlier, "pass"), (later, "pass"), (later, "hold")):
        judged(loader, load_id, decision)
    show(loader, later)
    steps.build(RUN)
    assert shown(loader) == earlier


def test_source_that_never_began_keeps_its_authority_out(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carepath.warehouse.staging.ensure_staging", lambda *_: False)
    loaded(loader, "first", ASHMERE, NIGHT)
    load_id = loaded(loader, "other", OTHER, NIGHT)
    assert steps.stage(RUN) == [[OTHER]]
    assert shown(loader, ASHMERE) is None
    assert shown(loader, OTHER) is None  # not before gate 1 has accepted it

    def accept(_: str, load_ids: list[int]) -> dict[int, Decision]:
        for each in load_ids:
            judged(loader, each, "pass")
        return dict.fromkeys(load_ids, Decision(True, (), ""))

    monkeypatch.setattr(quality_gate, "run_gates", accept)
    steps.judge_records(RUN, [OTHER])
    assert shown(loader, OTHER) == load_id


def test_close_of_a_night_whose_steps_never_ended_is_no_publication(
    loader: psycopg.Connection[Any],
) -> None:
    loader.execute("update ops.run_steps set state = 'done' where authority = %s", (OTHER,))
    loader.execute(
        "insert into ops.run_steps (run_id, step, authority, state)"
        " values (%s, 'publish', %s, 'done')",
        (RUN, OTHER),
    )
    outcome = steps.close(RUN)
    assert outcome.state == "partly"
    assert "load E09900001 first" in outcome.message
    assert "What to do" in outcome.message


def test_close_misses_an_authority_without_any_word(loader: psycopg.Connection[Any]) -> None:
    loader.execute("update ops.run_steps set state = 'done'")
    loader.execute(
        "insert into ops.run_steps (run_id, step, authority, state)"
        " values (%s, 'publish', %s, 'done')",
        (RUN, OTHER),
    )
    outcome = steps.close(RUN)
    assert outcome.state == "partly"
    assert outcome.message.startswith(ASHMERE)


def nights(loader: psycopg.Connection[Any]) -> dict[str, tuple[str, str]]:
    """Return outcome and message of the last decision about each authority's night."""
    rows = loader.execute(
        "select distinct on (authority) authority, outcome, message from quality.decisions"
        " where kind = 'night' and run_id = %s order by authority, decision_id desc",
        (RUN,),
    ).fetchall()
    return {authority: (outcome, message) for authority, outcome, message in rows}


@pytest.mark.parametrize(
    ("step", "state", "outcome"),
    [
        ("judge_records", "held", "held"),
        ("load", "failed", "refused"),
        ("judge_figures", "failed", "failed"),
        ("judge_records", "running", "failed"),
        ("publish", "done", "published"),
    ],
)
def test_close_keeps_how_the_night_ended_for_each_authority(
    loader: psycopg.Connection[Any], step: str, state: str, outcome: str
) -> None:
    loader.execute("update ops.run_steps set state = 'done'")
    loader.execute(
        "insert into ops.run_steps (run_id, step, authority, source, state, message)"
        " values (%s, 'publish', %s, '', 'done', null),"
        " (%s, %s, %s, case %s when 'load' then 'first' else '' end, %s, 'What happened.')"
        " on conflict (run_id, step, authority, source) do update set state = excluded.state,"
        " message = excluded.message",
        (RUN, OTHER, RUN, step, ASHMERE, step, state),
    )
    steps.close(RUN)
    kept = nights(loader)
    assert kept[OTHER] == ("published", "")
    said = {"published": "", "running": f"{step}: The step did not end."}
    assert kept[ASHMERE] == (outcome, said.get(outcome, said.get(state, "What happened.")))
    if outcome != "published":
        reasons = loader.execute(
            "select reasons.state, reasons.holds from quality.decision_reasons as reasons"
            " inner join quality.decisions using (decision_id)"
            " where kind = 'night' and run_id = %s and authority = %s"
            " order by decision_id desc limit 1",
            (RUN, ASHMERE),
        ).fetchall()
        assert reasons == [(outcome, True)]


def test_close_says_published_with_records_left_out(loader: psycopg.Connection[Any]) -> None:
    loader.execute("update ops.run_steps set state = 'done'")
    loader.execute(
        "insert into ops.run_steps (run_id, step, authority, state)"
        " values (%s, 'publish', %s, 'done')",
        (RUN, OTHER),
    )
    loader.execute(
        "insert into quality.decisions (run_id, authority, night, kind, outcome, left_out_count)"
        " values (%s, %s, %s, 'records', 'pass', 7)",
        (RUN, OTHER, NIGHT),
    )
    steps.close(RUN)
    assert nights(loader)[OTHER][0] == "published with records left out"


@pytest.mark.fault("A night is killed.", "It is recorded as failed.")
def test_night_that_was_killed_is_kept_as_failed(loader: psycopg.Connection[Any]) -> None:
    record.close_stopped_run(loader, RUN)
    assert {outcome for outcome, _ in nights(loader).values()} == {"failed"}
    before = loader.execute("select count(*) from quality.decisions").fetchone()
    record.close_stopped_run(loader, RUN)
    assert loader.execute("select count(*) from quality.decisions").fetchone() == before


def test_plan_stops_the_night_when_what_it_accepts_waits_for_a_second_person(
    loader: psycopg.Connection[Any],
) -> None:
    accepted = Accepted(truncation=["ssd_contacts"], reason="A purge.", by="ann")
    with pytest.raises(WaiverError, match="second person"):
        steps.plan(RUN, NIGHT, None, "test", accepted)
    steps.close(RUN)
    assert nights(loader)[ASHMERE][0] == "failed"
    with connect("carepath_steward", autocommit=True) as steward:
        for waiver in read_waivers(steward):
            approve(steward, waiver.waiver_id, "bob")
    steps.plan(RUN, NIGHT, None, "test", accepted)


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
        steps.judge_figures(RUN, [ASHMERE])


def test_step_error_of_a_library_names_its_kind_only(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def quotes(*_: object) -> Decision:
        raise ValueError("could not convert Anneliese")

    loaded(loader, "other", OTHER, NIGHT)
    monkeypatch.setattr(quality_gate, "run_gates", quotes)
    with pytest.raises(CarepathError, match="ValueError") as caught:
        steps.judge_records(RUN, [OTHER])
    kept = loader.execute("select string_agg(message, '') from ops.run_steps").fetchone()
    assert "Anneliese" not in f"{caught.value}{kept}"


def test_trouble_of_one_authority_of_a_set_does_not_touch_another(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    troubled = loaded(loader, "first", ASHMERE, NIGHT)
    load_id = loaded(loader, "other", OTHER, NIGHT)

    def breaks_on_one(_: str, load_ids: list[int]) -> dict[int, Decision | Exception]:
        assert load_ids == [troubled, load_id]
        judged(loader, load_id, "pass")
        broken = ValueError("could not convert Anneliese")
        return {troubled: broken, load_id: Decision(True, (), "")}

    monkeypatch.setattr(quality_gate, "run_gates", breaks_on_one)
    with pytest.raises(CarepathError, match=f"{ASHMERE}.*ValueError"):
        steps.judge_records(RUN, [ASHMERE, OTHER])
    assert (shown(loader, ASHMERE), shown(loader, OTHER)) == (None, load_id)
    assert states(loader, "judge_records") == {ASHMERE: "failed", OTHER: "done"}


def test_step_of_a_set_names_everyone_with_trouble(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(loader, "first", ASHMERE, NIGHT)
    loaded(loader, "other", OTHER, NIGHT)
    held = Decision(False, ("Why.",), "Correct the records.")
    monkeypatch.setattr(quality_gate, "run_gates", lambda _, loads: dict.fromkeys(loads, held))
    with pytest.raises(GateHeldError) as told:
        steps.judge_records(RUN, [ASHMERE, OTHER])
    assert str(told.value) == (
        f"2 of 2 were held: {ASHMERE}, {OTHER}. | {ASHMERE}: Correct the records."
        f" | {OTHER}: Correct the records."
    )
    assert states(loader, "judge_records") == {ASHMERE: "held", OTHER: "held"}


def test_step_of_a_set_that_runs_again_leaves_out_who_is_done(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(loader, "first", ASHMERE, NIGHT)
    loaded(loader, "other", OTHER, NIGHT)
    passing = {OTHER}
    seen: list[str] = []

    def gate(_: str, load_ids: list[int]) -> dict[int, Decision]:
        found = {}
        for load_id in load_ids:
            ((authority,),) = loader.execute(
                "select authority from ops.loads where load_id = %s", (load_id,)
            ).fetchall()
            seen.append(authority)
            passes = authority in passing
            judged(loader, load_id, "pass" if passes else "hold")
            found[load_id] = Decision(passes, (), "" if passes else "Correct the records.")
        return found

    monkeypatch.setattr(quality_gate, "run_gates", gate)
    with pytest.raises(GateHeldError):
        steps.judge_records(RUN, [ASHMERE, OTHER])
    passing.add(ASHMERE)  # such as by a waiver
    steps.judge_records(RUN, [ASHMERE, OTHER])
    steps.judge_records(RUN, [ASHMERE, OTHER])
    assert seen == [ASHMERE, OTHER, ASHMERE]
    loaded(loader, "other", OTHER, NIGHT)  # its source was loaded again
    steps.judge_records(RUN, [ASHMERE, OTHER])
    assert seen == [ASHMERE, OTHER, ASHMERE, OTHER]


@pytest.fixture
def figures(loader: psycopg.Connection[Any]) -> Iterator[None]:
    """A mart that is built for both authorities, from loads that both gates accepted."""
    loader.execute(
        "drop table if exists core.dim_snapshot;"
        " create table core.dim_snapshot (authority text, is_latest boolean, load_id bigint);"
        " create unlogged table marts_build.trial_set (authority text, measure text, share int)"
    )
    for source, authority in (("first", ASHMERE), ("other", OTHER)):
        load_id = loaded(loader, source, authority, NIGHT)
        judged(loader, load_id, "pass")
        loader.execute("insert into core.dim_snapshot values (%s, true, %s)", (authority, load_id))
        loader.execute("insert into marts_build.trial_set values (%s, 'eet', 1)", (authority,))
    loader.execute(
        "insert into quality.gate_runs (run_id, authority, gate, load_id, night, decision)"
        " select run_id, authority, 2, load_id, night, decision from quality.gate_runs"
    )
    yield
    with connect("carepath_owner", autocommit=True) as owner:
        owner.execute(
            "drop table core.dim_snapshot, marts_build.trial_set, marts.trial_set,"
            " marts_prev.trial_set; delete from marts.publication; delete from ops.publications"
        )


@pytest.mark.usefixtures("figures")
def test_publication_of_a_set_leaves_out_whose_build_is_broken(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    only = partial(carepath.publish.publish_many, tables=[MartTable("trial_set", ("measure",))])
    monkeypatch.setattr(carepath.publish, "publish_many", only)
    loader.execute("insert into marts_build.trial_set values (%s, 'eet', 2)", (ASHMERE,))
    with pytest.raises(CarepathError, match=rf"^{ASHMERE}, marts\.trial_set: .*duplicate key"):
        steps.publish(RUN, [ASHMERE, OTHER])
    assert states(loader, "publish") == {ASHMERE: "failed", OTHER: "done"}
    assert loader.execute("select authority from marts.trial_set").fetchall() == [(OTHER,)]

    loader.execute("delete from marts_build.trial_set where share = 2")
    published = steps.publish(RUN, [ASHMERE, OTHER])
    assert states(loader, "publish") == {ASHMERE: "done", OTHER: "done"}
    assert (
        dict(loader.execute("select authority, publication_id from marts.publication").fetchall())
        == published
    )

    loader.execute("delete from quality.gate_runs where gate = 2 and authority = %s", (OTHER,))
    with pytest.raises(CarepathError, match=rf"^{OTHER}: The figures have not passed each gate"):
        steps.publish(RUN, [ASHMERE, OTHER])
    assert states(loader, "publish") == {ASHMERE: "done", OTHER: "failed"}


@pytest.mark.usefixtures("figures")
@pytest.mark.parametrize(
    ("step", "module", "name"),
    [
        ("judge_records", quality_gate, "run_gates"),
        ("publish", steps, "_accepted_and_built"),
        ("judge_figures", figure_gate.FigureGate, "judge"),
        ("publish", carepath.publish, "publish_many"),
    ],
)
def test_unexpected_error_of_a_whole_set_is_recorded_for_each_authority(
    loader: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    module: object,
    name: str,
) -> None:
    def breaks(*_: object, **__: object) -> Any:
        raise ValueError("could not convert Anneliese")

    with connect("carepath_owner", autocommit=True) as owner:  # `figures` drops what it published
        for schema in ("marts", "marts_prev"):
            owner.execute(f"create table {schema}.trial_set ()")
    monkeypatch.setattr(module, name, breaks)
    loader.execute("update ops.run_steps set state = 'done' where step = 'load'")
    with pytest.raises(CarepathError, match=r"2 of 2 did not get through.*ValueError.*ValueError"):
        getattr(steps, step)(RUN, [ASHMERE, OTHER])
    outcome = steps.close(RUN)
    assert outcome.state == "failed"
    kept = nights(loader)
    for authority in (ASHMERE, OTHER):
        assert kept[authority][0] == "failed"
        assert "ValueError" in kept[authority][1], kept
        assert "Anneliese" not in kept[authority][1] + outcome.message


def states(loader: psycopg.Connection[Any], step: str) -> dict[str, str]:
    """Return how a step ended for each authority."""
    return dict(
        loader.execute(
            "select authority, state from ops.run_steps where run_id = %s and step = %s",
            (RUN, step),
        ).fetchall()
    )


def test_plan_refuses_a_night_to_come(loader: psycopg.Connection[Any]) -> None:
    with pytest.raises(SettingsError, match="is in the future"):
        steps.plan("another", dt.date(2919, 6, 30), None, "test")


def test_plan_refuses_a_source_that_is_not_listed(loader: psycopg.Connection[Any]) -> None:
    with pytest.raises(SettingsError, match="no source nowhere"):
        steps.plan("another", NIGHT, ["nowhere"], "test")


@pytest.mark.usefixtures("loader")
def test_plan_of_a_run_that_is_current_is_repeated() -> None:
    steps.plan(RUN, NIGHT, None, "test")  # as a retry of the same run's first step
