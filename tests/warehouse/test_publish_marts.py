"""Publication and rollback on a real PostgreSQL, with readers and with a publisher killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from carepath.errors import PublicationError
from carepath.publish import (
    MartTable,
    Publication,
    publication,
    publish,
    publish_many,
    rollback,
    shape,
)
from carepath.warehouse import migrate, privileges, readers
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR

ASHMERE, OTHER, THIRD = "E09900091", "E09900092", "E09900093"
NIGHT = date(2019, 6, 30)
TABLES = [
    MartTable("trial_kpi", ("measure",)),
    MartTable("trial_leavers", ("leaver_key",)),
    MartTable("trial_calendar", ("calendar_date",)),
]
SCHEMAS = ("marts", "marts_prev", "marts_build")
MEASURES = ("eet", "suitable", "staying_put")


class Marts:
    """Three invented marts: a KPI table, a fact table and a calendar without an authority."""

    def __init__(self, owner: psycopg.Connection[Any], loader: psycopg.Connection[Any]) -> None:
        self.owner, self.loader = owner, loader
        self.loads: dict[str, int] = {}

    def build(self, authority: str, value: int, leavers: int = 40) -> None:
        """Rebuild an authority's rows. `value` is in every row, so sums show which set it is."""
        with self.loader.transaction():
            for mart in TABLES[:2]:
                self.loader.execute(
                    f"delete from marts_build.{mart.name} where authority = %s", [authority]
                )
            for measure in MEASURES:
                self.loader.execute(
                    "insert into marts_build.trial_kpi values (%s, %s, %s, %s)",
                    [authority, measure, value, value / 7],
                )
            self.loader.execute(
                """
                insert into marts_build.trial_leavers
                select %s, leaver, case when leaver %% 10 = 0 then null else %s end
                from generate_series(1, %s) as leaver
                """,
                [authority, value, leavers],
            )

    def build_again(self, authority: str, value: int) -> None:
        """Change an authority's rows where they are, whatever columns they have."""
        self.loader.execute(
            "update marts_build.trial_kpi set numerator = %s where authority = %s",
            [value, authority],
        )

    def publish(
        self,
        authority: str = ASHMERE,
        run_id: str | None = None,
        tables: Sequence[MartTable] = TABLES,
    ) -> Publication:
        """Publish under a run of its own, or under the one given."""
        return publish(run_id or self.run(), authority, self.loads[authority], NIGHT, tables)

    def publish_set(
        self, *authorities: str, run_id: str | None = None
    ) -> dict[str, Publication | PublicationError]:
        """Publish some authorities at once, under a run of its own or the one given."""
        loads = {authority: self.loads[authority] for authority in authorities}
        return publish_many(run_id or self.run(), loads, NIGHT, TABLES)

    def run(self) -> str:
        """Record a run and return its id."""
        (number,) = self.rows("select count(*) from ops.runs where run_id like 'trial-%'")[0]
        run_id = f"trial-{number}"
        self.owner.execute("insert into ops.runs (run_id, night) values (%s, %s)", [run_id, NIGHT])
        return run_id

    def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        return self.owner.execute(query, arguments or None).fetchall()

    def contents(self, schema: str = "marts", authority: str | None = None) -> dict[str, list[str]]:
        """Return the rows of every table as PostgreSQL writes them out."""
        return {
            mart.name: [
                row
                for (row,) in self.rows(
                    f"select t::text from {schema}.{mart.name} as t order by t::text"
                )
                if authority is None or authority in row or mart.name == "trial_calendar"
            ]
            for mart in TABLES
        }

    def publication_count(self) -> int:
        return self.rows("select count(*) from ops.publications where authority like 'E0990009_'")[
            0
        ][0]


def clear(owner: psycopg.Connection[Any]) -> None:
    owner.execute("drop view if exists marts.trial_view")
    for schema in SCHEMAS:
        for mart in TABLES:
            owner.execute(f"drop table if exists {schema}.{mart.name}")
    owner.execute("delete from marts.publication where authority like 'E0990009_'")
    for table in ("publications", "loads", "sources", "authorities"):
        owner.execute(f"delete from ops.{table} where authority like 'E0990009_'")
    owner.execute("delete from ops.runs where run_id like 'trial-%'")


@pytest.fixture
def marts(warehouse: object) -> Iterator[Marts]:
    with (
        closing(connect("carepath_owner", autocommit=True)) as owner,
        closing(connect("carepath_loader", autocommit=True)) as loader,
    ):
        clear(owner)
        found = Marts(owner, loader)
        for authority in (ASHMERE, OTHER, THIRD):
            owner.execute("insert into ops.authorities values (%s, 'Invented')", [authority])
            owner.execute(
                "insert into ops.sources values (%s, %s, 'demo')", [f"trial-{authority}", authority]
            )
            found.loads[authority] = found.rows(
                "insert into ops.loads (source, authority, night) values (%s, %s, %s)"
                " returning load_id",
                f"trial-{authority}",
                authority,
                NIGHT,
            )[0][0]
        loader.execute(
            """
            create unlogged table marts_build.trial_kpi (
                authority text, measure text, numerator bigint, share numeric(9, 4)
            );
            create unlogged table marts_build.trial_leavers (
                authority text, leaver_key integer, status integer
            );
            create unlogged table marts_build.trial_calendar (
                calendar_date date, is_month_end boolean
            );
            insert into marts_build.trial_calendar
            values ('2019-06-30', true), ('2019-07-01', false)
            """
        )
        yield found
        clear(owner)


