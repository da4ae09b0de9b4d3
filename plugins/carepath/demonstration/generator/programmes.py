"""The children of two programmes. Their records give tables 4 and 6 of the evaluation report.

The Families Together Team (FTT) works with children on the edge of care; pathway carers (PC)
are in-house foster carers for children who would otherwise live in residential care. Everything
that the evaluation report counts about them is fixed here. The rest of their records is made like
everybody else's. Figures are not changed afterwards: `check` counts them again.

Days in a placement are counted as in the warehouse: start <= day < end. A placement that lasts is
counted up to and including the day of the report, 31 August 2019. Money is whole pence.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.rows import NEVER, Bools, Ints, day_number
from carepath.errors import SourceError

FTT, PC = 0, 1
PROGRAMMES: Final = ("FTT", "PC")
COMPLETED, STEPPED_DOWN, OTHER = range(3)
END_REASONS: Final = ("COMP", "STEP", "OTH")
DONE, PART, WAITING = range(3)
TRAINING: Final = ("DONE", "PART", "WAIT")
NONE, EARLY_HELP, IN_NEED, PROTECTION, LOOKED_AFTER = range(5)

# table 4: the plan at the start and on 30 September 2019. The report prints the margins, that 77 %
# stepped down, 22 % stayed the same and none stepped up, and that two returned home.
LATER: Final = day_number(date(2019, 9, 30))
EDGE_OF_CARE: Final = {
    (LOOKED_AFTER, IN_NEED): 2,
    (PROTECTION, PROTECTION): 13,
    (PROTECTION, IN_NEED): 5,
    (PROTECTION, EARLY_HELP): 1,
    (PROTECTION, NONE): 14,
    (IN_NEED, IN_NEED): 2,
    (IN_NEED, EARLY_HELP): 2,
    (IN_NEED, NONE): 28,
}
# cohort 3 is under way; the evaluation report prints its size only
THIRD_COHORT: Final = {
    (LOOKED_AFTER, IN_NEED): 1,
    (PROTECTION, PROTECTION): 10,
    (PROTECTION, IN_NEED): 6,
    (IN_NEED, IN_NEED): 9,
    (IN_NEED, NONE): 8,
}
COHORT_MONTHS: Final = tuple(
    day_number(day) for day in (date(2018, 4, 1), date(2018, 9, 1), date(2019, 4, 1))
)
COHORT_SIZES: Final = (36, 31)
# until then, each child keeps the plan of 30 September 2019
LASTS_TO: Final = day_number(date(2019, 11, 11))

# table 6 and the text before it
AS_AT: Final = day_number(date(2019, 8, 31))
YEAR_1: Final = (day_number(date(2017, 9, 1)), day_number(date(2018, 8, 31)))
LASTING_YEAR_1, LASTING_YEAR_2, ENDED = 6, 5, 8
PLACEMENT_DAYS: Final = 5_254
PLACEMENT_POUNDS: Final = 485_177
MEAN_LASTING, MEAN_ENDED = 541, 628
CARERS, CARERS_LEFT, CARERS_TRAINED = 14, 2, 8
# where the eight went: an episode's end reason, or the type and provider of the next placements
DESTINATIONS: Final[tuple[str | tuple[tuple[str, str], ...], ...]] = (
    "E4A",
    "E4A",
    "E47",
    (("U3", "PR1"),),
    (("U1", "PR1"), ("U6", "PR4")),
    (("K2", "PR4"),),
    (("U4", "PR1"),),
    (("U6", "PR4"),),
)
BEFORE: Final = (("U6", "PR1"), ("U6", "PR4"), ("K2", "PR4"), ("U3", "PR1"))

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Spells:
    """Spells of the children, ordered by child and day: start <= day < end."""

    child: Numbers
    start: Numbers
    end: Numbers

    def of(self, kept: Bools) -> Any:
        """Return the spells of some of the children, numbered from 0 again."""
        rows = kept[self.child]
        part = {each.name: getattr(self, each.name)[rows] for each in fields(self)}
        part["child"] = (np.cumsum(kept) - 1)[part["child"]].astype(np.int32)
        return type(self)(**part)

    def open_on(self, day: int | Ints, count: int) -> Bools:
        """Say which of `count` children have a spell on `day`, one day for all or one for each."""
        of = np.broadcast_to(np.asarray(day), count)[self.child]
        found = np.zeros(count, dtype=np.bool_)
        found[self.child[(self.start <= of) & (of < self.end)]] = True
        return found


@dataclass(frozen=True)
class Stays(Spells):
    """Placements, each child's one after the other.

    Attributes:
        kind, provider: positions in the vocabularies of placements and providers.
        carer: the pathway carer, or -1.
        pence: what a week with the pathway carer costs, or -1.
    """

    kind: Numbers
    provider: Numbers
    carer: Numbers
    pence: Numbers


@dataclass(frozen=True)
class Carers:
    """Pathway carers; `left` is NEVER for those who remain."""

    recruited: Numbers
    left: Numbers
    training: Numbers
    trained: Numbers


@dataclass(frozen=True)
class Programmes:
    """The children of the programmes, those of the Families Together Team first.

    Attributes:
        cohort: 1 to 3; 0 in a programme without cohorts.
        start, end: the time on the programme.
        enquiry, conference, protection_end: NEVER for a child without a child protection plan,
            which starts on the day of the conference.
        care_end_reason: position in the vocabulary of reasons why an episode ends.
    """

    programme: Numbers
    cohort: Numbers
    start: Numbers
    end: Numbers
    end_reason: Numbers
    born: Numbers
    need: Numbers
    referral: Numbers
    close: Numbers
    enquiry: Numbers
    conference: Numbers
    protection_end: Numbers
    care_start: Numbers
    care_end: Numbers
    care_end_reason: Numbers
    in_need: Spells
    early_help: Spells
    stays: Stays
    carers: Carers

    def __len__(self) -> int:
        return len(self.programme)

    @property
    def known(self) -> Numbers:
        """The day on which each child is first recorded."""
        known = self.referral.copy()
        np.minimum.at(known, self.early_help.child, self.early_help.start)
        return known

    def plan_at(self, day: int | Ints) -> Ints:
        """Return each child's plan: looked after before protection before need before help."""
        n = len(self)
        return np.select(
            [
                (self.care_start <= day) & (day < self.care_end),
                (self.conference <= day) & (day < self.protection_end),
                self.in_need.open_on(day, n),
                self.early_help.open_on(day, n),
            ],
            [LOOKED_AFTER, PROTECTION, IN_NEED, EARLY_HELP],
            NONE,
        ).astype(np.int32)

    def of(self, kept: Bools) -> Programmes:
        """Return some of the children, with the carers who look after them."""
        part: dict[str, Any] = {
            each.name: getattr(self, each.name)[kept]
            for each in fields(self)
            if isinstance(getattr(self, each.name), np.ndarray)
        }
        stays = self.stays.of(kept)
        used = np.isin(np.arange(len(self.carers.recruited)), stays.carer)
        carer = np.where(stays.carer < 0, -1, (np.cumsum(used) - 1)[stays.carer])
        carers = Carers(*(getattr(self.carers, each.name)[used] for each in fields(Carers)))
        return Programmes(
            **part,
            in_need=self.in_need.of(kept),
            early_help=self.early_help.of(kept),
            stays=replace(stays, carer=carer.astype(np.int32)),
            carers=carers,
        )


