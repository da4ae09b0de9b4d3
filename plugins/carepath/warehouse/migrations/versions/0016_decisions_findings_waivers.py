"""Decisions that are only added to, findings with a life, waivers, and the role of the desk."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"

# thresholds have a number of records beside the share; a gate run cannot be decided twice
GATES = """
alter table quality.rules add column threshold_count integer;
comment on column quality.rules.threshold_count is
    'number of failing records that a warning allows, whatever their share';
alter table quality.rule_results
    add column threshold_count integer,
    add column waived_count bigint not null default 0;
comment on column quality.rule_results.threshold_count is 'as it was that night';
comment on column quality.rule_results.waived_count is
    'of failing_count, those that a waiver keeps from holding the night';

create table quality.key_salt (salt text not null);
comment on table quality.key_salt is
    'one row: what record ids are hashed with, so that a code in a key cannot be guessed';
revoke all on quality.key_salt from carepath_steward, carepath_analyst;
revoke insert, update, delete on quality.key_salt from carepath_loader;
insert into quality.key_salt values (gen_random_uuid()::text || gen_random_uuid()::text);

create function quality.record_id(salt text, record_key text) returns uuid
language sql immutable parallel safe
as $$
    select encode(substring(sha256(convert_to(salt || record_key, 'UTF8')) for 16), 'hex')::uuid
$$;
grant execute on function quality.record_id to carepath_loader;

alter table quality.failing_keys add column record_id uuid;
comment on column quality.failing_keys.record_id is
    'a hash of the whole key: tells records apart whose shown keys are the same';

alter table quality.gate_runs add column finished_at timestamptz;
comment on column quality.gate_runs.finished_at is
    'when the gate run decided; null: it did not finish, which counts as a hold';
update quality.gate_runs set finished_at = decided_at
where reasons <> array['The gate run did not finish.'];

create function quality.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'Rows of quality.% cannot be changed or deleted.', tg_table_name
        using errcode = 'insufficient_privilege';
end
$$;

create trigger decided_once before update on quality.gate_runs
for each row when (old.finished_at is not null) execute function quality.refuse_change();
"""

DECISIONS = """
create table quality.decisions (
    decision_id bigint generated always as identity primary key,
    run_id text,
    authority text not null,
    night date not null,
    kind text not null check (kind in ('records', 'figures', 'night')),
    gate_run_id bigint,
    outcome text not null check (
        outcome in (
            'pass', 'hold',
            'published', 'published with records left out', 'held', 'refused', 'failed'
        )
    ),
    message text not null default '',
    rules_judged integer not null default 0,
    rules_failed integer not null default 0,
    rules_not_run integer not null default 0,
    left_out_count bigint,
    waived_count bigint not null default 0,
    decided_at timestamptz not null default clock_timestamp(),
    check ((kind = 'night') = (outcome not in ('pass', 'hold')))
);
comment on table quality.decisions is
    'one row per decision about an authority, only added to: records (gate 1), figures (gate 2), '
    'and night: how the night ended for it. The last row of a run and kind counts. It outlives '
    'the run that it is about';
comment on column quality.decisions.outcome is
    'refused: the delivery was not taken; failed: a step did not end';
comment on column quality.decisions.message is
    'what happened and what a person must do, in one line; empty if nothing';
comment on column quality.decisions.rules_not_run is
    'rules and tables that were not judged: in error, without a result, or not applicable';
comment on column quality.decisions.left_out_count is
    'people whose records a rule takes out of at least one measure';
comment on column quality.decisions.waived_count is 'failing records that a waiver covers';
create index on quality.decisions (authority, kind, decision_id);
create index on quality.decisions (run_id);

create table quality.decision_reasons (
    decision_id bigint not null references quality.decisions,
    reason_number integer not null,
    rule_id text,
    table_name text,
    severity text,
    state text not null,
    holds boolean not null,
    population_count bigint,
    failing_count bigint,
    waived_count bigint not null default 0,
    allowed_share double precision,
    allowed_count integer,
    waiver_ids bigint[] not null default '{}',
    says text not null,
    primary key (decision_id, reason_number)
);
comment on table quality.decision_reasons is
    'one row per reason of a decision, only added to: each rule and table that failed or did not '
    'run, whether it holds the night, and what a waiver changed';
