"""The schema of the figures that leave the department, and the role that reads it."""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0031"

SCHEMA = """
create schema published;
comment on schema published is
    'figures that may leave the department, protected so that nobody can be recognised';
grant usage on schema published to published_reader;
alter default privileges for role carepath_owner in schema published
    grant select on tables to published_reader;

create table published.release (
    release_id bigint generated always as identity primary key,
    authority text not null references ops.authorities,
    released_at timestamptz not null default clock_timestamp(),
    night date not null,
    publication_id bigint not null,
    rules jsonb not null
);
comment on table published.release is
    'one row per release: the figures of one authority that left the department together';
comment on column published.release.night is
    'the night of the delivery that the figures rest on';
comment on column published.release.rules is 'the rules of protection that applied';

create table published.figure (
    authority text not null,
    release_id bigint not null references published.release,
    as_at_date date not null,
    measure_code text not null,
    segment_code text not null,
    from_date date,
    service text not null,
    topic text not null,
    measure text not null,
    statistic text not null,
    unit text not null,
    segment_kind text not null,
    segment text not null,
    numerator integer,
    numerator_symbol text,
    denominator integer,
    denominator_symbol text,
    value numeric,
    value_symbol text,
    primary key (authority, release_id, as_at_date, measure_code, segment_code),
    check ((numerator is null) = (numerator_symbol is not null)),
    check ((denominator is null) = (denominator_symbol is not null)),
    check ((value is null) = (value_symbol is not null))
);
comment on table published.figure is
    'one row per authority, release, as-at date, measure and segment; a symbol (c confidential, '
    'z not applicable, x not available, low rounds to 0) stands where there is no number';
comment on column published.figure.value is
    'the figure: a count, a percentage, a rate or an average in the unit';

create view published.latest_figure as
select figure.*
from published.figure
where figure.release_id = (
    select max(newer.release_id)
    from published.figure as newer
    where newer.authority = figure.authority and newer.as_at_date = figure.as_at_date
);
comment on view published.latest_figure is
    'one row per authority, as-at date, measure and segment, of the last release of the date';
"""


def upgrade() -> None:
    """Create the schema, as carepath_owner."""
    op.get_bind().exec_driver_sql(SCHEMA)
