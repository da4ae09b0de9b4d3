"""All tables of one authority's recording system, with every row that they ever have."""

from __future__ import annotations

from collections.abc import Iterator

from carepath.demonstration.generator.dirt import DirtRates
from carepath.demonstration.generator.people import PEOPLE
from carepath.demonstration.generator.rows import Rows
from carepath.demonstration.generator.tables.education import EducationTables
from carepath.demonstration.generator.tables.health import HealthTables
from carepath.demonstration.generator.tables.leaving_care import LeavingCareTables
from carepath.demonstration.generator.tables.looked_after import LookedAfterTables
from carepath.demonstration.generator.tables.people import PeopleTables
from carepath.demonstration.generator.tables.practice import PracticeTables
from carepath.demonstration.generator.tables.programmes import ProgrammeTables
from carepath.demonstration.generator.tables.protection import ProtectionTables
from carepath.demonstration.generator.tables.recording import FIRST_DAY, HORIZON
from carepath.demonstration.generator.tables.referrals import ReferralTables

__all__ = ["FIRST_DAY", "HORIZON", "Borough", "tables"]


def tables(number: int, seed: int, dirt: DirtRates, people: int = PEOPLE) -> Iterator[Rows]:
    """Yield every table of the authority with this number (1 carries the figures).

    Args:
        number, seed, dirt: as `fill` has them.
        people: how many people it ever knows. Authority 1 knows `PEOPLE`, as the figures need.
    """
    yield from Borough(number, seed, dirt, people).tables()


class Borough(
    PeopleTables, ReferralTables, ProtectionTables, LookedAfterTables, HealthTables,
    EducationTables, LeavingCareTables, ProgrammeTables, PracticeTables,
):  # fmt: skip
    """One authority with all of its tables."""

    def tables(self) -> Iterator[Rows]:
        """Yield all tables. Costs of placements come after the placements."""
        yield from self._people()
        yield from self._staff()
        yield from self._referrals()
        yield from self._protection()
        yield from self._looked_after()
        yield from self._health_of_looked_after()
        yield from self._education()
        yield from self._leaving_care()
        yield from self._programmes()
        yield from self._practice()
