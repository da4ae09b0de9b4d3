"""What no index can hold is refused before history has it, so that later nights load."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from small_recording_system import SmallRecordingSystem, everything, warehouse_rows

from carepath.contract import load_contract
from carepath.contract.model import LONGEST_KEY, LONGEST_VALUE
from carepath.errors import DeliveryError
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")

INVOLVEMENTS = [
    "invo_person_id", "invo_referral_id", "invo_professional_id", "invo_professional_role_id",
    "invo_involvement_start_date",
]  # fmt: skip


def long_text(size: int) -> str:
    """Return a text that PostgreSQL cannot make smaller."""
    blocks = (hashlib.sha256(str(n).encode()).hexdigest() for n in range(size // 64 + 1))
    return "".join(blocks)[:size]


@pytest.fixture
def system(request: pytest.FixtureRequest) -> SmallRecordingSystem:
    number = request.session.items.index(request.node)
    system = SmallRecordingSystem(f"long_{number}", f"E093{number:05d}")
    system.execute(
        f"create table ssd_involvements ({', '.join(f'{name} text' for name in INVOLVEMENTS)});"
        "create table ssd_department (dept_team_id text, dept_team_name text);"
        "alter table ssd_care_leavers alter clea_person_id type text;"
        "alter table ssd_contacts alter cont_contact_id type text;"
        "alter table local_eet_status alter eets_recorded_date type text,"
        " alter eets_person_id type text"
    )
    system.add_leaver("P1")
    return system


def state() -> dict[str, list[tuple[object, ...]]]:
    with connect("carepath_loader") as connection:
        return everything(connection)


def leaver(system: SmallRecordingSystem, value: str) -> None:
    system.add_leaver(value, row_id="2")


def contact(system: SmallRecordingSystem, value: str) -> None:
    system.execute("insert into ssd_contacts (cont_contact_id) values (%s)", (value,))


def key_part_that_is_a_date(system: SmallRecordingSystem, value: str) -> None:
    system.execute(
        "insert into local_eet_status (eets_person_id, eets_recorded_date) values ('P1', %s)",
        (value,),
    )


def role(system: SmallRecordingSystem, value: str) -> None:
    system.execute("insert into ssd_involvements (invo_professional_role_id) values (%s)", (value,))


def team_name(system: SmallRecordingSystem, value: str) -> None:
    system.execute("insert into ssd_department values ('T1', %s)", (value,))


PLACES: dict[str, tuple[Callable[[SmallRecordingSystem, str], None], str, str]] = {
    "person id": (leaver, "ssd_care_leavers", "clea_person_id"),
    "record id": (contact, "ssd_contacts", "cont_contact_id"),
    "date in a key": (key_part_that_is_a_date, "local_eet_status", "eets_recorded_date"),
    "text in a key": (role, "ssd_involvements", "invo_professional_role_id"),
    "name in the marts' keys": (team_name, "ssd_department", "dept_team_name"),
}
VALUES = {
    "one byte too many": long_text(LONGEST_VALUE + 1),
    "far too long": long_text(2_969),
    "two bytes a letter": "\u00a3" * (LONGEST_VALUE // 2 + 1),
    "four bytes a letter": "\U0001f600" * (LONGEST_VALUE // 4 + 1),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", VALUES)
def test_value_too_long_is_refused_with_its_place_and_the_next_night_loads(
    system: SmallRecordingSystem, place: str, value: str
) -> None:
    send, table, column = PLACES[place]
    system.load("2017-11-29")
    before = state()
    send(system, VALUES[value])
    with pytest.raises(DeliveryError, match=f"table {table}: The value of {column} in") as caught:
        system.load("2017-11-30")
    row = 2 if table == "ssd_care_leavers" else 1
    assert f"in row {row} is longer than 500 bytes" in str(caught.value)
    assert VALUES[value][:20] not in str(caught.value)
    assert state() == before
    system.execute(f"delete from {table} where octet_length({column}) > 500")
    assert system.load("2017-12-01").load_id > 0
    assert system.load("2017-12-02").load_id > 0


@pytest.mark.parametrize("place", PLACES)
def test_longest_value_is_loaded_and_indexed(system: SmallRecordingSystem, place: str) -> None:
    send, table, _ = PLACES[place]
    send(system, f"  {long_text(LONGEST_VALUE)} ")
    result = system.load("2017-11-30")
    assert next(each.opened_count for each in result.tables if each.table == table) >= 1
    send(system, "\U0001f600" * (LONGEST_VALUE // 4))
    assert system.load("2017-12-01").load_id > 0


@pytest.mark.parametrize("length", [401, 500])
def test_key_of_many_long_parts_is_refused_as_a_whole(
    system: SmallRecordingSystem, length: int
) -> None:
    assert list(load_contract().tables["ssd_involvements"].natural_key) == INVOLVEMENTS
    assert 5 * length > LONGEST_KEY
    values = [long_text(length)] * 5
    system.execute("insert into ssd_involvements values (%s, %s, %s, %s, %s)", values)
    with pytest.raises(DeliveryError, match="together in row 1 is longer than 2,000 bytes"):
        system.load("2017-11-30")
    short = long_text(LONGEST_KEY // 5 - 1)  # and the bars between them
    system.execute("delete from ssd_involvements")
    system.execute("insert into ssd_involvements values (%s, %s, %s, %s, %s)", [short] * 5)
    assert system.load("2017-11-30").load_id > 0


def test_letters_that_grow_in_upper_case_are_measured_as_indexes_hold_them(
    system: SmallRecordingSystem,
) -> None:
    """The index on people holds the id in upper case, where some letters take more bytes."""
    small = "\u0250" * 249  # two bytes each, and three in upper case
    assert warehouse_rows("select octet_length(upper(%s))", (small,)) == [(747,)]
    system.add_leaver(small)
    with pytest.raises(DeliveryError, match="longer than 500 bytes"):
        system.load("2017-11-30")


def test_long_text_that_no_index_holds_is_loaded(system: SmallRecordingSystem) -> None:
    system.execute("alter table ssd_contacts alter cont_contact_outcome_json type text")
    system.execute(
        "insert into ssd_contacts (cont_contact_id, cont_contact_outcome_json) values ('C1', %s)",
        (long_text(20_000),),
    )
    assert system.load("2017-11-30").load_id > 0
