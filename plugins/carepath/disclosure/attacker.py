"""What a reader of the published cells can find out about the suppressed ones.

The reader solves the linear system: the published cells are numbers, the others are unknowns, and
every relation holds. An unknown that a table shows as suppressed is at least 1, because a 0 is
published; a group that is in no table can be 0. The bounds of an unknown are the least and the
greatest value that it can have.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

from carepath.disclosure.cells import Bools, Numbers
from carepath.errors import DisclosureError

TOLERANCE = 1e-6
SCREENINGS = 3

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Reach:
    """How far one unknown can move, and why not further.

    Attributes:
        cell: the cell.
        up: whether it moves up from its true value; else down.
        need: how far it has to be able to move.
        moved: how far it can.
        limits: by cell that is published, how much further it could move if that were
            suppressed; at most `need`.
    """

    cell: int
    up: bool
    need: float
    moved: float
    limits: dict[int, float]

    @property
    def short(self) -> bool:
        """Whether the unknown cannot move far enough."""
        return self.moved < self.need - TOLERANCE


@dataclass(frozen=True)
class Target:
    """A cell, and how far it has to be able to move."""

    cell: int
    up: bool
    need: float


class Attacker:
    """A reader who knows the relations and every cell that is not unknown."""

    def __init__(
        self, relations: sparse.csr_array, values: Numbers, least: Numbers, unknown: Bools
    ) -> None:
        """Keep what the reader has to solve.

        Args:
            relations: one row per relation, one column per cell.
            values: the true values.
            least: what the reader knows every value to be at least.
            unknown: which cells the reader does not have.
        """
        self._relations = relations
        self._values = values
        self._room = values - least
        self._unknown = unknown
        self._columns: Indices = np.flatnonzero(unknown)
        system = sparse.csr_array(sparse.csc_array(relations)[:, self._columns])
        self._rows: Indices = np.flatnonzero(np.diff(system.indptr))
        self._system = sparse.csr_array(system[self._rows])
        self._position = {int(cell): n for n, cell in enumerate(self._columns)}
        links = sparse.csr_array(abs(self._system.T) @ abs(self._system))
        self._blocks = connected_components(links, directed=False)[1]
        # all unknowns of a relation are in one block
        first = self._system.indices[self._system.indptr[:-1]]
        order = np.argsort(self._blocks[first], kind="stable")
        ends = np.cumsum(
            np.bincount(self._blocks[first], minlength=self._blocks.max(initial=0) + 1)
        )
        self._rows_of: list[Indices] = np.split(self._rows[order], ends[:-1])

    def reach(self, targets: Sequence[Target]) -> Iterator[Reach]:
        """Yield, of the targets, those that cannot move far enough, with their limits."""
        waiting = [target for target in targets if target.need > TOLERANCE]
        for up in (True, False):
            found = [target for target in waiting if target.up == up]
            for _ in range(SCREENINGS):
                if len(found) < 2:
                    break
                moved = self._together(found, up)
                left = [t for t in found if moved[self._position[t.cell]] < t.need - TOLERANCE]
                if len(left) == len(found):
                    break
                found = left
            yield from self._one_by_one(found, up)

    def bounds(self, cells: Sequence[int], far: float) -> dict[int, tuple[float, float]]:
        """Return the least and greatest value of each cell; further than `far` does not count."""
        found = {
            cell: [self._values[cell] - min(far, self._room[cell]), self._values[cell] + far]
            for cell in cells
        }
        for up in (True, False):
            targets = [
                Target(cell, up, far if up else min(far, float(self._room[cell]))) for cell in cells
            ]
            for each in self.reach(targets):
                true = float(self._values[each.cell])
                found[each.cell][int(up)] = true + each.moved if up else true - each.moved
        return {cell: (low, high) for cell, (low, high) in found.items()}

    def _together(self, targets: Sequence[Target], up: bool) -> Numbers:
        """Move as many targets as possible at once; return how far each unknown moved.

        One solution shows of many cells that they can move far enough. What it does not show
        has to be looked at one by one.
        """
        blocks = {self._blocks[self._position[target.cell]] for target in targets}
        columns = np.flatnonzero(np.isin(self._blocks, list(blocks)))
        place = {int(column): n for n, column in enumerate(columns)}
        system, _ = self._part(columns)
        chosen = [place[self._position[target.cell]] for target in targets]
        count, extra = len(columns), len(targets)
        # each target has a gain that counts up to its need and no further
        gains = sparse.csr_array(
            (
                np.r_[np.ones(extra), -np.ones(extra)],
                (np.r_[np.arange(extra), np.arange(extra)],
                 np.r_[np.arange(count, count + extra), np.array(chosen)]),
            ),
            shape=(extra, count + extra),
        )  # fmt: skip
        solved = linprog(
            np.r_[np.zeros(count), -1 / np.array([target.need for target in targets])],
            A_ub=gains,
            b_ub=np.zeros(extra),
            A_eq=sparse.hstack([system, sparse.csr_array((system.shape[0], extra))]),
            b_eq=np.zeros(system.shape[0]),
            bounds=[*self._moves(columns, up), *((None, target.need) for target in targets)],
            method="highs",
        )
        moved = np.zeros(len(self._columns))
        if solved.status == 0:
            moved[columns] = solved.x[:count]
        return moved

    def _one_by_one(self, targets: Sequence[Target], up: bool) -> Iterator[Reach]:
        """Move one target of each block at a time: blocks do not touch each other."""
        queues: dict[int, list[Target]] = {}
        for target in targets:
            queues.setdefault(int(self._blocks[self._position[target.cell]]), []).append(target)
        while queues:
            turn = {block: queue.pop() for block, queue in queues.items()}
            queues = {block: queue for block, queue in queues.items() if queue}
            moved = yield from self._solve(turn, up)
            for block, queue in list(queues.items()):
                left = [t for t in queue if moved[self._position[t.cell]] < t.need - TOLERANCE]
                if left:
                    queues[block] = left
                else:
                    del queues[block]

    def _solve(self, turn: dict[int, Target], up: bool) -> Generator[Reach, None, Numbers]:
        columns = np.flatnonzero(np.isin(self._blocks, list(turn)))
        place = {int(column): n for n, column in enumerate(columns)}
        system, rows = self._part(columns)
        goal = np.zeros(len(columns))
        bounds = self._moves(columns, up)
        for target in turn.values():
            at = place[self._position[target.cell]]
            goal[at] = -1.0
            bounds[at] = (bounds[at][0], target.need)
        solved = linprog(
            goal,
            A_eq=system,
            b_eq=np.zeros(system.shape[0]),
            bounds=bounds,
            method="highs",
        )
        moved = np.zeros(len(self._columns))
        if solved.status != 0:
            raise DisclosureError(
                f"HiGHS could not tell what a reader learns ({solved.message}), so no figure was "
                "released.",
                where="carepath release-figures",
                todo="release fewer dates at once (--date), and report it if one date alone fails.",
            )
        moved[columns] = solved.x
        prices = np.zeros(self._relations.shape[0])
        prices[rows] = solved.eqlin.marginals
        for block, target in turn.items():
            by = float(moved[self._position[target.cell]])
            if by < target.need - TOLERANCE:
                limits = self._limits(block, target, prices)
                yield Reach(target.cell, up, target.need, by, limits)
        return moved

    def _limits(self, block: int, target: Target, prices: Numbers) -> dict[int, float]:
        """Return what holds the target back: the dual solution of its problem.

        Each relation of the block has a price. The target could move further if a cell moved
        too: in one direction as far as it likes, in the other to its least value.
        """
        touched = np.unique(self._rows_of[block])
        starts, ends = self._relations.indptr[touched], self._relations.indptr[touched + 1]
        cost: dict[int, float] = {}
        for price, start, end in zip(prices[touched], starts, ends, strict=True):
            if abs(price) > TOLERANCE:
                cells = self._relations.indices[start:end].tolist()
                for cell, factor in zip(cells, self._relations.data[start:end], strict=True):
                    cost[cell] = cost.get(cell, 0.0) + factor * price
        found: dict[int, float] = {}
        for cell, of_cell in cost.items():
            # the target's own reduced cost is 0 when it is held back
            price = -of_cell - (1.0 if cell == target.cell else 0.0)
            if abs(price) <= TOLERANCE:
                continue
            limit = target.need
            if (price > 0) == target.up:
                limit = min(abs(price) * float(self._room[cell]), target.need)
            if limit > TOLERANCE:
                found[cell] = float(limit)
        return found

    def _moves(self, columns: Indices, up: bool) -> list[tuple[float | None, float | None]]:
        """Return the room of each unknown, in the direction of the target.

        Going down is going up in the mirror: an unknown may fall to its least value only.
        """
        room = self._room[self._columns[columns]]
        if up:
            return [(-float(by), None) for by in room]
        return [(None, float(by)) for by in room]

    def _part(self, columns: Indices) -> tuple[sparse.csr_array, Indices]:
        """Return the relations between some unknowns, and their numbers."""
        part = sparse.csr_array(self._system[:, columns])
        used = np.flatnonzero(np.diff(part.indptr))
        return sparse.csr_array(part[used]), self._rows[used]
