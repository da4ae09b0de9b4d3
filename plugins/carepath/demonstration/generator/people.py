"""The people of a borough and the staff who work with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.leavers import Leavers
from carepath.demonstration.generator.leavers.codes import YEAR
from carepath.demonstration.generator.programmes import Programmes
from carepath.demonstration.generator.rows import NEVER, Bools, Ints, Words, numbered, vocabulary

PEOPLE: Final = 32_400  # of a borough of the usual size
STAFF: Final = 578
WORKERS_PER_TEAM: Final = STAFF // len(say.TEAMS)
# a leaving-care team is smaller than one of social workers
ADVISERS_PER_TEAM: Final = 15


@dataclass(frozen=True)
class People:
    """Everybody that one authority ever knows, and its staff.

    The leavers come first, then the children of those who became mothers, then the children of
    the programmes, then everybody else.

    Attributes:
        born, female, ethnicity: of each person.
        known: the day on which the person was first recorded.
        mothers: positions of the leavers who ever became mothers; their children follow the
            leavers in the same order.
        ids: person ids; those from `len(born)` on are the same ids as an untidy hand types them.
        workers: staff ids.
    """

    born: Ints
    female: Bools
    ethnicity: Ints
    known: Ints
    mothers: Ints
    leaver_count: int
    programme_count: int
    ids: Words
    workers: Words

    def __len__(self) -> int:
        return len(self.born)

    @property
    def children(self) -> Ints:
        """Positions of the children of `mothers`."""
        first = self.leaver_count
        return np.arange(first, first + len(self.mothers), dtype=np.int32)

    @property
    def programme(self) -> Ints:
        """Positions of the children of the programmes."""
        first = self.leaver_count + len(self.mothers)
        return np.arange(first, first + self.programme_count, dtype=np.int32)

    @property
    def others(self) -> Ints:
        """Positions of everybody else."""
        first = self.leaver_count + len(self.mothers) + self.programme_count
        return np.arange(first, len(self), dtype=np.int32)


def make(
    rng: np.random.Generator,
    leavers: Leavers,
    programmes: Programmes,
    first_day: int,
    horizon: int,
    size: int = PEOPLE,
) -> People:
    """Make the people around the leavers and the children of the programmes, first known
    between `first_day` and `horizon`. With them there are `size` people."""
    mothers = np.flatnonzero(leavers.mother_from < NEVER).astype(np.int32)
    count = size - len(leavers) - len(mothers) - len(programmes)
    known = rng.integers(first_day, horizon + 1, count)
    age = rng.beta(1.1, 1.3, count) * 17.6
    born = np.floor(known - age * YEAR)
    rest = count + len(programmes)
    ethnicity = rng.choice(len(say.ETHNICITIES), rest, p=_shares(say.ETHNICITY_SHARES))

    arrivals = np.array([say.ETHNICITIES.index(code) for code in ("OOTH", "BAFR", "AOTH", "WOTH")])
    elsewhere = np.array(say.ETHNICITY_SHARES)
    elsewhere[0] = 0
    leavers_ethnicity = np.where(
        leavers.white_british,
        0,
        np.where(
            leavers.uasc,
            arrivals[rng.integers(0, len(arrivals), len(leavers))],
            rng.choice(len(say.ETHNICITIES), len(leavers), p=_shares(tuple(elsewhere))),
        ),
    )
    leavers_known = np.minimum(leavers.care_start - 70, leavers.recorded - 1)
    mother_from = leavers.mother_from[mothers]
    everyone = np.concatenate
    numbers = rng.permutation(size) + 200_000
    clean = [f"LL{number}" for number in numbers.tolist()]
    hands = (lambda text: f" {text}", str.lower, lambda text: f"{text}  ")
    untidy = [hands[position % len(hands)](text) for position, text in enumerate(clean)]
    return People(
        born=everyone((leavers.born, mother_from, programmes.born, born)).astype(np.int32),
        female=everyone((leavers.female, rng.random(len(mothers)) < 0.5, rng.random(rest) < 0.48)),
        ethnicity=everyone((leavers_ethnicity, leavers_ethnicity[mothers], ethnicity)).astype(
            np.int32
        ),
        known=everyone((leavers_known, mother_from + 5, programmes.known, known)).astype(np.int32),
        mothers=mothers,
        leaver_count=len(leavers),
        programme_count=len(programmes),
        ids=vocabulary([*clean, *untidy]),
        workers=numbered("W", 5000, STAFF),
    )


def _shares(weights: tuple[float, ...]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    shares = np.array(weights)
    return np.asarray(shares / shares.sum(), dtype=np.float64)
