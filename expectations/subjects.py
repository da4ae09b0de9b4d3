"""The subjects that rules judge: each staging table of an authority, and a few named views.

Every subject has one row per current record, with the columns authority, record_key (the natural
key, as in history) and person_id (null where a table is not about a person). A named view adds the
columns that its rules compare. It never multiplies or drops a row. A whole table is also a subject:
it has one row, which says whether the table has records.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from carepath.contract.code_lists import collection_year
from carepath.contract.code_lists import load as load_code_lists
from carepath.contract.model import Table, load_contract
from expectations.sql import listed, literal
from expectations.table_facts import (
    REFERENCES,
    SPELLS,
    TARGETS,
    dates_of_events,
    dates_past,
    own_dates,
)
from expectations.working_days import working_days_before

STATUS = "care_leaver_status"
PLACEMENT_COST = "placement_cost"
CARE_EPISODES_IN_ORDER = "care_episodes_in_order"
PLACEMENTS_IN_CARE = "placements_in_care"
CENSUS_CHILDREN = "census_children"
CENSUS_REFERRALS = "census_referrals"
CENSUS_ASSESSMENTS = "census_assessments"
CENSUS_PLANS = "census_plans"
CENSUS_ENQUIRIES = "census_enquiries"
CENSUS_CONFERENCES = "census_conferences"
CENSUS_CP_PLANS = "census_cp_plans"
CENSUS_CP_REVIEWS = "census_cp_reviews"
CENSUS_TOTALS = "census_totals"
CARE_LEAVERS_IN_LIFE = "care_leavers_in_life"
CARE_EPISODES_IN_LIFE = "care_episodes_in_life"
PEOPLE_AT_ONCE = "people_at_once"
CP_PLANS_IN_CONTEXT = "cp_plans_in_context"
ALLOCATIONS_AT_ONCE = "allocations_at_once"
# the lists whose codes the Department's returns prescribe (SSDA903, children in need census)
RETURNED_LISTS = (
    "abuse_category", "accommodation", "accommodation_suitability", "activity",
    "adopter_legal_status", "adopter_sex", "cin_close_reason", "decision_reversed_reason",
    "disability", "episode_end_reason", "episode_start_reason", "ethnicity", "in_touch",
    "legal_status", "missing_type", "need", "placement_change_reason", "placement_provider",
    "placement_type", "previous_permanence", "referral_source", "review_participation",
    "sdq_reason", "sex", "upn_unknown", "worker_change_reason",
)  # fmt: skip
WHOLE = "_table"  # the end of the name of a whole table as a subject


@dataclass(frozen=True)
class Subject:
    """Rows that rules judge.

    Attributes:
        name: what rules call it.
        entity: the staging table whose records are judged and reported.
        sql: its query; `{authorities}` stands for SQL literals with commas between them, `{night}`
            and the names in `_days` for one, and `{staging}` for a schema.
    """

    name: str
    entity: str
    sql: str

    def query(self, authority: str, night: str, *, staging: str = "staging") -> str:
        """Return the query for one authority and one night (yyyy-mm-dd).

        `staging` is the schema that it reads: that of the views, or of copies of them.

        It selects all columns. Select only the needed ones from it: the planner then skips the
        rest.
        """
        return self.query_of([authority], night, staging=staging)

    def query_of(self, authorities: Sequence[str], night: str, *, staging: str = "staging") -> str:
        """Return the query for several authorities, each of which has its rows as if alone."""
        text = self.sql.replace("{authorities}", listed(authorities)).replace("{staging}", staging)
        for name, day in _days(dt.date.fromisoformat(night)).items():
            text = text.replace(f"{{{name}}}", f"date {literal(day.isoformat())}")
        return text


def _days(night: dt.date) -> dict[str, dt.date]:
    """Return the days that a subject's query may name.

    Only Python knows the bank holidays here: staging reads no seed.
    """
    census_start = dt.date(collection_year(night) - 1, 4, 1)
    return {
        "night": night,
        "15_working_days_ago": working_days_before(night, 15),
        "45_working_days_ago": working_days_before(night, 45),
        "working_day_before_census": working_days_before(census_start, 1),
    }


def subject(name: str) -> Subject:
    """Return the subject called `name`: a named view, or the staging table of an entity.

    Raises:
        KeyError: no subject has that name.
    """
    if name in NAMED:
        return NAMED[name]
    if name in required_tables():
        return _whole_table(load_contract().by_entity(name.removesuffix(WHOLE)))
    return _table_subject(load_contract().by_entity(name))


def subject_names() -> tuple[str, ...]:
    """Return the names of all subjects that a rule may judge."""
    return (
        *NAMED,
        *required_tables(),
        *(table.entity for table in load_contract().tables.values()),
    )


def every_table() -> tuple[str, ...]:
    """Return every entity of the contract, for rules about all tables."""
    return tuple(table.entity for table in load_contract().tables.values())


def required_tables() -> tuple[str, ...]:
    """Return the whole tables that every source must deliver, as subjects."""
    return tuple(f"{t.entity}{WHOLE}" for t in load_contract().tables.values() if t.required)


def tables_about_people(*, always: bool = False) -> tuple[str, ...]:
    """Return the entities that have a person on each record, without `person` itself.

    Args:
        always: True leaves out entities where the contract allows a blank person.
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
    return tables_with_types("date")


