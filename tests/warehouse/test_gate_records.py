"""Gate 1 on a real PostgreSQL: it passes, it holds, and it holds in case of doubt."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
import scratch_staging as staging

from carepath.contract.model import load_contract
from carepath.errors import WarehouseError
from carepath.quality.decision import Decision
from carepath.quality.records import gate
from carepath.warehouse.connect import connect
from expectations.register import rules
from expectations.rule import Fails

# what a small authority delivers: the gate's time goes into the number of tables
DELIVERED = (
    "ssd_care_leavers",
    "ssd_cla_episodes",
    "ssd_cla_placement",
    "ssd_person",
    "local_case_status",
    "local_eet_status",
)

OTHER = "E09900002"  # a second authority, which is judged in one set with the first

pytestmark = pytest.mark.usefixtures("warehouse")


@pytest.fixture
def loader() -> Iterator[psycopg.Connection[Any]]:
    """A loader's connection to a warehouse with empty staging and one complete load."""
    with connect("carepath_loader", autocommit=True) as connection:
        staging.create(connection)
        staging.load(connection, *DELIVERED)
        yield connection


def judged(loader: psycopg.Connection[Any]) -> Any:
    """Run the gate; returns its decision and the results that are not passed, by rule."""
    decision = gate.run_gate("run", staging.latest_load(loader))
    rows = loader.execute(
        "select rule_id, table_name, state, failing_count, population_count, holds, message"
        " from quality.rule_results where gate_run_id = %s",
        (decision.gate_run_id,),
    ).fetchall()
    return decision, {(row[0], row[1]): row[2:] for row in rows}


def test_gate_clean_records_pass(loader: psycopg.Connection[Any]) -> None:
    for n in range(50):
        staging.care_leaver(loader, f"P{n}")
    decision, results = judged(loader)
    assert decision.passed, decision.reasons
    assert decision.message == ""
    assert {row[0] for row in results.values()} == {"passed", "not applicable"}
    assert results["EET-01", "ssd_care_leavers"][:4] == ("passed", 0, 50, False)


def test_gate_mass_of_contradictions_holds_and_lists_every_record(
    loader: psycopg.Connection[Any],
) -> None:
    for n in range(50):
        wrong = {"eet_status__status_code": "NEET"} if n < 30 else {}
        staging.care_leaver(loader, f"P{n:02}", **wrong)
    decision, results = judged(loader)
    assert not decision.passed
    assert results["EET-02", "ssd_care_leavers"][:4] == ("failed", 30, 50, True)
    assert "EET-02" in decision.message
    assert "What to do" in decision.message
    assert "\n" not in decision.message
    with connect("carepath_steward") as steward:
        listed = steward.execute(
            "select record_key, person_id, is_holding, failing_since from quality.work_list"
            " where rule_id = 'EET-02' order by record_key"
        ).fetchall()
    assert [row[0] for row in listed] == [f"P{n:02}" for n in range(30)]
    assert listed[0][1:] == ("P00", True, staging.NIGHT)


def test_gate_compares_the_status_that_the_snapshot_measures(
    loader: psycopg.Connection[Any],
) -> None:
    for n in range(100):
        staging.care_leaver(loader, f"P{n:02}")
    staging.care_leaver(loader, "PLANNED", activity_code="G5", activity_sent="G5")
    staging.care_leaver(loader, "TWICE", activity_code="G5", activity_sent="G5")
    day = staging.NIGHT
    for person, key, status, recorded in (
        ("PLANNED", "PLANNED|2019-07-15", "NEET", day + dt.timedelta(days=15)),
        ("TWICE", "TWICE|2019-06-30 09:00:00", "NEET", day),
        ("TWICE", "TWICE|2019-06-30 15:00:00", "EET", day),
    ):
        staging.insert(
            loader, "stg_eet_status", authority=staging.AUTHORITY, record_key=key,
            person_id=person, status_code=status, status_sent=status, recorded_date=recorded,
        )  # fmt: skip
    decision, _ = judged(loader)
    found = loader.execute(
        "select record_key from quality.failing_keys"
        " where gate_run_id = %s and rule_id = 'EET-01' order by 1",
        (decision.gate_run_id,),
    ).fetchall()
    assert found == [("PLANNED",), ("TWICE",)]


