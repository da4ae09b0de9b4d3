"""How dirty the demonstration's recording system is: every kind of dirt with its rate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DirtRates:
    """Shares (0 to 1) of the records that each kind of dirt touches, unless a count is said.

    None of it moves a figure of the report on its two dates: what it breaks is either put
    right by the standard's own reading of the field, left out and counted, or repaired before
    the date.

    Attributes:
        code_and_description: activity and accommodation as "code - description"; the others
            arrive as descriptions, as Liquidlogic sends them.
        sentinel_date: missing pathway plan review dates that arrive as 1900-01-01.
        multiplied_care_leaver: care leavers whose row arrives two or three times, equal but
            for the row id, because a join multiplied it.
        untidy_id: person ids with blanks around them or in lower case, in tables that refer
            to a person.
        untimely_activity_count: young people whose activity in 2019 is F4, F5, P4 or P5, which
            returns accept from the collection year 2022 only. Everyone else in training or work
            has F3 or P3, valid then and withdrawn since.
        late_entry: events typed in weeks after they happened.
        late_correction: records whose content is corrected after they were first recorded.
        deletion: records that are deleted after a while.
        reappearance: records that vanish and come back unchanged.
        overlapping_placement: placements whose end lies after the start of the next one.
        contradictory_eet_count: young people whose EET status and activity contradict each
            other on an ordinary night.
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
