"""The life of findings: first seen, put right, returned, and who is responsible.

`quality.kept_findings` has one row per authority, rule, table and record that has ever failed. A
gate run adds, closes and reopens rows when it decides, in the same transaction. A row whose record
still fails does not change, so a night writes only what is new and what was put right.

The last judging of a night counts for that night. If a night is judged again, what its first
judging added or closed is taken back. If an earlier load is judged again, nothing changes.
"""

from __future__ import annotations

from typing import Any

import psycopg

# a later night, or a later load of the same night, has been judged
IS_SUPERSEDED = """
select exists (
    select from quality.gate_runs as later
    where
        later.authority = this.authority
        and later.gate = this.gate
        and later.finished_at is not null
        and (later.night, later.load_id) > (this.night, this.load_id)
)
from quality.gate_runs as this
where this.gate_run_id = %(gate_run_id)s
"""

TONIGHT = """
create temporary table rules_tonight on commit drop as
select rule_id, table_name from quality.rule_results
where gate_run_id = %(gate_run_id)s and state in ('passed', 'failed')
"""

FAILING = """
create temporary table failing_tonight on commit drop as
select
    keys.rule_id,
    keys.table_name,
    coalesce(keys.record_id, quality.record_id(key_salt.salt, keys.record_key)) as record_id,
    max(keys.record_key) as record_key,
    max(keys.person_id) as person_id,
    sum(keys.record_count)::integer as record_count
from quality.failing_keys as keys
inner join rules_tonight
    on keys.rule_id = rules_tonight.rule_id and keys.table_name = rules_tonight.table_name
cross join quality.key_salt
where keys.gate_run_id = %(gate_run_id)s
group by 1, 2, 3
"""

# open findings whose rule ran tonight and whose record no longer fails
GONE = """
create temporary table gone_tonight on commit drop as
select kept.finding_id, kept.failing_since, kept.times_returned, judged.night as last_judged
from quality.kept_findings as kept
inner join rules_tonight as rules
    on kept.rule_id = rules.rule_id and kept.table_name = rules.table_name
left join quality.rules_judged as judged
    on
        kept.authority = judged.authority
        and kept.rule_id = judged.rule_id
        and kept.table_name = judged.table_name
left join failing_tonight as failing
    on
        kept.rule_id = failing.rule_id
        and kept.table_name = failing.table_name
        and kept.record_id = failing.record_id
where kept.authority = %(authority)s and kept.fixed_on is null and failing.record_id is null
"""

RETURNED = """
insert into quality.finding_spells (finding_id, failing_since, last_seen, fixed_on)
select kept.finding_id, kept.failing_since, kept.last_seen, kept.fixed_on
from failing_tonight as failing
inner join quality.kept_findings as kept
    on
        failing.rule_id = kept.rule_id
        and failing.table_name = kept.table_name
        and failing.record_id = kept.record_id
where kept.authority = %(authority)s and kept.fixed_on < %(night)s
"""

# fixed_on = night: an earlier judging of this night closed it, so it has not returned
STILL_FAILING = """
update quality.kept_findings as kept
set
    failing_since = case when kept.fixed_on < %(night)s then %(night)s else kept.failing_since end,
    times_returned = kept.times_returned + coalesce(kept.fixed_on < %(night)s, false)::integer,
    last_seen = null,
    fixed_on = null,
    record_count = failing.record_count,
    person_id = failing.person_id
from failing_tonight as failing
where
    kept.authority = %(authority)s
    and kept.rule_id = failing.rule_id
    and kept.table_name = failing.table_name
    and kept.record_id = failing.record_id
    and (
        kept.fixed_on is not null
        or kept.record_count <> failing.record_count
        or kept.person_id is distinct from failing.person_id
    )
"""

FIXED = """
update quality.kept_findings as kept
set fixed_on = %(night)s, last_seen = coalesce(gone.last_judged, kept.failing_since)
from gone_tonight as gone
where kept.finding_id = gone.finding_id and gone.failing_since < %(night)s
"""

