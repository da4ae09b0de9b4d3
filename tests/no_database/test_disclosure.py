"""Protection of figures: an attacker who has all of them finds no small number."""

from __future__ import annotations

import numpy as np
import pytest
from figures_attacker import (
    FIRST,
    SECOND,
    equations,
    exposed,
    figures,
    numbers,
    people,
    solve,
    with_groups,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from carepath.disclosure.cells import Cells, Protection, State
from carepath.disclosure.protection import protect
from carepath.disclosure.reader import always, knowledge

PROTECTION = Protection()


def published(of: list, *, protected: bool = True) -> dict:
    """Return what readers get: None for a suppressed count."""
    known = knowledge(of, PROTECTION.largest)
    if protected:
        hidden = protect(known.cells, PROTECTION).cells
    else:
        hidden = PROTECTION.small(np.array(known.cells.values, dtype=float))
    return {
        place: None if hidden[known.place[place]] else number
        for place, number in numbers(of).items()
    }


@given(seed=st.integers(0, 10_000), count=st.integers(3, 120))
@settings(max_examples=3, deadline=None)
def test_protect_two_dates_and_sibling_tables_attack_fails(seed: int, count: int) -> None:
    of = figures(people(seed, count))
    known, groups = equations()
    true = with_groups(numbers(of), groups)
    assert exposed(published(of), known, true) == {}


def test_protect_off_attack_finds_exact_values() -> None:
    of = figures(people(7, 60))
    known, groups = equations()
    true = with_groups(numbers(of), groups)
    shown = published(of, protected=False)
    asked = [name for name, number in shown.items() if number is None]
    found = solve(shown, known, asked)
    exact = [name for name in asked if found[name] == pytest.approx((true[name], true[name]))]
    assert len(exact) > len(asked) / 2
    assert exposed(published(of), known, true) == {}


def test_protect_many_people_withholds_little() -> None:
    shown = published(figures(people(7, 6000)))
    assert all(number is not None for number in shown.values())


@st.composite
def tables(draw: st.DrawFn) -> tuple[Cells, list[dict[int, int]], list[int]]:
    """A table with totals of rows and columns, and all its equations."""
    rows, columns = draw(st.integers(2, 4)), draw(st.integers(2, 4))
    counts = st.one_of(st.integers(0, 9), st.integers(0, 60))
    values = [[draw(counts) for _ in range(columns)] for _ in range(rows)]
    cells = Cells()
    inside = [[cells.add(value) for value in row] for row in values]
    sides = [cells.add(sum(row)) for row in values]
    feet = [cells.add(sum(column)) for column in zip(*values, strict=True)]
    total = cells.add(sum(map(sum, values)))
    for side, row in zip(sides, inside, strict=True):
        cells.relate({side: 1, **dict.fromkeys(row, -1)})
    for foot, column in zip(feet, zip(*inside, strict=True), strict=True):
        cells.relate({foot: 1, **dict.fromkeys(column, -1)})
    cells.relate({total: 1, **dict.fromkeys(sides, -1)})
    cells.relate({total: 1, **dict.fromkeys(feet, -1)})
    return cells, [dict(each) for each in cells.relations], cells.values


@given(table=tables(), largest=st.sampled_from([3, 5, 9]))
@settings(max_examples=8, deadline=None)
def test_protect_random_table_attack_fails(
    table: tuple[Cells, list[dict[int, int]], list[int]], largest: int
) -> None:
    cells, known, values = table
    hidden = protect(cells, Protection(largest=largest, width=largest - 1)).cells
    shown = {n: None if hidden[n] else value for n, value in enumerate(values)}
    true = dict(enumerate(values))
    assert exposed(shown, known, true, largest=largest, width=largest - 1) == {}
    assert all(hidden[n] for n, value in true.items() if 1 <= value <= largest)
    assert not any(hidden[n] for n, value in true.items() if value == 0)


def test_protect_one_small_cell_suppresses_one_more_and_the_cheapest() -> None:
    cells = Cells()
    parts = [cells.add(value, weight=value) for value in (3, 40, 8, 20)]
    total = cells.add(71, weight=71)
    cells.relate({total: 1, **dict.fromkeys(parts, -1)})
    hidden = protect(cells, PROTECTION).cells
    assert hidden.tolist() == [True, False, True, False, False]


def test_protect_known_before_leaves_it_and_suppresses_others() -> None:
    cells = Cells()
    small = cells.add(3)
    released = cells.add(8, weight=0.1, state=State.KNOWN)
    other = cells.add(50, weight=9)
    total = cells.add(61, weight=20)
    cells.relate({total: 1, small: -1, released: -1, other: -1})
    hidden = protect(cells, PROTECTION).cells
    assert hidden.tolist() == [True, False, True, False]


def test_protect_given_away_before_says_so() -> None:
    cells = Cells()
    small = cells.add(3)
    others = [cells.add(value, state=State.KNOWN) for value in (8, 50)]
    total = cells.add(61, state=State.KNOWN)
    cells.relate({total: 1, small: -1, **dict.fromkeys(others, -1)})
    assert protect(cells, PROTECTION).exposed == (small,)


def test_relate_what_does_not_hold_is_refused() -> None:
    cells = Cells()
    one, two = cells.add(1), cells.add(2)
    with pytest.raises(ValueError, match="does not hold"):
        cells.relate({one: 1, two: -1})


def test_always_finds_the_sum_and_not_what_holds_once() -> None:
    table = [[1, 2, 3, 7], [4, 0, 4, 9], [2, 2, 4, 4], [6, 1, 7, 7]]
    (relation,) = always(table)
    assert all(sum(f * v for f, v in zip(relation, row, strict=True)) == 0 for row in table)
    assert relation[3] == 0


def test_knowledge_counts_that_are_the_same_share_a_cell() -> None:
    of = figures(people(7, 60))
    place = knowledge(of, PROTECTION.largest).place
    assert place[FIRST, "eet", "all", "denominator"] == place[FIRST, "neet", "all", "denominator"]
    assert place[FIRST, "eet", "all", "numerator"] != place[SECOND, "eet", "all", "numerator"]


def test_knowledge_dates_that_do_not_contain_each_other_are_not_compared() -> None:
    of = figures(people(7, 60))
    stock = [type(f)(**{**f.__dict__, "period": "at the date"}) for f in of]
    assert len(knowledge(stock, 5).cells.values) < len(knowledge(of, 5).cells.values)
