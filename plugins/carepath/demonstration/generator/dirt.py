"""How dirty the demonstration's recording system is: every kind of dirt with its rate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DirtRates:
    """Shares (0 to 1) of the records that have each kind of dirt, or counts.

    Dirt does not change a figure of the report on its two dates. Records that it breaks are read
    correctly anyway, are left out and counted, or are corrected before the date.

    Attributes:
        code_and_description: activity and accommodation as "code - description"; the others
            arrive as descriptions, as Liquidlogic sends them.
        sentinel_date: missing pathway plan review dates that arrive as 1900-01-01.
        multiplied_care_leaver: care leavers with a row that arrives two or three times, because a
            join multiplied it. Only the row id differs.
        untidy_id: person ids with blanks around them or in lower case, in tables that refer
            to a person.
        untimely_activity_count: young people with activity F4, F5, P4 or P5 in 2019, which
            returns accept from the collection year 2022 only. Everyone else in training or work
            has F3 or P3, valid then and withdrawn since.
        late_entry: events typed in weeks after they happened.
        late_correction: records that are corrected after they were first recorded.
        deletion: records that are deleted after a while.
        reappearance: records that vanish and come back unchanged.
        overlapping_placement: placements that end after the next one starts.
        contradictory_eet_count: young people with contradictory EET status and activity on an
            ordinary night.
        muddled_eet_count: the same on the night of 27 June 2019, in the report's borough only;
            corrected in the source on 28 and 29 June.
    """

    code_and_description: float = 0.12
    sentinel_date: float = 0.75
    multiplied_care_leaver: float = 0.04
    untidy_id: float = 0.01
    untimely_activity_count: int = 2
    late_entry: float = 0.03
    late_correction: float = 0.03
    deletion: float = 0.002
    reappearance: float = 0.0005
    overlapping_placement: float = 0.02
    contradictory_eet_count: int = 2
    muddled_eet_count: int = 31
