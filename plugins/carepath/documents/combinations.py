"""The page `docs/combinations.md`: which in-touch, activity and accommodation go together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from carepath.documents.templates import render
from expectations.combinations import (
    JUDGEMENTS,
    Combination,
    dfe_findings,
    every_combination,
    judge,
)

# The DfE's own rules are tried on these: 6 in-touch codes x 5 activities x 7 accommodations.
SAMPLE_IN_TOUCH = ("YES", "NO", "DIED", "REFU", "NREQ", "RHOM")
SAMPLE_ACTIVITIES = ("F1", "G4", "G5", "G6", "0")
SAMPLE_PAIRS = ("B1", "S2", "X2", "R2", "H1", "G1", "0")


def combinations_page() -> str:
    """Return the page: each class with its verdict, and the DfE's own rules beside Carepath's."""
    every = [judge(it)[0] for it in every_combination()]
    sample = list(sampled())
    accepted = [(it, *judge(it)) for it in sample if not dfe_findings(it)]
    return render(
        "combinations.md",
        combination_count=len(every),
        counts=Counter(every),
        judgements=JUDGEMENTS,
        sample_count=len(sample),
        activities=SAMPLE_ACTIVITIES,
        pairs=SAMPLE_PAIRS,
        accepted=accepted,
        verdicts=Counter(verdict for _, verdict, _ in accepted),
    )


def sampled() -> Iterator[Combination]:
    """Yield the 210 combinations on which the DfE's own rules are tried."""
    for in_touch in SAMPLE_IN_TOUCH:
        for activity in SAMPLE_ACTIVITIES:
            for pair in SAMPLE_PAIRS:
                yield Combination(in_touch, activity, pair[0], pair[1:] or None)