comment on column quality.decision_reasons.state is
    'failed, error, no result, not applicable; refused, failed or held for a step; accepted for '
    'what a waiver let in';
comment on column quality.decision_reasons.allowed_share is
    'share of the judged records that may fail, as it was that night';
comment on column quality.decision_reasons.waiver_ids is 'the waivers that counted';
create index on quality.decision_reasons (rule_id, decision_id);
"""

FINDINGS = """
create table quality.rules_judged (
    authority text not null,
    rule_id text not null,
    table_name text not null,
    gate integer not null,
    night date not null,
    gate_run_id bigint not null references quality.gate_runs on delete cascade,
    primary key (authority, rule_id, table_name)
);
comment on table quality.rules_judged is
    'one row per authority, rule and table: the last night on which the rule ran';

create table quality.kept_findings (
    finding_id bigint generated always as identity primary key,
    authority text not null,
    gate integer not null,
    rule_id text not null,
    table_name text not null,
    record_id uuid not null,
    record_key text not null,
    person_id text,
    record_count integer not null default 1,
    first_seen date not null,
    failing_since date not null,
    last_seen date,
    fixed_on date,
    times_returned integer not null default 0,
    team text,
    worker text,
    unique (authority, rule_id, table_name, record_id)
);
comment on table quality.kept_findings is
    'one row per authority, rule, table and record that has ever failed; read quality.findings';
comment on column quality.kept_findings.last_seen is
    'null while the finding is open: the last night on which its rule ran (rules_judged)';
create index on quality.kept_findings (authority, rule_id) where fixed_on is null;
create index on quality.kept_findings (failing_since, finding_id) where fixed_on is null;
create index on quality.kept_findings (team, failing_since) where fixed_on is null;
create index on quality.kept_findings (authority, person_id);
create index on quality.kept_findings (fixed_on) where fixed_on is not null;

create table quality.finding_spells (
    finding_id bigint not null references quality.kept_findings on delete cascade,
    failing_since date not null,
    last_seen date not null,
    fixed_on date not null,
    primary key (finding_id, failing_since)
);
comment on table quality.finding_spells is
    'one row per earlier time that a finding failed, before it returned';

create view quality.latest_gate_runs as
select distinct on (authority, gate)
    authority,
    gate,
    gate_run_id,
    run_id,
    night,
    decision,
    decided_at
from quality.gate_runs
order by authority, gate, gate_run_id desc;
comment on view quality.latest_gate_runs is
    'one row per authority and gate: its latest gate run';

create view quality.findings as
select
    kept.finding_id,
    kept.authority,
    kept.gate,
    kept.rule_id,
    rules.severity,
    rules.owner,
    kept.table_name,
    kept.record_key,
    kept.record_id,
    kept.person_id,
    kept.record_count,
    kept.first_seen,
    kept.failing_since,
    coalesce(kept.last_seen, judged.night, kept.failing_since) as last_seen,
    kept.fixed_on,
    kept.fixed_on is null and rules.retired_at is null as is_open,
    kept.times_returned,
    coalesce(kept.fixed_on, latest.night, kept.failing_since) - kept.failing_since as age_days,
    kept.fixed_on is null and kept.failing_since = latest.night as is_new,
    kept.team,
    kept.worker,
    rules.falsifies as measures
from quality.kept_findings as kept
inner join quality.rules on kept.rule_id = rules.rule_id
left join quality.rules_judged as judged
    on
        kept.authority = judged.authority
        and kept.rule_id = judged.rule_id
        and kept.table_name = judged.table_name
left join quality.latest_gate_runs as latest
    on
        kept.authority = latest.authority
        and kept.gate = latest.gate;