def test_gate_handful_passes_and_is_kept(loader: psycopg.Connection[Any]) -> None:
    for n in range(50):
        wrong = {"eet_status__status_code": "NEET"} if n == 0 else {}
        staging.care_leaver(loader, f"P{n}", **wrong)
    decision, results = judged(loader)
    assert decision.passed, decision.reasons
    assert results["EET-02", "ssd_care_leavers"][:4] == ("failed", 1, 50, False)


@pytest.mark.parametrize(("wrong", "passes"), [(1, True), (3, True), (4, False)])
def test_gate_share_of_a_handful_holds_only_with_more_than_a_few_records(
    loader: psycopg.Connection[Any], wrong: int, passes: bool
) -> None:
    staging.care_leaver(loader, "P0", accommodation_code="S", suitability_code="2")
    for n in range(1, wrong + 1):
        staging.care_leaver(loader, f"P{n}", accommodation_code="X", suitability_code="1")
    decision, results = judged(loader)
    assert results["CL-06", "ssd_care_leavers"][1] == wrong
    assert decision.passed is passes, decision.reasons


def test_gate_second_record_of_a_person_holds_with_one_key_and_its_count(
    loader: psycopg.Connection[Any],
) -> None:
    staging.care_leaver(loader, "P1")
    staging.insert(
        loader, "stg_care_leavers", authority=staging.AUTHORITY, record_key="P1", person_id="P1"
    )
    decision, results = judged(loader)
    assert not decision.passed
    assert results["REC-01", "ssd_care_leavers"][:4] == ("failed", 2, 2, True)
    keys = loader.execute(
        "select record_key, record_count from quality.failing_keys"
        " where gate_run_id = %s and rule_id = 'REC-01'",
        (decision.gate_run_id,),
    ).fetchall()
    assert keys == [("P1", 2)]


def test_gate_other_authority_is_not_judged(loader: psycopg.Connection[Any]) -> None:
    staging.care_leaver(loader, "P1")
    staging.insert(
        loader, "stg_care_leavers", authority="E09900002", record_key="Q", person_id="Q",
        accommodation_code="X", suitability_code="1",
    )  # fmt: skip
    decision, results = judged(loader)
    assert decision.passed, decision.reasons
    assert results["CL-06", "ssd_care_leavers"][0] == "passed"


def test_gate_run_again_adds_a_gate_run(loader: psycopg.Connection[Any]) -> None:
    staging.care_leaver(loader, "P1", accommodation_code="X")
    first, _ = judged(loader)
    second, _ = judged(loader)
    counts = loader.execute(
        "select count(*) from quality.failing_keys where gate_run_id = any(%s)"
        " and rule_id = 'CL-06' group by gate_run_id",
        ([first.gate_run_id, second.gate_run_id],),
    ).fetchall()
    assert counts == [(1,), (1,)]


def test_gate_column_gone_holds_and_names_the_rules(loader: psycopg.Connection[Any]) -> None:
    staging.care_leaver(loader, "P1")
    loader.execute("alter table staging.stg_cla_placement drop column placement_type_code cascade")
    decision, results = judged(loader)
    assert not decision.passed
    state, *_, holds, message = results["CODE-08", "ssd_cla_placement"]
    assert (state, holds) == ("error", True)
    assert "placement_type_code" in message
    # the other rules of the same table are evaluated all the same
    assert results["DATE-04", "ssd_cla_placement"][0] == "passed"
    assert "could not be evaluated" in decision.message


def test_gate_table_gone_holds(loader: psycopg.Connection[Any]) -> None:
    staging.care_leaver(loader, "P1")
    loader.execute("drop table staging.stg_care_leavers cascade")
    decision, results = judged(loader)
    assert not decision.passed
    assert results["EET-01", "ssd_care_leavers"][0] == "error"


