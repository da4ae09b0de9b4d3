"""The schemas, who may read them, and the records that a night keeps of itself."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

SCHEMAS = """
create schema landing;
comment on schema landing is 'tonight''s delivery, as sent';
create schema history;
comment on schema history is 'every version of every record';
create schema staging;
comment on schema staging is 'dbt views over history: typed, named, coded';
create schema core;
comment on schema core is 'conformed dimensions and facts, keyed by surrogate keys';
create schema identity;
comment on schema identity is 'names, dates of birth, national identifiers, key to case id';
create schema marts;
comment on schema marts is 'published star and KPI tables for BI; no direct identifiers';
create schema marts_build;
comment on schema marts_build is 'marts built aside, before gate 2';
create schema marts_prev;
comment on schema marts_prev is 'what a rollback returns to';
create schema quality;
comment on schema quality is 'rules, gate runs, results, failing keys, decisions';
comment on schema ops is 'runs, loads, table deliveries, model timings, publications';
"""

# Default privileges cover the tables that dbt and later migrations will create.
PRIVILEGES = """
grant usage, create on schema landing, history, staging, core, identity, marts_build
    to carepath_loader;
grant usage on schema marts, marts_prev, quality, ops to carepath_loader;
grant usage on schema history, staging, core, quality, ops to carepath_analyst;
grant usage on schema quality, identity to carepath_steward;
grant usage on schema marts to bi_reader;

alter default privileges for role carepath_loader in schema history, staging, core
    grant select on tables to carepath_analyst;
alter default privileges for role carepath_loader in schema identity
    grant select on tables to carepath_steward;

alter default privileges for role carepath_owner in schema history, staging, core
    grant select on tables to carepath_analyst;
alter default privileges for role carepath_owner in schema history
    grant select, insert, update, delete on tables to carepath_loader;
alter default privileges for role carepath_owner in schema marts
    grant select on tables to bi_reader;
alter default privileges for role carepath_owner in schema marts, marts_prev
    grant select on tables to carepath_loader;
alter default privileges for role carepath_owner in schema quality
    grant select on tables to carepath_steward, carepath_analyst;
alter default privileges for role carepath_owner in schema ops
    grant select on tables to carepath_analyst;
alter default privileges for role carepath_owner in schema ops, quality
    grant select, insert, update, delete on tables to carepath_loader;
alter default privileges for role carepath_owner revoke execute on functions from public;
alter default privileges for role carepath_loader revoke execute on functions from public;
"""

OPS = """
create table ops.authorities (
    authority text primary key,
    name text not null,
    created_at timestamptz not null default now()
);
comment on table ops.authorities is
    'one row per local authority whose records the warehouse holds; authority: its ONS code';

create table ops.sources (
    source text primary key,
    authority text not null references ops.authorities,
    kind text not null,
    created_at timestamptz not null default now()
);
comment on table ops.sources is
    'one row per recording system or folder of returns; kind: how it is read';

create table ops.runs (
    run_id text primary key,
    night date not null,
    state text not null default 'running'
        check (state in ('running', 'published', 'held', 'failed', 'partly')),
    code_version text,
    trigger text,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    message text
);
comment on table ops.runs is
    'one row per run of a night; state partly: some authorities published, others did not';
comment on column ops.runs.night is 'the day at whose close the sources were to be read';
comment on column ops.runs.code_version is 'version and commit of the code that ran';
comment on column ops.runs.trigger is 'schedule, person or backfill';
comment on column ops.runs.message is 'the verdict in one line, without any value of a record';
create index on ops.runs (night);
create index on ops.runs (started_at);

create table ops.run_steps (
    run_id text not null references ops.runs on delete cascade,
    step text not null,
    authority text not null default '',
    source text not null default '',
    state text not null default 'running',
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    message text,
    detail jsonb,
    primary key (run_id, step, authority, source)
);
comment on table ops.run_steps is
    'one row per step of a run, authority and source (blank where a step serves all)';
comment on column ops.run_steps.detail is 'counts and ids, never a value of a record';

create table ops.loads (
    load_id bigint generated always as identity primary key,
    run_id text references ops.runs,
    source text not null references ops.sources,
    authority text not null references ops.authorities,
    night date not null,
    period text,
    state text not null default 'landing'
        check (state in ('landing', 'landed', 'loaded', 'failed')),
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    message text
);
comment on table ops.loads is 'one row per delivery of one source taken into history';
comment on column ops.loads.load_id is 'rises with time; history.*.from_load points here';
comment on column ops.loads.period is 'collection year of a return; null for a live system';
create index on ops.loads (source, night);
create index on ops.loads (authority, load_id);
create index on ops.loads (run_id);

create table ops.table_deliveries (
    load_id bigint not null references ops.loads on delete cascade,
    table_name text not null,
    row_count bigint,
    byte_count bigint,
    content_hash text,
    seconds double precision,
    previous_row_count bigint,
    duplicate_count bigint,
    opened_count bigint,
    closed_count bigint,
    history_seconds double precision,
    message text,
    primary key (load_id, table_name)
);
comment on table ops.table_deliveries is 'one row per table of a delivery';
comment on column ops.table_deliveries.content_hash is 'of the bytes as sent';
comment on column ops.table_deliveries.seconds is 'of the extract into landing';
comment on column ops.table_deliveries.previous_row_count is 'rows of the last loaded delivery';
comment on column ops.table_deliveries.duplicate_count is 'rows equal to another of the delivery';
comment on column ops.table_deliveries.opened_count is 'versions opened in history';
comment on column ops.table_deliveries.closed_count is 'versions closed in history';