comment on view quality.findings is
    'one row per authority, rule, table and record that has ever failed, with its life: keys and '
    'ids, never another value of the record';

create view quality.finding_history as
select
    finding_id,
    failing_since,
    last_seen,
    fixed_on
from quality.finding_spells
union all
select
    finding_id,
    failing_since,
    last_seen,
    fixed_on
from quality.findings;
comment on view quality.finding_history is
    'one row per time that a finding failed without a gap; fixed_on is null for an open one';

-- the findings of the gate runs before this version
insert into quality.kept_findings (
    authority, gate, rule_id, table_name, record_id, record_key, person_id, record_count,
    first_seen, failing_since
)
select
    old.authority,
    old.gate,
    old.rule_id,
    old.table_name,
    quality.record_id(key_salt.salt, old.record_key),
    old.record_key,
    max(old.person_id),
    sum(old.record_count),
    min(old.failing_since),
    min(old.failing_since)
from quality.work_list as old
cross join quality.key_salt
group by old.authority, old.gate, old.rule_id, old.table_name, old.record_key, key_salt.salt;
insert into quality.rules_judged (authority, rule_id, table_name, gate, night, gate_run_id)
select distinct on (runs.authority, results.rule_id, results.table_name)
    runs.authority,
    results.rule_id,
    results.table_name,
    runs.gate,
    runs.night,
    runs.gate_run_id
from quality.rule_results as results
inner join quality.gate_runs as runs on results.gate_run_id = runs.gate_run_id
where results.state in ('passed', 'failed')
order by
    runs.authority, results.rule_id, results.table_name, runs.gate_run_id desc;