def make(rng: np.random.Generator) -> Programmes:
    """Make the children with records that give the evaluation report's tables 4 and 6."""
    edge, pathway = _edge_of_care(rng), _pathway(rng)
    offset = len(edge)

    def joined(name: str, first: Any, second: Any) -> Any:
        if isinstance(first, np.ndarray):
            second = second + (offset if name == "child" else 0)
            return np.concatenate((first, second)).astype(np.int32)
        part = {
            each.name: joined(each.name, getattr(first, each.name), getattr(second, each.name))
            for each in fields(first)
        }
        return type(first)(**part)

    made: Programmes = joined("programmes", edge, pathway)
    check(made)
    return made


def thinned(rng: np.random.Generator, made: Programmes) -> Programmes:
    """Return a part of the children: another borough's, without the evaluation report's totals."""
    kept = np.zeros(len(made), dtype=np.bool_)
    kept[rng.permutation(len(made))[: int(len(made) * rng.uniform(0.6, 0.95))]] = True
    return made.of(kept)


def _edge_of_care(rng: np.random.Generator) -> Programmes:
    ways = [
        rng.permutation(np.repeat(np.array(list(each)), list(each.values()), axis=0))
        for each in (EDGE_OF_CARE, THIRD_COHORT)
    ]
    first, then = np.concatenate(ways).T
    n = len(first)
    cohort = np.concatenate(
        (rng.permutation(np.repeat([1, 2], COHORT_SIZES)), np.full(len(ways[1]), 3))
    )
    start = np.array(COHORT_MONTHS)[cohort - 1] + rng.integers(1, 26, n)
    start += np.array([0, 0, 0, 0, 0, 2, 1])[(start + 3) % 7]  # 1970 began on a Thursday
    plan_start = start - rng.integers(28, 120, n)
    lasting = LASTS_TO + rng.integers(0, 300, n)
    # the day of the first step down, and that on which social work ends
    down = start + np.where(cohort == 3, rng.integers(80, 125, n), rng.integers(100, 190, n))
    closed = np.where(first == IN_NEED, down, down + rng.integers(60, 140, n))
    over = np.where(then >= IN_NEED, lasting, closed)

    is_protected = first == PROTECTION
    conference = np.where(is_protected, plan_start, NEVER)
    enquiry = np.where(is_protected, plan_start - rng.integers(11, 21, n), NEVER)
    referral = np.where(
        is_protected, enquiry - rng.integers(1, 11, n), plan_start - rng.integers(25, 60, n)
    )
    protection_end = np.where(then == PROTECTION, lasting, down)
    looked_after = first == LOOKED_AFTER
    planned = np.flatnonzero((first == IN_NEED) | (then <= IN_NEED))
    plan_from = np.where(first == IN_NEED, plan_start, down)[planned]
    helped_after = np.flatnonzero(then == EARLY_HELP)
    helped_before = np.flatnonzero(rng.random(n) < 0.4)
    care = np.flatnonzero(looked_after)
    count = len(care)
    return Programmes(
        programme=np.full(n, FTT, dtype=np.int32),
        cohort=cohort,
        start=start,
        end=start + rng.integers(184, 240, n),
        end_reason=np.where(then == EARLY_HELP, STEPPED_DOWN, COMPLETED),
        born=start - rng.integers(2 * 365, 13 * 365, n),
        need=rng.choice([say.NEEDS.index(code) for code in ("N1", "N4", "N5", "N6")], n),
        referral=referral,
        close=over + rng.integers(0, 15, n),
        enquiry=enquiry,
        conference=conference,
        protection_end=np.where(is_protected, protection_end, NEVER),
        care_start=np.where(looked_after, plan_start, NEVER),
        care_end=np.where(looked_after, down, NEVER),
        care_end_reason=np.full(n, say.EPISODE_ENDS.index("E4A")),
        in_need=Spells(planned, plan_from, over[planned]),
        early_help=_ordered(
            np.concatenate((helped_before, helped_after)),
            np.concatenate((
                referral[helped_before] - rng.integers(90, 250, len(helped_before)),
                over[helped_after],
            )),
            np.concatenate((referral[helped_before], lasting[helped_after])),
        ),
        stays=Stays(
            care, plan_start[care], down[care],
            kind=np.full(count, say.PLACEMENTS.index("U6")),
            provider=np.full(count, say.PROVIDERS.index("PR1")),
            carer=np.full(count, -1),
            pence=np.full(count, -1),
        ),
        carers=Carers(*(np.zeros(0, dtype=np.int32) for _ in fields(Carers))),
    )  # fmt: skip


