"""What was known at a date or for a period, and what a change of the contract does to it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from small_recording_system import SmallRecordingSystem, warehouse_rows

from carepath.contract import Column, Contract, Table, load_contract
from carepath.landing import load_source
from carepath.landing.tables import ensure
from carepath.settings import get_settings
from carepath.sources import SourceColumn, SourceSpec
from carepath.sources.kind import Accumulates

pytestmark = pytest.mark.usefixtures("warehouse")

Rows = dict[str, list[tuple[str, str]]]  # table: (person, value)
AS_SENT = {
    "ssd_care_leavers": ("clea_person_id", "clea_care_leaver_activity"),
    "local_eet_status": ("eets_person_id", "eets_status"),
}


class Return:
    """A source like a return of one period; leavers accumulate, EET status does not."""

    name, kind = "return", "ssda903"
    accumulates: ClassVar[Accumulates] = {"ssd_care_leavers": ()}
    is_partial = True
    parallel = None

    def __init__(self, authority: str, period: str, rows: Rows) -> None:
        self.authority, self.period, self.rows = authority, period, rows

    @contextmanager
    def open(self) -> Iterator[Return]:
        yield self

    def describe(self) -> dict[str, list[SourceColumn]]:
        return {
            name: [SourceColumn(c.name, "text") for c in load_contract().tables[name].columns]
            for name in self.rows
        }

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        for person, value in self.rows[table.name]:
            values = dict(zip(AS_SENT[table.name], (person, value), strict=True))
            yield ("\t".join(values.get(c or "", "\\N") for c in columns) + "\n").encode()

    def count_now(self, _tables: Collection[Table]) -> Mapping[str, int]:
        return {}


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """Load leavers of a period and return the current ones as (period, person, activity)."""
    number = request.session.items.index(request.node)
    spec = SourceSpec(f"return-{number}", f"E096{number:05d}", "A", "ssda903:x")

    def load(night: str, period: str, rows: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
        tables: Rows = {"ssd_care_leavers": rows, "local_eet_status": rows}
        monkeypatch.setattr(
            "carepath.landing.load.open_source", lambda s: Return(s.authority, period, tables)
        )
        load_source(None, spec, dt.date.fromisoformat(night))
        load.replaced = warehouse_rows(  # type: ignore[attr-defined]
            "select eets_person_id from history.local_eet_status"
            " where authority = %s and to_load is null order by 1",
            (spec.authority,),
        )
        return warehouse_rows(
            "select period, clea_person_id, clea_care_leaver_activity from history.ssd_care_leavers"
            " where authority = %s and to_load is null order by 1, 2, 3",
            (spec.authority,),
        )

    return load


def test_earlier_periods_stay_where_a_return_accumulates(send: Any) -> None:
    send("2017-06-30", "2017", [("P1", "F2"), ("P2", "G5")])
    assert send("2018-06-30", "2018", [("P3", "F4")]) == [
        ("2017", "P1", "F2"), ("2017", "P2", "G5"), ("2018", "P3", "F4"),
    ]  # fmt: skip
    assert send.replaced == [("P3",)]


def test_record_sent_again_by_a_later_period_belongs_to_the_later(send: Any) -> None:
    send("2017-06-30", "2017", [("P1", "F2"), ("P2", "G5"), ("P3", "F2")])
    current = send("2018-06-30", "2018", [("p1 ", "F4"), ("P2", "G5")])
    assert current == [("2017", "P3", "F2"), ("2018", "P2", "G5"), ("2018", "p1 ", "F4")]


def test_row_gone_from_the_same_period_closes(send: Any) -> None:
    send("2017-06-30", "2017", [("P1", "F2")])
    send("2018-06-30", "2018", [("P2", "F2"), ("P3", "F2"), ("P3", "F2")])
    assert send("2018-07-01", "2018", [("P3", "F2")]) == [
        ("2017", "P1", "F2"), ("2018", "P3", "F2"),
    ]  # fmt: skip


def test_earlier_period_sent_again_leaves_what_later_ones_say(send: Any) -> None:
    send("2017-06-30", "2017", [("P1", "F2"), ("P2", "F2")])
    send("2018-06-30", "2018", [("P1", "G5")])
    assert send("2018-07-01", "2017", [("P1", "F1"), ("P2", "F1")]) == [
        ("2017", "P2", "F1"), ("2018", "P1", "G5"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def four_nights(warehouse: None) -> None:
    """Ashmere: P1 changes, P2 is deleted, P3 arrives."""
    system = SmallRecordingSystem("known_at", "E09900001")
    system.add_leaver("P1")
    system.add_leaver("P2")
    system.load("2017-11-30")
    system.execute(
        "update ssd_care_leavers set clea_care_leaver_activity = 'G5' where clea_person_id = 'P1'"
    )
    system.load("2018-01-10")
    system.execute("delete from ssd_care_leavers where clea_person_id = 'P2'")
    system.add_leaver("P3")
    system.load("2019-06-30")


def documented() -> list[str]:
    """Return the SQL examples of docs/history.md."""
    text = (get_settings().project_root / "docs" / "history.md").read_text()
    return re.findall(r"```sql\n(.*?)```", text, re.DOTALL)


@pytest.mark.usefixtures("four_nights")
def test_as_known_at_example_shows_what_was_known_then() -> None:
    as_known_at = documented()[0]
    assert warehouse_rows(as_known_at) == [("P1", "F2"), ("P2", "F2")]
    assert warehouse_rows(as_known_at.replace("2017-12-31", "2018-01-10")) == [
        ("P1", "G5"), ("P2", "F2"),
    ]  # fmt: skip
    assert warehouse_rows(as_known_at.replace("2017-12-31", "2019-06-30")) == [
        ("P1", "G5"), ("P3", "F2"),
    ]  # fmt: skip
    assert warehouse_rows(as_known_at.replace("2017-12-31", "2017-11-29")) == []


@pytest.mark.usefixtures("four_nights")
def test_what_changed_example_lists_opened_and_closed() -> None:
    assert warehouse_rows(documented()[1]) == [("P2", "closed"), ("P3", "opened")]


def test_column_that_the_contract_gains_makes_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    system = SmallRecordingSystem("gains", "E09600999")
    system.add_leaver("P1")
    system.add_leaver("P2")
    system.load("2017-11-30")
    contract = load_contract()
    table = contract.tables["ssd_care_leavers"]
    column = Column("clea_shoe_size", "shoe_size", "text", "Invented")
    wider = Contract(
        {
            **contract.tables,
            table.name: dataclasses.replace(table, columns=(*table.columns, column)),
        }
    )
    monkeypatch.setattr("carepath.landing.load.load_contract", lambda: wider)
    unchanged = system.load("2017-12-01")
    assert sum(t.opened_count + t.closed_count for t in unchanged.tables) == 0
    system.execute("alter table ssd_care_leavers add clea_shoe_size integer")
    system.execute("update ssd_care_leavers set clea_shoe_size = 42 where clea_person_id = 'P2'")
    filled = system.load("2017-12-02")
    assert sum(t.opened_count for t in filled.tables) == 1
    assert warehouse_rows(
        "select record_key from history.ssd_care_leavers where clea_shoe_size = '42'"
    ) == [("P2",)]
    ensure(contract)  # the older contract again: the column stays
    assert warehouse_rows("select count(clea_shoe_size) from history.ssd_care_leavers") == [(1,)]
