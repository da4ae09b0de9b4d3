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

from carepath.disclosure.attacker import TOLERANCE, Attacker, Target
from carepath.disclosure.cells import Bools, Cells, Numbers, Protection, State

ROUNDS = 40
GAP = 0.02
SECONDS = 20.0
HALF = 0.5


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
        exposed: cells that no suppression can protect, because of what was published before.
    """

    cells: Bools
    rounds: int
    exposed: tuple[int, ...] = ()


def protect(cells: Cells, protection: Protection) -> Suppressed:
    """Return the cheapest suppression found that protects every suppressed cell."""
    problem = _Problem(cells, protection)
    conditions: dict[int, list[Condition]] = {}
    for round_number in range(ROUNDS):
        new = problem.conditions() if round_number else problem.obvious(cells.relations)
        if round_number and not new:
            return Suppressed(problem.suppressed, round_number, problem.exposed())
        for component, found in new.items():
            conditions.setdefault(component, []).extend(found)
            # an optimum that takes too long is given up: everything there is suppressed
            chosen = problem.cheapest(conditions[component]) if round_number < ROUNDS - 1 else None
            problem.suppress(component, chosen)
    raise ArithmeticError(f"{ROUNDS} rounds did not protect the figures.")


class _Problem:
    """The cells, what is suppressed so far, and what the attacker says about it."""

    def __init__(self, cells: Cells, protection: Protection) -> None:
        self._protection = protection
        self._values: Numbers = np.array(cells.values, dtype=float)
        self._weights: Numbers = np.array(cells.weights, dtype=float)
        self._relations = cells.matrix()
        states = np.array(cells.states, dtype=int)
        self._hidden: Bools = states == State.HIDDEN
        self._small: Bools = protection.small(self._values) & (states != State.KNOWN)
        # a 0 is published: it says that nobody is there, and the other cells can still move
        self._fixed: Bools = (self._values == 0) & ~self._hidden | (states == State.KNOWN)
        self._always: Bools = self._hidden | self._small
        self._components = _components(self._relations, self._fixed)
        self._hopeless: set[int] = set()
        self._changed = set(self._components.tolist())
        self.suppressed: Bools = self._always.copy()

    def exposed(self) -> tuple[int, ...]:
        """Return the confidential cells of components that nothing can protect."""
        lost = np.isin(self._components, list(self._hopeless))
        return tuple(int(cell) for cell in np.flatnonzero(lost & self._small))

    def suppress(self, component: int, chosen: Sequence[int] | None) -> None:
        """Suppress, of a component, the chosen cells, or all where there is no choice."""
        members = (self._components == component) & ~self._fixed
        self._changed.add(component)
        if chosen is not None:
            self.suppressed[members] = self._always[members]
            self.suppressed[list(chosen)] = True
        elif self.suppressed[members].all():
            self._hopeless.add(component)
        else:
            self.suppressed[members] = True

    def conditions(self) -> dict[int, list[Condition]]:
        """Let the attacker look; return what is missing, by component."""
        again = np.isin(self._components, list(self._changed - self._hopeless))
        looked = self.suppressed & again
        # components do not touch each other, so the others are as they were
        attacker = Attacker(self._relations, self._values, looked)
        self._changed.clear()
        found: dict[int, list[Condition]] = {}
        for condition, cell in (
            *self._of_small(attacker, looked),
            *self._of_others(attacker, looked),
        ):
            found.setdefault(int(self._components[cell]), []).append(condition)
        return found

    def obvious(self, relations: Sequence[Mapping[int, int]]) -> dict[int, list[Condition]]:
        """Return what each single relation asks: if one cell moves, the others have to."""
        found: dict[int, list[Condition]] = {}
        for relation in relations:
            for cell, factor in relation.items():
                if not self._small[cell]:
                    continue
                for up, need in self._needs(cell):
                    limits = {}
                    for other, its_factor in relation.items():
                        # with the cell, the other moves up if their factors have other signs
                        limit = need
                        if ((its_factor < 0) == (factor < 0)) == up:
                            limit = min(need, self._values[other] * abs(its_factor / factor))
                        if other != cell and limit > TOLERANCE:
                            limits[other] = float(limit)
                    condition = self._condition(limits, need)
                    if condition.least > TOLERANCE:
                        component = int(self._components[cell])
                        found.setdefault(component, []).append(condition)
        return found

    def _needs(self, cell: int) -> Iterator[tuple[bool, float]]:
        """Yield how far a confidential cell has to be able to move, up and down."""
        yield True, float(self._protection.largest - self._values[cell])
        yield False, float(self._values[cell] - self._protection.smallest)

    def _of_small(self, attacker: Attacker, looked: Bools) -> Iterator[tuple[Condition, int]]:
        """The bounds of a confidential cell hold every confidential count."""
        cells = np.flatnonzero(looked & self._small)
        wanted = [Target(int(c), up, need) for c in cells for up, need in self._needs(int(c))]
        for reach in attacker.reach(wanted):
            yield self._condition(reach.limits, reach.need), reach.cell

    def _of_others(self, attacker: Attacker, looked: Bools) -> Iterator[tuple[Condition, int]]:
        """The bounds of every other suppressed cell are far enough apart."""
        cells = np.flatnonzero(looked & ~self._always)
        width = self._protection.width
        up = attacker.reach([Target(int(cell), True, width) for cell in cells])
        short = {reach.cell: reach for reach in up}
        down = attacker.reach(
            [Target(cell, False, min(width, float(self._values[cell]))) for cell in short]
        )
        for reach in down:
            above = short[reach.cell]
            if reach.moved + above.moved < width - TOLERANCE:
                gives = dict(above.limits)
                for cell, limit in reach.limits.items():
                    gives[cell] = gives.get(cell, 0.0) + limit
                yield self._condition(gives, width, reach.cell), reach.cell

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
