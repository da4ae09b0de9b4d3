"""For the desk: which case a young person's key stands for, so that figures lead to records."""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"

# It runs with the rights of its owner, because the desk does not read schema identity. It answers
# for keys that the caller already has, of one authority, and gives nothing but the case id.
LOOK_UP = """
create function quality.look_up_cases(asked_authority text, asked_keys bigint[])
returns table (young_person_key bigint, case_id text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('identity.person_identity') is null then
        return;
    end if;
    return query
        select people.young_person_key, people.person_id::text
        from identity.person_identity as people
        where
            people.young_person_key = any(asked_keys)
            and people.authority = asked_authority;
end
$$;
comment on function quality.look_up_cases is
    'the case ids of young people of one authority, by their keys';
grant execute on function quality.look_up_cases to carepath_desk;
"""


def upgrade() -> None:
    """Create and grant it, as carepath_owner."""
    op.get_bind().exec_driver_sql(LOOK_UP.replace("%", "%%"))
