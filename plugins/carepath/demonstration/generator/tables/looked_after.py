"""Episodes and placements of looked-after children, contact with them, permanence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from carepath.demonstration.generator import care
from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.care import END, expand
from carepath.demonstration.generator.leavers import codes
from carepath.demonstration.generator.leavers.codes import YEAR
from carepath.demonstration.generator.rows import (
    NEVER,
    Column,
    Ints,
    Rows,
    coded,
    dates,
    numbered,
    refers,
    vocabulary,
)
from carepath.demonstration.generator.tables.recording import (
    FIRST_DAY,
    HORIZON,
    SGO_SPLIT,
    Numbers,
    Placements,
    Recording,
)

# placements nearer than so many tenths of a mile, and the share of them that is in the area
IN_AREA: Final = ((50, 0.9), (100, 0.4), (200, 0.05))
NO_POSTCODE: Final = 0.02


class LookedAfterTables(Recording):
    """Tables about looked-after children."""

    def _looked_after(self) -> Iterator[Rows]:
        spans, parts = self.periods, self.episodes
        of = parts.period
        n = len(of)
        person, watched = spans.person[of], spans.is_programme[of]
        recorded = self._typed(parts.start, watched)
        # an episode is not typed in before the one that it follows
        offset = of.astype(np.int64) << 32
        recorded = (np.maximum.accumulate(recorded + offset) - offset).astype(np.int32)
        following = np.append(recorded[1:], 0)
        finished = np.where(parts.is_last, self._typed(parts.end, watched), following)
        finished = np.maximum(finished, recorded).astype(np.int32)
        reason = np.where(parts.is_last, self._end_reasons(), END["X1"])
        self.episode_recorded, self.end_reason = recorded, reason
        seen = np.minimum(parts.end, HORIZON)
        visit = np.minimum(60, np.maximum(seen - parts.start, 1))
        iro_since = (parts.start + visit).astype(np.int32)
        yield self._rows("ssd_cla_episodes", {
            "clae_cla_episode_id": refers(np.arange(n), numbered("E", 90_001, n)),
            "clae_person_id": self._person(person),
            "clae_cla_episode_start_date": dates(parts.start),
            "clae_cla_episode_start_reason": coded(parts.reason, say.EPISODE_STARTS),
            "clae_cla_primary_need_code": coded(spans.need[of], say.NEEDS),
            "clae_cla_episode_ceased_date": dates(parts.end, since=finished),
            "clae_cla_episode_ceased_reason": coded(reason, say.EPISODE_ENDS, since=finished),
            "clae_cla_id": refers(of, self.period_ids),
            "clae_referral_id": refers(spans.referral[of], self.referral_ids),
            "clae_cla_placement_id": refers(
                parts.placement, numbered("P", 30_001, len(parts.placement_first))
            ),
            "clae_entered_care_date": dates(spans.start[of]),
            "clae_cla_last_iro_contact_date": dates(
                iro_since, since=np.maximum(iro_since + 1, recorded)
            ),
        }, recorded, key="clae_cla_episode_id")  # fmt: skip
        yield from self._placements(recorded, finished)
        yield self._area_postcodes()

        first = parts.legal_first
        legal = care.legal_codes(spans, parts)
        m = len(first)
        yield self._rows("ssd_legal_status", {
            "lega_legal_status_id": refers(np.arange(m), numbered("L", 1, m)),
            "lega_person_id": self._person(person[first]),
            "lega_legal_status": coded(legal, say.LEGAL_STATUSES),
            "lega_legal_status_start_date": dates(parts.start[first]),
            "lega_legal_status_end_date": self._ended(parts.legal_end, watched[first]),
        }, recorded[first], key="lega_legal_status_id")  # fmt: skip
        yield from self._contact_with_looked_after()

    def _end_reasons(self) -> Ints:
        """Return why each period of care ends, at each of its episodes."""
        rng, spans, parts = self.rng, self.periods, self.episodes
        of = parts.period
        n_leavers, n = len(self.leavers), len(spans)
        person = spans.person
        is_leaver = person < n_leavers
        born = self.people.born[person]
        adult = spans.end >= born + 18 * YEAR - 2
        stay = np.zeros(n, dtype=np.bool_)
        for day in (codes.FIRST, codes.SECOND):
            letters = self.leavers.now("accommodation", day) == codes.LETTER["Z"]
            stay |= is_leaver & letters[np.minimum(person, n_leavers - 1)]
        names = ("E4A", "E4B", "E13", "E48", "E12", "E41", "E8", "E3")
        child = np.array([END[name] for name in names])[
            rng.choice(len(names), n, p=[0.45, 0.1, 0.11, 0.1, 0.06, 0.06, 0.08, 0.04])
        ]
        child = np.where((child == END["E48"]) & (spans.end < SGO_SPLIT), END["E44"], child)
        grown = np.array([END["E5"], END["E6"], END["E8"]])[rng.choice(3, n, p=[0.55, 0.3, 0.15])]
        grown = np.where(stay, END["E17"], grown)
        reason = np.select(
            [spans.is_short_break, is_leaver & adult, is_leaver],
            [END["E8"], grown, END["E4A"]],
            child,
        )
        given = self.programmes
        reason[spans.is_programme] = given.care_end_reason[given.care_start <= HORIZON]
        return reason[of].astype(np.int32)

    def _placements(self, recorded: Ints, finished: Ints) -> Iterator[Rows]:
        rng, spans, parts = self.rng, self.periods, self.episodes
        first = parts.placement_first
        of = parts.period[first]
        n = len(first)
        person = spans.person[of]
        start, end = parts.start[first], parts.placement_end
        age = (start - self.people.born[person]) / YEAR

        def choose(shares: dict[str, float]) -> Numbers:
            codes = np.array([say.PLACEMENTS.index(code) for code in shares])
            weight = np.array(list(shares.values()))
            return codes[rng.choice(len(codes), n, p=weight / weight.sum())]

        kind = np.select(
            [spans.is_short_break[of], age >= 16, age >= 11],
            [
                choose({"U6": 0.6, "K2": 0.4}),
                choose({"H5": 30, "U4": 14, "U6": 18, "K2": 16, "R1": 5, "P2": 10, "K1": 1,
                        "R5": 2, "U1": 4}),
                choose({"U6": 38, "U4": 18, "U1": 8, "K2": 26, "S1": 3, "P1": 5, "K1": 1, "T0": 1}),
            ],
            choose({"U6": 50, "U4": 14, "U1": 14, "U3": 6, "P1": 7, "R3": 3, "A5": 3, "U5": 3}),
        )  # fmt: skip
        named = np.array(say.PLACEMENTS, dtype=object)[kind]
        provider = np.select(
            [named == "P1", np.isin(named, ["U1", "U3"]), np.isin(named, ["K1", "R5"])],
            [0, 1, 3],
            np.array([1, 4, 5])[rng.choice(3, n, p=[0.45, 0.48, 0.07])],
        )
        moves_on = np.append(np.diff(of) == 0, False)
        change = np.where(moves_on, rng.integers(0, len(say.PLACEMENT_CHANGES), n), -1)
        distance = np.minimum(rng.gamma(1.2, 90, n), 1499).astype(int)
        overlaps = moves_on & (rng.random(n) < self.dirt.overlapping_placement)
        # what is fixed for the programmes' children
        is_programme, stays = spans.is_programme[of], self.programmes.stays
        kind[is_programme], provider[is_programme] = stays.kind, stays.provider
        carer, pence = np.full((2, n), -1)
        carer[is_programme], pence[is_programme] = stays.carer, stays.pence
        change = np.where(moves_on & is_programme, say.PLACEMENT_CHANGES.index("CARPL"), change)
        distance = np.where(carer >= 0, distance % 60, distance)
        overlaps &= ~is_programme
        ceased = end
        end = end + np.where(overlaps, rng.integers(2, 20, n), 0)
        last_episode = np.append(first[1:], len(parts.period)) - 1
        ids = numbered("P", 30_001, n)
        yield self._rows("ssd_cla_placement", {
            "clap_cla_placement_id": refers(np.arange(n), ids),
            "clap_cla_placement_start_date": dates(start),
            "clap_cla_placement_type": coded(kind, say.PLACEMENTS),
            "clap_cla_placement_urn": refers(
                np.where(provider == 0, -1, rng.integers(0, 400, n)), numbered("ZZ", 1000, 400)
            ),
            "clap_cla_placement_distance": coded(
                distance, [f"{tenths / 10:g}" for tenths in range(1500)]
            ),
            "clap_cla_id": refers(of, self.period_ids),
            "clap_cla_placement_provider": coded(provider, say.PROVIDERS),
            "clap_cla_placement_postcode": self._placement_postcodes(
                rng.integers(0, len(self.postcodes) - 1, n), distance
            ),
            "clap_cla_placement_end_date": dates(
                end, since=np.maximum(finished[last_episode], recorded[first])
            ),
            "clap_cla_placement_change_reason": coded(
                change, say.PLACEMENT_CHANGES, since=finished[last_episode]
            ),
            "clap_person_id": self._person(person),
        }, recorded[first], key="clap_cla_placement_id")  # fmt: skip
        self.placements = Placements(
            ids=ids, kind=kind, provider=provider, start=start, end=ceased,
            recorded=recorded[first], finished=finished[last_episode],
            is_short_break=spans.is_short_break[of], is_programme=is_programme,
            carer=carer, pence=pence,
        )  # fmt: skip
        yield self._rows(
            "ssd_s251_finance", {"s251_cla_placement_id": refers(np.arange(n), ids)},
            recorded[first] + 20, row_id="s251_table_id",
        )  # fmt: skip

    def _placement_postcodes(self, number: Numbers, distance: Numbers) -> Column:
        """Return postcodes of placements: near ones mostly in the area, far ones never.

        Args:
            number: which postcode of the area, or of the one around it.
            distance: tenths of a mile from home.
        """
        rng, n = self.rng_of_places, len(number)
        share_in_area = np.select(
            [distance < each for each, _ in IN_AREA], [share for _, share in IN_AREA], 0.0
        )
        is_outside = rng.random(n) >= share_in_area
        words = vocabulary((*say.postcodes(), *say.postcodes("ZY")))
        position = number + np.where(is_outside, len(self.postcodes) - 1, 0)
        return refers(np.where(rng.random(n) < NO_POSTCODE, -1, position), words)

    def _area_postcodes(self) -> Rows:
        """The gazetteer's postcodes of the area, with the space that placements lack."""
        spaced = [f"{postcode[:-3]} {postcode[-3:]}" for postcode in say.postcodes()]
        n = len(spaced)
        return self._rows(
            "local_area_postcodes", {"larp_postcode": coded(np.arange(n), spaced)},
            np.full(n, FIRST_DAY), key="larp_postcode",
        )  # fmt: skip

    def _contact_with_looked_after(self) -> Iterator[Rows]:
        rng, spans = self.rng, self.periods
        long = np.flatnonzero(~spans.is_short_break)
        person = spans.person[long]
        begin = np.maximum(spans.start[long], FIRST_DAY)
        end = np.maximum(spans.end[long], begin)
        yield self._visits(
            "ssd_cla_visits", "clav_cla_visit", "clav_person_id", person, begin, end, 40.0,
            bedroom=False,
            extra=lambda which: {"clav_cla_id": refers(long[which], self.period_ids)},
        )  # fmt: skip
        until = np.minimum(end, HORIZON)
        index, number = expand((1 + (until - begin) // 175).astype(np.int32))
        due = begin[index] + 20 + 172 * number
        held = due + rng.integers(-9, 12, len(due))
        kept = held <= end[index]
        index, due, held = index[kept], due[kept], held[kept]
        n = len(index)
        yield self._rows("ssd_cla_reviews", {
            "clar_cla_review_id": refers(np.arange(n), numbered("CLAR", 1, n)),
            "clar_cla_id": refers(long[index], self.period_ids),
            "clar_cla_review_due_date": dates(due),
            "clar_cla_review_date": dates(held),
            "clar_cla_review_cancelled": self._flag(n, 0.02),
            "clar_cla_review_participation": self._took_part(spans.person[long[index]], held),
        }, self._typed(held), key="clar_cla_review_id")  # fmt: skip

        index, number = expand((1 + (until - begin) // 110).astype(np.int32))
        start = begin[index] + 9 + 110 * number
        next_start = np.append(start[1:], NEVER)
        last = np.append(np.diff(index) != 0, True)
        yield self._rows("ssd_cla_care_plan", {
            "lacp_person_id": self._person(person[index]),
            "lacp_cla_care_plan_start_date": dates(start),
            "lacp_cla_care_plan_end_date": self._ended(
                np.where(last, np.maximum(end[index], start + 1), next_start)
            ),
            "lacp_cla_care_plan_json": coded(
                rng.integers(0, len(say.CARE_PLANS), len(index)), say.CARE_PLANS
            ),
        }, self._typed(start), row_id="lacp_table_id")  # fmt: skip
        yield from self._permanence(long)

    def _permanence(self, long: Numbers) -> Iterator[Rows]:
        rng, spans = self.rng, self.periods
        _, first = np.unique(spans.person[long], return_index=True)
        once = long[first]
        n = len(once)
        before = rng.random(n) < 0.05
        start = spans.start[once]
        year = 2004 + rng.integers(0, 8, n)
        # an order of the middle of a year, about a child born before that year
        before &= self.people.born[spans.person[once]] < (year - 1970) * YEAR
        known = np.char.add("01/06/", year.astype(str))
        words, code = np.unique(np.where(before, known, "zz/zz/zzzz"), return_inverse=True)
        yield self._rows("ssd_cla_previous_permanence", {
            "lapp_person_id": self._person(spans.person[once]),
            "lapp_previous_permanence_order_date": coded(
                np.where(before, code, -1), [str(word) for word in words]
            ),
            "lapp_previous_permanence_option": coded(
                np.where(before, rng.integers(0, 3, n), 3), ("P1", "P2", "P3", "Z1")
            ),
            "lapp_previous_permanence_la": coded(np.where(before, 0, -1), ("Other authority",)),
        }, self._typed(start + 5), row_id="lapp_table_id")  # fmt: skip

        reason = np.zeros(len(spans), dtype=np.int32)
        reason[self.episodes.period] = self.end_reason
        order = np.flatnonzero(
            np.isin(reason, [END["E12"], END["E44"], END["E47"], END["E48"], END["E41"]])
            & ~spans.is_short_break
        )
        n = len(order)
        start, end = spans.start[order], spans.end[order]
        middle = (start + end) // 2
        shown = self._typed(end)
        adopted = reason[order] == END["E12"]
        kind = np.select([adopted, reason[order] == END["E41"]], [0, 2], 1)

        group = self._pick(n, ("0", "1"), (0.6, 0.4))
        together = self._pick(n, ("0", "1", "2"), (0.7, 0.2, 0.1))
        apart = self._pick(n, ("0", "1", "2"), (0.8, 0.15, 0.05))
        has_siblings = np.asarray(together.codes) + np.asarray(apart.codes) > 0

        def if_adopted(days: Numbers) -> Column:
            return dates(np.where(adopted, days, NEVER), since=days.astype(np.int32) + 4)

        yield self._rows("ssd_permanence", {
            "perm_person_id": self._person(spans.person[order]),
            "perm_cla_id": refers(order, self.period_ids),
            "perm_adm_decision_date": if_adopted(middle),
            "perm_placement_order_date": if_adopted(middle + (end - middle) // 4),
            "perm_matched_date": if_adopted(middle + (end - middle) // 3),
            "perm_placed_for_adoption_date": if_adopted(middle + (end - middle) // 2),
            "perm_adopted_by_carer_flag": coded(
                np.where(adopted, rng.random(n) < 0.15, -1), ("N", "Y"), since=shown
            ),
            "perm_part_of_sibling_group": replace(group, codes=has_siblings.astype(np.int32)),
            "perm_siblings_placed_together": together,
            "perm_siblings_placed_apart": apart,
            "perm_permanence_order_date": dates(end, since=shown),
            "perm_permanence_order_type": coded(
                kind, ("Adoption", "Special Guardianship",
                       "Child Arrangements Order/ Residence Order"), since=shown,
            ),
            "perm_adoption_worker_id": self._worker(
                np.full(n, say.TEAMS.index("Adoption and Permanence Team"))
            ),
            "perm_adopter_sex": coded(
                np.where(adopted, rng.integers(0, 3, n), -1), ("F1", "MF", "FF"), since=shown
            ),
            "perm_adopter_legal_status": coded(
                np.where(adopted, rng.integers(0, 3, n), -1), ("L0", "L11", "L3"), since=shown
            ),
            "perm_number_of_adopters": coded(
                np.where(adopted, rng.integers(0, 2, n), -1), ("1", "2"), since=shown
            ),
        }, self._typed(middle), row_id="perm_table_id")  # fmt: skip
