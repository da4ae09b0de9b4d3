"""`fct_kpi_member` no longer repeats the latest date in each row: `dim_snapshot` has it.

With the date in its rows, a night deleted and inserted all of them, although few people had
changed.
"""

from __future__ import annotations

from alembic import op

revision = "0048"
down_revision = "0047"

WITHOUT_DATE = """
do $$
declare
    named text;
begin
    if to_regclass('marts.fct_kpi_member') is not null then
        delete from marts.fct_kpi_member as members
        using (
            select authority, max(as_at_date) as latest
            from marts.fct_kpi_member
            group by authority
        ) as dates
        where members.authority = dates.authority and members.as_at_date < dates.latest;
        select conname into named
        from pg_constraint
        where conrelid = 'marts.fct_kpi_member'::regclass and contype = 'p';
        execute format('alter table marts.fct_kpi_member drop constraint %I', named);
        alter table marts.fct_kpi_member
            drop column as_at_date,
            add primary key
                (authority, measure_code, segment_code, young_person_key, record_number);
    end if;
    alter table if exists marts_prev.fct_kpi_member drop column as_at_date;
end
$$;
"""


def upgrade() -> None:
    """Drop the column where the table is, as carepath_owner."""
    op.get_bind().exec_driver_sql(WITHOUT_DATE.replace("%", "%%"))
