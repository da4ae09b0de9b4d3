"""The demonstration: invented boroughs, their four nights, and the comparison with RR1034.

RR1034 is the evaluation report of Face to Face Pathways (Department for Education, July 2020). The
generator invents a recording system whose records carry the figures of that report.
"""

from __future__ import annotations

from typing import Final

# The codes of invented authorities begin with this. No code of the ONS does.
INVENTED: Final = "E099"
# The first of them, whose records carry the figures of the evaluation report.
REPORTED: Final = f"{INVENTED}00001"
