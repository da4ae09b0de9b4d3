"""Who did what: exports, roll-backs and the like, only added to, and one view of everything."""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"

EVENTS = """
create table ops.audit_events (
    event_id bigint generated always as identity primary key,
    done_at timestamptz not null default clock_timestamp(),
    done_by text not null check (done_by ~ '\\S'),
    what text not null check (what ~ '\\S'),
    authority text,
    detail text not null default ''
);
comment on table ops.audit_events is
    'one row per export, roll-back or change of readers, only added to; read ops.audit';
comment on column ops.audit_events.detail is 'files, counts and logins; never a value of a record';
create index on ops.audit_events (done_at);

create function ops.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'Rows of %.% cannot be changed or deleted.', tg_table_schema, tg_table_name
        using errcode = 'insufficient_privilege';
end
$$;
create trigger only_added_to before update or delete on ops.audit_events
for each row execute function ops.refuse_change();
create trigger never_emptied before truncate on ops.audit_events
for each statement execute function ops.refuse_change();
revoke update, delete on ops.audit_events from carepath_loader;
"""

# What other tables already keep is not kept twice.
AUDIT = """
create view ops.audit as
select done_at, done_by, what, authority, detail
from ops.audit_events
union all
select
    looked_at, looked_by, 'looked at records', authority,
    concat_ws(', ', 'page ' || page, rule_id, 'records: ' || record_count)
from quality.desk_looks
union all
select
    asked_at, asked_by, 'asked for a waiver', authority,
    concat_ws(', ', 'waiver ' || waiver_id, rule_id, 'until ' || ends_on)
from quality.waiver_requests
union all
select
    events.done_at, events.done_by,
    case events.event when 'approved' then 'approved a waiver' else 'withdrew a waiver' end,
    requests.authority,
    concat_ws(', ', 'waiver ' || events.waiver_id, requests.rule_id)
from quality.waiver_events as events
inner join quality.waiver_requests as requests on events.waiver_id = requests.waiver_id
union all
select
    coalesce(changed_at, recorded_at), coalesce(changed_by, 'Carepath'), 'changed settings', null,
    file || case when is_default then ', to the default' else '' end
from ops.site_settings;
comment on view ops.audit is
    'one row per deed that people answer for: who, when, what, and about which authority';
revoke insert, update, delete on ops.audit from carepath_loader;
"""


def upgrade() -> None:
    """Create them, as carepath_owner; the default privileges let analysts read them."""
    for part in (EVENTS, AUDIT):
        op.get_bind().exec_driver_sql(part.replace("%", "%%"))