# an earlier judging of this night said that these had returned, or that they were new
NOT_RETURNED = """
with spells as (
    delete from quality.finding_spells as spells
    using gone_tonight as gone
    where
        spells.finding_id = gone.finding_id
        and gone.failing_since = %(night)s
        and spells.failing_since = (
            select max(failing_since) from quality.finding_spells
            where finding_id = gone.finding_id
        )
    returning spells.*
)

update quality.kept_findings as kept
set
    failing_since = spells.failing_since,
    last_seen = spells.last_seen,
    fixed_on = spells.fixed_on,
    times_returned = kept.times_returned - 1
from spells
where kept.finding_id = spells.finding_id
"""

NOT_NEW = """
delete from quality.kept_findings as kept
using gone_tonight as gone
where
    kept.finding_id = gone.finding_id
    and gone.failing_since = %(night)s
    and gone.times_returned = 0
"""

NEW = """
insert into quality.kept_findings (
    authority, gate, rule_id, table_name, record_id, record_key, person_id, record_count,
    first_seen, failing_since
)
select
    %(authority)s, %(gate)s, failing.rule_id, failing.table_name, failing.record_id,
    failing.record_key, failing.person_id, failing.record_count, %(night)s, %(night)s
from failing_tonight as failing
left join quality.kept_findings as kept
    on
        kept.authority = %(authority)s
        and failing.rule_id = kept.rule_id
        and failing.table_name = kept.table_name
        and failing.record_id = kept.record_id
where kept.finding_id is null
"""

JUDGED = """
insert into quality.rules_judged (authority, rule_id, table_name, gate, night, gate_run_id)
select %(authority)s, rule_id, table_name, %(gate)s, %(night)s, %(gate_run_id)s
from rules_tonight
on conflict (authority, rule_id, table_name) do update
set gate = excluded.gate, night = excluded.night, gate_run_id = excluded.gate_run_id
"""

# core is as of the last build; before the first, the function returns nothing
RESPONSIBLE = """
with responsible as materialized (
    select
        person_id,
        teams,
        array_to_string(teams, ', ') as team,
        array_to_string(workers, ', ') as worker
    from quality.responsible_at(%(authority)s, %(night)s)
),

open_findings as (
    select kept.finding_id, responsible.teams, responsible.team, responsible.worker
    from quality.kept_findings as kept
    left join responsible on kept.person_id = responsible.person_id
    where
        kept.authority = %(authority)s
        and kept.fixed_on is null
        and (kept.teams, kept.worker) is distinct from (responsible.teams, responsible.worker)
)

update quality.kept_findings as kept
set
    teams = open_findings.teams,
    team = open_findings.team,
    worker = open_findings.worker
from open_findings
where kept.finding_id = open_findings.finding_id and exists (select from responsible)
"""


def bring_up_to_date(connection: psycopg.Connection[Any], gate_run_id: int) -> bool:
    """Bring the findings of an authority up to a gate run, whose results are stored.

    Args:
        connection: of carepath_loader, in the transaction that stores the decision.
        gate_run_id: the gate run.

    Returns:
        Whether it counts: False if a later load has been judged before.
    """
    row = connection.execute(
        "select authority, gate, night from quality.gate_runs where gate_run_id = %s",
        (gate_run_id,),
    ).fetchone()
    superseded = connection.execute(IS_SUPERSEDED, {"gate_run_id": gate_run_id}).fetchone()
    if row is None or superseded != (False,):
        return False
    authority, gate, night = row
    values = {
        "gate_run_id": gate_run_id,
        "authority": authority,
        "gate": gate,
        "night": night,
    }
    connection.execute(TONIGHT, values)
    connection.execute(FAILING, values)
    connection.execute("analyze rules_tonight, failing_tonight")
    connection.execute(GONE, values)
    connection.execute("analyze gone_tonight")
    for statement in (RETURNED, STILL_FAILING, FIXED, NOT_RETURNED, NOT_NEW, NEW, JUDGED):
        connection.execute(statement, values)
    connection.execute(RESPONSIBLE, values)
    connection.execute("drop table rules_tonight, failing_tonight, gone_tonight")
    return True
