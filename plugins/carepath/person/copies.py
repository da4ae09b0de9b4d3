"""Where the warehouse holds something about one person.

Landing and history are searched by the contract: by each column that holds a case id and, for
records that name nobody, by the record that they belong to. All other tables are searched by the
catalogue, so that a new mart, or a schema that `carepath as-known-at` built, is searched too: by
the person's surrogate key, case id and record keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql

from carepath.contract import Contract, Table
from carepath.errors import CarepathError
from carepath.landing.tables import record_key
from carepath.quality.records.judge import shown_key


class Parent(NamedTuple):
    """The record that a record which names nobody belongs to."""

    table: str
    column: str
    parent: str
    its_column: str


# A table without a column for the person, or whose export leaves it blank (as Mosaic's does in some
# tables): the record is that of another record's person. Parents come before what belongs to them.
PARENTS: Final = tuple(
    Parent(*words.split())
    for words in (
        "ssd_cin_assessments cina_referral_id ssd_cin_episodes cine_referral_id",
        "ssd_cin_plans cinp_referral_id ssd_cin_episodes cine_referral_id",
        "ssd_cin_visits cinv_cin_plan_id ssd_cin_plans cinp_cin_plan_id",
        "ssd_s47_enquiry s47e_referral_id ssd_cin_episodes cine_referral_id",
        "ssd_initial_cp_conference icpc_referral_id ssd_cin_episodes cine_referral_id",
        "ssd_cp_plans cppl_referral_id ssd_cin_episodes cine_referral_id",
        "ssd_cp_visits cppv_cp_plan_id ssd_cp_plans cppl_cp_plan_id",
        "ssd_cp_reviews cppr_cp_plan_id ssd_cp_plans cppl_cp_plan_id",
        "ssd_involvements invo_referral_id ssd_cin_episodes cine_referral_id",
        "ssd_cla_placement clap_cla_id ssd_cla_episodes clae_cla_id",
        "ssd_cla_placement clap_cla_placement_id ssd_cla_episodes clae_cla_placement_id",
        "ssd_cla_reviews clar_cla_id ssd_cla_episodes clae_cla_id",
        "ssd_cla_visits clav_cla_id ssd_cla_episodes clae_cla_id",
        "ssd_assessment_factors cinf_assessment_id ssd_cin_assessments cina_assessment_id",
        "ssd_s251_finance s251_cla_placement_id ssd_cla_placement clap_cla_placement_id",
        "local_placement_costs lpco_placement_id ssd_cla_placement clap_cla_placement_id",
        "ssd_ehcp_requests ehcr_send_table_id ssd_send send_table_id",
        "ssd_ehcp_assessment ehca_ehcp_request_id ssd_ehcp_requests ehcr_ehcp_request_id",
        "ssd_ehcp_named_plan ehcn_ehcp_asmt_id ssd_ehcp_assessment ehca_ehcp_assessment_id",
        "ssd_ehcp_active_plans ehcp_ehcp_request_id ssd_ehcp_requests ehcr_ehcp_request_id",
        "ssd_sen_need senn_active_ehcp_id ssd_ehcp_active_plans ehcp_active_ehcp_id",
    )
)
ABOUT_NOBODY: Final = frozenset(
    {
        "local_area_postcodes",
        "local_carers",
        "local_programme_costs",
        "ssd_department",
        "ssd_professionals",
    }
)

# rows that belong to a row that is found: table, column, the other table
DETAILS: Final = (
    ("quality", "finding_spells", "finding_id", "kept_findings"),
    ("quality", "waiver_events", "waiver_id", "waiver_requests"),
)

BEGIN: Final = """
create temporary table own_ids (kind text, id text, primary key (kind, id))
    on commit drop;
