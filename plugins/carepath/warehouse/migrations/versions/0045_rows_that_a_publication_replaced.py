"""`marts_prev` keeps the rows that the last publication replaced, and no longer the whole set.

Publications before this one cannot be taken back; the next one of each authority can.
"""

from __future__ import annotations

from alembic import op

revision = "0045"
down_revision = "0044"

REPLACED_ROWS = """
do $$
declare
    each record;
begin
    for each in
        select relname
        from pg_class
        where relnamespace = 'marts_prev'::regnamespace and relkind in ('r', 'p')
    loop
        execute format('drop table marts_prev.%I', each.relname);
    end loop;
end
$$;
comment on schema marts_prev is 'the rows that the last publication replaced, for a rollback';
-- the publications until now keep the value false
alter table ops.publications add column keeps_replaced boolean not null default false;
alter table ops.publications alter column keeps_replaced set default true;
comment on column ops.publications.keeps_replaced is
'whether marts_prev got the rows that it replaced, so that it could be taken back'
"""


def upgrade() -> None:
    """Drop the old sets, as carepath_owner."""
    op.get_bind().exec_driver_sql(REPLACED_ROWS.replace("%", "%%"))
