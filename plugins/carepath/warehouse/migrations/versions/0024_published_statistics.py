"""Published statistics: the Department's figures, its statistical neighbours and populations."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"

TABLES = """
create table ops.statistics_files (
    file_id bigint generated always as identity primary key,
    data_set text not null,
    file_name text not null,
    content_hash text not null,
    row_count integer not null,
    first_period integer,
    last_period integer,
    added_by text not null,
    added_at timestamptz not null default clock_timestamp()
);
comment on table ops.statistics_files is
    'one row per file of published statistics that somebody has added';

create table ops.statistics_rows (
    file_id bigint not null references ops.statistics_files on delete cascade,
    line_number integer not null,
    data_set text not null,
    time_period integer not null,
    geographic_level text not null,
    area_code text not null,
    cells jsonb not null,
    primary key (file_id, line_number)
);
comment on table ops.statistics_rows is
    'one row per line of a data set of the Department for Education';
comment on column ops.statistics_rows.cells is 'the line''s text by column';

create table ops.statistics_areas (
    file_id bigint not null references ops.statistics_files on delete cascade,
    area_code text not null,
    time_period integer not null,
    geographic_level text not null,
    area_name text not null,
    old_la_code text,
    region_code text,
    region_name text,
    primary key (file_id, area_code)
);
comment on table ops.statistics_areas is
    'one row per file and area, as the file last describes the area';

create table ops.statistics_neighbours (
    file_id bigint not null references ops.statistics_files on delete cascade,
    old_la_code text not null,
    neighbour_rank integer not null,
    neighbour_old_la_code text not null,
    closeness text,
    primary key (file_id, old_la_code, neighbour_rank)
);
comment on table ops.statistics_neighbours is
    'one row per authority and statistical neighbour, by the Department''s three-digit codes';

create table ops.statistics_populations (
    file_id bigint not null references ops.statistics_files on delete cascade,
    population_year integer not null,
    area_code text not null,
    sex text not null,
    ethnic_group text not null,
    age_from integer not null,
    age_to integer not null,
    population bigint not null,
    primary key
        (file_id, population_year, area_code, sex, ethnic_group, age_from, age_to)
);
comment on table ops.statistics_populations is
    'one row per year, area, sex, ethnic group and ages: how many people live there';
"""


def upgrade() -> None:
    """Create the tables, as carepath_owner."""
    op.get_bind().exec_driver_sql(TABLES)
