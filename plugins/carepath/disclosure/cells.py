"""Cells of published tables, and the sums by which a reader can compute one from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Bools = NDArray[np.bool_]
Numbers = NDArray[np.float64]


class State(IntEnum):
    """What can be done with a cell.

    OPEN can be published or suppressed. HIDDEN is in no table, but follows from others: those of
    a total who are not in a segment. KNOWN has been published before with this value, and cannot
    be taken back. WITHHELD was shown as suppressed before, and is not published now either.
    """

    OPEN = 0
    HIDDEN = 1
    KNOWN = 2
    WITHHELD = 3


@dataclass
class Cells:
    """Cells with their true values, and the relations between them.

    A relation maps cells to whole numbers, and the sum of number times value is 0. A reader knows
    all relations, and that no cell is below 0.
    """

    values: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    relations: list[Mapping[int, int]] = field(default_factory=list)

    def add(self, value: int, weight: float = 1.0, state: State = State.OPEN) -> int:
        """Add a cell, and return its number. Its weight is what its suppression costs."""
        self.values.append(value)
        self.weights.append(weight)
        self.states.append(state)
        return len(self.values) - 1

    def relate(self, relation: Mapping[int, int]) -> None:
        """Add a relation, which must hold for the true values.

        Raises:
            ValueError: it does not hold.
        """
        if sum(factor * self.values[cell] for cell, factor in relation.items()) != 0:
            raise ValueError("The relation does not hold for the cells' values.")
        self.relations.append(relation)

    def rest(self, whole: int, parts: Sequence[int]) -> int | None:
        """Add what a whole has beside its parts as a hidden cell, and return its number.

        If the parts are the whole at every date, give `rest` no part: use `relate`. Returns None,
        and adds nothing, if the parts are more than the whole, so that they cannot be disjoint.
        """
        left = self.values[whole] - sum(self.values[part] for part in parts)
        if left < 0:
            return None
        cell = self.add(left, state=State.HIDDEN)
        self.relate({whole: 1, cell: -1, **dict.fromkeys(parts, -1)})
        return cell

    def matrix(self) -> sparse.csr_array:
        """Return the relations as a matrix: one row each, one column per cell."""
        rows = [row for row, relation in enumerate(self.relations) for _ in relation]
        columns = [cell for relation in self.relations for cell in relation]
        factors = [float(factor) for relation in self.relations for factor in relation.values()]
        shape = (len(self.relations), len(self.values))
        return sparse.csr_array((factors, (rows, columns)), shape=shape)


@dataclass(frozen=True)
class Protection:
    """What a reader must not find out.

    Attributes:
        smallest: the smallest count that is confidential.
        largest: the largest count that is confidential.
        width: the bounds of every other suppressed cell are at least this far apart.
    """

    smallest: int = 1
    largest: int = 5
    width: float = 4.0

    def small(self, values: Numbers) -> Bools:
        """Say of each value whether it is confidential."""
        return (values >= self.smallest) & (values <= self.largest)