def tables_with_types(*types: str) -> tuple[str, ...]:
    """Return the entities that have at least one column of these types of the contract."""
    return tuple(
        table.entity
        for table in load_contract().tables.values()
        if any(column.type in types for column in table.columns)
    )


def tables_with_codes() -> tuple[str, ...]:
    """Return the entities that have at least one code of a list of the Department's returns."""
    return tuple(
        table.entity for table in load_contract().tables.values() if _columns_with_codes(table)
    )


def _columns_with_codes(table: Table) -> list[tuple[str, list[str]]]:
    """Return the columns with such codes, each with the codes of its list."""
    lists = load_code_lists()
    return [
        (column.as_name, [code.code for code in lists[column.code_list].codes])
        for column in table.columns
        if column.code_list in RETURNED_LISTS
    ]


def _misspelt(table: Table) -> str:
    """Return the SQL of the columns whose code has other capitals or blanks than on its list."""
    found = [
        f"case when s.{name}_sent not in ({listed(codes)})"
        f" and lower(btrim(s.{name}_sent)) in ({listed(code.lower() for code in codes)})"
        f" then {literal(name)} end"
        for name, codes in _columns_with_codes(table)
    ]
    if not found:
        return "array[]::text[]"
    return "array_remove(array[\n        {}\n    ], null)".format(",\n        ".join(found))


# The person's birth and death, once for all tables about people. PostgreSQL leaves a join out where
# the rules of a table name none of its columns.
_PERSON = """
left join (
    select
        authority,
        person_id,
        min(birth_date) as person_birth_date,
        max(death_date) as person_death_date
    from {staging}.stg_person
    where authority in ({authorities}) and person_id is not null
    group by authority, person_id
) as person on s.authority = person.authority and s.person_id = person.person_id"""


def _table_subject(table: Table) -> Subject:
    joins = [_PERSON] if table.person_column else []
    columns = ["s.*"]
    if table.person_column:
        columns += [
            "person.person_id is not null as is_known_person",
            "person.person_birth_date",
            "person.person_death_date",
        ]
    else:
        columns.append("null::text as person_id")
    columns += [*_dates(table.entity), *_spell(table.entity)]
    for target, names in REFERENCES.get(table.entity, {}).items():
        joins += [_reference(target, name) for name in names]
        lacks = " or ".join(
            f"(s.{name} is not null and {_alias(name)}.id is null)" for name in names
        )
        columns.append(f"{lacks} as lacks_{target}")
    columns.append(f"{_misspelt(table)} as misspelt_columns")
    selected = ",\n    ".join((*columns, "{night} as night"))
    return Subject(
        name=table.entity,
        entity=table.entity,
        sql=(
            f"select\n    {selected}\nfrom {{staging}}.stg_{table.entity} as s{''.join(joins)}\n"
            "where s.authority in ({authorities})"
        ),
    )


def _dates(entity: str) -> list[str]:
    """Return the earliest and latest date of a record, of each kind that rules compare."""
    found = []
    for name, function, dates in (
        ("first_date", "least", own_dates(entity)),
        ("latest_event_date", "greatest", dates_of_events(entity)),
        ("latest_past_date", "greatest", dates_past(entity)),
    ):
        named = ", ".join(f"s.{date}" for date in dates)
        found.append(f"{function}({named}) as {name}" if dates else f"null::date as {name}")
    return found


