"""Read the figures of one authority, as built and as published, for gate 2."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from carepath.errors import SettingsError
from carepath.quality.figures import history
from carepath.quality.figures.columns import Profile, deliveries, profile
from carepath.quality.figures.declared import Mart, read_marts
from carepath.quality.figures.figure import Build, Figure, Finding, LeftOut, Value
from carepath.quality.figures.teams import read_teams
from carepath.site import effective_decisions
from carepath.site.decisions import Decisions

COHORT = "fct_leaving_care_snapshot"
DATE = "as_at_date"
# a reason for which a mart leaves records out: the rules that they fail, and how many records
CONTRADICTORY = re.compile(r"contradictory \(([^()]*)\): ([0-9]+)")
COMMON_KEY = ("authority", DATE, "measure", "segment")
NUMBERS: Final = {"numeric", "double precision", "real"}


@dataclass(frozen=True)
class Shared:
    """What is the same for all authorities that gate 2 judges, and is read once for a set.

    Attributes:
        marts: what the KPI marts declare.
        columns: by schema (`marts_build`, `marts`), table and column, the type in SQL's words.
        decisions: the council's settings.
    """

    marts: Mapping[str, Mart]
    columns: Mapping[str, Mapping[str, Mapping[str, str]]]
    decisions: Decisions

    def with_columns(self, schema: str, *columns: str) -> list[str]:
        """Return the KPI marts of a schema that have all of these columns."""
        return sorted(
            name
            for name, there in self.columns[schema].items()
            if name.startswith("kpi_") and set(columns) <= set(there)
        )


def read_shared(
    connection: psycopg.Connection[Any], marts: Mapping[str, Mart] | None = None
) -> Shared:
    """Read what is the same for all authorities of a build.

    Args:
        connection: of carepath_loader.
        marts: what the KPI marts declare; by default the project's.

    Raises:
        SettingsError: a declaration of a mart cannot be used, or matches nothing in the mart.
    """
    columns: dict[str, dict[str, dict[str, str]]] = {"marts_build": {}, "marts": {}}
    for schema, table, column, type_ in connection.execute(
        "select table_schema, table_name, column_name, data_type from information_schema.columns"
        " where table_schema = any(%s)",
        (list(columns),),
    ):
        columns[schema].setdefault(table, {})[column] = type_
    shared = Shared(read_marts() if marts is None else marts, columns, effective_decisions())
    _refuse_unmatched(connection, shared)
    return shared


def read_build(
    connection: psycopg.Connection[Any],
    run_id: str,
    authority: str,
    night: dt.date,
    load_id: int | None = None,
    shared: Shared | None = None,
) -> Build:
    """Read what the figure rules judge.

    Args:
        connection: of carepath_loader.
        run_id: the run in `ops.runs`, for its failed models and tests.
        authority: the authority, by its ONS code.
        night: the night that the build stands for.
        load_id: the load that the figures were built from; None leaves its columns out.
        shared: what was read for all authorities; by default it is read here.

    Raises:
        SettingsError: a declaration of a mart cannot be used, or matches nothing in the mart.
    """
    shared = read_shared(connection) if shared is None else shared
    marts = shared.marts
    cohort = connection.execute(
        f"select as_at_date, count(*) from core.{COHORT} where authority = %s group by 1",
        (authority,),
    ).fetchall()
    failed = connection.execute(
        """
        with latest as (  -- the last try of a step counts
            select distinct on (layer, model) layer, model, status, authorities
            from ops.model_timings
            where run_id = %s and layer <> 'staging'
            order by layer, model, timing_id desc
        )

        select layer || ': ' || model from latest
        where status not in ('success', 'pass', 'warn', 'no-op')
            and (authorities is null or %s = any(authorities))
        order by 1
        """,
        (run_id, authority),
    ).fetchall()
    published_dates = connection.execute(
        "select true, snapshot_date from core.published_snapshot_dates where authority = %(a)s"
        " union select false, report_date from core.report_dates where authority = %(a)s",
        {"a": authority},
    ).fetchall()
    published = _figures(connection, "marts", authority, shared)
    published_values = _values(connection, "marts", authority, shared)
    published_teams = read_teams(connection, "marts", authority, marts, shared.columns["marts"])
    history.keep(connection, authority, published, published_values, published_teams)
    return Build(
        night=night,
        figures=_figures(connection, "marts_build", authority, shared),
        published=published,
        values=_values(connection, "marts_build", authority, shared),
        published_values=published_values,
        not_numbers=_not_numbers(connection, authority, shared),
        cohort={day: int(count) for day, count in cohort},
        failed_tests=[name for (name,) in failed],
        published_dates=set(published_dates),
        segments=_segments(connection, authority, shared),
        marts=marts,
        history=history.read(connection, authority, night),
        teams=read_teams(
            connection, "marts_build", authority, marts, shared.columns["marts_build"]
        ),
        published_teams=published_teams,
        profile=profile(connection, authority, load_id, night) if load_id else Profile(),
        deliveries=deliveries(connection, authority, load_id, night) if load_id else {},
        left_out=_left_out(connection, authority, night, shared),
        decisions=shared.decisions,
    )


def _left_out(
    connection: psycopg.Connection[Any], authority: str, night: dt.date, shared: Shared
) -> list[LeftOut]:
    """Read what contradictions take out of the night's figures, from the reasons in the marts."""
    found = []
    of_counts = dict.fromkeys(
        _marts_with(shared, "marts_build", "denominator", "left_out_reason"),
        "coalesce(denominator, numerator)",
    )
    of_values = dict.fromkeys(
        _marts_with(shared, "marts_build", "record_count", "left_out_reason"), "record_count"
    )
    for mart, measured in (of_counts | of_values).items():
        rows = connection.execute(
            sql.SQL(
                "select measure, {segment}, coalesce({measured}, 0), left_out_reason"
                " from marts_build.{mart} where authority = %s and {date} = %s"
                " and left_out_reason like '%%contradictory (%%'"
            ).format(
                segment=_segment(shared.marts.get(mart)),
                measured=sql.SQL(measured),
                mart=sql.Identifier(mart),
                date=sql.Identifier(DATE),
            ),
            (authority, night),
        ).fetchall()
        for measure, segment, people, reasons in rows:
            by_rules = {rules: int(n) for rules, n in CONTRADICTORY.findall(reasons)}
            key = f"{night.isoformat()}|{measure}|{segment}"
            found.append(LeftOut(mart, key, people + sum(by_rules.values()), by_rules))
    return found


