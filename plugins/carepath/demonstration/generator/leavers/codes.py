"""The two snapshots, the groups of care leavers, and the codes that are recorded of them."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from carepath.demonstration.evaluation_report import BASELINE, FOLLOW_UP
from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.rows import day_number

Floats = npt.NDArray[np.float64]


YEAR: Final = 365.25
FIRST: Final = day_number(BASELINE)
SECOND: Final = day_number(FOLLOW_UP)
# Children and Social Work Act 2017, section 3: support to 25 for everyone who asks
EXTENDED_DUTY: Final = day_number(date(2018, 4, 3))
BOTH, FIRST_ONLY, SECOND_ONLY, LATER, NEVER_ELIGIBLE = range(5)
LATER_COUNT: Final = 24
NEVER_ELIGIBLE_COUNT: Final = 46

# what the evaluation report does not print: those of the cohort who are left out of its table 15
CLOSED: Final = {FIRST: 5, SECOND: 66}
CLOSED_UASC: Final = {FIRST: 0, SECOND: 20}
DISABILITIES: Final = {FIRST: 4, SECOND: 9}

EET, NEET = 0, 1
YES, NO, DIED, REFU, NREQ, RHOM = range(6)
RELEVANT, FORMER_RELEVANT, ELIGIBLE, QUALIFYING, NONE = range(5)
ACTIVITY: Final = {code: position for position, code in enumerate(say.ACTIVITIES)}
LETTER: Final = {code: position for position, code in enumerate(say.ACCOMMODATION)}
NEED: Final = {code: position for position, code in enumerate(say.NEEDS)}
NOT_RECORDED: Final = -1
NEED_MEASURES: Final = {
    "N1 abuse or neglect": NEED["N1"],
    "N2 child's disability": NEED["N2"],
    "N3 parental illness or disability": NEED["N3"],
    "N4 family in acute stress": NEED["N4"],
    "N5 family dysfunction": NEED["N5"],
    "N6 socially unacceptable behaviour": NEED["N6"],
    "N7 low income": NEED["N7"],
    "N8 absent parenting": NEED["N8"],
    "N9 cases other than children in need": NEED["N9"],
    "not recorded": NOT_RECORDED,
}