create table ops.cutoffs (
    authority text primary key references ops.authorities,
    load_id bigint not null references ops.loads,
    night date not null,
    decided_by text
);
comment on table ops.cutoffs is
    'one row per authority: staging shows its records as known at this load';
comment on column ops.cutoffs.decided_by is 'the step, or the person, that set it';

create table ops.model_timings (
    run_id text not null references ops.runs on delete cascade,
    layer text not null,
    model text not null,
    status text not null,
    seconds double precision,
    row_count bigint,
    message text,
    recorded_at timestamptz not null default now()
);
comment on table ops.model_timings is
    'one row per dbt model, seed or test and invocation: how it went and how long it took';
create index on ops.model_timings (run_id, layer);

create table ops.publications (
    publication_id bigint generated always as identity primary key,
    authority text not null references ops.authorities,
    run_id text references ops.runs,
    load_id bigint references ops.loads,
    night date not null,
    kind text not null default 'publish' check (kind in ('publish', 'rollback')),
    code_version text,
    published_at timestamptz not null default now(),
    changed jsonb
);
comment on table ops.publications is
    'one row per publication or rollback of one authority''s marts';
comment on column ops.publications.changed is 'per mart: rows inserted, updated, deleted';
create index on ops.publications (authority, publication_id);
revoke insert, update, delete on ops.publications from carepath_loader;
"""

QUALITY = """
create table quality.rules (
    rule_id text primary key,
    domain text not null,
    entity text not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    owner text not null,
    plain_words text not null,
    what_to_do text not null default '',
    reference text not null default '',
    threshold double precision,
    falsifies text[] not null default '{}',
    retired_at timestamptz
);
comment on table quality.rules is 'one row per rule: a mirror of the register in expectations/';
comment on column quality.rules.threshold is
    'share of failing records (0 to 1) above which a warning holds';
comment on column quality.rules.falsifies is 'measures that leave a failing record out';

create table quality.gate_runs (
    gate_run_id bigint generated always as identity primary key,
    run_id text references ops.runs,
    authority text not null references ops.authorities,
    gate integer not null check (gate in (1, 2)),
    load_id bigint references ops.loads,
    night date not null,
    decision text not null check (decision in ('pass', 'hold')),
    decided_at timestamptz not null default now(),
    reasons text[] not null default '{}'
);
comment on table quality.gate_runs is
    'one row per decision of a gate for one authority, with why it was held';
create index on quality.gate_runs (authority, gate, gate_run_id);
create index on quality.gate_runs (run_id);

create table quality.rule_results (
    gate_run_id bigint not null references quality.gate_runs on delete cascade,
    rule_id text not null references quality.rules,
    state text not null check (state in ('passed', 'failed', 'error')),
    population_count bigint,
    failing_count bigint,
    share double precision,
    threshold double precision,
    holds boolean not null,
    message text,
    seconds double precision,
    primary key (gate_run_id, rule_id)
);
comment on table quality.rule_results is
    'one row per rule of a gate run; state error: not evaluated, which counts as failed';
comment on column quality.rule_results.share is 'failing_count of population_count, 0 to 1';
comment on column quality.rule_results.threshold is 'as it was that night';

create table quality.failing_keys (
    gate_run_id bigint not null,
    authority text not null,
    rule_id text not null,
    table_name text not null,
    record_key text not null,
    person_id text,
    message text
);
comment on table quality.failing_keys is
    'one row per failing record and rule of a gate run';
comment on column quality.failing_keys.record_key is
    'the natural key, of which only ids and dates are kept: a code or text in it is *';
create index on quality.failing_keys (gate_run_id, rule_id);

create view quality.work_list as
with latest as (
    select distinct on (authority, gate)
        gate_run_id,
        night,
        gate,
        decision
    from quality.gate_runs
    order by authority, gate, gate_run_id desc
)

select
    failing_keys.authority,
    latest.night,
    latest.gate,
    latest.decision,
    rules.rule_id,
    rules.severity,
    rules.owner,
    coalesce(rule_results.holds, false) as is_holding,
    failing_keys.table_name,
    failing_keys.record_key,
    failing_keys.person_id,
    rules.plain_words,
    rules.what_to_do,
    failing_keys.message
from latest
inner join quality.failing_keys on latest.gate_run_id = failing_keys.gate_run_id
inner join quality.rules on failing_keys.rule_id = rules.rule_id
left join quality.rule_results
    on
        failing_keys.gate_run_id = rule_results.gate_run_id
        and failing_keys.rule_id = rule_results.rule_id;
comment on view quality.work_list is
    'one row per failing record and rule of each authority''s latest gate runs, with what to do';
"""


def upgrade() -> None:
    """Create everything, as carepath_owner."""
    for part in (SCHEMAS, PRIVILEGES, OPS, QUALITY):
        op.get_bind().exec_driver_sql(part)