def _ordered(child: Numbers, start: Numbers, end: Numbers) -> Spells:
    order = np.lexsort((start, child))
    return Spells(child[order], start[order], end[order])


def _pathway(rng: np.random.Generator) -> Programmes:
    n = LASTING_YEAR_1 + LASTING_YEAR_2 + ENDED
    days = _days(rng)
    ended = np.arange(n) >= n - ENDED
    pence = _weekly_costs(rng, days, ended)
    # those that ended did so from April 2018 to January 2019
    earliest = np.maximum(YEAR_1[0], day_number(date(2018, 4, 5)) - days[ended])
    latest = np.minimum(YEAR_1[1] - 10, day_number(date(2019, 1, 31)) - days[ended])
    start = AS_AT + 1 - days
    start[ended] = rng.integers(earliest, latest + 1)
    end = np.where(ended, start + days, NEVER)
    # carers of placements that began in year 2 had another child before; three have no child now
    free = np.arange(LASTING_YEAR_1, LASTING_YEAR_1 + ENDED)
    carer = np.concatenate((np.arange(n - ENDED), rng.permutation(free)))

    entered = start - rng.integers(40, 700, n)
    beyond = LASTS_TO + 60 + rng.integers(0, 400, n)
    reason = np.full(n, say.EPISODE_ENDS.index("E8"))
    care_end = beyond.copy()
    stays: list[tuple[int, ...]] = []

    def stay(child: int, first: int, last: int, way: tuple[str, str], *of: int) -> None:
        place = (say.PLACEMENTS.index(way[0]), say.PROVIDERS.index(way[1]))
        stays.append((child, first, last, *place, *(of or (-1, -1))))

    after = dict(zip(np.flatnonzero(ended).tolist(), rng.permutation(ENDED).tolist(), strict=True))
    for child in range(n):
        stay(child, entered[child], start[child], BEFORE[rng.integers(0, len(BEFORE))])
        with_carer = min(end[child], beyond[child])
        kind = ("U6" if child % 3 else "U4", "PR1")
        stay(child, start[child], with_carer, kind, carer[child], pence[child])
        then = DESTINATIONS[after[child]] if child in after else ()
        if isinstance(then, str):
            reason[child], care_end[child] = say.EPISODE_ENDS.index(then), end[child]
            continue
        changes = [end[child] + 130 * number for number in range(len(then))] + [beyond[child]]
        for number, way in enumerate(then):
            stay(child, changes[number], changes[number + 1], way)

    never = np.full(n, NEVER)
    recruited = np.full(CARERS, NEVER)
    np.minimum.at(recruited, carer, start)
    recruited -= rng.integers(20, 90, CARERS)
    left = np.full(CARERS, NEVER)
    gone = np.arange(CARERS) >= CARERS - CARERS_LEFT
    last_day = np.zeros(CARERS, dtype=np.int64)
    np.maximum.at(last_day, carer, end)
    left[gone] = last_day[gone] + rng.integers(30, 120, CARERS_LEFT)
    training = rng.integers(PART, WAITING + 1, CARERS)
    training[rng.permutation(CARERS)[:CARERS_TRAINED]] = DONE
    no_spells = Spells(*(np.zeros(0, dtype=np.int32) for _ in range(3)))
    born = day_number(date(2004, 6, 1)) + rng.integers(0, 5 * 365, n)
    return Programmes(
        programme=np.full(n, PC, dtype=np.int32),
        cohort=np.zeros(n, dtype=np.int32),
        start=start,
        end=end,
        end_reason=np.where(ended, COMPLETED, OTHER),
        born=born,
        need=rng.choice([say.NEEDS.index(code) for code in ("N1", "N5", "N6")], n),
        referral=entered - rng.integers(10, 90, n),
        close=care_end + rng.integers(40, 120, n),
        enquiry=never,
        conference=never,
        protection_end=never,
        care_start=entered,
        care_end=care_end,
        care_end_reason=reason,
        in_need=no_spells,
        early_help=no_spells,
        stays=Stays(*np.array(stays, dtype=np.int64).T),
        carers=Carers(recruited, left, training, recruited + rng.integers(60, 150, CARERS)),
    )


