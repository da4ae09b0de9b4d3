"""What BI sees of the quality of a night: the views night_status and quality_by_rule of marts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import desk_warehouse as made
import psycopg
import pytest

from carepath.warehouse.connect import connect

LAST = made.FIRST + dt.timedelta(days=11)


@pytest.fixture(scope="module")
def bi(warehouse: None) -> Iterator[psycopg.Connection[Any]]:
    made.fill()
    with connect("carepath_loader") as loader:
        made.refuse(loader, made.COAST, LAST)
    with connect("bi_reader") as connection:
        yield connection


def test_night_status_says_since_when_and_why_the_figures_stay(
    bi: psycopg.Connection[Any],
) -> None:
    nights = bi.execute(
        "select night, is_latest, state, is_published, held_since, held_rules, critical_count,"
        " warning_count, info_count, figure_count from marts.night_status where authority = %s"
        " order by night desc limit 3",
        [made.ASHMERE],
    ).fetchall()
    held_since = LAST - dt.timedelta(days=1)
    states = [(night, state, since, rules) for night, _, state, _, since, rules, *_ in nights]
    assert states == [
        (LAST, "held", held_since, made.HELD_RULE),
        (held_since, "held", held_since, made.HELD_RULE),
        (held_since - dt.timedelta(days=1), "published with records left out", None, None),
    ]
    assert [night[1] for night in nights] == [True, False, False]
    assert sum(nights[0][6:9]) == 12 + 3
    assert [night[9] for night in nights] == [1, 1, 1]
    (reasons,) = bi.execute(
        "select held_reasons from marts.night_status where authority = %s and is_latest",
        [made.ASHMERE],
    ).fetchone()  # type: ignore[misc]
    assert "12 of 300 records fail" in reasons
    assert made.STRANGE_CASE not in reasons


def test_night_status_of_a_source_that_was_away_gives_the_step_s_reason(
    bi: psycopg.Connection[Any],
) -> None:
    found = bi.execute(
        "select state, held_since, held_rules, held_reasons, figures_of from marts.night_status"
        " where authority = %s",
        [made.COAST],
    ).fetchall()
    ((state, since, rules, reasons, figures_of),) = found
    assert (state in ("refused", "failed"), since, rules, figures_of) == (True, LAST, None, None)
    assert "cannot be reached" in reasons


def test_quality_by_rule_has_one_row_for_each_rule_of_a_night(
    bi: psycopg.Connection[Any],
) -> None:
    rows = bi.execute(
        "select gate, rule_id, table_name, population_count, failing_count, holds, is_latest"
        " from marts.quality_by_rule where authority = %s and night = %s order by gate, rule_id",
        [made.ASHMERE, LAST],
    ).fetchall()
    assert rows == [
        (1, made.COUNTED_RULE, made.TABLE, 300, 3, False, True),
        (1, made.HELD_RULE, made.TABLE, 300, 12, True, True),
        (2, made.DRIFT, "marts_build", 40, 1, False, True),
    ]
    with connect("carepath_loader") as loader:
        made.open_gate_run(loader, None, 1, made.JudgedLoad(*_load(loader)))
    (count,) = bi.execute(
        "select count(*) from marts.quality_by_rule where authority = %s and night = %s",
        [made.ASHMERE, LAST],
    ).fetchone()  # type: ignore[misc]
    assert count == 1, "a later judging of the night takes the place of the earlier one"


def _load(loader: psycopg.Connection[Any]) -> tuple[int, str, dt.date]:
    (load_id,) = loader.execute(
        "select max(load_id) from ops.loads where authority = %s", [made.ASHMERE]
    ).fetchone()  # type: ignore[misc]
    return load_id, made.ASHMERE, LAST


def test_bi_sees_no_other_table_of_quality(bi: psycopg.Connection[Any]) -> None:
    for table in ("quality.rule_results", "quality.decisions", "quality.failing_keys"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bi.execute(f"select 1 from {table}")
        bi.rollback()


def test_every_column_that_bi_sees_before_a_publication_says_what_it_means(
    bi: psycopg.Connection[Any],
) -> None:
    """Marts get their comments at each publication (test_powerbi_model.py)."""
    silent = bi.execute(
        "select columns.attrelid::regclass::text, columns.attname from pg_attribute as columns"
        " inner join pg_class as tables on columns.attrelid = tables.oid"
        " where tables.relnamespace = 'marts'::regnamespace and tables.relkind in ('r', 'v')"
        " and columns.attnum > 0 and not columns.attisdropped"
        " and col_description(columns.attrelid, columns.attnum) is null"
    ).fetchall()
    assert silent == []
