"""What the rules judge: each staging table of one authority, and a few named queries.

Every subject has the columns authority, record_key (the natural key, as history has it) and
person_id (null where a table is not about a person); one row per current record. A named query
adds to a table what its rules compare it with, and never multiplies or drops a row; or it is one
row about a table as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from carepath.contract.model import Table, load_contract
from expectations.combinations import verdict_sql
from expectations.sql import literal

STATUS = "care_leaver_status"
PLACEMENT_COST = "placement_cost"
CARE_EPISODES_IN_ORDER = "care_episodes_in_order"
PLACEMENTS_IN_CARE = "placements_in_care"
WHOLE = "_table"  # ends the name of a subject that is a table as a whole


@dataclass(frozen=True)
class Subject:
    """Rows that rules judge.

    Attributes:
        name: what rules call it.
        entity: the staging table whose records are judged and reported.
        grain: one row per what.
        sql: its query; `{authority}` and `{night}` stand for SQL literals.
    """

    name: str
    entity: str
    grain: str
    sql: str

    def query(self, authority: str, night: str) -> str:
        """Return the query for one authority as it stands at `night` (yyyy-mm-dd).

        The rows are those of all columns; name the few that are needed around it, and the planner
        leaves out the rest.
        """
        return self.sql.replace("{authority}", literal(authority)).replace(
            "{night}", f"date {literal(night)}"
        )


def subject(name: str) -> Subject:
    """Return the subject called `name`: a named query, or the staging table of an entity.

    Raises:
        KeyError: there is none.
    """
    if name in NAMED:
        return NAMED[name]
    if name in required_tables():
        return _whole_table(load_contract().by_entity(name.removesuffix(WHOLE)))
    return _table_subject(load_contract().by_entity(name))


def subject_names() -> tuple[str, ...]:
    """Return the names that a rule may judge."""
    return (
        *NAMED,
        *required_tables(),
        *(table.entity for table in load_contract().tables.values()),
    )


def every_table() -> tuple[str, ...]:
    """Return every entity of the contract, for rules that all tables obey."""
    return tuple(table.entity for table in load_contract().tables.values())


def required_tables() -> tuple[str, ...]:
    """Return the names of the tables as a whole that every source must deliver."""
    return tuple(f"{t.entity}{WHOLE}" for t in load_contract().tables.values() if t.required)


def tables_about_people(*, always: bool = False) -> tuple[str, ...]:
    """Return the entities whose records belong to a person, `person` itself left out.

    Args:
        always: only those whose person the contract requires; in the others it may be blank.
    """
    return tuple(
        table.entity
        for table in load_contract().tables.values()
        if table.person_column
        and table.entity != "person"
        and (not always or table.column(table.person_column).required)
    )


def tables_with_dates() -> tuple[str, ...]:
    """Return the entities that have at least one date."""
    return tuple(
        table.entity
        for table in load_contract().tables.values()
        if any(column.type == "date" for column in table.columns)
    )


def _table_subject(table: Table) -> Subject:
    known = (
        "exists (\n"
        "        select 1 from staging.stg_person as p\n"
        "        where p.authority = {authority} and p.person_id = s.person_id\n"
        "    ) as is_known_person"
        if table.person_column
        else "null::text as person_id"
    )
    return Subject(
        name=table.entity,
        entity=table.entity,
        grain=f"one row per current record of {table.name}",
        sql=(
            "select\n"
            "    s.*,\n"
            f"    {known},\n"
            "    {night} as night\n"
            f"from staging.stg_{table.entity} as s\n"
            "where s.authority = {authority}"
        ),
    )


def _whole_table(table: Table) -> Subject:
    return Subject(
        name=f"{table.entity}{WHOLE}",
        entity=table.entity,
        grain=f"one row: {table.name} as a whole, its key the table's name",
        sql=(
            "select\n"
            "    {authority} as authority,\n"
            f"    {literal(table.name)}::text as record_key,\n"
            "    null::text as person_id,\n"
            "    exists (\n"
            f"        select 1 from staging.stg_{table.entity} where authority = {{authority}}\n"
            "    ) as has_records"
        ),
    )


# The status is the one that core.fct_leaving_care_snapshot measures: a planned one is not yet true,
# and of two on one day the last counts. Status and case status come from tables that an authority
# may not deliver: then no status is recorded and every case counts as open.
CARE_LEAVER_STATUS = Subject(
    name=STATUS,
    entity="care_leavers",
    grain="one row per current care-leaver record, with the person's latest EET status and case",
    sql=f"""
with