create temporary table own_records (
    table_name text, record_key text, shown_key text, record_id uuid,
    primary key (table_name, record_key)
) on commit drop
"""

RELATIONS: Final = """
select n.nspname, c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''),
    array_agg(a.attname || ' ' || format_type(a.atttypid, null) order by a.attnum)
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'm') and n.nspname !~ '^(pg_|information_schema$)'
group by n.nspname, c.relname, c.oid
order by n.nspname, c.relname
"""


@dataclass(frozen=True)
class Subject:
    """A person of whom something is held.

    Attributes:
        authority: ONS code.
        case_id: as staging shows it: trimmed, in upper case.
        key: the surrogate key, `young_person_key` in core and marts.
    """

    authority: str
    case_id: str
    key: int


@dataclass(frozen=True)
class Place:
    """A table, and which of its rows are about the person.

    Attributes:
        says: the comment of the table.
        condition: SQL over the table as `held`. It reads temporary tables, so it holds only in the
            transaction that found it.
    """

    schema: str
    table: str
    says: str
    condition: sql.Composable

    @property
    def name(self) -> sql.Identifier:
        """The table, quoted."""
        return sql.Identifier(self.schema, self.table)


class UnknownPersonError(CarepathError):
    """Nothing is held about a person."""


def find_person(
    connection: psycopg.Connection[Any],
    contract: Contract,
    authority: str,
    case_id: str,
    *,
    also_of_others: bool = True,
) -> tuple[Subject, list[Place]]:
    """Return the person, and each table that can hold rows about them.

    Args:
        connection: as carepath_owner, in a transaction.
        contract: says which columns hold case ids.
        authority: ONS code.
        case_id: with or without blanks around it, in any case of letters.
        also_of_others: see `places`.

    Raises:
        UnknownPersonError: nothing is held about the person. The case id is not repeated.
    """
    subject = _subject(connection, authority, case_id)
    found = places(connection, contract, subject, also_of_others=also_of_others)
    if not any(_holds(connection, place) for place in found):
        raise UnknownPersonError(
            "Nothing is held about a person with this case id.",
            where=f"authority {authority}",
            todo="check the authority's ONS code and the case id in the recording system.",
        )
    return subject, found


def places(
    connection: psycopg.Connection[Any],
    contract: Contract,
    subject: Subject,
    *,
    also_of_others: bool = True,
) -> list[Place]:
    """Return every table that can hold rows about a person, with the condition of those rows.

    Args:
        connection: as carepath_owner, in a transaction; its temporary tables last as long.
        contract: says which columns hold case ids.
        subject: the person.
        also_of_others: include records that name nobody and belong to a record whose id somebody
            else's record has too.
    """
    connection.execute(
        "drop table if exists pg_temp.own_ids; drop table if exists pg_temp.own_records"
    )
    connection.execute(BEGIN)
    relations = connection.execute(RELATIONS).fetchall()
    records = [
        (schema, name, says, table)
        for schema, name, says, _ in relations
        if schema in ("landing", "history") and (table := _contract_table(contract, name))
    ]
    conditions: dict[str, sql.Composable] = {}
    for table in in_order(contract):
        condition = _of_records(table, subject)
        if condition is None:
            continue
        conditions[table.name] = condition
        for schema, name, _, of in records:
            if of is table:
                _collect(connection, table, sql.Identifier(schema, name), condition)
        if not also_of_others:
            for schema, name, _, of in records:
                if of is table:
                    _leave_shared(connection, table, sql.Identifier(schema, name), subject)
    connection.execute("analyze pg_temp.own_ids; analyze pg_temp.own_records")
    found = [
        Place(schema, name, says or table.description, conditions[table.name])
        for schema, name, says, table in records
        if table.name in conditions
    ]
    others = {}
    for schema, name, says, columns in relations:
        if schema in ("landing", "history"):
            continue
        condition = _elsewhere(dict(column.split(" ", 1) for column in columns), subject)
        if condition is not None:
            others[schema, name] = Place(schema, name, says, condition)
    for schema, name, column, parent in DETAILS:
        says = next(s for n, t, s, _ in relations if (n, t) == (schema, name))
        others[schema, name] = Place(
            schema,
            name,
            says,
            sql.SQL("held.{0} in (select held.{0} from {1} as held where {2})").format(
                sql.Identifier(column),
                sql.Identifier(schema, parent),
                others[schema, parent].condition,
            ),
        )
    return [*found, *others.values()]


def person_columns(table: Table) -> list[str]:
    """Return the columns of a table that hold a case id, such as a mother's and her child's."""
    return [column.name for column in table.columns if f"_{column.as_name}".endswith("_person_id")]


def id_of(column: str) -> sql.Composable:
    """Return the SQL of an id of the row `held`, as staging shows it."""
    return sql.SQL("nullif(upper(btrim(held.{})), '')").format(sql.Identifier(column))


def _holds(connection: psycopg.Connection[Any], place: Place) -> bool:
    query = sql.SQL("select exists (select from {} as held where {})")
    row = connection.execute(query.format(place.name, place.condition)).fetchone()
    return row == (True,)


def _subject(connection: psycopg.Connection[Any], authority: str, case_id: str) -> Subject:
    ((said, key),) = connection.execute(
        "select said, core.keyed_hash((select secret from identity.key_secret),"
        " %(authority)s || '|' || said) from (select upper(btrim(%(case)s)) as said) as it",
        {"authority": authority, "case": case_id},
    ).fetchall()
    return Subject(authority, said, key)


def _contract_table(contract: Contract, name: str) -> Table | None:
    """Return the table of the contract whose partition, or arriving delivery, this is."""
    return contract.tables.get(name.partition("__")[0])


def in_order(contract: Contract) -> Iterator[Table]:
    """Yield parents before the records that belong to them."""
    children = dict.fromkeys(each.table for each in PARENTS)
    for table in contract.tables.values():
        if table.name not in children:
            yield table
    for name in children:
        yield contract.tables[name]


def _of_records(table: Table, subject: Subject) -> sql.Composable | None:
    authority = sql.SQL("held.authority = {}").format(sql.Literal(subject.authority))
    columns = person_columns(table)
    named: list[sql.Composable] = [
        sql.SQL("{} = {}").format(id_of(column), sql.Literal(subject.case_id)) for column in columns
    ]
    for parent in (each for each in PARENTS if each.table == table.name):
        through = sql.SQL("{} in (select id from pg_temp.own_ids where kind = {})").format(
            id_of(parent.column), sql.Literal(parent.its_column)
        )
        for column in columns:
            through += sql.SQL(" and {} is null").format(id_of(column))
        named.append(sql.SQL("({})").format(through))
    if not named:
        return None
    return sql.SQL("{} and ({})").format(authority, sql.SQL(" or ").join(named))


def _collect(
    connection: psycopg.Connection[Any],
    table: Table,
    name: sql.Identifier,
    condition: sql.Composable,
) -> None:
    """Remember the keys of the person's records, and the ids by which others belong to them."""
    for column in {each.its_column for each in PARENTS if each.parent == table.name}:
        connection.execute(
            sql.SQL(
                "insert into pg_temp.own_ids select {kind}, {id} from {name} as held"
                " where {condition} and {id} is not null on conflict do nothing"
            ).format(kind=sql.Literal(column), id=id_of(column), name=name, condition=condition)
        )
    connection.execute(
        sql.SQL(
            "insert into pg_temp.own_records"
            " select {table}, judged.record_key, {shown},"
            " quality.record_id((select salt from quality.key_salt), judged.record_key)"
            " from (select distinct {key} as record_key from {name} as held where {condition})"
            " as judged on conflict do nothing"
        ).format(
            table=sql.Literal(table.name),
            shown=shown_key(table),
            key=record_key(table),
            name=name,
            condition=condition,
        )
    )