def _days(rng: np.random.Generator) -> Numbers:
    """Return the days in each placement up to the report, the lasting ones of year 1 first."""
    groups = (
        (LASTING_YEAR_1, 385, 600, 370, 700),
        (LASTING_YEAR_2, 60, 190, 45, 205),
        (ENDED, 60, 360, 50, 390),
    )
    drawn = np.concatenate([np.linspace(low, high, n) for n, low, high, _, _ in groups])
    counts = [n for n, *_ in groups]
    least = np.repeat([least for *_, least, _ in groups], counts)
    most = np.repeat([most for *_, most in groups], counts)
    days: Numbers = np.clip(drawn.astype(np.int64) + rng.integers(-14, 15, len(drawn)), least, most)
    while lacking := PLACEMENT_DAYS - int(days.sum()):
        movable = np.flatnonzero(days < most if lacking > 0 else days > least)
        days[rng.permutation(movable)[: abs(lacking)]] += 1 if lacking > 0 else -1
    return days


def _weekly_costs(rng: np.random.Generator, days: Numbers, ended: Bools) -> Numbers:
    """Return what a week of each placement costs, in pence.

    The means of the lasting and of the ended placements are given, and so is the sum of weeks x
    weekly cost. It lies above what the means alone would give: placements that last longer are
    those of children with more complex needs and cost more. By how much more a day, the sum says.
    """
    cost, noise, more = np.zeros((3, len(days)))
    for group, mean in ((~ended, MEAN_LASTING), (ended, MEAN_ENDED)):
        drawn = rng.normal(0, 15, int(group.sum()))
        cost[group], noise[group] = mean, drawn - drawn.mean()
        more[group] = days[group] - days[group].mean()
    slope = (7 * PLACEMENT_POUNDS - (days * (cost + noise)).sum()) / (days * more).sum()
    pence: Numbers = np.rint(100 * (cost + noise + slope * more)).astype(np.int64)
    # the shortest placement takes the rounding to pence, because the effect is smallest there
    shortest = int(days.argmin())
    pence[shortest] += round((700 * PLACEMENT_POUNDS - int(days @ pence)) / int(days[shortest]))
    return pence