def test_gate_required_table_never_delivered_holds(loader: psycopg.Connection[Any]) -> None:
    loader.execute("delete from ops.table_deliveries where table_name = 'ssd_person'")
    decision, results = judged(loader)
    assert not decision.passed
    assert results["CODE-01", "ssd_person"][0] == "error"


def test_gate_required_table_without_a_record_holds_and_names_the_table(
    loader: psycopg.Connection[Any],
) -> None:
    staging.care_leaver(loader, "P1")
    loader.execute("update staging.stg_cla_episodes set authority = 'E09900002'")
    decision, results = judged(loader)
    assert not decision.passed
    assert results["REC-04", "ssd_cla_episodes"][:4] == ("failed", 1, 1, True)
    assert results["REC-04", "ssd_person"][:4] == ("passed", 0, 1, False)
    with connect("carepath_steward") as steward:
        listed = steward.execute(
            "select table_name, record_key from quality.work_list where rule_id = 'REC-04'"
        ).fetchall()
    assert listed == [("ssd_cla_episodes", "ssd_cla_episodes")]


def test_gate_optional_table_not_delivered_is_said_and_passes(
    loader: psycopg.Connection[Any],
) -> None:
    loader.execute("delete from ops.table_deliveries where table_name = 'local_eet_status'")
    staging.care_leaver(loader, "P1", eet_status__status_code="NEET")
    decision, results = judged(loader)
    assert decision.passed, decision.reasons
    state, *_, holds, message = results["EET-02", "ssd_care_leavers"]
    assert (state, holds) == ("not applicable", False)
    assert message == "the source does not deliver local_eet_status"


