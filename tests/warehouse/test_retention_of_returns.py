"""Disposal of a person whom only the return of a past year still names."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import returned_records
from canary_child import rows
from ssda903_returns import HEADER, OC3, write_return

from carepath.errors import RetentionError
from carepath.retention import decide
from carepath.retention.disposal import dispose
from carepath.retention.due import read_due
from carepath.retention.returned import delivered_again
from carepath.warehouse.connect import connect

AUTHORITY, OLD = "E09900931", "ASH001"
OF_OTHERS = (
    "select table_name, md5(string_agg(said, ',' order by said)) from ("
    " select 'person' as table_name, p::text as said from history.ssd_person as p"
    " union all select 'episodes', e::text from history.ssd_cla_episodes as e"
    " union all select 'leavers', l::text from history.ssd_care_leavers as l"
    ") as records where said !~ 'ASH001' group by 1 order by 1"
)
# in the first year OLD, born in 1939, in each file; in the second one nowhere
BORN_1939 = {
    "children.csv": HEADER.replace("14/05/1999", "14/05/1939"),
    "stays.csv": "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,"
    "HOME_POST,PL_POST,URN\n"
    "ASH001,03/02/1950,S,C1,N1,U6,PR1,09/06/1950,E4A,,ZZ1 1AA,ZZ2 2BB,SC000001\n"
    "ASH003,03/02/2017,S,C1,N1,U6,PR1,,,,ZZ1 1AA,ZZ2 2BB,SC000001\n",
    "leavers.csv": OC3.replace("14/05/1999", "14/05/1939"),
}
GONE: dict[str, str | None] = {
    "children.csv": "".join(row for row in HEADER.splitlines(True) if OLD not in row),
    "stays.csv": None,
    "leavers.csv": None,
}


@pytest.fixture(scope="module")
def returns(warehouse: None, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The folders of two years; the first one is loaded."""
    folder = tmp_path_factory.mktemp("returns")
    found = {
        2017: write_return(folder / "2017", BORN_1939),
        2018: write_return(folder / "2018", GONE),
    }
    load(found, 2017)
    return found


@pytest.fixture(autouse=True)
def ann(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ann works here, unless a test says otherwise."""
    monkeypatch.setenv("SUDO_USER", "ann")


def load(folders: dict[int, Path], year: int) -> None:
    source = f"ssda903:{folders[year]}?authority={AUTHORITY}&period={year}"
    returned_records.load(source, dt.date(2019, 6, 30))


def state() -> str:
    with connect("carepath_owner") as owner:
        return read_due(owner, AUTHORITY, OLD)[0].state


def of_old() -> list[tuple[Any, ...]]:
    """Return the periods of each open record of the person."""
    return rows(
        "select period from history.ssd_person where pers_person_id = %(old)s and to_load is null"
        " union all select period from history.ssd_cla_episodes where clae_person_id = %(old)s"
        " union all select period from history.ssd_care_leavers where clea_person_id = %(old)s"
        " order by 1".replace("%(old)s", f"'{OLD}'")
    )


def left_out() -> list[tuple[Any, ...]]:
    """Return what the last load says about records that it left out."""
    return rows(
        "select substring(message from 'left out: ([0-9]+)') from ops.delivery_findings"
        " where load_id = (select max(load_id) from ops.loads) and message ~ 'left out'"
    )


def test_person_of_the_newest_return_is_still_delivered(returns: dict[int, Path]) -> None:
    assert state() == "still delivered"
    with pytest.raises(RetentionError, match="still delivers"):
        decide.ask(AUTHORITY, OLD)


def test_person_of_a_past_return_is_disposed_of_and_stays_away(
    returns: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(returns, 2018)
    assert state() == "due"
    assert len(of_old()) == 3
    others = rows(OF_OTHERS)
    number = decide.ask(AUTHORITY, OLD)
    monkeypatch.setenv("SUDO_USER", "bob")
    removed = dispose(number)
    of_history = sum(removed[name] for name in removed if name.startswith("history."))
    assert of_history > 3
    assert rows("select kind, past_years from ops.disposals") == [("looked after", ["2017"])]
    assert (of_old(), rows(OF_OTHERS)) == ([], others)
    # sent again as it was, and with a change that has it compared with history
    load(returns, 2017)
    assert (of_old(), rows(OF_OTHERS), left_out()) == ([], others, [(str(of_history),)])
    leavers = returns[2017] / "leavers.csv"
    leavers.write_text(leavers.read_text().replace("NO,0,0", "NO,F2,0"))
    load(returns, 2017)
    assert (of_old(), left_out()) == ([], [(str(of_history),)])
    assert rows(OF_OTHERS) != others
    assert rows("select count(*) from landing.ssd_person where pers_person_id = 'ASH001'") == [(0,)]


def test_hold_lets_the_records_of_a_past_return_in_again(returns: dict[int, Path]) -> None:
    decide.hold(AUTHORITY, OLD.lower(), "an inquiry")
    load(returns, 2017)
    assert (len(of_old()), left_out()) == (3, [])
    decide.release(AUTHORITY, OLD, "the inquiry has ended")
    with connect("carepath_owner") as owner:
        assert read_due(owner, AUTHORITY, OLD)[0].state == "due"


def test_person_of_a_new_return_is_loaded_and_reported(returns: dict[int, Path]) -> None:
    (returns[2018] / "children.csv").write_text(BORN_1939["children.csv"])
    load(returns, 2018)
    assert ("2018",) in of_old()
    assert state() == "still delivered"
    with connect("carepath_owner") as owner:
        assert delivered_again(owner, AUTHORITY) == 1
