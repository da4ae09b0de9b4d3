"""How a night divides its authorities into sets, and what the task of a set says at its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carepath.errors import CarepathError, GateHeldError, NightError
from carepath.night.sets import divide, each_alone, tell
from carepath.settings import get_settings

SIZES = st.dictionaries(st.text(min_size=1, max_size=3), st.integers(0, 1000), max_size=30)


@given(SIZES, st.integers(1, 8))
def test_divide_puts_everyone_into_one_set_and_balances_them(
    sizes: dict[str, int], count: int
) -> None:
    sets = divide(sizes, count)
    assert sorted(name for each in sets for name in each) == sorted(sizes)
    assert len(sets) == min(count, len(sizes))
    assert all(sets)
    rows = [sum(sizes[name] for name in each) for each in sets]
    # no set has more than another by more than its smallest member, which was put in last
    assert max(rows, default=0) - min(rows, default=0) <= max(sizes.values(), default=0)


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({}, 1),
        ({"CAREPATH_BROKER_URL": "redis://:invented@127.0.0.1:1/0"}, 4),
        ({"CAREPATH_SETS": "3"}, 3),
        ({"CAREPATH_SETS": "2", "CAREPATH_BROKER_URL": "redis://:invented@127.0.0.1:1/0"}, 2),
    ],
)
def test_one_machine_makes_one_set_and_a_region_several(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], count: int
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    try:
        assert len(divide({f"E0990000{number}": 1 for number in range(9)})) == count
    finally:
        get_settings.cache_clear()


def test_each_alone_goes_on_after_trouble_and_stops_for_another_night() -> None:
    done = []

    def work(name: str) -> None:
        done.append(name)
        if name == "b":
            raise ValueError("could not convert Anneliese")
        if name == "d":
            raise NightError("Another night took over.")

    troubles = each_alone("abc", work)
    assert list(troubles) == ["b"]
    assert str(troubles["b"]).startswith("b: ValueError. What to do: ")
    assert done == ["a", "b", "c"]
    with pytest.raises(NightError):
        each_alone("cde", work)
    assert done[3:] == ["c", "d"]


def test_tell_fails_with_the_one_trouble_or_names_all() -> None:
    tell({}, ["a", "b"])
    one = GateHeldError("Held.", where="a")
    with pytest.raises(GateHeldError) as told:
        tell({"a": one}, ["a", "b"])
    assert told.value is one
    with pytest.raises(CarepathError) as told:
        tell({"a": one, "b": CarepathError("Broke.", where="b")}, ["a", "b", "c"])
    assert not isinstance(told.value, GateHeldError)
    assert str(told.value) == "2 of 3 did not get through: a, b. | a: Held. | b: Broke."