def _figures(
    connection: psycopg.Connection[Any], schema: str, authority: str, shared: Shared
) -> list[Figure]:
    """Read the KPI marts of a schema that have the columns of counts and shares."""
    found = []
    for mart in _marts_with(shared, schema, "numerator", "denominator", "share"):
        dates = shared.marts[mart].judged.cohort_dates if mart in shared.marts else ()
        rows = connection.execute(
            sql.SQL(
                "select {date}, measure, {segment}, numerator, denominator, share, left_out_count,"
                " array[{dates}]::date[] from {schema}.{mart} where authority = %s"
            ).format(
                date=sql.Identifier(DATE),
                segment=_segment(shared.marts.get(mart)),
                dates=sql.SQL(", ").join(map(sql.Identifier, dates)),
                schema=sql.Identifier(schema),
                mart=sql.Identifier(mart),
            ),
            (authority,),
        ).fetchall()
        found += [
            Figure(mart, day, measure, segment, n, d, None if s is None else float(s), left or 0,
                   tuple(cohort_dates))
            for day, measure, segment, n, d, s, left, cohort_dates in rows
        ]  # fmt: skip
    return found


def _values(
    connection: psycopg.Connection[Any], schema: str, authority: str, shared: Shared
) -> list[Value]:
    """Read the KPI marts of a schema that have the columns of values."""
    found = []
    for mart in _marts_with(shared, schema, "value", "unit", "record_count"):
        rows = connection.execute(
            sql.SQL(
                "select {date}, measure, {segment}, value, record_count, left_out_count, unit"
                " from {schema}.{mart} where authority = %s"
            ).format(
                date=sql.Identifier(DATE),
                segment=_segment(shared.marts.get(mart)),
                schema=sql.Identifier(schema),
                mart=sql.Identifier(mart),
            ),
            (authority,),
        ).fetchall()
        found += [
            Value(mart, day, measure, segment, None if v is None else float(v), n or 0, left or 0,
                  unit)
            for day, measure, segment, v, n, left, unit in rows
        ]  # fmt: skip
    return found


