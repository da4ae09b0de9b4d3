"""Choose which cells to suppress, so that a reader cannot compute the confidential ones.

Counts that are confidential are suppressed first. Secondary suppression is an optimisation
(Fischetti and Salazar, 2001): HiGHS suppresses the least information that satisfies all
conditions found so far. Then the attacker looks for suppressed cells with bounds that are too
tight. The reason why each of them is too tight becomes another condition, until the attacker
finds none (docs/adr/0020-protection-is-an-optimisation.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import connected_components

from carepath.disclosure.attacker import TOLERANCE, Attacker, Indices, Reach, Target
from carepath.disclosure.cells import Bools, Cells, Numbers, Protection, State
from carepath.errors import DisclosureError

ROUNDS = 40
GAP = 0.02
SECONDS = 20.0
HALF = 0.5
MARGIN = 1e-3  # less than what suppressing everything gives, because solvers round


@dataclass(frozen=True)
class Condition:
    """At least `least` of what the suppressed cells give; `only_if` suppressed, if it is a cell."""

    gives: Mapping[int, float]
    least: float
    only_if: int | None = None


@dataclass(frozen=True)
class Suppressed:
    """Which cells a reader does not get.

    Attributes:
        cells: True for every cell that is not published, also the hidden ones.
        rounds: how often the attacker looked.
        exposed: confidential cells that no suppression protects in full, because of what was
            published before, or because several counts of at least 1 add up to them.
    """

    cells: Bools
    rounds: int
    exposed: tuple[int, ...] = ()


def protect(cells: Cells, protection: Protection) -> Suppressed:
    """Return the cheapest suppression found that protects every suppressed cell."""
    problem = _Problem(cells, protection)
    exposed = problem.reduce()
    conditions: dict[int, list[Condition]] = {}
    for round_number in range(ROUNDS):
        new = problem.conditions() if round_number else problem.obvious(cells.relations)
        if round_number and not new:
            return Suppressed(problem.suppressed, round_number, exposed)
        for component, found in new.items():
            conditions.setdefault(component, []).extend(found)
            # an optimum that takes too long is given up: everything there is suppressed
            chosen = problem.cheapest(conditions[component]) if round_number < ROUNDS - 1 else None
            problem.suppress(component, chosen)
    raise DisclosureError(
        f"The figures are not protected after {ROUNDS} rounds, so none was released.",
        where="carepath release-figures",
        todo="release fewer dates at once (--date), and report it if one date alone fails.",
    )


class _Reader:
    """A reader, who knows what every cell is at least, and how far the cells must move for them.

    One reader knows only that no count is below 0. The other one has noticed that a 0 is always
    published, so that a suppressed cell is at least 1.
    """

    def __init__(self, least: Numbers, values: Numbers, protection: Protection) -> None:
        self.least = least
        self.up: Numbers = np.maximum(protection.largest - values, 0.0)
        self.down: Numbers = np.maximum(values - protection.smallest, 0.0)
        self.width: Numbers = np.full(len(values), protection.width)

    def up_of(self, cell: int) -> Target:
        """Return how far a confidential cell has to be able to rise."""
        return Target(cell, True, float(self.up[cell]))

    def down_of(self, cell: int) -> Target:
        """Return how far a confidential cell has to be able to fall."""
        return Target(cell, False, float(self.down[cell]))


class _Problem:
    """The cells, what is suppressed so far, and what the attacker says about it."""

    def __init__(self, cells: Cells, protection: Protection) -> None:
        self._protection = protection
        self._values: Numbers = np.array(cells.values, dtype=float)
        self._weights: Numbers = np.array(cells.weights, dtype=float)
        self._relations = cells.matrix()
        states = np.array(cells.states, dtype=int)
        self._hidden: Bools = (states == State.HIDDEN) | (states == State.WITHHELD)
        self._small: Bools = protection.small(self._values) & (states != State.KNOWN)
        # a 0 is published: it says that nobody is there, and the other cells can still move
        self._fixed: Bools = (self._values == 0) & ~self._hidden | (states == State.KNOWN)
        self._always: Bools = self._hidden | self._small
        self._components = _components(self._relations, self._fixed)
        self._changed = set(self._components.tolist())
        self.suppressed: Bools = self._always.copy()
        nothing = np.zeros(len(self._values))
        one = np.where(states == State.HIDDEN, 0.0, np.minimum(self._values, 1.0))
        self._readers = [_Reader(least, self._values, protection) for least in (nothing, one)]

    def reduce(self) -> tuple[int, ...]:
        """Ask for no more than what suppressing everything gives; return where that is too little.

        What was published before can leave a cell less room, and so can counts of at least 1 that
        add up to it. Where it cannot fall far enough, it has to be able to rise further instead.
        """
        unknown = ~self._fixed
        small = np.flatnonzero(self._small).tolist()
        exposed = set()
        for reader in self._readers:
            attacker = Attacker(self._relations, self._values, reader.least, unknown)
            for reach in list(attacker.reach([reader.down_of(cell) for cell in small])):
                reader.down[reach.cell] = max(reach.moved - MARGIN, 0.0)
                missing = self._protection.width - reader.down[reach.cell]
                reader.up[reach.cell] = max(reader.up[reach.cell], missing)
                exposed.add(reach.cell)
            for reach in list(attacker.reach([reader.up_of(cell) for cell in small])):
                reader.up[reach.cell] = max(reach.moved - MARGIN, 0.0)
                exposed.add(reach.cell)
            others = np.flatnonzero(unknown & ~self._always)
            for up, down in list(self._narrow(reader, attacker, others)):
                reader.width[up.cell] = max(up.moved + down.moved - MARGIN, 0.0)
        return tuple(sorted(exposed))

    def suppress(self, component: int, chosen: Sequence[int] | None) -> None:
        """Suppress, of a component, the chosen cells, or all where there is no choice."""
        members = (self._components == component) & ~self._fixed
        self._changed.add(component)
        if chosen is not None:
            self.suppressed[members] = self._always[members]
            self.suppressed[list(chosen)] = True
        else:
            self.suppressed[members] = True

    def conditions(self) -> dict[int, list[Condition]]:
        """Let the attacker look; return what is missing, by component."""
        looked = self.suppressed & np.isin(self._components, list(self._changed))
        self._changed.clear()
        found: dict[int, list[Condition]] = {}
        for reader in self._readers:
            # components do not touch each other, so the others are as they were
            attacker = Attacker(self._relations, self._values, reader.least, looked)
            for condition, cell in (
                *self._of_small(reader, attacker, looked),
                *self._of_others(reader, attacker, looked),
            ):
                found.setdefault(int(self._components[cell]), []).append(condition)
        return found

    def obvious(self, relations: Sequence[Mapping[int, int]]) -> dict[int, list[Condition]]:
        """Return what each single relation asks: if one cell moves, the others have to."""
        reader = self._readers[0]
        found: dict[int, list[Condition]] = {}
        for relation in relations:
            for cell, factor in relation.items():
                if not self._small[cell]:
                    continue
                for target in (reader.up_of(cell), reader.down_of(cell)):
                    up, need = target.up, target.need
                    limits = {}
                    for other, its_factor in relation.items():
                        # with the cell, the other moves up if their factors have other signs
                        limit = need
                        if ((its_factor < 0) == (factor < 0)) == up:
                            room = self._values[other]
                            limit = min(need, room * abs(its_factor / factor))
                        if other != cell and limit > TOLERANCE:
                            limits[other] = float(limit)
                    condition = self._condition(limits, need)
                    if condition.least > TOLERANCE:
                        component = int(self._components[cell])
                        found.setdefault(component, []).append(condition)
        return found

    def _of_small(
        self, reader: _Reader, attacker: Attacker, looked: Bools
    ) -> Iterator[tuple[Condition, int]]:
        """The bounds of a confidential cell hold every confidential count."""
        cells = np.flatnonzero(looked & self._small).tolist()
        targets = [target for c in cells for target in (reader.up_of(c), reader.down_of(c))]
        for reach in attacker.reach(targets):
            yield self._condition(reach.limits, reach.need), reach.cell

    def _of_others(
        self, reader: _Reader, attacker: Attacker, looked: Bools
    ) -> Iterator[tuple[Condition, int]]:
        """The bounds of every other suppressed cell are far enough apart."""
        cells = np.flatnonzero(looked & ~self._always)
        for up, down in self._narrow(reader, attacker, cells):
            gives = dict(up.limits)
            for cell, limit in down.limits.items():
                gives[cell] = gives.get(cell, 0.0) + limit
            yield self._condition(gives, float(reader.width[up.cell]), up.cell), up.cell

    def _narrow(
        self, reader: _Reader, attacker: Attacker, cells: Indices
    ) -> Iterator[tuple[Reach, Reach]]:
        """Yield the cells whose bounds are too close, with how far each can move up and down."""
        width = reader.width
        up = attacker.reach([Target(cell, True, float(width[cell])) for cell in cells.tolist()])
        short = {reach.cell: reach for reach in up}
        room = self._values - reader.least
        down = [Target(cell, False, float(min(width[cell], room[cell]))) for cell in short]
        for reach in attacker.reach(down):
            if reach.moved + short[reach.cell].moved < width[reach.cell] - TOLERANCE:
                yield short[reach.cell], reach

    def _condition(
        self, limits: Mapping[int, float], least: float, only_if: int | None = None
    ) -> Condition:
        """Take out what is suppressed in any case, and what cannot be."""
        given = sum(limit for cell, limit in limits.items() if self._always[cell])
        left = {
            cell: min(limit, least - given)
            for cell, limit in limits.items()
            if not self._always[cell] and not self._fixed[cell]
        }
        return Condition(left, least - given, only_if)

    def cheapest(self, conditions: Sequence[Condition]) -> Sequence[int] | None:
        """Return the cheapest cells that satisfy the conditions, or None where there are none."""
        cells = sorted({c for each in conditions for c in (*each.gives, *_condition_cell(each))})
        place = {cell: n for n, cell in enumerate(cells)}
        rows, columns, factors, least = [], [], [], []
        for row, each in enumerate(conditions):
            gives = dict(each.gives)
            if each.only_if is not None:
                gives[each.only_if] = gives.get(each.only_if, 0.0) - each.least
            rows += [row] * len(gives)
            columns += [place[cell] for cell in gives]
            factors += list(gives.values())
            least.append(0.0 if each.only_if is not None else each.least)
        if not cells:
            return None
        solved = milp(
            self._weights[cells],
            integrality=np.ones(len(cells)),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(
                sparse.csr_array((factors, (rows, columns)), shape=(len(conditions), len(cells))),
                lb=np.array(least) - TOLERANCE,
            ),
            options={"mip_rel_gap": GAP, "time_limit": SECONDS},
        )
        if solved.x is None:
            return None
        return [cell for cell, taken in zip(cells, solved.x, strict=True) if taken > HALF]


def _condition_cell(condition: Condition) -> tuple[int, ...]:
    return () if condition.only_if is None else (condition.only_if,)


def _components(relations: sparse.csr_array, fixed: Bools) -> NDArray[np.int32]:
    """Return the number of the component of each cell: cells that relations link."""
    links = abs(relations) @ sparse.diags_array((~fixed).astype(float))
    found: NDArray[np.int32] = connected_components(links.T @ links, directed=False)[1]
    return found