status as (
    select distinct on (person_id) person_id, status_code
    from staging.stg_eet_status
    where authority = {{authority}} and coalesce(recorded_date <= {{night}}, true)
    order by
        person_id, recorded_date desc nulls last, known_from desc, from_load desc, record_key desc
),

cases as (
    select
        person_id,
        bool_or(case_status_code = 'open') as is_open,
        bool_or(is_children_with_disabilities_team) as is_children_with_disabilities_team
    from staging.stg_case_status
    where authority = {{authority}}
    group by person_id
)

select
    c.*,
    status.status_code as eet_status_code,
    case
        when c.activity_code ~ '^[FP]' then 'EET'
        when c.activity_code ~ '^G' then 'NEET'
    end as activity_group,
    c.activity_sent is not null and c.activity_code is distinct from '0' as has_activity,
    c.accommodation_sent is not null
        and (c.accommodation_code is distinct from '0' or c.suitability_sent is not null)
        as has_accommodation,
    coalesce(cases.is_open, true) as is_open,
    coalesce(c.eligibility_code, '?') <> 'N' as is_care_leaver,
    coalesce(cases.is_children_with_disabilities_team, false)
        as is_children_with_disabilities_team,
    {verdict_sql(prefix="c.")} as combination,
    {{night}} as night,
    -- a return is of the collection year that it says, on whatever night it is loaded
    coalesce(c.period::int, extract(year from {{night}} + interval '9 months')::int)
        as collection_year
from staging.stg_care_leavers as c
left join status on c.person_id = status.person_id
left join cases on c.person_id = cases.person_id
where c.authority = {{authority}}
""",
)

# A cost says which placement it pays for, not which person; one placement may have several records.
COST_OF_PLACEMENT = Subject(
    name=PLACEMENT_COST,
    entity="placement_costs",
    grain="one row per current record of local_placement_costs, with its placement's person",
    sql="""
select
    c.*,
    p.person_id,
    p.placement_id is not null as is_known_placement,
    {night} as night
from staging.stg_placement_costs as c
left join (
    select placement_id, min(person_id) as person_id
    from staging.stg_cla_placement
    where authority = {authority} and placement_id is not null
    group by placement_id
) as p on c.placement_id = p.placement_id
where c.authority = {authority}
""",
)

# The next record of the same day is its twin, which rule REC-02 reports.
EPISODES_IN_ORDER = Subject(
    name=CARE_EPISODES_IN_ORDER,
    entity="cla_episodes",
    grain="one row per current record of ssd_cla_episodes, with the start of the child's next one",
    sql="""
select
    e.*,
    min(e.start_date) over (
        partition by e.person_id
        order by e.start_date
        range between interval '1 day' following and unbounded following
    ) as next_start_date,
    {night} as night
from staging.stg_cla_episodes as e
where e.authority = {authority}
""",
)

# Some vendors' placements name no child: the episodes that refer to them do. A temporary placement
# (T0 to T4) is not the next one.
PLACEMENTS_OF_CARE = Subject(
    name=PLACEMENTS_IN_CARE,
    entity="cla_placement",
    grain="one row per current record of ssd_cla_placement, with the child's next one and whether"
    " any episode of care overlaps it",
    sql="""
with

episodes as (
    select person_id, placement_id, start_date, end_date
    from staging.stg_cla_episodes
    where authority = {authority} and person_id is not null
),

children as (
    select placement_id, min(person_id) as person_id
    from episodes
    where placement_id is not null
    group by placement_id
),

care as (
    select person_id, range_agg(daterange(start_date, end_date)) as days
    from episodes
    where start_date is not null and coalesce(end_date > start_date, true)
    group by person_id
),

placements as (
    select p.*, coalesce(p.person_id, children.person_id) as child_id
    from staging.stg_cla_placement as p
    left join children on p.placement_id = children.placement_id
    where p.authority = {authority}
)

select
    p.*,
    min(p.start_date) filter (where coalesce(p.placement_type_code, '') !~ '^T[0-4]$') over (
        partition by p.child_id
        order by p.start_date
        range between interval '1 day' following and unbounded following
    ) as next_start_date,
    coalesce(
        case
            when coalesce(p.end_date > p.start_date, true)
                then care.days && daterange(p.start_date, p.end_date)
        end,
        false
    ) as is_in_care,
    {night} as night
from placements as p
left join care on p.child_id = care.person_id
""",
)

NAMED = {
    named.name: named
    for named in (CARE_LEAVER_STATUS, COST_OF_PLACEMENT, EPISODES_IN_ORDER, PLACEMENTS_OF_CARE)
}