def _marts_with(shared: Shared, schema: str, *columns: str) -> list[str]:
    """Return the KPI marts of a schema that have these columns and the common ones."""
    return shared.with_columns(schema, *COMMON_KEY, "left_out_count", *columns)


def _segment(mart: Mart | None) -> sql.Composable:
    """Return the SQL of a row's segment; a mart with two dates adds the earlier date."""
    also = [name for name in mart.key if name not in COMMON_KEY] if mart else []
    return sql.SQL("concat_ws(' since ', {})").format(
        sql.SQL(", ").join(map(sql.Identifier, ("segment", *also)))
    )


def _not_numbers(
    connection: psycopg.Connection[Any], authority: str, shared: Shared
) -> list[Finding]:
    """Find rows of the built KPI marts that have NaN or infinity in a column of numbers."""
    found = []
    for mart in shared.with_columns("marts_build", "authority"):
        columns = shared.columns["marts_build"][mart]
        numbers = sorted(name for name, type_ in columns.items() if type_ in NUMBERS)
        if not numbers:
            continue
        wrong = sql.SQL(" or ").join(
            sql.SQL("{}::text in ('NaN', 'Infinity', '-Infinity')").format(sql.Identifier(name))
            for name in numbers
        )
        rows = connection.execute(
            sql.SQL(
                "select concat_ws('|', to_jsonb(row) ->> %s, coalesce(to_jsonb(row) ->> 'measure',"
                " to_jsonb(row) ->> 'target_code'), to_jsonb(row) ->> 'segment')"
                " from marts_build.{} as row where authority = %s and ({}) order by 1"
            ).format(sql.Identifier(mart), wrong),
            (DATE, authority),
        ).fetchall()
        found += [Finding(mart, key) for (key,) in rows]
    return found


def _refuse_unmatched(connection: psycopg.Connection[Any], shared: Shared) -> None:
    """Refuse declarations that match nothing in the built marts.

    Raises:
        SettingsError: a mart that declares `cohort` or `adds_up_over` was not built, or a mart
            has no rows of a declared measure.
    """
    built = shared.columns["marts_build"]
    for mart in shared.marts.values():
        judged = mart.judged
        if mart.name not in built and (judged.cohort or judged.adds_up_over):
            raise SettingsError(
                "The mart declares how gate 2 judges it, but it was not built.",
                where=mart.name,
                todo="Build all marts, or remove the model and its YAML together.",
            )
        if mart.name not in built or not (judged.differences or judged.wider or judged.by_team):
            continue
        measures = [
            name
            for (name,) in connection.execute(
                sql.SQL("select distinct measure from marts_build.{}").format(
                    sql.Identifier(mart.name)
                )
            )
        ]
        if measures and (unmatched := mart.unmatched(measures)):
            raise SettingsError(
                f"config.meta.judged names the measure '{unmatched[0]}', which the mart does not "
                "have.",
                where=mart.name,
                todo="Correct the name in the mart's YAML.",
            )


def _segments(
    connection: psycopg.Connection[Any], authority: str, shared: Shared
) -> list[tuple[str, str, bool]]:
    """Read the segments of the built KPI marts, and whether dim_segment has them."""
    found = []
    for mart in shared.with_columns("marts_build", "authority", "segment"):
        rows = connection.execute(
            sql.SQL(
                "select segment, exists(select 1 from marts_build.dim_segment as known"
                " where known.authority = %(a)s and known.segment = figures.segment)"
                " from marts_build.{} as figures where authority = %(a)s group by segment"
                " order by segment"
            ).format(sql.Identifier(mart)),
            {"a": authority},
        ).fetchall()
        found += [(mart, segment, is_known) for segment, is_known in rows]
    return found
