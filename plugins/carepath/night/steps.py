"""The steps of a night, in the order of dags/nightly_load.py.

plan -> load (per source) -> stage -> judge_records (per set of authorities) -> build ->
judge_figures and publish (per set) -> close. A step that runs twice gives the same result. It
records itself in ops.run_steps, with a row for each authority, and takes and returns only names and
counts. No authority's trouble touches another: one that is late or held keeps its last published
figures, and the others go on. A step of a set fails at its end, and names all that have trouble. If
it runs again, it leaves out the authorities that are done. If its night is not the current one
(`lock`), a step raises NightError and changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import psycopg
import structlog
from structlog.contextvars import bound_contextvars

from carepath.dates import written
from carepath.errors import CarepathError, GateHeldError, SettingsError, SourceError
from carepath.night.lock import take, working
from carepath.night.record import (
    LOADER,
    Outcome,
    begin,
    begun,
    close_run,
    complete_authorities,
    delivered_load,
    done_for,
    is_done,
    night_of,
    note,
    open_run,
    sizes,
    step,
)
from carepath.night.sets import divide, each_alone, tell
from carepath.settings import get_settings
from carepath.warehouse import cutoffs, ready
from carepath.warehouse.code_version import code_version
from carepath.warehouse.connect import connect

if TYPE_CHECKING:
    from carepath.quality.waivers import Accepted
    from carepath.sources import SourceSpec

LONDON = ZoneInfo("Europe/London")

log = structlog.get_logger(__name__)


def plan(
    run_id: str,
    night: dt.date,
    sources: Sequence[str] | None,
    trigger: str,
    accepted: Accepted | None = None,
) -> list[str]:
    """Open the night in ops.runs and say which sources it loads.

    Args:
        run_id: identity of the run (Airflow's run id).
        night: the day that is loaded.
        sources: names from sources.yml or `ssda903:PATH`; None loads every listed source.
        trigger: who started it (`schedule`, `command line`, `demonstration`).
        accepted: what a person accepts for this night. It is recorded as waivers.

    Returns:
        Source names, each of which `load` understands.

    Raises:
        SettingsError: no source is listed, a named one is not, or the night is in the future.
        NightError: another night is running.
        WaiverError: what a person accepts waits for the approval of a second person.
    """
    from carepath.site import apply_site, read_site

    specs = planned(night, sources)
    names = list(sources) if sources else [spec.name for spec in specs]
    ready()
    site = read_site().require_valid()
    waivers = accept(night, specs, accepted) if accepted and accepted.waived else []
    with connect(LOADER) as connection:
        take(connection, run_id)
        open_run(connection, run_id, night, trigger, specs)
        with step(connection, run_id, "plan") as detail:
            detail["sources"] = names
            detail["changed settings"] = apply_site(connection, run_id, site)
            detail["waivers"] = waivers
    return names


def planned(night: dt.date, sources: Sequence[str] | None) -> list[SourceSpec]:
    """Return the sources that a night loads. This needs neither Airflow nor the warehouse.

    Raises:
        SettingsError: no source is listed, a named one is not, or the night is in the future.
    """
    if night > dt.datetime.now(LONDON).date():
        raise SettingsError(
            f"The date {written(night)} is in the future. Loading it would stop you from loading "
            "any earlier date.",
            todo="correct the date.",
        )
    specs = _specs(sources)
    if not specs:
        raise SettingsError(
            "No recording system is listed, so there is nothing to load.",
            where=str(get_settings().sources_file),
            todo="add one (README, 'Connect your own system'), or run `make demo`.",
        )
    return specs


def accept(night: dt.date, specs: Sequence[SourceSpec], accepted: Accepted) -> list[int]:
    """Record as waivers what a person accepts for a night, whether or not the night goes on.

    Returns:
        The ids of the waivers.

    Raises:
        WaiverError: a waiver waits for the approval of a second person.
    """
    from carepath.quality.mirror import mirror
    from carepath.quality.waivers import accept as record

    with connect(LOADER, autocommit=True) as connection:
        mirror(connection)
        for spec in specs:
            connection.execute(
                "insert into ops.authorities (authority, name) values (%s, %s)"
                " on conflict do nothing",
                (spec.authority, spec.authority_name),
            )
        return record(connection, sorted({spec.authority for spec in specs}), night, accepted)


def accept_first(night: dt.date, sources: Sequence[str] | None, accepted: Accepted) -> None:
    """Record what a person accepts before the night is started, so that it need not start.

    Raises:
        SettingsError: a named source is not listed.
        WaiverError: a waiver waits for the approval of a second person.
    """
    if accepted.waived:
        ready()
        accept(night, _specs(sources), accepted)


def _specs(sources: Sequence[str] | None) -> list[SourceSpec]:
    """Return the named sources, or all that are listed."""
    from carepath.sources import find_source, read_sources

    try:
        return [find_source(name) for name in sources] if sources else list(read_sources())
    except SourceError as error:
        raise SettingsError(error.what, where=error.where, todo=error.todo) from None


def load(run_id: str, source: str) -> int:
    """Extract one source and bring its history up to the night.

    Returns:
        The load's id.

    Raises:
        CarepathError: the source cannot be reached, breaks the contract or is truncated. Landing
            and history are as they were.
    """
    from carepath.landing import load_source
    from carepath.quality.waivers import lost_rows_waived
    from carepath.retention.returned import delivered_again
    from carepath.sources import find_source

    with _at_work(run_id) as connection:
        night = night_of(connection, run_id)
        spec = find_source(source)
        waived, tables = lost_rows_waived(connection, spec.authority, night)
        with step(connection, run_id, "load", authority=spec.authority, source=spec.name) as detail:

            def progress(table: str, rows: int) -> None:
                note(connection, run_id, spec.name, f"{table}: {rows:,} rows")

            result = load_source(run_id, spec, night, accept_truncation=tables, progress=progress)
            for table in result.tables:
                log.info(
                    "a table is loaded",
                    table=table.table,
                    rows=table.row_count,
                    opened=table.opened_count,
                    closed=table.closed_count,
                )
            detail |= {
                "load_id": result.load_id,
                "tables": len(result.tables),
                "rows": sum(t.row_count for t in result.tables),
                "opened": sum(t.opened_count for t in result.tables),
                "closed": sum(t.closed_count for t in result.tables),
                "extract_seconds": round(result.extract_seconds, 2),
                "history_seconds": round(result.history_seconds, 2),
                "waivers": waived,
            }
            if again := delivered_again(connection, spec.authority):
                log.warning("people whose records were disposed of are delivered", people=again)
                detail["delivered after disposal"] = again
    return result.load_id


def stage(run_id: str) -> list[list[str]]:
    """Make the staging views, for the authorities of which every source arrived tonight.

    Returns:
        The sets of authorities to judge. If no delivery is complete the list is empty, and nothing
        is built.
    """
    from carepath.warehouse.staging import ensure_staging

    with (
        _at_work(run_id) as connection,
        step(connection, run_id, "stage") as detail,
    ):
        authorities = complete_authorities(connection, run_id)
        detail["authorities"] = len(authorities)
        if authorities:
            detail["views made"] = ensure_staging(connection, run_id)
        return divide(sizes(connection, run_id, authorities))


def judge_records(run_id: str, authorities: Sequence[str]) -> None:
    """Gate 1: judge the loads that a set of authorities delivered tonight.

    Staging shows a load once it has passed; until then, and on a hold, the last accepted one.

    Raises:
        GateHeldError: all that have trouble were held; the message says what a person must do.
        CarepathError: an authority could not be judged.
    """
    from carepath.quality.records.gate import run_gates

    loads: dict[str, int] = {}

    def find_load(authority: str) -> None:
        loads[authority] = delivered_load(connection, run_id, authority)

    def decide(authority: str) -> None:
        with step(connection, run_id, "judge_records", authority=authority, since=began) as detail:
            try:
                found = missing.get(authority) or decisions[loads[authority]]
                if isinstance(found, Exception):
                    raise found
            finally:
                # if the load passed before but not this time, staging goes back to an older one
                cutoffs.show_accepted(connection, authority)
            detail["of"] = _judged(loads[authority])
            detail["reasons"] = list(found.reasons)
            if not found.passed:
                raise GateHeldError(found.message, where=authority)

    with _at_work(run_id) as connection:
        waiting = [each for each in authorities if not _has_passed(connection, run_id, each)]
        began = begin(connection, run_id, "judge_records", waiting)
        missing = each_alone(waiting, find_load)
        try:
            with bound_contextvars(run_id=run_id, step="judge_records"):
                decisions = run_gates(run_id, list(loads.values()))
        except Exception as error:
            decisions = dict.fromkeys(loads.values(), error)
        except BaseException:  # how Airflow ends a task
            for authority in waiting:
                cutoffs.show_accepted(connection, authority)
            raise
        troubles = each_alone(waiting, decide)
    tell(troubles, authorities)


def _has_passed(connection: psycopg.Connection[Any], run_id: str, authority: str) -> bool:
    """Say whether the load of an authority has passed gate 1 in this run."""
    try:
        load_id = delivered_load(connection, run_id, authority)
    except CarepathError:
        return False
    return is_done(connection, run_id, "judge_records", authority, _judged(load_id))


def _judged(load_id: int) -> str:
    """Return what names the input of gate 1: the load, and the code that judges it."""
    return f"load {load_id}, code {code_version()}"


def build(run_id: str) -> list[list[str]]:
    """Build core and marts, beside what is published, from accepted loads, and test them.

    A test that fails is recorded, and gate 2 holds the authorities that it is about. If a model
    fails, there are no figures to judge.

    Returns:
        The sets of authorities that passed gate 1 tonight. If there are none, nothing was built.
    """
    from carepath.warehouse.models import build_models

    with _at_work(run_id) as connection:
        cutoffs.show_only_accepted(connection)
        passed = done_for(connection, run_id, "judge_records")
        if passed:
            with step(connection, run_id, "build") as detail:
                detail["rebuilt from the start"] = build_models(connection, run_id)
                detail["authorities"] = len(passed)
        return divide(sizes(connection, run_id, passed))


def judge_and_publish(run_id: str, authorities: Sequence[str]) -> None:
    """Gate 2 and publication of a set, as one task: those that gate 2 holds are left out.

    Raises:
        GateHeldError: all that have trouble were held; the message says what a person must do.
        CarepathError: an authority could not be judged or published.
    """
    troubles = _judge_figures(run_id, authorities)
    passed = [authority for authority in authorities if authority not in troubles]
    tell(troubles | _publish(run_id, passed)[1], authorities)


def judge_figures(run_id: str, authorities: Sequence[str]) -> None:
    """Gate 2: the build must agree with core, and no KPI may change a lot unless it is waived.

    Raises:
        GateHeldError: all that have trouble were held; the message says what a person must do.
        CarepathError: the build was not made from the load that gate 1 accepted.
    """
    tell(_judge_figures(run_id, authorities), authorities)


def publish(run_id: str, authorities: Sequence[str]) -> dict[str, int]:
    """Make the marts of a set of authorities equal to the build, in one transaction.

    Returns:
        authority to the id of its publication.

    Raises:
        CarepathError: the build was not made from the load that both gates accepted.
    """
    published, troubles = _publish(run_id, authorities)
    tell(troubles, authorities)
    return published


def _judge_figures(run_id: str, authorities: Sequence[str]) -> dict[str, CarepathError]:
    """Let gate 2 judge a set; return the trouble of each authority that has one."""
    from carepath.quality.figures.gate import FigureGate

    def judge(authority: str) -> None:
        if is_done(connection, run_id, "judge_figures", authority, built):
            return
        with step(connection, run_id, "judge_figures", authority=authority) as detail:
            detail["of"] = built
            load_id = _accepted_and_built(connection, run_id, authority, gates=1)
            decision = gate.judge(load_id)
            if not decision.passed:
                raise GateHeldError(decision.message, where=authority)

    with _at_work(run_id) as connection:
        built = begun(connection, run_id, "build")
        gate = FigureGate(run_id)
        return each_alone(authorities, judge)


def _publish(
    run_id: str, authorities: Sequence[str]
) -> tuple[dict[str, int], dict[str, CarepathError]]:
    """Publish a set; return the publications, and the trouble of each that has one."""
    from carepath.publish import Publication, publish_many

    loads: dict[str, int] = {}
    published: dict[str, int] = {}

    def accept(authority: str) -> None:
        loads[authority] = _accepted_and_built(connection, run_id, authority, gates=2)

    def tell_of(authority: str) -> None:
        with step(connection, run_id, "publish", authority=authority, since=began) as detail:
            outcome = outcomes[authority]
            if not isinstance(outcome, Publication):
                raise outcome
            detail["publication_id"] = published[authority] = outcome.publication_id

    with _at_work(run_id) as connection:
        night = night_of(connection, run_id)
        began = begin(connection, run_id, "publish", authorities)
        outcomes: dict[str, Publication | Exception] = {**each_alone(authorities, accept)}
        try:
            outcomes |= publish_many(run_id, loads, night) if loads else {}
        except Exception as error:
            outcomes |= dict.fromkeys(loads, error)
        return published, each_alone(authorities, tell_of)


def close(run_id: str) -> Outcome:
    """Close the night: published, partly, held or failed, and what a person must do."""
    with working(run_id) as connection:
        return close_run(connection, run_id)


@contextmanager
def _at_work(run_id: str) -> Iterator[psycopg.Connection[Any]]:
    """Open the connection of a step, which uses the settings of its night on any machine."""
    from carepath.site import follow_night

    with working(run_id) as connection:
        if get_settings().broker_url is not None:
            follow_night(connection, run_id)
        yield connection


def _accepted_and_built(
    connection: psycopg.Connection[Any], run_id: str, authority: str, *, gates: int
) -> int:
    """Return the load that the first gate, or both, accepted tonight and the build is made from.

    Raises:
        CarepathError: there is no such load.
    """
    decisions = connection.execute(
        "select distinct on (gate) load_id, decision from quality.gate_runs"
        " where run_id = %s and authority = %s and gate <= %s order by gate, gate_run_id desc",
        (run_id, authority, gates),
    ).fetchall()
    loads = {load_id for load_id, decision in decisions if decision == "pass"}
    if len(decisions) != gates or {decision for _, decision in decisions} != {"pass"}:
        raise CarepathError(
            "The figures have not passed each gate before this step.",
            where=authority,
            todo="run the night again.",
        )
    built = connection.execute(
        "select load_id from core.dim_snapshot where authority = %s and is_latest", (authority,)
    ).fetchall()
    if loads != {load_id for (load_id,) in built}:
        raise CarepathError(
            "The figures were not built from the load that the gate accepted.",
            where=authority,
            todo="run the night again.",
        )
    return int(loads.pop())