def _spell(entity: str) -> list[str]:
    """Return what rules compare of something that lasts: whether it is open, double, too long."""
    spell = SPELLS.get(entity)
    if not spell:
        return []
    start, end = f"s.{spell.start}", f"s.{spell.end}"
    found = [f"{start} <= {{night}} and {end} is null as is_under_way"]
    if spell.most_days:
        found.append(
            f"coalesce({end}, {{night}}) - {start} > {spell.most_days} as is_beyond_belief"
        )
    if spell.alone_by is not None:
        by = ", ".join(("s.authority", "s.person_id", *(f"s.{name}" for name in spell.alone_by)))
        found.append(
            f"max(coalesce({end}, 'infinity'::date)) over (partition by {by} order by {start},"
            " s.record_key rows between unbounded preceding and 1 preceding) as earlier_end_date"
        )
        found.append(f"{start} as spell_start_date")
    return found


def _reference(target: str, column: str) -> str:
    entity, key = TARGETS[target]
    return (
        f"\nleft join (\n    select authority, {key} as id from {{staging}}.stg_{entity}\n"
        f"    where authority in ({{authorities}}) and {key} is not null\n"
        f"    group by authority, {key}\n"
        f") as {_alias(column)}\n    on s.authority = {_alias(column)}.authority"
        f" and s.{column} = {_alias(column)}.id"
    )


def _alias(column: str) -> str:
    return f"by_{column}"


def _whole_table(table: Table) -> Subject:
    return Subject(
        name=f"{table.entity}{WHOLE}",
        entity=table.entity,
        sql=(
            "select\n"
            "    judged.authority,\n"
            f"    {literal(table.name)}::text as record_key,\n"
            "    null::text as person_id,\n"
            "    exists (\n"
            f"        select 1 from {{staging}}.stg_{table.entity}"
            " where authority = judged.authority\n"
            "    ) as has_records\n"
            "from unnest(array[{authorities}]::text[]) as judged (authority)"
        ),
    )


# dbt builds each as a view over staging (dbt_project/models/staging/*/int_*.sql). The gate and core
# both read it, so there is one definition of which record counts.
NAMED = {
    name: Subject(
        name=name,
        entity=entity,
        sql=f"select s.*{added} from {{staging}}.int_{name} as s"
        " where s.authority in ({authorities})",
    )
    for name, entity, added in (
        (STATUS, "care_leavers", ""),
        (PLACEMENT_COST, "placement_costs", ""),
        (CARE_EPISODES_IN_ORDER, "cla_episodes", ""),
        (PLACEMENTS_IN_CARE, "cla_placement", ""),
        (CENSUS_CHILDREN, "person", ""),
        (
            CENSUS_REFERRALS,
            "cin_episodes",
            ", {working_day_before_census} as no_action_from_date",
        ),
        (CENSUS_ASSESSMENTS, "cin_assessments", ", {45_working_days_ago} as due_from_date"),
        (CENSUS_PLANS, "cin_plans", ""),
        (CENSUS_ENQUIRIES, "s47_enquiry", ", {15_working_days_ago} as due_from_date"),
        (CENSUS_CONFERENCES, "initial_cp_conference", ""),
        (CENSUS_CP_PLANS, "cp_plans", ""),
        (CENSUS_CP_REVIEWS, "cp_reviews", ""),
        (CENSUS_TOTALS, "person", ""),
        (CARE_LEAVERS_IN_LIFE, "care_leavers", ""),
        (CARE_EPISODES_IN_LIFE, "cla_episodes", ""),
        (PEOPLE_AT_ONCE, "person", ""),
        (CP_PLANS_IN_CONTEXT, "cp_plans", ""),
        (ALLOCATIONS_AT_ONCE, "involvements", ""),
        # a file of the looked-after return each
        ("return_children", "person", ""),
        ("return_episodes", "cla_episodes", ""),
        ("return_reviews", "cla_reviews", ""),
        ("return_missing", "missing", ""),
        ("return_care_leavers", "care_leavers", ""),
        ("return_permanence", "permanence", ""),
        ("return_social_workers", "involvements", ""),
    )
}