def _leave_shared(
    connection: psycopg.Connection[Any], table: Table, name: sql.Identifier, subject: Subject
) -> None:
    """Forget ids that a record which names somebody else has too."""
    others = [
        sql.SQL("{} <> {}").format(id_of(column), sql.Literal(subject.case_id))
        for column in person_columns(table)
    ]
    for column in {each.its_column for each in PARENTS if each.parent == table.name and others}:
        connection.execute(
            sql.SQL(
                "delete from pg_temp.own_ids where kind = {kind} and id in"
                " (select {id} from {name} as held"
                " where held.authority = {authority} and ({others}))"
            ).format(
                kind=sql.Literal(column),
                id=id_of(column),
                name=name,
                authority=sql.Literal(subject.authority),
                others=sql.SQL(" or ").join(others),
            )
        )


def _elsewhere(columns: Mapping[str, str], subject: Subject) -> sql.Composable | None:
    """Return the condition of rows about the person in a table that is no delivery."""
    case = sql.Literal(subject.case_id)
    keyed: list[sql.Composable] = [
        sql.SQL("held.{} = {}").format(sql.Identifier(name), sql.Literal(subject.key))
        for name, kind in columns.items()
        if kind == "bigint" and name.endswith("_key")
    ]
    named: list[sql.Composable] = [
        sql.SQL("{} = {}").format(id_of(name), case)
        for name, kind in columns.items()
        if kind in ("text", "character varying")
        and (f"_{name}".endswith("_person_id") or name == "case_id")
    ]
    if {"table_name", "record_id"} <= columns.keys() and columns["record_id"] == "uuid":
        named.append(
            sql.SQL(
                "(held.table_name, held.record_id) in"
                " (select table_name, record_id from pg_temp.own_records)"
            )
        )
    if {"table_name", "record_key"} <= columns.keys():
        named.append(
            sql.SQL(
                "(held.table_name, held.record_key) in"
                " (select table_name, record_key from pg_temp.own_records"
                " union select table_name, shown_key from pg_temp.own_records)"
            )
        )
    if named:
        either = sql.SQL("({})").format(sql.SQL(" or ").join(named))
        # another authority may have a person of the same case id
        if "authority" in columns:
            either += sql.SQL(" and held.authority = {}").format(sql.Literal(subject.authority))
        elif "load_id" in columns:
            either += sql.SQL(
                " and held.load_id in (select load_id from ops.loads where authority = {})"
            ).format(sql.Literal(subject.authority))
        keyed.append(sql.SQL("({})").format(either))
    return sql.SQL("({})").format(sql.SQL(" or ").join(keyed)) if keyed else None