def as_reader() -> closing[psycopg.Connection[Any]]:
    return closing(connect("bi_reader", autocommit=True))


def until(condition: Callable[[], object]) -> None:
    """Wait for a state of the server that another process is about to reach."""
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("the state waited for never came")


# What a publication does


def test_publish_first_build_creates_tables_that_bi_reader_reads(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    published = marts.publish()
    assert marts.contents("marts") == marts.contents("marts_build")
    assert published.changed["trial_leavers"] == {"inserted": 40, "updated": 0, "deleted": 0}
    with as_reader() as reader:
        assert reader.execute("select count(*) from marts.trial_leavers").fetchone() == (40,)
    kinds = marts.rows(
        "select relpersistence::text, pg_get_userbyid(relowner)::text, indkey::text from pg_class"
        " join pg_index on indrelid = pg_class.oid and indisprimary"
        " where pg_class.oid = 'marts.trial_leavers'::regclass"
    )
    assert kinds == [("p", "carepath_owner", "1 2")]


def test_publish_touches_only_rows_that_differ(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    marts.publish()
    before = dict(marts.rows("select leaver_key, xmin::text from marts.trial_leavers"))
    marts.loader.execute("update marts_build.trial_leavers set status = 5 where leaver_key = 10")
    marts.loader.execute("delete from marts_build.trial_leavers where leaver_key = 11")
    marts.loader.execute("insert into marts_build.trial_leavers values (%s, 99, null)", [ASHMERE])
    published = marts.publish()
    assert published.changed == {"trial_leavers": {"inserted": 1, "updated": 1, "deleted": 1}}
    after = dict(marts.rows("select leaver_key, xmin::text from marts.trial_leavers"))
    assert {key for key in before | after if before.get(key) != after.get(key)} == {10, 11, 99}
    assert marts.contents("marts") == marts.contents("marts_build")


def test_publish_tells_readers_which_publication_the_marts_hold(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    published = marts.publish()
    with as_reader() as reader:
        told = reader.execute(
            "select publication_id, night, load_id, kind, code_version, published_at"
            " from marts.publication where authority = %s",
            [ASHMERE],
        ).fetchall()
        columns = [
            column.name
            for column in reader.execute("select * from marts.publication").description or ()
        ]
    assert told == [
        (
            published.publication_id,
            NIGHT,
            marts.loads[ASHMERE],
            "publish",
            published.code_version,
            published.published_at,
        )
    ]
    assert "run_id" not in columns


def test_publish_same_run_again_records_nothing_and_keeps_the_way_back(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    marts.publish()
    first = marts.contents()
    marts.build(ASHMERE, 2)
    second = marts.publish()
    again = marts.publish(run_id=second.run_id)
    assert again == second
    assert marts.publication_count() == 2
    rollback(ASHMERE)
    assert marts.contents() == first


def test_publish_next_run_without_change_is_recorded_for_its_night(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    first = marts.publish()
    second = marts.publish()
    assert second.changed == {}
    assert second.publication_id > first.publication_id


def test_publish_held_authority_keeps_its_figures_while_the_other_moves_on(marts: Marts) -> None:
    for authority in (ASHMERE, OTHER):
        marts.build(authority, 1)
        marts.publish(authority)
    held = marts.contents(authority=ASHMERE)
    for authority in (ASHMERE, OTHER):
        marts.build(authority, 2)
    marts.publish(OTHER)
    assert marts.contents(authority=ASHMERE) == held
    assert marts.contents(authority=OTHER) == marts.contents("marts_build", OTHER)
    assert marts.rows(
        "select authority, sum(numerator)::int from marts.trial_kpi group by authority order by 1"
    ) == [(ASHMERE, 3), (OTHER, 6)]


def test_publish_two_authorities_with_the_same_keys_do_not_collide(marts: Marts) -> None:
    for value, authority in enumerate((ASHMERE, OTHER)):
        marts.build(authority, value)
        marts.publish(authority)
    assert marts.rows("select count(*) from marts.trial_leavers") == [(80,)]


@pytest.mark.fault("A crash emptied the tables of the build.", "The publication is refused.")
def test_publish_build_emptied_by_a_crash_is_refused(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    marts.publish()
    before = marts.contents()
    marts.loader.execute("truncate marts_build.trial_kpi, marts_build.trial_leavers")
    with pytest.raises(PublicationError, match="has no rows"):
        marts.publish()
    assert marts.contents() == before
    assert marts.publication_count() == 1


@pytest.mark.fault("A model builds two rows with one key.", "Nothing is published.")
def test_publish_two_rows_with_one_key_leaves_everything_as_it_was(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    marts.publish()
    before = marts.contents()
    marts.build(ASHMERE, 2)
    marts.loader.execute(
        "insert into marts_build.trial_leavers values (%s, 50, 7), (%s, 50, 8)", [ASHMERE] * 2
    )
    with pytest.raises(PublicationError, match=r"trial_leavers.*duplicate key") as caught:
        marts.publish()
    assert "50" not in str(caught.value)
    assert marts.contents() == before


def test_publish_row_policies_that_hide_rows_from_the_publisher_are_an_error(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    marts.publish()
    marts.owner.execute("alter table marts.trial_kpi force row level security")
    with pytest.raises(PublicationError, match="row-level security"):
        marts.publish()


def test_publish_mart_that_dbt_builds_no_longer_is_refused(
    marts: Marts, monkeypatch: pytest.MonkeyPatch
) -> None:
    marts.build(ASHMERE, 1)
    marts.publish()
    monkeypatch.setattr(publication, "mart_tables", lambda: TABLES[1:])
    with pytest.raises(PublicationError, match=r"marts\.trial_kpi.*no longer"):
        publish("trial-0", ASHMERE, marts.loads[ASHMERE], NIGHT)


# A set of authorities


def published_of(outcomes: dict[str, Publication | PublicationError]) -> list[Publication]:
    """Return the publications of a set, of which none may be refused."""
    found = [each for each in outcomes.values() if isinstance(each, Publication)]
    assert len(found) == len(outcomes), outcomes
    return found


def test_publish_set_is_one_publication_for_each_authority(marts: Marts) -> None:
    for authority in (ASHMERE, OTHER, THIRD):
        marts.build(authority, 1)
    marts.publish_set(ASHMERE, OTHER)
    marts.build(ASHMERE, 1, leavers=41)
    marts.build(OTHER, 2)
    marts.loader.execute("insert into marts_build.trial_calendar values ('2019-07-02', false)")
    first, second, third = published_of(marts.publish_set(ASHMERE, OTHER, THIRD))
    assert marts.contents() == marts.contents("marts_build")
    assert (first.authority, second.authority, third.authority) == (ASHMERE, OTHER, THIRD)
    assert first.published_at == second.published_at == third.published_at
    assert first.changed == {
        "trial_leavers": {"inserted": 1, "updated": 0, "deleted": 0},
        "trial_calendar": {"inserted": 1, "updated": 0, "deleted": 0},
    }
    assert second.changed == {
        "trial_kpi": {"inserted": 0, "updated": 3, "deleted": 0},
        "trial_leavers": {"inserted": 0, "updated": 36, "deleted": 0},
    }
    assert third.changed == {
        "trial_kpi": {"inserted": 3, "updated": 0, "deleted": 0},
        "trial_leavers": {"inserted": 40, "updated": 0, "deleted": 0},
    }
    assert marts.publication_count() == 5
    told = marts.rows("select authority, publication_id from marts.publication order by 1")
    assert told == [(each.authority, each.publication_id) for each in (first, second, third)]


def test_publish_set_again_publishes_only_what_is_new(marts: Marts) -> None:
    for value in (1, 2):
        for authority in (ASHMERE, OTHER):
            marts.build(authority, value)
        if value == 1:
            marts.publish_set(ASHMERE, OTHER)
    before = marts.contents(authority=ASHMERE)
    run_id = marts.run()
    (first,) = published_of(marts.publish_set(ASHMERE, run_id=run_id))
    again, other = published_of(marts.publish_set(ASHMERE, OTHER, run_id=run_id))
    assert again == first
    assert other.changed.keys() == {"trial_kpi", "trial_leavers"}
    assert published_of(marts.publish_set(OTHER, ASHMERE, run_id=run_id)) == [other, first]
    assert marts.publication_count() == 4
    rollback(ASHMERE)
    assert marts.contents(authority=ASHMERE) == before


@pytest.mark.fault(
    "The build of one authority is broken, or empty, in a night that publishes several.",
    "The others are published, and the error names the broken one.",
)
def test_publish_set_leaves_out_the_authority_whose_build_is_broken(marts: Marts) -> None:
    for authority in (ASHMERE, OTHER, THIRD):
        marts.build(authority, 1)
    marts.publish_set(ASHMERE, OTHER, THIRD)
    before = marts.contents(authority=OTHER)
    for authority in (ASHMERE, OTHER, THIRD):
        marts.build(authority, 2)
    marts.loader.execute(
        "insert into marts_build.trial_leavers values (%s, 50, 7), (%s, 50, 8)", [OTHER] * 2
    )
    run_id = marts.run()
    outcomes = marts.publish_set(ASHMERE, OTHER, THIRD, run_id=run_id)
    refused = outcomes.pop(OTHER)
    assert isinstance(refused, PublicationError)
    assert str(refused).startswith(f"{OTHER}, marts.trial_leavers: PostgreSQL refused: duplicate")
    assert "50" not in str(refused)
    others = published_of(outcomes)
    assert marts.contents(authority=OTHER) == before
    for authority in (ASHMERE, THIRD):
        assert marts.contents(authority=authority) == marts.contents("marts_build", authority)
    assert marts.publication_count() == 5

    for mart in TABLES[:2]:
        marts.loader.execute(f"delete from marts_build.{mart.name} where authority = %s", [OTHER])
    outcomes = marts.publish_set(OTHER, ASHMERE, THIRD, run_id=run_id)
    assert "has no rows for this authority" in str(outcomes.pop(OTHER))
    assert published_of(outcomes) == others

    marts.build(OTHER, 3)
    marts.publish_set(ASHMERE, OTHER, THIRD, run_id=run_id)
    assert marts.contents() == marts.contents("marts_build")


@pytest.mark.fault(
    "A table that all authorities share is broken.", "None is published, and each says why."
)
def test_publish_set_with_a_broken_shared_table_publishes_nobody(marts: Marts) -> None:
    for authority in (ASHMERE, OTHER):
        marts.build(authority, 1)
    marts.loader.execute("insert into marts_build.trial_calendar values ('2019-06-30', false)")
    outcomes = marts.publish_set(ASHMERE, OTHER)
    assert [str(outcomes[authority]).partition(":")[0] for authority in (ASHMERE, OTHER)] == [
        f"{ASHMERE}, marts.trial_calendar",
        f"{OTHER}, marts.trial_calendar",
    ]
    assert marts.publication_count() == 0


def test_rollback_of_one_authority_of_a_set_leaves_the_others_and_what_they_share(
    marts: Marts,
) -> None:
    for authority in (ASHMERE, OTHER, THIRD):
        marts.build(authority, 1)
    marts.publish_set(ASHMERE, OTHER, THIRD)
    before = marts.contents(authority=THIRD)
    for authority in (ASHMERE, OTHER, THIRD):
        marts.build(authority, 2, leavers=33)
    marts.loader.execute("insert into marts_build.trial_calendar values ('2019-07-02', false)")
    marts.publish_set(ASHMERE, OTHER, THIRD)
    after = {authority: marts.contents(authority=authority) for authority in (ASHMERE, OTHER)}
    rollback(THIRD)  # the last of the set
    returned = marts.contents(authority=THIRD)
    assert returned.pop("trial_calendar") == after[ASHMERE]["trial_calendar"]
    assert returned == {name: before[name] for name in returned}
    assert {each: marts.contents(authority=each) for each in after} == after


# Who sees what


@pytest.fixture
def mapped(marts: Marts) -> Iterator[Marts]:
    """The login bi_ashmere is mapped to Ashmere, and bi_stranger to nothing."""
    readers.create_logins(["bi_ashmere", "bi_stranger"])
    with connect("carepath_loader") as loader:
        readers.map_readers(loader, [("bi_ashmere", ASHMERE)])
    yield marts
    with connect("carepath_loader") as loader:
        loader.execute("delete from ops.readers")


def seen(login: str, mart: str = "trial_kpi") -> list[str]:
    """Return the authorities that a login sees in a mart."""
    with closing(connect(login, autocommit=True)) as reader:
        rows = reader.execute(f"select distinct authority from marts.{mart} order by 1").fetchall()
    return [authority for (authority,) in rows]


def assert_each_sees_its_own(marts: Marts) -> None:
    for mart in ("trial_kpi", "trial_leavers", "publication"):
        assert seen("bi_ashmere", mart) == [ASHMERE]
        assert seen("bi_reader", mart) == [ASHMERE, OTHER]
        assert seen("carepath_loader", mart) == [ASHMERE, OTHER]
        assert seen("bi_stranger", mart) == []
    with closing(connect("bi_ashmere", autocommit=True)) as reader:
        assert reader.execute("select count(*) from marts.trial_calendar").fetchone() == (2,)
    assert privileges.differences(marts.owner) == ([], [])


def test_mapped_login_sees_its_authorities_after_publication_rollback_and_new_mart(
    mapped: Marts,
) -> None:
    for authority in (ASHMERE, OTHER):
        mapped.build(authority, 1)
        mapped.publish(authority)  # each mart is new
    assert_each_sees_its_own(mapped)
    mapped.loader.execute("alter table marts_build.trial_kpi add column left_out_count bigint")
    for authority in (ASHMERE, OTHER):
        mapped.build_again(authority, 2)
        mapped.publish(authority)
    assert_each_sees_its_own(mapped)
    for authority in (ASHMERE, OTHER):
        rollback(authority)
    assert_each_sees_its_own(mapped)


def test_mapped_login_cannot_step_around_its_policies(mapped: Marts) -> None:
    for authority in (ASHMERE, OTHER):
        mapped.build(authority, 1)
        mapped.publish(authority)
    query = "select distinct authority from marts.trial_kpi"
    with closing(connect("bi_ashmere", autocommit=True)) as reader:
        reader.execute("set role bi_reader")  # who signed in counts
        assert reader.execute(query).fetchall() == [(ASHMERE,)]
        reader.execute("set row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(query)
        reader.execute("set default_transaction_read_only = off")
        for statement in (
            f"insert into ops.readers values ('bi_ashmere', '{OTHER}')",
            "drop policy readers on marts.trial_kpi",
            "select * from ops.readers",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement)


def test_bi_reader_sees_only_what_it_is_mapped_to(mapped: Marts) -> None:
    for authority in (ASHMERE, OTHER):
        mapped.build(authority, 1)
        mapped.publish(authority)
    with connect("carepath_loader") as loader:
        assert readers.map_readers(loader, [("bi_reader", OTHER)])
        assert not readers.map_readers(loader, [("bi_reader", OTHER)])
    assert seen("bi_reader") == [OTHER]
    assert seen("bi_ashmere") == []


def test_login_that_is_not_mapped_any_more_sees_nothing_also_if_it_was_the_last(
    mapped: Marts,
) -> None:
    for authority in (ASHMERE, OTHER):
        mapped.build(authority, 1)
        mapped.publish(authority)
    with connect("carepath_loader") as loader:
        assert readers.map_readers(loader, [])
        assert not readers.map_readers(loader, [])  # as each night does
    assert seen("bi_ashmere") == []
    assert seen("bi_reader") == [ASHMERE, OTHER]
    with connect("carepath_loader") as loader:
        readers.map_readers(loader, [("bi_ashmere", OTHER)])
    assert seen("bi_ashmere") == [OTHER]
    with connect("carepath_loader") as loader:
        readers.map_readers(loader, [])
    with connect(ADMINISTRATOR, "warehouse") as admin:
        admin.execute("drop role bi_ashmere")
    with connect("carepath_loader") as loader:
        readers.map_readers(loader, [])
        assert loader.execute("select login from ops.readers").fetchall() == []


def test_without_a_mapping_each_login_sees_everything(marts: Marts) -> None:
    readers.create_logins(["bi_ashmere"])
    for authority in (ASHMERE, OTHER):
        marts.build(authority, 1)
        marts.publish(authority)
    assert seen("bi_ashmere") == seen("bi_reader") == [ASHMERE, OTHER]


def test_privileges_that_were_changed_by_hand_are_found(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    marts.publish()
    for change, more, missing in (
        ("grant select on marts_build.trial_kpi to bi_reader", "marts_build.trial_kpi", ""),
        ("revoke select on marts.trial_kpi from bi_reader", "marts.trial_kpi", ""),
        ("drop policy readers on marts.trial_kpi", "marts.trial_kpi", ""),
        ("alter table marts.trial_kpi disable row level security", "marts.trial_kpi", ""),
        ("create view marts.trial_view as select 1 as n", "marts.trial_view", ""),
        ("grant update (share) on marts.trial_kpi to bi_reader", "marts.trial_kpi", ""),
        ("revoke usage on schema marts from bi_reader", "", "marts"),
        ("revoke execute on function core.key_of from carepath_analyst", "", "core.key_of(text)"),
        ("grant execute on function core.key_of to public", "core.key_of(text)", ""),
    ):
        with marts.owner.transaction(force_rollback=True):
            marts.owner.execute(change)
            found = privileges.differences(marts.owner)
        assert [{line[1] for line in lines} for lines in found] == [
            {more} - {""},
            {missing} - {""},
        ], change
    assert privileges.differences(marts.owner) == ([], [])


# Adding a column


def test_publish_added_column_keeps_identity_view_grant_and_row_policy(marts: Marts) -> None:
    for authority in (ASHMERE, OTHER):
        marts.build(authority, 1)
        marts.publish(authority)
    marts.owner.execute(
        f"""
        create view marts.trial_view with (security_invoker) as
            select authority, numerator from marts.trial_kpi where measure = 'eet';
        grant select on marts.trial_kpi to carepath_steward;
        create policy one_authority on marts.trial_kpi as restrictive to bi_reader
            using (authority = '{ASHMERE}')
        """
    )
    identity = (
        "select oid, relacl::text from pg_class where oid = 'marts.trial_kpi'::regclass"
        " or oid = 'marts.trial_view'::regclass order by oid"
    )
    before = marts.rows(identity)
    marts.loader.execute("alter table marts_build.trial_kpi add column left_out_count bigint")
    marts.loader.execute("update marts_build.trial_kpi set left_out_count = 4, numerator = 9")
    published = marts.publish(ASHMERE)
    assert published.changed["trial_kpi"]["updated"] == 3
    assert marts.rows(identity) == before
    assert marts.rows(
        "select distinct authority, left_out_count, numerator from marts.trial_kpi order by 1"
    ) == [(ASHMERE, 4, 9), (OTHER, None, 1)]
    with as_reader() as reader:
        assert reader.execute("select * from marts.trial_view").fetchall() == [(ASHMERE, 9)]
        assert reader.execute("select distinct left_out_count from marts.trial_kpi").fetchall() == [
            (4,)
        ]
    rollback(ASHMERE)
    assert marts.rows(
        "select distinct left_out_count, numerator from marts.trial_kpi where authority = %s",
        ASHMERE,
    ) == [(None, 1)]


@pytest.mark.fault(
    "A reader holds a lock on a mart that needs a new column.",
    "The publication gives up after a short wait, and the reader goes on.",
)
def test_publish_added_column_waits_briefly_and_gives_up_for_a_long_reader(
    marts: Marts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shape, "LOCK_TIMEOUT", "20ms")
    monkeypatch.setattr(shape, "LOCK_ATTEMPTS", 2)
    monkeypatch.setattr(shape, "LOCK_PAUSE_SECONDS", 0.0)
    marts.build(ASHMERE, 1)
    marts.publish()
    marts.loader.execute("alter table marts_build.trial_kpi add column left_out_count bigint")
    with as_reader() as reader:
        with reader.transaction():
            reader.execute("select * from marts.trial_kpi")
            with pytest.raises(PublicationError, match="reader kept the table open"):
                marts.publish()
            assert reader.execute("select sum(numerator) from marts.trial_kpi").fetchone() == (3,)
        marts.publish()
    assert "left_out_count" in shape.read_shapes(marts.owner, "marts")["trial_kpi"].columns


def test_publish_goes_on_where_a_migration_renamed_a_column_of_the_key(marts: Marts) -> None:
    marts.loader.execute(
        "alter table marts_build.trial_kpi add column snapshot_date date default '2019-06-30'"
    )
    dated = [MartTable("trial_kpi", ("snapshot_date", "measure"))]
    marts.build(ASHMERE, 7)
    for run_id in ("trial-before", "trial-after"):
        marts.owner.execute("insert into ops.runs (run_id, night) values (%s, %s)", [run_id, NIGHT])
    publish("trial-before", ASHMERE, marts.loads[ASHMERE], NIGHT, dated)
    before = marts.rows("select t::text from marts.trial_kpi as t order by 1")
    assert len(before) == len(MEASURES)

    scripts = Config()
    scripts.set_main_option("script_location", str(migrate.MIGRATIONS))
    renaming = ScriptDirectory.from_config(scripts).get_revision("0014")
    marts.owner.execute(renaming.module.RENAME)
    marts.loader.execute(
        "alter table marts_build.trial_kpi rename column snapshot_date to as_at_date"
    )
    renamed = [MartTable("trial_kpi", ("as_at_date", "measure"))]
    again = publish("trial-after", ASHMERE, marts.loads[ASHMERE], NIGHT, renamed)

    assert again.changed == {}
    assert marts.rows("select t::text from marts.trial_kpi as t order by 1") == before
    assert marts.rows("select distinct as_at_date from marts.trial_kpi") == [(NIGHT,)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("drop column share", "share is no longer built"),
        ("alter column numerator type integer", "numerator was bigint and is built as integer"),
    ],
)
def test_publish_change_that_could_break_reports_is_refused(
    marts: Marts, change: str, reason: str
) -> None:
    marts.build(ASHMERE, 1)
    marts.publish()
    before = marts.contents()
    marts.loader.execute(f"alter table marts_build.trial_kpi {change}")
    with pytest.raises(PublicationError, match=reason):
        marts.publish()
    assert marts.contents() == before


# Rollback


@pytest.mark.fault(
    "A person rolls the marts back.",
    "They are as they were before, byte for byte.",
)
def test_rollback_returns_the_set_of_before_byte_for_byte(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    first = marts.publish()
    before = marts.contents()
    marts.build(ASHMERE, 2, leavers=55)
    marts.loader.execute("insert into marts_build.trial_calendar values ('2019-07-02', false)")
    second = marts.publish()
    assert marts.contents() != before
    undone = rollback(ASHMERE)
    assert marts.contents() == before
    assert (undone.kind, undone.run_id, undone.night) == ("rollback", first.run_id, first.night)
    assert undone.publication_id > second.publication_id
    with as_reader() as reader:
        assert reader.execute(
            "select kind, publication_id from marts.publication where authority = %s", [ASHMERE]
        ).fetchall() == [("rollback", undone.publication_id)]


def test_rollback_returns_rows_that_were_changed_deleted_and_inserted(marts: Marts) -> None:
    for value, leavers in ((1, 50), (2, 31)):
        marts.build(ASHMERE, value, leavers)
        marts.publish()
    before = marts.contents()
    marts.build(ASHMERE, 2, leavers=60)
    marts.loader.execute("delete from marts_build.trial_leavers where leaver_key <= 7")
    marts.loader.execute("update marts_build.trial_leavers set status = null where leaver_key = 8")
    marts.publish()
    kept = "select _change, count(*)::int from marts_prev.trial_leavers group by 1 order by 1"
    assert marts.rows(kept) == [("deleted", 29), ("inserted", 7), ("updated", 1)]
    assert marts.rows("select count(*) from marts_prev.trial_kpi") == [(0,)]
    rollback(ASHMERE)
    assert marts.contents() == before
    assert marts.rows(kept) == []


def test_rollback_empties_a_mart_that_was_new(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    marts.publish(tables=[TABLES[0], TABLES[2]])
    marts.publish()
    assert marts.rows("select count(*) from marts.trial_leavers") == [(40,)]
    rollback(ASHMERE)
    assert marts.rows("select count(*) from marts.trial_leavers") == [(0,)]
    assert marts.contents()["trial_kpi"] == marts.contents("marts_build")["trial_kpi"]


def test_rollback_of_a_publication_before_an_upgrade_is_refused(marts: Marts) -> None:
    for value in (1, 2):
        marts.build(ASHMERE, value)
        marts.publish()
    before = marts.contents()
    marts.owner.execute("update ops.publications set keeps_replaced = false")
    with pytest.raises(PublicationError, match="did not keep what it replaced"):
        rollback(ASHMERE)
    assert marts.contents() == before
    marts.build(ASHMERE, 3)
    marts.publish()
    rollback(ASHMERE)
    assert marts.contents() == before


def test_rollback_twice_is_refused_and_the_next_publication_works(marts: Marts) -> None:
    for value in (1, 2):
        marts.build(ASHMERE, value)
        marts.publish()
    rollback(ASHMERE)
    returned = marts.contents()
    with pytest.raises(PublicationError, match="already been rolled back"):
        rollback(ASHMERE)
    assert marts.contents() == returned
    marts.build(ASHMERE, 3)
    marts.publish()
    assert marts.contents() == marts.contents("marts_build")
    rollback(ASHMERE)
    assert marts.contents() == returned


def test_rollback_of_the_first_publication_is_refused(marts: Marts) -> None:
    with pytest.raises(PublicationError, match="no publication to return to"):
        rollback(ASHMERE)
    marts.build(ASHMERE, 1)
    marts.publish()
    with pytest.raises(PublicationError, match="is the first"):
        rollback(ASHMERE)
    assert marts.contents() == marts.contents("marts_build")


def test_rollback_leaves_other_authorities_and_what_they_share_alone(marts: Marts) -> None:
    for value in (1, 2):
        for authority in (ASHMERE, OTHER):
            marts.build(authority, value)
            if (value, authority) == (2, OTHER):
                marts.loader.execute(
                    "insert into marts_build.trial_calendar values ('2019-07-02', false)"
                )
            marts.publish(authority)
    others = marts.contents(authority=OTHER)
    rollback(ASHMERE)
    assert marts.contents(authority=OTHER) == others
    assert marts.rows(
        "select authority, sum(numerator)::int from marts.trial_kpi group by authority order by 1"
    ) == [(ASHMERE, 3), (OTHER, 6)]


# Readers


class Reader(threading.Thread):
    """A BI user who reads all tables again and again, and refuses to wait for any lock."""

    def __init__(
        self,
        stop: threading.Event,
        *,
        one_statement: bool,
        authorities: Sequence[str] = (ASHMERE,),
    ) -> None:
        super().__init__()
        self.stop, self.one_statement, self.authorities = stop, one_statement, authorities
        self.seen: set[tuple[Any, ...]] = set()
        self.reads = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            with as_reader() as reader:
                reader.execute("set lock_timeout = '1ms'")
                reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                while not self.stop.is_set():
                    self.seen.add(self.read(reader))
                    self.reads += 1
        except BaseException as error:  # handed to the test
            self.error = error

    def wait_for_a_read(self) -> None:
        """Return when a read that began after this call has ended."""
        wanted = self.reads + 2
        until(lambda: self.reads >= wanted or self.error)

    def read(self, reader: psycopg.Connection[Any]) -> tuple[Any, ...]:
        parts = [
            f"{query} where authority = '{authority}'"
            for authority in self.authorities
            for query in (
                "select publication_id from marts.publication",
                "select sum(numerator)::int from marts.trial_kpi",
                "select sum(status)::int from marts.trial_leavers",
                "select count(*)::int from marts.trial_leavers",
            )
        ]
        if self.one_statement:
            query = "select " + ", ".join(f"({part})" for part in parts)
            return reader.execute(query).fetchall()[0]
        with reader.transaction():
            return tuple(reader.execute(part).fetchall()[0][0] for part in parts)


def expected(published: Publication, value: int, leavers: int) -> tuple[int, int, int, int]:
    with_status = leavers - leavers // 10
    return (published.publication_id, 3 * value, with_status * value, leavers)


@pytest.mark.fault(
    "Readers query the marts during a publication and a rollback.",
    "They never wait, and they see one whole set.",
)
def test_publish_readers_never_wait_and_see_one_whole_set(marts: Marts) -> None:
    builds = [(1, 400), (2, 300)]
    marts.build(ASHMERE, *builds[0])
    sets = {expected(marts.publish(), *builds[0])}
    stop = threading.Event()
    readers = [Reader(stop, one_statement=number % 2 == 0) for number in range(4)]
    for reader in readers:
        reader.start()
    try:
        for turn in range(1, 13):
            build = builds[turn % 2]
            marts.build(ASHMERE, *build)
            sets.add(expected(marts.publish(), *build))
            for reader in readers:
                reader.wait_for_a_read()
        undone = rollback(ASHMERE)
        sets.add(expected(undone, *builds[1]))
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert [reader.error for reader in readers] == [None] * 4
    for reader in readers:
        assert reader.seen <= sets, "a mixed, empty or unknown set was read"
        assert len(reader.seen) >= 12


@pytest.mark.fault(
    "Readers query the marts while a set of authorities is published and one is held.",
    "They never wait. They see the whole old set or the whole new one, and the held figures.",
)
def test_publish_set_readers_see_all_of_it_or_none_and_the_held_one_as_it_was(
    marts: Marts,
) -> None:
    builds = [(1, 400), (2, 300)]
    for authority in (ASHMERE, OTHER, THIRD):
        marts.build(authority, *builds[0])
    first = published_of(marts.publish_set(ASHMERE, OTHER, THIRD))
    held = expected(first[2], *builds[0])
    sets = {(*expected(first[0], *builds[0]), *expected(first[1], *builds[0]), *held)}
    stop = threading.Event()
    readers = [
        Reader(stop, one_statement=one_statement, authorities=(ASHMERE, OTHER, THIRD))
        for one_statement in (True, False)
    ]
    for reader in readers:
        reader.start()
    try:
        for turn in range(1, 9):
            build = builds[turn % 2]
            for authority in (ASHMERE, OTHER, THIRD):
                marts.build(authority, *build)
            ashmere, other = published_of(marts.publish_set(ASHMERE, OTHER))
            sets.add((*expected(ashmere, *build), *expected(other, *build), *held))
            for reader in readers:
                reader.wait_for_a_read()
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert [reader.error for reader in readers] == [None] * 2
    for reader in readers:
        assert reader.seen <= sets, "a mixed, empty or unknown set was read"
        assert len(reader.seen) >= 8


def test_publish_reader_inside_one_transaction_goes_on_reading_the_old_set(marts: Marts) -> None:
    marts.build(ASHMERE, 1)
    first = marts.publish()
    marts.build(ASHMERE, 2)
    with as_reader() as reader:
        reader.execute("set lock_timeout = '1ms'")
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with reader.transaction():
            seen = [reader.execute("select sum(numerator)::int from marts.trial_kpi").fetchone()]
            second = marts.publish()
            seen.append(reader.execute("select max(status) from marts.trial_leavers").fetchone())
            told = reader.execute(
                "select publication_id from marts.publication where authority = %s", [ASHMERE]
            ).fetchone()
        assert (seen, told) == ([(3,), (1,)], (first.publication_id,))
        assert reader.execute(
            "select publication_id from marts.publication where authority = %s", [ASHMERE]
        ).fetchone() == (second.publication_id,)


# A publisher killed


PUBLISHER = """
import sys
from datetime import date
from carepath.publish import MartTable, publish_many
run_id, loads, tables = (text.split(",") for text in sys.argv[1:])
publish_many(
    run_id[0],
    {authority: int(load) for authority, load in zip(loads[::2], loads[1::2])},
    date(2019, 6, 30),
    [MartTable(name, (key,)) for name, key in zip(tables[::2], tables[1::2])],
)
"""


@pytest.mark.fault(
    "The publication of a set is killed with SIGKILL in the middle.",
    "Readers see the whole old set, and the next publication works.",
)
@pytest.mark.parametrize(
    "stopped_at",
    ["marts_prev.trial_kpi", "marts.trial_leavers", "ops.publications", "marts.publication"],
)
def test_publish_killed_in_the_middle_leaves_the_old_set(marts: Marts, stopped_at: str) -> None:
    for value in (1, 2):
        for authority in (ASHMERE, OTHER):
            marts.build(authority, value)
        marts.publish_set(ASHMERE, OTHER)
    before = {schema: marts.contents(schema) for schema in ("marts", "marts_prev")}
    for authority in (ASHMERE, OTHER):
        marts.build(authority, 3, leavers=33)
    loads = [f"{authority},{marts.loads[authority]}" for authority in (ASHMERE, OTHER)]
    tables = [f"{mart.name},{mart.key[0]}" for mart in TABLES]
    with closing(connect("carepath_owner")) as obstacle:
        obstacle.execute(f"lock table {stopped_at} in share row exclusive mode")
        publisher = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, "trial-1", ",".join(loads), ",".join(tables)]
        )
        try:
            until(
                lambda: marts.rows(
                    "select 1 from pg_locks where not granted and relation = %s::regclass",
                    stopped_at,
                )
            )
        finally:
            publisher.kill()
            publisher.wait()
        # granted only when the server has noticed the death and dropped the session
        with closing(connect("carepath_owner", autocommit=True)) as successor:
            successor.execute("set lock_timeout = '60s'")
            successor.execute("select pg_advisory_lock(%s)", [publication.PUBLISHER_LOCK])
        assert publisher.returncode == -9
    assert {schema: marts.contents(schema) for schema in ("marts", "marts_prev")} == before
    assert marts.publication_count() == 4
    marts.publish_set(ASHMERE, OTHER)
    assert marts.contents() == marts.contents("marts_build")


@pytest.mark.fault(
    "Two publications run at once.",
    "The second one waits for the first, or gives up.",
)
def test_publish_one_publisher_at_a_time(marts: Marts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication, "WAIT_FOR_OTHERS", "50ms")
    marts.build(ASHMERE, 1)
    with closing(connect("carepath_owner", autocommit=True)) as first:
        first.execute("select pg_advisory_lock(%s)", [publication.PUBLISHER_LOCK])
        with pytest.raises(PublicationError, match="Another publication"):
            marts.publish()
    assert marts.publish().kind == "publish"


def test_descriptions_are_comments_that_outlive_publications(marts: Marts) -> None:
    """Power BI and other tools show them as help."""

    def described(figures: str) -> list[MartTable]:
        kpi, *others = TABLES
        return [MartTable(kpi.name, kpi.key, figures, {"share": "0 to 1"}), *others]

    def comments() -> tuple[Any, ...]:
        with connect("bi_reader") as reader:
            (found,) = reader.execute(
                """
                select obj_description(oid, 'pg_class'), col_description(oid, 4)
                from pg_class where oid = 'marts.trial_kpi'::regclass
                """
            ).fetchall()
        return found

    marts.build(ASHMERE, 7)
    marts.publish(tables=described("Invented figures"))
    assert comments() == ("Invented figures", "0 to 1")
    marts.build(ASHMERE, 8)
    marts.publish()
    assert comments() == ("Invented figures", "0 to 1")
    marts.publish(tables=described("Figures, in other words"))
    assert comments() == ("Figures, in other words", "0 to 1")


def test_range_that_power_bi_reads_is_found_by_an_index(marts: Marts) -> None:
    """Whether the table is new or was published before it had one."""
    events = MartTable("fct_pathway_events", ("event_key",))
    marts.loader.execute(
        """
        create unlogged table marts_build.fct_pathway_events as
        select %s::text as authority, day as event_key, date '1990-01-01' + day as event_date
        from generate_series(0, 10000) as day
        """,
        [ASHMERE],
    )

    def plan_of_a_month() -> str:
        with connect("bi_reader") as reader:
            lines = reader.execute(
                "explain select * from marts.fct_pathway_events"
                " where event_date >= '2014-03-01' and event_date < '2014-04-01'"
            ).fetchall()
        return "\n".join(line for (line,) in lines)

    try:
        marts.build(ASHMERE, 7)
        marts.publish(tables=[*TABLES, events])
        marts.owner.execute("analyze marts.fct_pathway_events")
        assert "fct_pathway_events_event_date_range" in plan_of_a_month()

        marts.owner.execute("drop index marts.fct_pathway_events_event_date_range")
        assert "Seq Scan" in plan_of_a_month()
        marts.publish(tables=[*TABLES, events])
        assert "fct_pathway_events_event_date_range" in plan_of_a_month()
    finally:
        for schema in SCHEMAS:
            marts.owner.execute(f"drop table if exists {schema}.fct_pathway_events")
