"""Unique constraints on what relationships of Power BI refer to, in marts that exist already."""

from __future__ import annotations

from alembic import op

revision = "0043"
down_revision = "0042"

# the names that PostgreSQL gives to the constraints of a new table
CONSTRAINTS = """
do $$
declare
    each record;
begin
    for each in
        select *
        from (values
            ('dim_team', 'dim_team_team_key_key', 'team_key'),
            ('dim_young_person', 'dim_young_person_young_person_key_key', 'young_person_key'),
            ('dim_segment', 'dim_segment_authority_segment_code_key', 'authority, segment_code')
        ) as related (mart, constraint_name, columns)
        where
            -- a mart of an earlier version may lack a column, which its next publication adds
            (
                select count(*)
                from pg_attribute
                where
                    attrelid = to_regclass('marts.' || mart)
                    and attname = any(string_to_array(columns, ', '))
            ) = cardinality(string_to_array(columns, ', '))
            and not exists (
                select from pg_constraint
                where
                    conrelid = to_regclass('marts.' || mart)
                    and conname = constraint_name
            )
    loop
        execute format(
            'alter table marts.%I add constraint %I unique (%s)',
            each.mart, each.constraint_name, each.columns
        );
    end loop;
end
$$
"""


def upgrade() -> None:
    """Add them, as carepath_owner."""
    op.get_bind().exec_driver_sql(CONSTRAINTS.replace("%", "%%"))
