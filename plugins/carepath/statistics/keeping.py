"""Keep files of published statistics in the warehouse, list them and remove them.

The next night builds the figures with them. What a file says of a year and an area replaces what
an earlier file of the same data set said of them.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from carepath.errors import StatisticsError
from carepath.statistics.data_sets import NEIGHBOURS
from carepath.statistics.reading import Statistics, read_statistics


@dataclass(frozen=True)
class Added:
    """One data set of a file that was added.

    Attributes:
        file_id: its number in the list.
        statistics: what the file says.
        replaced: how many rows of earlier files it replaces.
    """

    file_id: int
    statistics: Statistics
    replaced: int


@dataclass(frozen=True)
class Kept:
    """A file in the list. The years are None for the neighbours."""

    file_id: int
    data_set: str
    file_name: str
    row_count: int
    first_period: int | None
    last_period: int | None
    added_by: str
    added_at: dt.datetime


def add(connection: psycopg.Connection[Any], path: Path, by: str) -> list[Added]:
    """Read a file and keep it, in one transaction.

    Args:
        connection: as carepath_loader.
        path: the file.
        by: who adds it.

    Returns:
        One entry for each data set that the file is about.

    Raises:
        StatisticsError: the file cannot be understood. Nothing was changed.
    """
    found = read_statistics(path)
    with connection.transaction():
        connection.execute("lock table ops.statistics_files in share row exclusive mode")
        return [_keep(connection, statistics, by) for statistics in found]


def kept_files(connection: psycopg.Connection[Any]) -> list[Kept]:
    """Return the files that count, by data set and year."""
    rows = connection.execute(
        "select file_id, data_set, file_name, row_count, first_period, last_period, added_by,"
        " added_at from ops.statistics_files order by data_set, first_period, file_id"
    ).fetchall()
    return [Kept(*row) for row in rows]


def remove(connection: psycopg.Connection[Any], file_id: int) -> Kept:
    """Remove a file and what it says.

    Raises:
        StatisticsError: there is no such file.
    """
    found = next((kept for kept in kept_files(connection) if kept.file_id == file_id), None)
    if found is None:
        raise StatisticsError(
            f"No file of published statistics has the number {file_id}.",
            todo="look the number up with `carepath statistics list`.",
        )
    with connection.transaction():
        connection.execute("delete from ops.statistics_files where file_id = %s", (file_id,))
    return found


def _keep(connection: psycopg.Connection[Any], statistics: Statistics, by: str) -> Added:
    periods = statistics.periods
    replaced = _replace(connection, statistics)
    row = connection.execute(
        "insert into ops.statistics_files"
        " (data_set, file_name, content_hash, row_count, first_period, last_period, added_by)"
        " values (%s, %s, %s, %s, %s, %s, %s) returning file_id",
        (
            statistics.data_set,
            statistics.file,
            statistics.content_hash,
            statistics.row_count,
            periods[0] if periods else None,
            periods[-1] if periods else None,
            by,
        ),
    ).fetchone()
    if row is None:
        raise StatisticsError("The file was not recorded.", where=statistics.file)
    file_id = int(row[0])
    _copy(
        connection,
        "statistics_rows (file_id, line_number, data_set, time_period, geographic_level,"
        " area_code, cells)",
        [
            (file_id, r.line, statistics.data_set, r.period, r.level, r.area,
             json.dumps(dict(r.cells)))
            for r in statistics.rows
        ],
    )  # fmt: skip
    _copy(
        connection,
        "statistics_areas (file_id, area_code, time_period, geographic_level, area_name,"
        " old_la_code, region_code, region_name)",
        [
            (file_id, a.code, a.period, a.level, a.name, a.old_code, a.region_code, a.region_name)
            for a in statistics.areas
        ],
    )
    _copy(
        connection,
        "statistics_neighbours (file_id, old_la_code, neighbour_rank, neighbour_old_la_code,"
        " closeness)",
        [
            (file_id, n.old_code, n.position, n.neighbour_old_code, n.closeness)
            for n in statistics.neighbours
        ],
    )
    _copy(
        connection,
        "statistics_populations (file_id, population_year, area_code, sex, ethnic_group,"
        " age_from, age_to, population)",
        [
            (file_id, p.year, p.area, p.sex, p.ethnic_group, p.age_from, p.age_to, p.people)
            for p in statistics.populations
        ],
    )
    return Added(file_id, statistics, replaced)


def _replace(connection: psycopg.Connection[Any], statistics: Statistics) -> int:
    """Delete what earlier files of the data set say of the same years and areas.

    A file can be about one region only, so what others say of other areas stays. Files that are
    left without rows go.

    Returns:
        How many rows were deleted.
    """
    data_set = statistics.data_set
    if data_set == NEIGHBOURS:  # one model is in force, for all authorities
        row = connection.execute(
            "with gone as (delete from ops.statistics_files where data_set = %s"
            " returning row_count) select coalesce(sum(row_count), 0) from gone",
            (data_set,),
        ).fetchone()
        return int(row[0]) if row else 0
    places = {(row.period, row.area) for row in statistics.rows}
    places |= {(each.year, each.area) for each in statistics.populations}
    years, areas = [year for year, _ in places], [area for _, area in places]
    replaced = 0
    for table, column in (
        ("statistics_rows", "time_period"),
        ("statistics_populations", "population_year"),
    ):
        replaced += connection.execute(
            f"delete from ops.{table} as kept"
            " using ops.statistics_files as files, unnest(%s::int[], %s::text[]) as places (y, a)"
            " where files.file_id = kept.file_id and files.data_set = %s"
            f" and kept.{column} = places.y and kept.area_code = places.a",
            (years, areas, data_set),
        ).rowcount
    connection.execute(
        """
        with years as (
            select file_id, time_period as year from ops.statistics_rows
            union all
            select file_id, population_year from ops.statistics_populations
        ),
        left_over as (
            select file_id, count(*) as row_count, min(year) as first, max(year) as last
            from years group by file_id
        )
        update ops.statistics_files as files
        set row_count = left_over.row_count, first_period = left_over.first,
            last_period = left_over.last
        from left_over
        where files.file_id = left_over.file_id and files.data_set = %s
        """,
        (data_set,),
    )
    connection.execute(
        """
        delete from ops.statistics_files as files
        where data_set = %s
            and not exists (select from ops.statistics_rows as r where r.file_id = files.file_id)
            and not exists (
                select from ops.statistics_populations as p where p.file_id = files.file_id
            )
        """,
        (data_set,),
    )
    return replaced


def _copy(
    connection: psycopg.Connection[Any], target: str, rows: Sequence[tuple[object, ...]]
) -> None:
    with connection.cursor().copy(f"copy ops.{target} from stdin") as copy:
        for row in rows:
            copy.write_row(row)