def check(made: Programmes) -> None:
    """Count the evaluation report's figures again.

    Raises:
        SourceError: a figure does not come out; the message names it.
    """
    edge = made.of((made.programme == FTT) & (made.cohort < 3))
    start, later = edge.plan_at(edge.start), edge.plan_at(LATER)
    stays = made.stays
    pathway = np.flatnonzero(stays.carer >= 0)
    first, last, pence = (getattr(stays, name)[pathway] for name in ("start", "end", "pence"))
    lasts = last > AS_AT
    days = (np.minimum(last, AS_AT + 1) - first).astype(np.int64)
    pence = pence.astype(np.int64)
    total = 700 * PLACEMENT_POUNDS
    remain = int((made.carers.left > AS_AT).sum())
    holds = {
        "the children of cohorts 1 and 2": len(edge) == sum(EDGE_OF_CARE.values()),
        "the plans at the start": np.bincount(start, minlength=5).tolist() == [0, 0, 32, 33, 2],
        "the plans later": np.bincount(later, minlength=5).tolist() == [42, 3, 9, 13, 0],
        "the steps": [int((np.sign(later - start) == way).sum()) for way in (-1, 0, 1)]
        == [52, 15, 0],
        "the pathway placements": (len(pathway), int(lasts.sum())) == (19, 11),
        "the placements begun in year 1": int((first <= YEAR_1[1]).sum()) == 14,
        "the days in pathway placements": int(days.sum()) == PLACEMENT_DAYS,
        "the cost of pathway placements": 2 * abs(int(days @ pence) - total) < 700,
        "the mean cost of lasting placements": _rounds_to(pence[lasts], MEAN_LASTING),
        "the mean cost of ended placements": _rounds_to(pence[~lasts], MEAN_ENDED),
        "a plausible weekly cost": bool(((pence >= 250_00) & (pence <= 950_00)).all()),
        "the carers": (len(made.carers.left), remain) == (CARERS, CARERS - CARERS_LEFT),
    }
    wrong = [name for name, held in holds.items() if not held]
    if wrong:
        raise SourceError(
            f"These figures differ from the evaluation report: {', '.join(wrong)}.",
            where="demonstration",
            todo="correct demonstration/generator/programmes.py.",
        )


def _rounds_to(pence: Numbers, pounds: int) -> bool:
    """Say whether the mean rounds to whole pounds, without rounding anything."""
    return 2 * abs(int(pence.sum()) - 100 * pounds * len(pence)) < 100 * len(pence)
