"""What a source told about its own files: places that a person should put right."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

FINDINGS = """
create table ops.delivery_findings (
    load_id bigint not null references ops.loads on delete cascade,
    finding integer not null,
    file text not null,
    line integer,
    column_name text,
    message text not null,
    primary key (load_id, finding)
);
comment on table ops.delivery_findings is
    'one row per place of a file that a person should put right although it was loaded';
comment on column ops.delivery_findings.finding is 'number within the load, by file and line';
comment on column ops.delivery_findings.line is
    'counts from 1, the header being line 1; null: the file as a whole';
comment on column ops.delivery_findings.message is
    'what is wrong and what to do; never a value of the file';

create view quality.delivery_findings as
with latest as (
    select
        source,
        max(load_id) as load_id
    from ops.loads
    where state = 'loaded'
    group by source
)

select
    loads.authority,
    loads.source,
    loads.night,
    loads.period,
    delivery_findings.file,
    delivery_findings.line,
    delivery_findings.column_name,
    delivery_findings.message
from latest
inner join ops.loads on latest.load_id = loads.load_id
inner join ops.delivery_findings on loads.load_id = delivery_findings.load_id;
comment on view quality.delivery_findings is
    'one row per place of a file of each source''s latest delivery that a person should put right';
"""


def upgrade() -> None:
    """Create the table and its view, as carepath_owner; the default privileges give the grants."""
    op.get_bind().exec_driver_sql(FINDINGS)
