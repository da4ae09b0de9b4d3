"""Programmes and money: who is on a programme, its carers, panels, and what things cost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np

from carepath.demonstration.generator import programmes
from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.care import expand
from carepath.demonstration.generator.leavers import codes, deals
from carepath.demonstration.generator.rows import (
    NEVER,
    Column,
    Rows,
    coded,
    dates,
    day_number,
    numbered,
    refers,
    vocabulary,
)
from carepath.demonstration.generator.tables.recording import HORIZON, Numbers, Recording

# what a programme costs beside placements: item, first and last day of the period, pounds
COSTS: Final = (
    ("PC", "Advanced practitioners", date(2017, 9, 1), date(2018, 8, 31), 91_000),
    ("PC", "Advanced practitioners", date(2018, 9, 1), date(2019, 8, 31), 91_000),
    ("PC", "Training", date(2017, 9, 1), date(2018, 8, 31), 8_000),
    ("PC", "Training", date(2018, 9, 1), date(2019, 8, 31), 4_000),
    ("PC", "Family therapist", date(2017, 9, 1), date(2018, 8, 31), 29_500),
    ("PC", "Family therapist", date(2018, 9, 1), date(2019, 8, 31), 29_500),
    ("FTT", "Families Together Team", date(2018, 4, 1), date(2019, 3, 31), 380_000),
    ("FTT", "Families Together Team", date(2019, 4, 1), date(2020, 3, 31), 380_000),
)
# pounds a week of an ordinary placement; agencies cost more, and P1, A4 and R5 cost nothing
WEEKLY: Final = {
    "U1": 260, "U3": 250, "U4": 440, "U5": 420, "U6": 460, "K1": 5200, "K2": 2300, "R1": 1900,
    "R3": 1500, "S1": 1800, "H5": 720, "P2": 290, "A5": 240, "T0": 480,
}  # fmt: skip
AGENCY: Final = 1.85
TRANSITIONS_CASES: Final = 36
# the innovation period; the last panel's cases are typed in by its end
TRANSITIONS: Final = (date(2017, 9, 1), date(2019, 6, 1))
PANELS: Final = ("TRAN", "EDGE")


class ProgrammeTables(Recording):
    """Tables about programmes and money."""

    def _programmes(self) -> Iterator[Rows]:
        folk, made = self.people, self.programmes
        n = len(made)
        everybody = np.ones(n, dtype=np.bool_)
        in_families_team = made.programme == programmes.FTT
        yield self._rows("local_programme_membership", {
            "prgm_person_id": self._person(folk.programme),
            "prgm_programme": coded(made.programme, programmes.PROGRAMMES),
            "prgm_cohort": coded(made.cohort - 1, ("1", "2", "3")),
            "prgm_start_date": dates(made.start),
            **self._membership_ends(),
            "prgm_team_id": self._team(np.where(
                in_families_team, say.FAMILIES_TOGETHER_TEAM, say.TEAMS.index(
                    "Looked After Children Team A"
                ),
            )),
        }, self._typed(made.start, everybody))  # fmt: skip

        carers = made.carers
        n = len(carers.recruited)
        yield self._rows("local_carers", {
            "lcar_carer_id": refers(np.arange(n), self._carer_ids()),
            "lcar_programme": coded(np.ones(n), programmes.PROGRAMMES),
            "lcar_recruited_date": dates(carers.recruited),
            "lcar_left_date": self._ended(carers.left, np.ones(n, dtype=np.bool_)),
            "lcar_training_status": Column(
                carers.training, vocabulary(programmes.TRAINING), carers.trained,
                np.full(n, programmes.WAITING, dtype=np.int32),
            ),
        }, carers.recruited + 5, key="lcar_carer_id")  # fmt: skip

        yield self._programme_costs()
        yield self._placement_costs()
        yield self._panel_cases()

    def _membership_ends(self) -> dict[str, Column]:
        made = self.programmes
        shown = self._typed(np.minimum(made.end, NEVER), np.ones(len(made), dtype=np.bool_))
        return {
            "prgm_end_date": dates(made.end, since=shown),
            "prgm_end_reason": coded(made.end_reason, programmes.END_REASONS, since=shown),
        }

    def _carer_ids(self) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
        return numbered("PWC", 101, len(self.programmes.carers.recruited))

    def _programme_costs(self) -> Rows:
        """Staff and training; another borough's programmes are of another size."""
        names, items, first, last, pounds = zip(*COSTS, strict=True)
        size = 100 if self.is_report else int(self.rng.integers(60, 96))
        n = len(COSTS)
        begin = np.array([day_number(day) for day in first])
        return self._rows("local_programme_costs", {
            "lprc_programme": coded(np.arange(n), names),
            "lprc_cost_item": coded(np.arange(n), items),
            "lprc_period_start_date": dates(begin),
            "lprc_period_end_date": dates(np.array([day_number(day) for day in last])),
            "lprc_amount": coded(np.arange(n), [f"{amount * size // 100}.00" for amount in pounds]),
        }, begin + 9)  # fmt: skip

    def _placement_costs(self) -> Rows:
        """What each placement costs a week; a cost that is agreed again is higher from then on."""
        rng, placed = self.rng, self.placements
        n = len(placed.kind)
        kinds = np.array(say.PLACEMENTS, dtype=object)[placed.kind]
        base = np.array([WEEKLY.get(kind, 0) for kind in kinds])
        agency = np.char.startswith(kinds.astype(str), "U") & (placed.provider >= 4)
        pence = 100 * np.rint(
            base * np.where(agency, AGENCY, 1.0) * np.exp(rng.normal(0, 0.13, n))
        ).astype(np.int64)
        in_scheme = placed.carer >= 0
        pence[in_scheme] = placed.pence[in_scheme]
        length = np.minimum(placed.end, HORIZON) - placed.start
        paid = (pence > 0) & ~placed.is_short_break & (placed.start <= HORIZON)
        twice = (length > 200) & ~in_scheme & (rng.random(n) < 0.3)
        index, number = expand(np.where(paid, 1 + twice, 0).astype(np.int32))
        middle = placed.start + length // 2
        begin = np.where(number == 0, placed.start[index], middle[index])
        again = np.append(number[1:] == 1, False)
        end = np.where(again, middle[index], placed.end[index])
        cost = np.where(number == 0, pence[index], np.rint(pence[index] * 0.0104) * 100)
        watched = placed.is_programme[index]
        recorded = np.maximum(self._typed(begin, watched), placed.recorded[index])
        next_recorded = np.append(recorded[1:], 0)
        ended = np.maximum(np.where(again, next_recorded, placed.finished[index]), recorded)
        words, code = np.unique(cost.astype(np.int64), return_inverse=True)
        carer = placed.carer[index]
        return self._rows("local_placement_costs", {
            "lpco_placement_id": refers(index, placed.ids),
            "lpco_from_date": dates(begin),
            "lpco_to_date": dates(end, since=ended.astype(np.int32)),
            "lpco_weekly_cost": coded(
                code, [f"{each // 100}.{each % 100:02d}" for each in words.tolist()]
            ),
            "lpco_programme": coded(np.where(carer >= 0, 0, -1), ("PC",)),
            "lpco_carer_id": refers(carer, self._carer_ids()),
        }, recorded)  # fmt: skip

    def _panel_cases(self) -> Rows:
        """Care leavers at the Transitions Panel, and families before they join the team."""
        rng, young, made = self.rng, self.leavers, self.programmes
        first, last = (day_number(day) for day in TRANSITIONS)
        begin = np.maximum(np.maximum(young.recorded, young.eligible_from) + 10, first)
        until = np.minimum(young.eligible_to, last)
        wanted = TRANSITIONS_CASES if self.is_report else int(rng.integers(15, 34))
        may = (young.group <= codes.SECOND_ONLY) & (begin + 40 < until)
        chosen = np.flatnonzero(deals.deal(rng, may, wanted))
        room = until[chosen] - begin[chosen]
        presented = begin[chosen] + (rng.random(wanted) * room).astype(np.int64)

        def panel_day(day: Numbers) -> Numbers:
            """Return the next Wednesday."""
            return np.asarray(day + -(day + 1) % 7)

        team = np.flatnonzero(made.programme == programmes.FTT)
        before = made.start[team] - rng.integers(8, 25, len(team))
        person = np.concatenate((chosen, self.people.programme[team]))
        day = panel_day(np.concatenate((presented, before)))
        of = np.repeat([0, 1], [wanted, len(team)])
        return self._rows("local_panel_cases", {
            "lpan_person_id": self._person(person),
            "lpan_panel": coded(of, PANELS),
            "lpan_presented_date": dates(day),
        }, self._typed(day, np.ones(len(day), dtype=np.bool_)))  # fmt: skip
