"""All tables of one authority's recording system, with everything that ever stands in them."""

from __future__ import annotations

from collections.abc import Iterator

from carepath.sources.demo.dirt import DirtRates
from carepath.sources.demo.rows import Rows
from carepath.sources.demo.tables.education import EducationTables
from carepath.sources.demo.tables.health import HealthTables
from carepath.sources.demo.tables.leaving_care import LeavingCareTables
from carepath.sources.demo.tables.looked_after import LookedAfterTables
from carepath.sources.demo.tables.people import PeopleTables
from carepath.sources.demo.tables.practice import PracticeTables
from carepath.sources.demo.tables.programmes import ProgrammeTables
from carepath.sources.demo.tables.protection import ProtectionTables
from carepath.sources.demo.tables.recording import FIRST_DAY, HORIZON
from carepath.sources.demo.tables.referrals import ReferralTables

__all__ = ["FIRST_DAY", "HORIZON", "Borough", "tables"]


def tables(number: int, seed: int, dirt: DirtRates) -> Iterator[Rows]:
    """Yield every table of the authority with this number (1 is the report's borough)."""
    yield from Borough(number, seed, dirt).tables()


class Borough(
    PeopleTables, ReferralTables, ProtectionTables, LookedAfterTables, HealthTables,
    EducationTables, LeavingCareTables, ProgrammeTables, PracticeTables,
):  # fmt: skip
    """One authority with all of its tables."""

    def tables(self) -> Iterator[Rows]:
        """Yield all tables; what a placement costs follows the placements."""
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
