"""How exact counts are dealt out over invented people, so that every total comes out."""

from __future__ import annotations

import numpy as np

from carepath.demonstration.generator.leavers.codes import Floats
from carepath.demonstration.generator.rows import Bools, Ints
from carepath.errors import SourceError


def deal(rng: np.random.Generator, pool: Bools, count: int, weight: Floats | None = None) -> Bools:
    """Choose exactly `count` of `pool`, likelier those of larger weight.

    Raises:
        SourceError: the pool is too small, so the figures contradict each other.
    """
    if pool.sum() < count or count < 0:
        raise SourceError(
            f"{count} young people are wanted from a pool of {int(pool.sum())}",
            where="demonstration",
            todo="correct demonstration/evaluation_report.csv; its figures cannot hold together.",
        )
    score = rng.gumbel(size=len(pool))
    if weight is not None:
        score = score + np.log(np.maximum(weight, 1e-9))
    score[~pool] = -np.inf
    chosen = np.zeros(len(pool), dtype=np.bool_)
    chosen[np.argsort(-score)[:count]] = True
    return chosen


def draw(rng: np.random.Generator, shares: dict[str, float], names: dict[str, int], n: int) -> Ints:
    """Draw `n` codes with these shares and return their positions."""
    codes = np.array([names[code] for code in shares], dtype=np.int32)
    weight = np.array(list(shares.values()))
    return codes[rng.choice(len(codes), n, p=weight / weight.sum())]


def split(first: int, second: int, both: int, sizes: tuple[int, int]) -> int:
    """Return how many of those in both snapshots have an attribute that never changes.

    `first` and `second` have it in the two snapshots of `sizes` people, of whom `both` are the
    same.
    """
    likely = round(both * (first / sizes[0] + second / sizes[1]) / 2)
    least = max(0, first - (sizes[0] - both), second - (sizes[1] - both))
    return min(max(likely, least), first, second, both)


def split_needs(first: dict[int, int], second: dict[int, int], both: int) -> dict[int, int]:
    """Return the needs of those in both snapshots: in proportion, and never above either count."""
    most = {need: min(first[need], second[need]) for need in first}
    total = sum(most.values())
    exact = {need: most[need] * both / total for need in most}
    shared = {need: int(exact[need]) for need in most}
    for need in sorted(most, key=lambda each: shared[each] - exact[each])[
        : both - sum(shared.values())
    ]:
        shared[need] += 1
    return shared
