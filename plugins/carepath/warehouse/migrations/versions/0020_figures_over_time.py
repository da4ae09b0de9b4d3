"""What figures and columns were before, so that gate 2 can say that one of them changed."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"

TABLES = """
create table quality.figure_history (
    authority text not null references ops.authorities,
    month date not null,
    mart text not null,
    measure text not null,
    segment text not null,
    team_key bigint not null default 0,
    as_at_date date not null,
    number double precision not null,
    numerator double precision not null,
    denominator double precision not null,
    primary key (authority, month, mart, measure, segment, team_key)
);
comment on table quality.figure_history is
    'one row per authority, month and figure: as it was last published in that month, and not '
    'changed by what was recorded later';
comment on column quality.figure_history.month is 'the first day of the month';
comment on column quality.figure_history.team_key is
    'the part of the figure that is about one team''s young people; 0 is the whole figure';
comment on column quality.figure_history.number is 'the share, value or count';
comment on column quality.figure_history.numerator is
    'what the number is made of: the people counted, or the sum of a value';
comment on column quality.figure_history.denominator is
    'the people or records that the number is about';

create table ops.column_profiles (
    authority text not null references ops.authorities,
    load_id bigint not null references ops.loads on delete cascade,
    table_name text not null,
    column_name text not null,
    code text not null,
    standing_count bigint not null,
    opened_count bigint not null,
    primary key (authority, load_id, table_name, column_name, code)
);
comment on table ops.column_profiles is
    'one row per load, column and code: how many records said it. The loads of the last five '
    'weeks are kept, and the last of each month';
comment on column ops.column_profiles.code is
    'a code of the code list of the column, empty for a blank, * for anything else: never '
    'another value of a record';
comment on column ops.column_profiles.standing_count is
    'records that say it as known at the load';
comment on column ops.column_profiles.opened_count is
    'versions that have said it since the first profile: of two loads, the difference is what '
    'was recorded between them';

create table quality.figure_findings (
    gate_run_id bigint not null references quality.gate_runs on delete cascade,
    rule_id text not null,
    record_key text not null,
    says text not null,
    primary key (gate_run_id, rule_id, record_key)
);
comment on table quality.figure_findings is
    'one row per finding of gate 2 that says more than its key: what changed, from what to what, '
    'since when, and which team explains it';
"""


def upgrade() -> None:
    """Create the tables, as carepath_owner."""
    op.get_bind().exec_driver_sql(TABLES)