"""

# dbt replaces core and identity, so the functions look for the tables when they are called
RESPONSIBLE = """
create function quality.responsible_at(asked_authority text, asked_night date)
returns table (person_id text, team text, worker text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('core.fct_allocations') is null
        or to_regclass('core.dim_team') is null
        or to_regclass('identity.person_identity') is null
        or to_regclass('identity.worker_identity') is null
    then
        return;
    end if;
    return query
        select
            people.person_id::text,
            string_agg(
                distinct coalesce(teams.team_name, 'a team that is not listed'), ', '
            ) filter (where allocations.team_key is not null),
            string_agg(
                distinct coalesce(workers.worker_id, 'a worker who is not listed'), ', '
            ) filter (where allocations.worker_key is not null)
        from core.fct_allocations as allocations
        inner join identity.person_identity as people
            on allocations.young_person_key = people.young_person_key
        left join core.dim_team as teams on allocations.team_key = teams.team_key
        left join identity.worker_identity as workers
            on allocations.worker_key = workers.worker_key
        where
            allocations.authority = asked_authority
            and allocations.start_date <= asked_night
            and (allocations.end_date is null or allocations.end_date > asked_night)
        group by people.person_id;
end
$$;
comment on function quality.responsible_at is
    'the teams and workers to whom each young person of an authority is allocated on a night: ids '
    'of people and workers, and names of teams';
grant execute on function quality.responsible_at to carepath_loader, carepath_analyst;

create function quality.worker_names(asked_authority text)
returns table (worker_id text, worker_name text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('identity.worker_identity') is null then
        return;
    end if;
    return query
        select workers.worker_id::text, workers.worker_name::text
        from identity.worker_identity as workers
        where workers.authority = asked_authority;
end
$$;
comment on function quality.worker_names is 'the names of an authority''s workers, by their ids';
grant execute on function quality.worker_names to carepath_steward;
"""

WAIVERS = """
create table quality.decision_settings (
    is_only boolean primary key default true check (is_only),
    one_person_decides boolean not null default false
);
comment on table quality.decision_settings is
    'one row: the council''s setting in site/decisions.yml, as of the last night''s plan';
comment on column quality.decision_settings.one_person_decides is
    'whether a waiver counts without the approval of a second person';
insert into quality.decision_settings default values;

create table quality.waiver_requests (
    waiver_id bigint generated always as identity primary key,
    authority text not null references ops.authorities,
    rule_id text not null references quality.rules,
    table_name text,
    record_id uuid,
    record_key text,
    person_id text,
    figure text,
    starts_on date not null,
    ends_on date not null,
    reason text not null check (reason ~ '\\S'),
    asked_by text not null check (asked_by ~ '\\S'),
    asked_at timestamptz not null default clock_timestamp(),
    constraint waiver_ends_after_it_starts check (ends_on >= starts_on),
    constraint waiver_of_a_year check (ends_on - starts_on <= 366),
    constraint waiver_of_a_record_names_its_table
        check (record_id is null or table_name is not null),
    constraint waiver_of_one_thing check (record_id is null or figure is null)
);
comment on table quality.waiver_requests is
    'one row per waiver that a person has asked for, only added to; read quality.waivers';
create index on quality.waiver_requests (authority, rule_id);

create table quality.waiver_events (
    event_id bigint generated always as identity primary key,
    waiver_id bigint not null references quality.waiver_requests,
    event text not null check (event in ('approved', 'withdrawn')),
    done_by text not null check (done_by ~ '\\S'),
    done_at timestamptz not null default clock_timestamp(),
    reason text not null default '',
    unique (waiver_id, event)
);
comment on table quality.waiver_events is
    'one row per approval or withdrawal of a waiver, only added to';

create function quality.check_waiver_request() returns trigger language plpgsql as $$
begin
    if new.record_id is not null then
        select kept.record_key, kept.person_id into new.record_key, new.person_id
        from quality.kept_findings as kept
        where
            kept.authority = new.authority
            and kept.rule_id = new.rule_id
            and kept.table_name = new.table_name
            and kept.record_id = new.record_id;
        if not found then
            raise exception 'The record has no finding of rule %.', new.rule_id;
        end if;
    end if;
    new.asked_by = btrim(new.asked_by);
    new.asked_at = clock_timestamp();
    return new;
end
$$;
create trigger check_waiver_request before insert on quality.waiver_requests
for each row execute function quality.check_waiver_request();

-- the row of the request is locked, so an approval and a withdrawal cannot pass each other
create function quality.check_waiver_event() returns trigger language plpgsql as $$
declare
    request quality.waiver_requests;
begin
    select * into request from quality.waiver_requests
    where waiver_id = new.waiver_id for no key update;
    if not found then
        raise exception 'There is no waiver %.', new.waiver_id;
    end if;
    if exists (
        select from quality.waiver_events
        where waiver_id = new.waiver_id and event in ('withdrawn', new.event)
    ) then
        raise exception 'Waiver % was % before.', new.waiver_id, (
            select event from quality.waiver_events
            where waiver_id = new.waiver_id order by event_id desc limit 1
        );
    end if;
    if new.event = 'approved' and lower(btrim(new.done_by)) = lower(request.asked_by) then
        raise exception 'Waiver % was asked for by %, so another person must approve it.',
            new.waiver_id, request.asked_by;
    end if;
    new.done_by = btrim(new.done_by);
    new.done_at = clock_timestamp();
    return new;
end
$$;
create trigger check_waiver_event before insert on quality.waiver_events
for each row execute function quality.check_waiver_event();

create view quality.waivers as
select
    requests.waiver_id,
    requests.authority,
    requests.rule_id,
    requests.table_name,
    requests.record_id,
    requests.record_key,
    requests.person_id,
    requests.figure,
    requests.starts_on,
    requests.ends_on,
    requests.reason,
    requests.asked_by,
    requests.asked_at,
    approvals.done_by as approved_by,
    approvals.done_at as approved_at,
    withdrawals.done_by as withdrawn_by,
    withdrawals.done_at as withdrawn_at,
    withdrawals.reason as withdrawn_because,
    case
        when withdrawals.waiver_id is not null then 'withdrawn'
        when requests.ends_on < coalesce(latest.night, current_date) then 'expired'
        when approvals.waiver_id is null and not settings.one_person_decides then 'waiting'
        else 'counts'
    end as state,
    withdrawals.waiver_id is null
    and (approvals.waiver_id is not null or settings.one_person_decides) as may_count
from quality.waiver_requests as requests
cross join quality.decision_settings as settings
left join quality.waiver_events as approvals
    on requests.waiver_id = approvals.waiver_id and approvals.event = 'approved'
left join quality.waiver_events as withdrawals
    on requests.waiver_id = withdrawals.waiver_id and withdrawals.event = 'withdrawn'
left join (
    select authority, max(night) as night from quality.latest_gate_runs group by authority
) as latest on requests.authority = latest.authority;
comment on view quality.waivers is
    'one row per waiver: for a record (record_id), a figure (figure), a table or a whole rule';
comment on column quality.waivers.state is
    'waiting for a second person, counts, expired (before the authority''s latest night) or '
    'withdrawn';
comment on column quality.waivers.may_count is
    'whether it counts on the nights from starts_on to ends_on';

create function quality.ask_waiver(
    asked_authority text,
    asked_rule text,
    because text,
    last_night date,
    by_whom text,
    of_table text default null,
    of_record uuid default null,
    of_figure text default null,
    first_night date default null
) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
as $$
    insert into quality.waiver_requests (
        authority, rule_id, table_name, record_id, figure, starts_on, ends_on, reason, asked_by
    )
    select
        asked_authority, asked_rule, of_table, of_record, of_figure,
        coalesce(
            first_night,
            (select max(night) from quality.latest_gate_runs where authority = asked_authority),
            current_date
        ),
        last_night, because, by_whom
    returning waiver_id
$$;
comment on function quality.ask_waiver is
    'ask for a waiver, from the authority''s latest night unless first_night says otherwise';

create function quality.approve_waiver(asked_waiver bigint, by_whom text) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
    insert into quality.waiver_events (waiver_id, event, done_by)
    values (asked_waiver, 'approved', by_whom)
$$;
comment on function quality.approve_waiver is
    'approve a waiver; the person who asked for it is refused';

create function quality.withdraw_waiver(asked_waiver bigint, by_whom text, because text)
returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
    insert into quality.waiver_events (waiver_id, event, done_by, reason)
    values (asked_waiver, 'withdrawn', by_whom, because)
$$;
comment on function quality.withdraw_waiver is 'withdraw a waiver, which then never counts again';

grant execute on function
    quality.ask_waiver, quality.approve_waiver, quality.withdraw_waiver
    to carepath_steward, carepath_loader;

-- three branches, so that each joins on equality
create view quality.waived_findings as
select distinct on (finding_id)
    finding_id,
    waiver_id,
    state
from (
    select kept.finding_id, waivers.waiver_id, waivers.state
    from quality.waivers
    inner join quality.kept_findings as kept
        on
            waivers.authority = kept.authority
            and waivers.rule_id = kept.rule_id
            and waivers.table_name = kept.table_name
            and waivers.record_id = kept.record_id
    where kept.fixed_on is null
    union all
    select kept.finding_id, waivers.waiver_id, waivers.state
    from quality.waivers
    inner join quality.kept_findings as kept
        on waivers.authority = kept.authority and waivers.rule_id = kept.rule_id
    where
        waivers.record_id is null
        and waivers.figure is null
        and coalesce(waivers.table_name = kept.table_name, true)
        and kept.fixed_on is null
    union all
    select kept.finding_id, waivers.waiver_id, waivers.state
    from quality.waivers
    inner join quality.kept_findings as kept
        on waivers.authority = kept.authority and waivers.rule_id = kept.rule_id
    where
        kept.fixed_on is null
        and kept.gate = 2
        and lower(waivers.figure) in (
            'all',
            lower(kept.record_key),
            lower(split_part(kept.record_key, '|', 1)),
            lower(split_part(kept.record_key, '|', 2)),
            lower(split_part(kept.record_key, '|', 3))
        )
) as matched
where state in ('counts', 'waiting')
order by finding_id, state, waiver_id;
comment on view quality.waived_findings is
    'one row per open finding with a waiver that counts, or waits for a second person';
"""

WORK_LIST = """
drop view quality.work_list;
create view quality.work_list as
select
    findings.authority,
    latest.night,
    findings.gate,
    latest.decision,
    findings.rule_id,
    rules.severity,
    rules.owner,
    coalesce(results.holds and results.state = 'failed', false)
    and waived.state is distinct from 'counts' as is_holding,
    findings.table_name,
    findings.record_key,
    findings.person_id,
    findings.record_count,
    rules.plain_words,
    rules.what_to_do,
    findings.failing_since,
    findings.team,
    findings.finding_id,
    findings.record_id,
    findings.first_seen,
    findings.times_returned,
    findings.worker,
    rules.falsifies as measures,
    waived.waiver_id,
    waived.state as waiver_state
from quality.kept_findings as findings
inner join quality.rules on findings.rule_id = rules.rule_id
inner join quality.latest_gate_runs as latest
    on findings.authority = latest.authority and findings.gate = latest.gate
left join quality.rule_results as results
    on
        latest.gate_run_id = results.gate_run_id
        and findings.rule_id = results.rule_id
        and findings.table_name = results.table_name
left join quality.waived_findings as waived on findings.finding_id = waived.finding_id
where findings.fixed_on is null and rules.retired_at is null;
comment on view quality.work_list is
    'one row per open finding: what is wrong in plain words, what to do, who does it, since which '
    'night it fails without a gap, the team and worker at the time, and its waiver. A finding '
    'stays while its rule does not run';
"""

DESK = """
create table quality.desk_looks (
    look_id bigint generated always as identity primary key,
    looked_by text not null check (looked_by ~ '\\S'),
    looked_at timestamptz not null default clock_timestamp(),
    page text not null,
    authority text,
    rule_id text,
    table_name text,
    record_key text,
    record_count integer
);
comment on table quality.desk_looks is
    'one row per look at record keys on the desk, only added to: who, when, at what';
create index on quality.desk_looks (looked_at);
create index on quality.desk_looks (looked_by, looked_at);

grant usage on schema quality, ops to carepath_desk;
grant select on
    quality.rules, quality.rule_results, quality.gate_runs, quality.latest_gate_runs,
    quality.rules_judged, quality.decisions, quality.decision_reasons, quality.kept_findings,
    quality.findings, quality.finding_spells, quality.finding_history, quality.work_list,
    quality.waivers, quality.waiver_requests, quality.waiver_events, quality.waived_findings,
    quality.decision_settings, quality.desk_looks,
    ops.authorities, ops.runs, ops.run_steps, ops.publications
    to carepath_desk;
grant insert on quality.desk_looks to carepath_desk;
grant execute on function
    quality.ask_waiver, quality.approve_waiver, quality.withdraw_waiver, quality.worker_names
    to carepath_desk;
"""

ONLY_ADDED_TO = ("decisions", "decision_reasons", "waiver_requests", "waiver_events", "desk_looks")

LOCKS = """
revoke update, delete on quality.{table} from carepath_loader;
create trigger only_added_to before update or delete on quality.{table}
for each row execute function quality.refuse_change();
create trigger never_emptied before truncate on quality.{table}
for each statement execute function quality.refuse_change();
"""


def upgrade() -> None:
    """Change quality, as carepath_owner; the default privileges give most of the grants."""
    connection = op.get_bind()
    for part in (GATES, DECISIONS, FINDINGS, RESPONSIBLE, WAIVERS, WORK_LIST, DESK):
        connection.exec_driver_sql(part.replace("%", "%%"))
    for table in ONLY_ADDED_TO:
        connection.exec_driver_sql(LOCKS.format(table=table))
    connection.exec_driver_sql(
        "revoke insert on quality.waiver_requests, quality.waiver_events, quality.desk_looks"
        " from carepath_loader"
    )