def test_gate_great_expectations_does_not_start_holds(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from carepath.quality.records import expectation

    def refuse(*_: str) -> None:
        raise ImportError("no such library: Jane Doe")

    monkeypatch.setattr(expectation, "Counter", refuse)
    decision, results = judged(loader)
    assert not decision.passed
    assert results == {}
    assert "ImportError" in decision.message
    assert "Jane Doe" not in decision.message


def test_gate_counts_that_differ_are_an_error(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from carepath.quality.records import expectation

    def nothing_fails(self: Any, schema: str, table: str, rules: Any) -> Any:
        return {rule.rule_id: expectation.Count(1, 0) for rule in rules}

    staging.care_leaver(loader, "P1", accommodation_code="X")
    monkeypatch.setattr(expectation.Counter, "count", nothing_fails)
    decision, results = judged(loader)
    assert not decision.passed
    assert results["CL-06", "ssd_care_leavers"][0] == "error"
    assert "counts 0 failing records, but the SQL 1" in results["CL-06", "ssd_care_leavers"][-1]


def test_gate_no_rules_holds(loader: psycopg.Connection[Any]) -> None:
    decision = gate.run_gate("run", staging.latest_load(loader), rules=())
    assert not decision.passed
    assert decision.reasons == ("No rule was evaluated.",)


def test_gate_that_dies_in_the_middle_leaves_a_hold(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(gate, "_evaluate", die)
    with pytest.raises(KeyboardInterrupt):
        gate.run_gate("run", staging.latest_load(loader))
    last = loader.execute(
        "select decision, reasons from quality.gate_runs order by gate_run_id desc limit 1"
    ).fetchone()
    assert last == ("hold", ["The gate run did not finish."])


@pytest.mark.parametrize(
    ("table", "keys", "kept"),
    [
        (
            "ssd_cla_substance_misuse",
            ("P1|2019-01-01|COCAINE", "P1|2019-01-01|CANNABIS"),
            [("P1|2019-01-01|*", 2)],
        ),
        ("ssd_disability", ("P1|AUT", "P2|"), [("P1|*", 1), ("P2|", 1)]),
        ("ssd_sen_need", ("E7|SEMH",), [("E7|*", 1)]),
        (
            "ssd_legal_status",
            ("P1|C2|01/02/2019 00:00:00", "P1|C2|SINCE MUM DIED"),
            [("P1|*|*", 1), ("P1|*|01/02/2019 00:00:00", 1)],
        ),
        ("ssd_address", ("P1|HOME|WITH|MUM|2019-01-01",), [("P1|*|*|*|*", 1)]),
        ("ssd_family", ("F1|P1",), [("F1|P1", 1)]),
    ],
)
def test_gate_keeps_ids_and_dates_of_a_key_and_no_code_or_text(
    loader: psycopg.Connection[Any],
    table: str,
    keys: tuple[str, ...],
    kept: list[tuple[str, int]],
) -> None:
    entity = load_contract().tables[table].entity
    loader.execute("insert into ops.table_deliveries select max(load_id), %s, 1 from ops.loads",
                   (table,))  # fmt: skip
    staging.care_leaver(loader, "P0")
    for key in keys:
        staging.insert(loader, f"stg_{entity}", authority=staging.AUTHORITY, record_key=key)
    always = dataclasses.replace(
        next(rule for rule in rules() if rule.rule_id == "REC-03"),
        subject=entity,
        condition=Fails("true"),
    )
    decision = gate.run_gate("run", staging.latest_load(loader), rules=(always,))
    found = loader.execute(
        "select record_key, sum(record_count), count(distinct record_id)"
        " from quality.failing_keys where gate_run_id = %s group by record_key",
        (decision.gate_run_id,),
    ).fetchall()
    # a key whose shown form is that of another stays a record of its own
    assert sorted(found) == sorted((key, count, count) for key, count in kept)


@pytest.fixture
def two(loader: psycopg.Connection[Any]) -> tuple[int, int]:
    """The loads of two authorities that deliver the same tables."""
    return (
        staging.latest_load(loader),
        staging.load(loader, *DELIVERED, authority=OTHER, source="other"),
    )


def of_each(loader: psycopg.Connection[Any], loads: Sequence[int], **chosen: Any) -> Any:
    """Run the gate over a set; return its decisions, and of each load the results by rule."""
    decisions = gate.run_gates("run", loads, **chosen)
    found = []
    for load_id in loads:
        decision = decisions[load_id]
        assert isinstance(decision, Decision), decision
        rows = loader.execute(
            "select rule_id, table_name, state, failing_count, population_count, holds, message"
            " from quality.rule_results where gate_run_id = %s",
            (decision.gate_run_id,),
        ).fetchall()
        keys = loader.execute(
            "select rule_id, table_name, record_key, person_id, record_count, authority"
            " from quality.failing_keys where gate_run_id = %s order by 1, 2, 3",
            (decision.gate_run_id,),
        ).fetchall()
        found.append((decision, {(row[0], row[1]): row[2:] for row in rows}, keys))
    return found


def move(loader: psycopg.Connection[Any], authority: str) -> None:
    """Give the records that were inserted for the first authority to another one."""
    for entity in ("person", "care_leavers", "eet_status", "case_status", "cla_episodes"):
        loader.execute(
            f"update staging.stg_{entity} set authority = %s where authority = %s",
            (authority, staging.AUTHORITY),
        )


def test_gate_over_a_set_gives_each_authority_what_it_gets_alone(
    loader: psycopg.Connection[Any], two: tuple[int, int]
) -> None:
    staging.care_leaver(loader, "P1", accommodation_code="X")
    staging.care_leaver(loader, "P2", accommodation_code="X", activity_code="F4")
    staging.care_leaver(loader, "P3", person__birth_date=dt.date(2018, 1, 1))
    staging.care_leaver(loader, "P3", eet_status__status_code="NEET")  # the same key twice
    move(loader, OTHER)
    staging.care_leaver(loader, "P1")
    staging.care_leaver(loader, "P2", activity_code="F4")
    (_, first, first_keys), (held, second, second_keys) = of_each(loader, two)
    alone = [of_each(loader, [load_id])[0] for load_id in two]
    assert (first, second) == (alone[0][1], alone[1][1])
    assert (first_keys, second_keys) == (alone[0][2], alone[1][2])
    assert not held.passed
    assert held.reasons == alone[1][0].reasons
    # the same id in two authorities is no repetition, and in one it is
    assert first["REC-01", "ssd_person"][0] == "passed"
    assert second["REC-01", "ssd_person"][:2] == ("failed", 2)


def test_gate_over_a_set_holds_only_the_authority_whose_data_breaks_a_rule(
    loader: psycopg.Connection[Any], two: tuple[int, int]
) -> None:
    staging.care_leaver(loader, "bad")
    move(loader, OTHER)
    staging.care_leaver(loader, "1")
    breaks = dataclasses.replace(
        next(rule for rule in rules() if rule.rule_id == "REC-03"),
        subject="person",
        condition=Fails("record_key::int > 1"),
    )
    (passed, first, _), (held, second, _) = of_each(loader, two, rules=(breaks,))
    assert passed.passed, passed.reasons
    assert first["REC-03", "ssd_person"][:3] == ("passed", 0, 1)
    assert not held.passed
    assert second["REC-03", "ssd_person"][0] == "error"
    assert "bad" not in held.message


def test_gate_over_a_set_holds_only_the_authority_whose_view_cannot_be_read(
    loader: psycopg.Connection[Any], two: tuple[int, int]
) -> None:
    staging.care_leaver(loader, "P1", person__surname="no date")
    move(loader, OTHER)
    staging.care_leaver(loader, "P1", person__surname="2019-01-01")
    said = {
        "authority": "authority",
        "record_key": "record_key",
        "person_id": "person_id",
        "known_from": "surname::date",
        "case_status_code": "'open'",
        "case_status_sent": "'open'",
    }
    columns = staging.columns(load_contract().by_entity("case_status"))
    selected = ", ".join(
        f"({said.get(name, 'null')})::{kind.partition(' ')[0]} as {name}"
        for name, kind in columns.items()
    )
    loader.execute("drop table staging.stg_case_status cascade")
    loader.execute(
        f"create view staging.stg_case_status as select {selected} from staging.stg_person"
    )
    staging.create_views(loader)
    (passed, first, _), (held, second, _) = of_each(loader, two)
    states = {key: row[0] for key, row in first.items()}
    assert "error" not in states.values(), {k: v for k, v in first.items() if v[0] == "error"}
    assert passed.passed, passed.reasons
    assert not held.passed
    unread = [row[-1] for row in second.values() if row[0] == "error"]
    assert unread
    assert all("the rows could not be read" in why for why in unread)
    assert "no date" not in str((unread, held))
    loader.execute("drop view staging.stg_case_status cascade")


def test_gate_over_a_set_that_counts_differently_counts_each_authority_alone(
    loader: psycopg.Connection[Any], two: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from carepath.quality.records import expectation

    count = expectation.Counter.count

    def one_more_of_several(self: Any, schema: str, table: str, rules: Any) -> Any:
        ((authorities,),) = loader.execute(
            f"select count(distinct authority) from {schema}.{table}"
        ).fetchall()
        found = count(self, schema, table, rules)
        return {
            rule_id: dataclasses.replace(each, failing=(each.failing or 0) + (authorities > 1))
            for rule_id, each in found.items()
        }

    staging.care_leaver(loader, "P1", accommodation_code="X")
    move(loader, OTHER)
    staging.care_leaver(loader, "P1", accommodation_code="X")
    monkeypatch.setattr(expectation.Counter, "count", one_more_of_several)
    chosen = tuple(rule for rule in rules() if rule.rule_id == "CL-06")
    for (_, results, keys), authority in zip(
        of_each(loader, two, rules=chosen), (staging.AUTHORITY, OTHER), strict=True
    ):
        assert results["CL-06", "ssd_care_leavers"][:3] == ("failed", 1, 1)
        assert [(key[2], key[4], key[5]) for key in keys] == [("P1", 1, authority)]


def test_gate_over_a_set_judges_authorities_that_deliver_other_tables(
    loader: psycopg.Connection[Any],
) -> None:
    third = "E09900003"  # it has never delivered more
    less = tuple(name for name in DELIVERED if name != "local_eet_status")
    loads = (
        staging.latest_load(loader),
        staging.load(loader, *less, authority=third, source="third"),
    )
    staging.care_leaver(loader, "P1", eet_status__status_code="NEET")
    move(loader, third)
    staging.care_leaver(loader, "P1", eet_status__status_code="NEET")
    (_, first, _), (_, second, _) = of_each(loader, loads)
    assert first["EET-02", "ssd_care_leavers"][0] == "failed"
    assert second["EET-02", "ssd_care_leavers"][0] == "not applicable"


@pytest.mark.parametrize("kind", ["ssda903", "cin_census", "files"])
def test_gate_asks_files_for_no_table_that_they_never_have(
    loader: psycopg.Connection[Any], kind: str
) -> None:
    """Each kind of file fills some of the required tables; a recording system fills all."""
    authority = f"E0990001{len(kind) % 10}"  # one that has never delivered more
    less = tuple(name for name in DELIVERED if name not in ("ssd_cla_episodes", "ssd_person"))
    load_id = staging.load(loader, *less, authority=authority, source=kind)
    staging.care_leaver(loader, "P1")
    move(loader, authority)
    ((decision, results, _),) = of_each(loader, (load_id,))
    state, *_, holds, message = results["CARE-01", "ssd_cla_episodes"]
    assert (state, holds) == ("error", True)
    assert message == "no source of the authority has delivered ssd_cla_episodes, which is required"
    assert not decision.passed

    loader.execute("update ops.sources set kind = %s where source = %s", (kind, kind))
    loader.execute("delete from quality.gate_runs")
    ((decision, results, _),) = of_each(loader, (load_id,))
    assert results["CARE-01", "ssd_cla_episodes"][0] == "not applicable"
    assert decision.passed, decision.reasons

    # a recording system, too
    load_id = staging.load(loader, *less, authority=authority, source=f"beside {kind}")
    loader.execute("delete from quality.gate_runs")
    ((decision, *_),) = of_each(loader, (load_id,))
    assert not decision.passed


def test_gate_over_a_set_keeps_no_decision_on_a_load_that_is_not_complete(
    loader: psycopg.Connection[Any], two: tuple[int, int]
) -> None:
    staging.care_leaver(loader, "P1")
    loader.execute("update ops.loads set state = 'landed' where load_id = %s", (two[1],))
    found = gate.run_gates("run", two)
    assert isinstance(found[two[0]], Decision)
    assert isinstance(found[two[1]], WarehouseError)


def test_gate_tells_no_value_of_a_record(
    loader: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "Ashanti-Secretname"
    staging.care_leaver(loader, "P1", in_touch_code=None, in_touch_sent=secret,
                        person__surname=secret, person__sex_code=None)  # fmt: skip
    # a cast that fails quotes the value in PostgreSQL's message
    loader.execute("drop table staging.stg_case_status cascade")
    loader.execute(
        "create view staging.stg_case_status as select authority, record_key, person_id,"
        " surname::date as known_from, from_load, null as case_status_code,"
        " null as case_status_sent, surname::date > now() as is_children_with_disabilities_team"
        " from staging.stg_person"
    )
    staging.create_views(loader)
    decision, results = judged(loader)
    assert not decision.passed
    kept = loader.execute("select * from quality.rule_results").fetchall()
    kept += loader.execute("select * from quality.failing_keys").fetchall()
    kept += loader.execute("select * from quality.gate_runs").fetchall()
    assert results["CL-01", "ssd_care_leavers"][0] == "failed"
    for text in (str(kept), str(decision), caplog.text):
        assert secret not in text
    loader.execute("drop view staging.stg_case_status cascade")
