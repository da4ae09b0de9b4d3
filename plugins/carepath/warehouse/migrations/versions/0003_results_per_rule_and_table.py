"""A rule may judge several tables: results per table, and since when a record has failed."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

RESULTS = """
alter table quality.rule_results
    add column table_name text not null default '',
    drop constraint rule_results_pkey,
    add primary key (gate_run_id, rule_id, table_name),
    drop constraint rule_results_state_check,
    add constraint rule_results_state_check
        check (state in ('passed', 'failed', 'error', 'not applicable'));
comment on table quality.rule_results is
    'one row per rule and judged table of a gate run; state error: not evaluated, which counts '
    'as failed; not applicable: the contract lets the source leave the table out, and it did';

alter table quality.failing_keys
    add column record_count integer not null default 1;
comment on column quality.failing_keys.record_count is
    'current records with this key that fail; more than one where a key is repeated';
create index on quality.failing_keys (authority, rule_id, table_name, record_key);
"""

WORK_LIST = """
drop view quality.work_list;
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
    failing_keys.record_count,
    rules.plain_words,
    rules.what_to_do,
    first_seen.failing_since
from latest
inner join quality.failing_keys on latest.gate_run_id = failing_keys.gate_run_id
inner join quality.rules on failing_keys.rule_id = rules.rule_id
left join quality.rule_results
    on
        failing_keys.gate_run_id = rule_results.gate_run_id
        and failing_keys.rule_id = rule_results.rule_id
        and failing_keys.table_name = rule_results.table_name
cross join lateral (
    select min(gate_runs.night) as failing_since
    from quality.failing_keys as earlier
    inner join quality.gate_runs on earlier.gate_run_id = gate_runs.gate_run_id
    where
        earlier.authority = failing_keys.authority
        and earlier.rule_id = failing_keys.rule_id
        and earlier.table_name = failing_keys.table_name
        and earlier.record_key = failing_keys.record_key
) as first_seen;
comment on view quality.work_list is
    'one row per failing record and rule of each authority''s latest gate runs: what is wrong in '
    'plain words, what to do, who does it, and the first night on which it was found';
"""


def upgrade() -> None:
    """Change quality, as carepath_owner; the default privileges give the view its grants."""
    op.get_bind().exec_driver_sql(RESULTS)
    op.get_bind().exec_driver_sql(WORK_LIST)
