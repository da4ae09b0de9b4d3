"""An ordinary department: the demonstration's first borough, with what happens in any department.

Its records lead their lives from month to month as the demonstration's do: birthdays, moves,
reviews, late entries. `EVENTS` adds what the demonstration leaves out: a team gets a new name, a
worker leaves, a child and a care leaver die, cases move to another team or open again, a table
grows by a third, a new code comes into use, and at Christmas nothing is typed in for eleven days.
None of it is an error, so no gate may hold a night of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, LiteralString

import numpy as np
import psycopg
from psycopg import sql

from carepath.demonstration.generator import borough
from carepath.demonstration.generator.dirt import DirtRates
from carepath.demonstration.generator.rows import Bools, Column, Rows, day_number
from carepath.demonstration.generator.system import READER, SEED, layout
from carepath.errors import CarepathError
from carepath.night import steps
from carepath.night.record import Outcome
from carepath.sources import SourceSpec
from carepath.warehouse.connect import connect, url

SCHEMA: Final = "ordinary"
AUTHORITY: Final = "E09900001"
# nothing is typed in from the first of these days to the last
QUIET: Final = (date(2018, 12, 22), date(2019, 1, 1))

# the lists of workers and teams are shared by people who have nothing else in common
_LISTS: Final = frozenset({"W5000", "T101"})


@dataclass(frozen=True)
class Event:
    """Something ordinary that happens on a day, as SQL over that day's records.

    `%(day)s` is the day. The records of each later night have it too.
    """

    day: date
    what: str
    statements: tuple[LiteralString, ...]


# A person whose records end on the day of death: nothing happens to them afterwards.
_DEATH: Final[tuple[LiteralString, ...]] = (
    "update ssd_person set pers_death_date = %(day)s"
    " where pers_person_id in (select person from gone)",
    "update local_case_status set cass_case_status = 'closed'"
    " where upper(btrim(cass_person_id)) in (select person from gone)",
    "delete from local_eet_status where upper(btrim(eets_person_id)) in (select person from gone)",
    "update ssd_care_leavers set clea_care_leaver_in_touch = 'DIED',"
    " clea_care_leaver_latest_contact = least(clea_care_leaver_latest_contact, %(day)s),"
    " clea_pathway_plan_review_date = least(clea_pathway_plan_review_date, %(day)s),"
    " clea_care_leaver_activity = null, clea_care_leaver_accommodation = null,"
    " clea_care_leaver_accom_suitable = null, clea_care_leaver_personal_advisor = null,"
    " clea_care_leaver_worker_id = null"
    " where upper(btrim(clea_person_id)) in (select person from gone)",
    "update ssd_cla_episodes set clae_cla_episode_ceased_date = %(day)s,"
    " clae_cla_episode_ceased_reason = 'E2'"
    " where upper(btrim(clae_person_id)) in (select person from gone)"
    " and coalesce(clae_cla_episode_ceased_date, 'infinity') >= %(day)s",
    "update ssd_cin_episodes set cine_close_date = %(day)s, cine_close_reason = 'RC2'"
    " where upper(btrim(cine_person_id)) in (select person from gone)"
    " and coalesce(cine_close_date, 'infinity') >= %(day)s",
    "update local_placement_costs set lpco_to_date = %(day)s where lpco_placement_id in"
    " (select clap_cla_placement_id from ssd_cla_placement"
    " where upper(btrim(clap_person_id)) in (select person from gone))"
    " and coalesce(lpco_to_date, 'infinity') > %(day)s",
)
# table, its person, the day of the event or the first day, and the last day
_LASTS: Final[
    tuple[tuple[LiteralString, LiteralString, LiteralString, LiteralString | None], ...]
] = (
    ("ssd_contacts", "cont_person_id", "cont_contact_date", None),
    ("ssd_cin_episodes", "cine_person_id", "cine_referral_date", None),
    ("ssd_cin_assessments", "cina_person_id", "cina_assessment_start_date",
     "cina_assessment_auth_date"),
    ("ssd_cin_plans", "cinp_person_id", "cinp_cin_plan_start_date", "cinp_cin_plan_end_date"),
    ("ssd_cin_visits", "cinv_person_id", "cinv_cin_visit_date", None),
    ("ssd_involvements", "invo_person_id", "invo_involvement_start_date",
     "invo_involvement_end_date"),
    ("ssd_cp_plans", "cppl_person_id", "cppl_cp_plan_start_date", "cppl_cp_plan_end_date"),
    ("ssd_cp_visits", "cppv_person_id", "cppv_cp_visit_date", None),
    ("ssd_cp_reviews", "cppr_person_id", "cppr_cp_review_date", None),
    ("ssd_cla_episodes", "clae_person_id", "clae_cla_episode_start_date", None),
    ("ssd_cla_placement", "clap_person_id", "clap_cla_placement_start_date",
     "clap_cla_placement_end_date"),
    ("ssd_legal_status", "lega_person_id", "lega_legal_status_start_date",
     "lega_legal_status_end_date"),
    ("ssd_cla_visits", "clav_person_id", "clav_cla_visit_date", None),
    ("ssd_cla_health", "clah_person_id", "clah_health_check_date", None),
    ("ssd_missing", "miss_person_id", "miss_missing_episode_start_date",
     "miss_missing_episode_end_date"),
    ("ssd_address", "addr_person_id", "addr_address_start_date", "addr_address_end_date"),
)  # fmt: skip


def _death(day: date, what: str, who: LiteralString) -> Event:
    """Return the death of the person whom a query of the records of that day finds."""
    statements: list[LiteralString] = [
        "create temporary table gone on commit drop as select " + who + " as person",
    ]
    for table, person, begins, ends in _LASTS:
        about: LiteralString = "upper(btrim(" + person + ")) in (select person from gone)"
        statements.append("delete from " + table + " where " + about + " and " + begins
                          + " > %(day)s")  # fmt: skip
        if ends is not None:
            statements.append("update " + table + " set " + ends + " = %(day)s where " + about
                              + " and coalesce(" + ends + ", 'infinity') > %(day)s")  # fmt: skip
    return Event(day, what, (*statements, *_DEATH, "drop table gone"))


_LOOKED_AFTER: Final = (
    "(select upper(btrim(clae_person_id)) from ssd_cla_episodes"
    " where clae_cla_episode_start_date < %(day)s - 90"
    " and clae_cla_episode_start_date > %(day)s - 400"
    " and coalesce(clae_cla_episode_ceased_date, 'infinity') > %(day)s"
    " order by clae_cla_episode_id limit 1)"
)
_LEAVER: Final = (
    "(select upper(btrim(clea_person_id)) from ssd_care_leavers inner join ssd_person"
    " on pers_person_id = upper(btrim(clea_person_id))"
    " where pers_dob between %(day)s - 365 * 21 and %(day)s - 365 * 19"
    " order by pers_person_id limit 1)"
)

EVENTS: Final = (
    _death(date(2018, 3, 13), "a looked-after child dies", _LOOKED_AFTER),
    Event(
        date(2018, 5, 8),
        "a team gets a new name",
        (
            "update ssd_department set dept_team_name = dept_team_name || ' and Transitions'"
            " where dept_team_name like 'Leaving Care%%'",
            "update ssd_professionals set prof_professional_department"
            " = prof_professional_department || ' and Transitions'"
            " where prof_professional_department like 'Leaving Care%%'",
        ),
    ),
    Event(
        date(2018, 7, 16),
        "a social worker leaves, and a colleague takes over",
        (
            # who is chosen must be the same on each later night
            "create temporary table leaves on commit drop as"
            " select invo_professional_id as worker, (select min(prof_professional_id)"
            " from ssd_professionals where prof_professional_id > invo_professional_id)"
            " as colleague from ssd_involvements"
            " where invo_involvement_start_date < %(day)s - 200"
            " group by invo_professional_id order by count(*) desc, 1 limit 1",
            "insert into ssd_involvements (invo_involvements_id, invo_professional_id,"
            " invo_professional_role_id, invo_professional_team, invo_involvement_start_date,"
            " invo_involvement_end_date, invo_worker_change_reason, invo_person_id,"
            " invo_referral_id)"
            " select invo_involvements_id || 'L', colleague, invo_professional_role_id,"
            " invo_professional_team, %(day)s, invo_involvement_end_date, 'LEFTRL',"
            " invo_person_id, invo_referral_id from ssd_involvements"
            " inner join leaves on invo_professional_id = worker"
            " where invo_involvement_start_date < %(day)s"
            " and coalesce(invo_involvement_end_date, 'infinity') > %(day)s",
            "update ssd_involvements set invo_involvement_end_date = %(day)s from leaves"
            " where invo_professional_id = worker and invo_involvement_start_date < %(day)s"
            " and coalesce(invo_involvement_end_date, 'infinity') > %(day)s",
            "drop table leaves",
        ),
    ),
    _death(date(2018, 9, 25), "a care leaver dies", _LEAVER),
    Event(
        date(2018, 10, 15),
        "the open cases of one team move to another",
        (
            "create temporary table moves on commit drop as"
            " select min(cass_team_id) as old, (select min(dept_team_id) from ssd_department"
            " where dept_team_id > min(cass_team_id)) as new from local_case_status"
            " where cass_children_with_disabilities_team = 'N'",
            "update local_case_status set cass_team_id = new from moves"
            " where cass_team_id = old and cass_case_status = 'open'",
            "insert into ssd_involvements (invo_involvements_id, invo_professional_id,"
            " invo_professional_role_id, invo_professional_team, invo_involvement_start_date,"
            " invo_involvement_end_date, invo_worker_change_reason, invo_person_id,"
            " invo_referral_id)"
            " select invo_involvements_id || 'T', invo_professional_id,"
            " invo_professional_role_id, new, %(day)s, invo_involvement_end_date, 'ORGRST',"
            " invo_person_id, invo_referral_id"
            " from ssd_involvements inner join moves on invo_professional_team = old"
            " where invo_involvement_start_date < %(day)s"
            " and coalesce(invo_involvement_end_date, 'infinity') > %(day)s",
            "update ssd_involvements set invo_involvement_end_date = %(day)s from moves"
            " where invo_professional_team = old and invo_involvement_start_date < %(day)s"
            " and coalesce(invo_involvement_end_date, 'infinity') > %(day)s",
            "drop table moves",
        ),
    ),
    Event(
        date(2018, 11, 12),
        "closed cases open again after a new referral",
        (
            "create temporary table again on commit drop as"
            " select cine_person_id as person, max(cine_referral_team) as team,"
            " max(cine_referral_worker_id) as worker, row_number() over (order by cine_person_id)"
            " as number from ssd_cin_episodes inner join local_case_status"
            " on cass_person_id = cine_person_id"
            " inner join ssd_person on pers_person_id = cine_person_id"
            " where cass_case_status = 'closed' and pers_dob > %(day)s - 365 * 15"
            " group by cine_person_id having max(coalesce(cine_close_date, 'infinity'))"
            " < %(day)s - 60 and count(*) = 1 order by cine_person_id limit 4",
            "insert into ssd_contacts (cont_contact_id, cont_person_id, cont_contact_date,"
            " cont_contact_source_code, cont_contact_source_desc)"
            " select 'CA' || number, person, %(day)s - 2, '1A',"
            " 'Individual - family member, relative or carer' from again",
            "insert into ssd_cin_episodes (cine_referral_id, cine_person_id, cine_referral_date,"
            " cine_cin_primary_need_code, cine_referral_source_code, cine_referral_source_desc,"
            " cine_referral_nfa, cine_referral_team, cine_referral_worker_id)"
            " select 'RA' || number, person, %(day)s - 1, 'N5', '1A',"
            " 'Individual - family member, relative or carer', 'N', team, worker from again",
            "insert into ssd_involvements (invo_involvements_id, invo_professional_id,"
            " invo_professional_role_id, invo_professional_team, invo_involvement_start_date,"
            " invo_worker_change_reason, invo_person_id, invo_referral_id)"
            " select 'IA' || number, worker, (select invo_professional_role_id"
            " from ssd_involvements where invo_referral_id is not null"
            " order by invo_involvements_id limit 1), team, %(day)s, 'FCONTA', person,"
            " 'RA' || number from again",
            "update local_case_status set cass_case_status = 'open' from again"
            " where cass_person_id = person",
            "drop table again",
        ),
    ),
    Event(
        date(2019, 1, 7),
        "contacts come with a code that was not in use before",
        (
            "update ssd_contacts set cont_contact_source_code = '2B',"
            " cont_contact_source_desc = 'Education services'"
            " where cont_contact_date >= %(day)s and cont_contact_source_code = '2A'",
        ),
    ),
    Event(
        date(2019, 2, 18),
        "contacts that another system kept are added: a third more",
        (
            "insert into ssd_contacts (cont_contact_id, cont_person_id, cont_contact_date,"
            " cont_contact_source_code, cont_contact_source_desc, cont_contact_outcome_json)"
            " select 'B' || cont_contact_id, cont_person_id, cont_contact_date + interval '7 days',"
            " cont_contact_source_code, cont_contact_source_desc, cont_contact_outcome_json"
            " from ssd_contacts where cont_contact_date < %(day)s - 20"
            " and hashtext(cont_contact_id) %% 3 = 0",
        ),
    ),
)  # fmt: skip


class OrdinaryDepartment:
    """The recording system of an ordinary department, in the database `recording_system`.

    Args:
        leavers, others: keep one in so many care leavers (of about 400) and of other people (of
            about 32,000).
        events: what happens.
    """

    def __init__(
        self, leavers: int = 1, others: int = 1, events: Sequence[Event] | None = None
    ) -> None:
        self.events = EVENTS if events is None else tuple(events)
        # the contradictions of June 2019 belong to the evaluation report's story
        whole = list(borough.tables(1, SEED, DirtRates(muddled_eet_count=0)))
        self._tables = list(_sampled(whole, leavers, others))

    def advance(self, day: date) -> None:
        """Replace the records by those at the end of a day."""
        shown = QUIET[0] if QUIET[0] <= day <= QUIET[1] else day
        close = day_number(shown)
        with connect("recording_system", "recording_system") as connection:
            connection.execute(f"drop schema if exists {SCHEMA} cascade")
            connection.execute(f"create schema {SCHEMA}")
            connection.execute(f"set search_path = {SCHEMA}")
            for number, rows in enumerate(self._tables):
                _write(connection, rows, close, number)
            for event in self.events:
                if event.day <= shown:
                    for statement in event.statements:
                        connection.execute(statement, {"day": event.day})
            for grant in ("usage on schema", "select on all tables in schema"):
                connection.execute(f"grant {grant} {SCHEMA} to {READER}")


def source() -> SourceSpec:
    """Return the department as a source of Carepath, with a role that can only read."""
    return SourceSpec(
        name="demo-ordinary",
        authority=AUTHORITY,
        authority_name="An ordinary department",
        url=url("recording_reader", "recording_system"),
        schema=SCHEMA,
        spelling="liquidlogic",
    )


def run_night(day: date, run_id: str | None = None) -> tuple[Outcome, dict[str, float]]:
    """Run the steps of a night of the department, one after the other, without Airflow.

    Args:
        day: the night.
        run_id: of the run; by default the same for each run of that night.

    Returns:
        How it ended, and the seconds of each step.
    """
    run_id, name = run_id or f"ordinary {day}", source().name
    seconds: dict[str, float] = {}

    def timed(step: str, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        # a step after a hold raises too: `close` says how the night ended
        with suppress(CarepathError):
            work()
        seconds[step] = time.perf_counter() - began

    steps.plan(run_id, day, [name], "demonstration")
    timed("load", lambda: steps.load(run_id, name))
    timed("stage", lambda: steps.stage(run_id))
    timed("judge_records", lambda: steps.judge_records(run_id, [AUTHORITY]))
    timed("build", lambda: steps.build(run_id))
    timed("judge_figures", lambda: steps.judge_figures(run_id, [AUTHORITY]))
    timed("publish", lambda: steps.publish(run_id, [AUTHORITY]))
    return steps.close(run_id), seconds


def _write(connection: psycopg.Connection[Any], rows: Rows, close: int, number: int) -> None:
    columns = layout()[rows.table]
    connection.execute(
        sql.SQL("create table {} ({})").format(
            sql.Identifier(rows.table),
            sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
                for name, kind in columns.items()
            ),
        )
    )
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("copy {} from stdin").format(sql.Identifier(rows.table))) as copy,
    ):
        for text in rows.copy_text(
            tuple(columns), close, rows.present(close), (SEED, close, number)
        ):
            copy.write(text)


def _sampled(tables: Sequence[Rows], leavers: int, others: int) -> Iterator[Rows]:
    """Keep the rows of one in so many people, and of other tables the rows that refer to kept rows.

    Lists that are about nobody, such as workers, teams and postcodes, stay whole.

    Args:
        tables: all tables, each after those that it refers to.
        leavers: one in so many care leavers, with their children, is kept.
        others: one in so many of everybody else is kept.
    """
    persons = tables[0].columns["pers_person_id"]
    count = len(tables[0].recorded)
    of = {rows.table: rows for rows in tables}
    everyone = np.arange(count)
    kept_people = everyone % others == 0
    is_leaver = everyone < len(of["ssd_care_leavers"].recorded)
    kept_people[is_leaver] = everyone[is_leaver] % leavers == 0
    mothers = of["ssd_mother"].columns
    kept_people[_codes(mothers["moth_childs_person_id"])] = kept_people[
        _codes(mothers["moth_person_id"])
    ]
    known: dict[str, Bools] = {}  # by the first id of a list: which of its ids are kept
    for rows in tables:
        about = [c for c in rows.columns.values() if _is_person(c, persons)]
        parents = [
            (column, known[_list(column)])
            for column in rows.columns.values()
            if _list(column) in known
        ]
        kept = np.ones(len(rows.recorded), dtype=np.bool_)
        if about:
            for column in about:
                kept &= kept_people[_codes(column) % count]
        elif parents:
            column, ids = parents[0]
            kept &= ids[_codes(column)]
        if about or parents:
            for name, column in rows.columns.items():
                if (
                    name.endswith("_id")
                    and not callable(column.codes)
                    and not _is_person(column, persons)
                    and _list(column) not in _LISTS
                ):
                    ids = known.setdefault(_list(column), np.zeros(len(column.words), np.bool_))
                    used = column.codes[kept]
                    ids[used[used >= 0]] = True
        yield _of(rows, kept)


def _list(column: Column) -> str:
    return str(column.words[0])


def _codes(column: Column) -> Any:
    if callable(column.codes):
        raise TypeError("a column of ids does not change from day to day")
    return column.codes


def _is_person(column: Column, persons: Column) -> bool:
    return column.words is persons.words


def _of(rows: Rows, kept: Bools) -> Rows:
    """Return some of a table's rows."""

    def part(values: Any) -> Any:
        return None if values is None else values[kept]

    def sub(codes: Any) -> Any:
        return (lambda day: codes(day)[kept]) if callable(codes) else codes[kept]

    there = rows.there
    return replace(
        rows,
        columns={
            name: replace(
                column,
                codes=sub(column.codes),
                since=part(column.since),
                before=part(column.before),
            )
            for name, column in rows.columns.items()
        },
        recorded=rows.recorded[kept],
        hidden_from=part(rows.hidden_from),
        hidden_to=part(rows.hidden_to),
        copies=part(rows.copies),
        there=None if there is None else (lambda day: there(day)[kept]),
    )
