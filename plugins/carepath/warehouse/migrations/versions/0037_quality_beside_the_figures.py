"""For BI: the quality of each night, and the counts of each rule, beside the figures."""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0036"

# views: a held night is not published, and that is the night about which a report must know
NIGHT_STATUS = """
create view marts.night_status as
with decided as (
    select distinct on (authority, night) *
    from quality.final_decisions
    where kind = 'night'
    order by authority, night, decision_id desc
),

stretches as (
    select
        *,
        outcome in ('published', 'published with records left out') as is_published,
        count(*) filter (where outcome in ('published', 'published with records left out'))
            over (partition by authority order by night) as stretch
    from decided
),

gates as (
    select
        decisions.run_id,
        decisions.authority,
        sum(decisions.rules_judged)::integer as rules_judged,
        sum(decisions.rules_failed)::integer as rules_failed,
        sum(decisions.rules_not_run)::integer as rules_not_run,
        sum(decisions.waived_count)::integer as waived_count
    from quality.final_decisions as decisions
    where decisions.kind <> 'night'
    group by decisions.run_id, decisions.authority
),

reasons as (
    select
        decisions.run_id,
        decisions.authority,
        string_agg(
            reasons.says, ' ' order by decisions.kind, reasons.reason_number
        ) filter (where decisions.kind <> 'night') as of_gates,
        string_agg(
            reasons.says, ' ' order by reasons.reason_number
        ) filter (where decisions.kind = 'night') as of_steps,
        string_agg(
            distinct reasons.rule_id, ', ' order by reasons.rule_id
        ) as held_rules
    from quality.final_decisions as decisions
    inner join quality.decision_reasons as reasons
        on decisions.decision_id = reasons.decision_id
    where reasons.holds
    group by decisions.run_id, decisions.authority
),

failing as (
    select
        decisions.run_id,
        decisions.authority,
        sum(results.failing_count) filter (
            where decisions.kind = 'records' and rules.severity = 'critical'
        ) as critical_count,
        sum(results.failing_count) filter (
            where decisions.kind = 'records' and rules.severity = 'warning'
        ) as warning_count,
        sum(results.failing_count) filter (
            where decisions.kind = 'records' and rules.severity = 'info'
        ) as info_count,
        sum(results.failing_count) filter (where decisions.kind = 'figures') as figure_count
    from quality.final_decisions as decisions
    inner join quality.rule_results as results
        on decisions.gate_run_id = results.gate_run_id
    inner join quality.rules as rules on results.rule_id = rules.rule_id
    where decisions.kind <> 'night'
    group by decisions.run_id, decisions.authority
)

select
    stretches.authority,
    stretches.night,
    stretches.night = max(stretches.night) over (partition by stretches.authority) as is_latest,
    stretches.outcome as state,
    stretches.is_published,
    case
        when not stretches.is_published
            then
                min(stretches.night) filter (where not stretches.is_published)
                    over (partition by stretches.authority, stretches.stretch)
    end as held_since,
    case when not stretches.is_published then reasons.held_rules end as held_rules,
    case
        when not stretches.is_published
            then coalesce(reasons.of_gates, reasons.of_steps, stretches.message)
    end as held_reasons,
    coalesce(failing.critical_count, 0)::integer as critical_count,
    coalesce(failing.warning_count, 0)::integer as warning_count,
    coalesce(failing.info_count, 0)::integer as info_count,
    coalesce(failing.figure_count, 0)::integer as figure_count,
    coalesce(stretches.left_out_count, 0)::integer as left_out_count,
    coalesce(gates.waived_count, 0) as waived_count,
    coalesce(gates.rules_judged, 0) as rules_judged,
    coalesce(gates.rules_failed, 0) as rules_failed,
    coalesce(gates.rules_not_run, 0) as rules_not_run,
    publication.night as figures_of,
    stretches.decided_at
from stretches
left join gates
    on stretches.run_id = gates.run_id and stretches.authority = gates.authority
left join reasons
    on stretches.run_id = reasons.run_id and stretches.authority = reasons.authority
left join failing
    on stretches.run_id = failing.run_id and stretches.authority = failing.authority
left join marts.publication as publication
    on stretches.authority = publication.authority
where
    (select ops.reads_every_authority())
    or stretches.authority = any((select ops.readable_authorities())::text[]);
comment on view marts.night_status is
    'one row per authority and night: how it ended, and what its records are like';
comment on column marts.night_status.held_since is
    'the first night since the last published one; null for a published night';
comment on column marts.night_status.critical_count is
    'records that fail critical rules, counted once for each rule and table';
comment on column marts.night_status.figure_count is
    'figures that rules of gate 2 find, counted once for each rule';
comment on column marts.night_status.left_out_count is
    'people whose records a rule takes out of at least one measure';
comment on column marts.night_status.figures_of is
    'the night that the figures in marts are of';
"""

QUALITY_BY_RULE = """
create view marts.quality_by_rule as
with judged as (
    select distinct on (authority, night, gate) *
    from quality.gate_runs
    order by authority, night, gate, gate_run_id desc
)

select
    judged.authority,
    judged.night,
    results.rule_id,
    results.table_name,
    judged.night = max(judged.night) over (partition by judged.authority) as is_latest,
    judged.gate,
    rules.severity,
    rules.owner,
    rules.plain_words,
    rules.what_to_do,
    results.state,
    results.holds,
    results.population_count,
    results.failing_count,
    results.waived_count,
    results.share as failing_share,
    results.threshold as allowed_share,
    results.threshold_count as allowed_count
from judged
inner join quality.rule_results as results on judged.gate_run_id = results.gate_run_id
inner join quality.rules as rules on results.rule_id = rules.rule_id
where
    (select ops.reads_every_authority())
    or judged.authority = any((select ops.readable_authorities())::text[]);
comment on view marts.quality_by_rule is
    'one row per authority, night, rule and table that it judged: how many records fail';
comment on column marts.quality_by_rule.failing_share is 'failing_count / population_count, 0 to 1';
comment on column marts.quality_by_rule.allowed_share is
    'of a warning: the share that may fail, as it was that night';
"""


def upgrade() -> None:
    """Create both, as carepath_owner; default privileges let bi_reader select from them."""
    for part in (NIGHT_STATUS, QUALITY_BY_RULE):
        op.get_bind().exec_driver_sql(part)
