"""Marts call the date of a figure as_at_date, and the table of an event event_table."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"

# Only published tables keep their columns from night to night: dbt builds the others again.
RENAME = """
do $$
declare
    kept record;
begin
    for kept in
        select c.oid::regclass as published_table, a.attname, renamed.new_name
        from pg_class as c
        inner join pg_attribute as a on c.oid = a.attrelid and not a.attisdropped
        inner join (
            values
                ('snapshot_date', 'as_at_date'),
                ('report_date', 'as_at_date'),
                ('told_by', 'event_table')
        ) as renamed (old_name, new_name) on a.attname = renamed.old_name
        where
            c.relnamespace in ('marts'::regnamespace, 'marts_prev'::regnamespace)
            and c.relkind = 'r'
    loop
        execute 'alter table ' || kept.published_table || ' rename column '
            || quote_ident(kept.attname) || ' to ' || quote_ident(kept.new_name);
    end loop;
end
$$;
"""


def upgrade() -> None:
    """Rename the columns, as carepath_owner; keys, views, grants and row policies follow."""
    op.get_bind().exec_driver_sql(RENAME)
