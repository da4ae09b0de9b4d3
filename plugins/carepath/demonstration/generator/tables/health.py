"""Health of looked-after children, missing episodes, convictions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from carepath.demonstration.generator.care import expand
from carepath.demonstration.generator.leavers.codes import YEAR
from carepath.demonstration.generator.rows import (
    DATE_WORDS,
    Column,
    Ints,
    Rows,
    coded,
    date_positions,
    dates,
    numbered,
    refers,
)
from carepath.demonstration.generator.tables.recording import FIRST_DAY, HORIZON, Numbers, Recording


class HealthTables(Recording):
    """Tables about the health and behaviour of looked-after children."""

    def _health_of_looked_after(self) -> Iterator[Rows]:
        rng, spans = self.rng, self.periods
        long = np.flatnonzero(~spans.is_short_break)
        person = spans.person[long]
        begin = np.maximum(spans.start[long], FIRST_DAY)
        until = np.minimum(np.maximum(spans.end[long], begin), HORIZON)
        age_15 = self.people.born[person] + np.int32(16 * YEAR)

        def yearly(every: int, offset: int) -> tuple[Numbers, Ints]:
            counts = ((until - begin + every - offset) // every).clip(0)
            index, number = expand(counts.astype(np.int32))
            day = begin[index] + offset + every * number + rng.integers(0, 20, len(index))
            kept = day <= until[index]
            return day[kept], index[kept]

        check_day, check = yearly(355, 20)
        tooth_day, tooth = yearly(350, 60)
        index = np.concatenate((check, tooth))
        day = np.concatenate((check_day, tooth_day))
        kind = np.repeat([0, 1], [len(check), len(tooth)])
        n = len(day)
        yield self._rows("ssd_cla_health", {
            "clah_health_check_id": refers(np.arange(n), numbered("H", 1, n)),
            "clah_person_id": self._person(person[index]),
            "clah_health_check_type": coded(kind, ("Health Assessment", "Dental Check")),
            "clah_health_check_date": dates(day),
            "clah_health_check_status": self._pick(n, ("Completed", "Refused"), (0.93, 0.07)),
        }, self._typed(day), key="clah_health_check_id")  # fmt: skip

        who, first = np.unique(person, return_index=True)
        since, phase = begin[first] + 25, rng.integers(0, 365, len(who))

        def updated(day: int) -> Ints:
            latest = day - (day - phase) % 365
            return date_positions(np.maximum(np.minimum(latest, until[first]), since))

        yield self._rows("ssd_cla_immunisations", {
            "clai_person_id": self._person(who),
            "clai_immunisations_status": self._flag(len(who), 0.88),
            "clai_immunisations_status_date": Column(updated, DATE_WORDS),
        }, since, key="clai_person_id")  # fmt: skip

        day, index = yearly(365, 90)
        old = (day - self.people.born[person[index]]) / YEAR
        day, index = day[(old >= 4) & (old < 17)], index[(old >= 4) & (old < 17)]
        n = len(day)
        missing = rng.random(n) < 0.08
        yield self._rows("ssd_sdq_scores", {
            "csdq_person_id": self._person(person[index]),
            "csdq_sdq_completed_date": dates(day),
            "csdq_sdq_reason": coded(
                np.where(missing, rng.integers(0, 2, n), -1), ("SDQ2", "SDQ4")
            ),
            "csdq_sdq_score": coded(
                np.where(missing, -1, rng.integers(0, 36, n)), [str(score) for score in range(41)]
            ),
        }, self._typed(day), row_id="csdq_table_id")  # fmt: skip

        day, index = yearly(120, 40)
        teen = day > age_15[index] - 4 * YEAR
        ran = teen & (rng.random(len(day)) < 0.35)
        day, index = day[ran], index[ran]
        n = len(day)
        offered = rng.random(n) < 0.9
        yield self._rows("ssd_missing", {
            "miss_person_id": self._person(person[index]),
            "miss_missing_episode_start_date": dates(day),
            "miss_missing_episode_type": self._pick(n, ("Missing", "Away"), (0.8, 0.2)),
            "miss_missing_episode_end_date": self._ended(day + rng.geometric(0.5, n)),
            "miss_missing_rhi_offered": coded(offered, ("N", "Y")),
            "miss_missing_rhi_accepted": coded(
                np.where(offered, rng.random(n) < 0.6, -1), ("N", "Y")
            ),
        }, self._typed(day), row_id="miss_table_id")  # fmt: skip

        for table, prefix, share in (("ssd_cla_convictions", "clac", 0.05),
                                     ("ssd_cla_substance_misuse", "clas", 0.06)):  # fmt: skip
            day, index = yearly(300, 100)
            chosen = (day > age_15[index] - 3 * YEAR) & (rng.random(len(day)) < share)
            day, index = day[chosen], index[chosen]
            n = len(day)
            if prefix == "clac":
                yield self._rows(table, {
                    "clac_cla_conviction_id": refers(np.arange(n), numbered("V", 1, n)),
                    "clac_person_id": self._person(person[index]),
                    "clac_cla_conviction_date": dates(day),
                    "clac_cla_conviction_offence": self._pick(
                        n, ("Theft", "Criminal damage", "Common assault", "Public order")
                    ),
                }, self._typed(day + 40), key="clac_cla_conviction_id")  # fmt: skip
            else:
                yield self._rows(table, {
                    "clas_substance_misuse_id": refers(np.arange(n), numbered("SM", 1, n)),
                    "clas_person_id": self._person(person[index]),
                    "clas_substance_misuse_date": dates(day),
                    "clas_substance_misused": self._pick(n, ("Cannabis", "Alcohol", "Other")),
                    "clas_intervention_received": self._flag(n, 0.7),
                }, self._typed(day), key="clas_substance_misuse_id")  # fmt: skip
