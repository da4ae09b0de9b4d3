"""The digest of the morning: for each team, how many findings are open, new and holding figures.

It is off until `site/desk.yml` names who gets it. It holds counts, names of teams and links. It
holds nothing about a young person.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from apprise import NotifyType
from psycopg.rows import class_row

from carepath.dates import written
from carepath.errors import CarepathError
from carepath.service.alerts import send
from carepath.settings import get_settings
from carepath.site.desk import Digest, read_desk
from carepath.warehouse.connect import connect

log = logging.getLogger(__name__)

COUNTS: Final = """
select
    count(*)::integer as open_count,
    count(*) filter (where failing_since = night)::integer as new_count,
    count(*) filter (where is_holding)::integer as holding_count,
    min(failing_since) as oldest
from quality.work_list
where
    (%(team)s = '' or %(team)s = any(teams))
    and (%(authority)s = '' or authority = %(authority)s)
"""


@dataclass(frozen=True)
class Counts:
    """How many findings a team has."""

    open_count: int
    new_count: int
    holding_count: int
    oldest: dt.date | None


def send_digests(run_id: str) -> None:
    """Send each team its digest after a night. A digest that cannot be sent stops nothing."""
    try:
        digests = read_desk().digests
        for digest in digests:
            addresses = os.environ.get(digest.addresses, "").split()
            if not addresses:
                log.error("The variable %s holds no address of a digest.", digest.addresses)
                continue
            title, body = digest_of(digest, run_id)
            send(title, body, to=addresses, kind=NotifyType.INFO)
    except CarepathError as error:
        log.error("The digests could not be sent: %s", error)


def digest_of(digest: Digest, run_id: str) -> tuple[str, str]:
    """Return the title and the text of a team's digest."""
    with connect("carepath_desk") as connection:
        counts = (
            connection.cursor(row_factory=class_row(Counts))
            .execute(COUNTS, {"team": digest.team, "authority": digest.authority})
            .fetchone()
        )
        run = connection.execute(
            "select night, state from ops.runs where run_id = %s", (run_id,)
        ).fetchone()
    about = digest.team or "all teams"
    night = f" after the night of {written(run[0])}" if run else ""
    lines = [_outcome(run[1]) if run else "The last night failed before it began."]
    if counts is None or not counts.open_count or counts.oldest is None:
        lines.append("No record fails a rule. There is nothing to put right.")
    else:
        lines += [
            f"Open findings: {counts.open_count:,}. New: {counts.new_count:,}. "
            f"Holding figures: {counts.holding_count:,}.",
            f"The oldest has been open since {written(counts.oldest)}.",
            f"All: {_link(digest)}",
        ]
        if counts.new_count:
            lines.append(f"New: {_link(digest, age='new')}")
        if counts.holding_count:
            lines.append(f"Holding figures: {_link(digest, holding='yes')}")
    return f"Carepath: work list of {about}{night}", "\n\n".join(lines)


def _outcome(state: str) -> str:
    said = {
        "published": "The figures were published.",
        "partly": "The figures of some authorities were published, and those of others held.",
        "held": "The figures are held.",
    }
    return said.get(state, "The night failed, so the figures stay as they were.")


def _link(digest: Digest, **more: str) -> str:
    wanted = {"team": digest.team, "authority": digest.authority, **more}
    kept = urlencode({name: value for name, value in wanted.items() if value})
    return f"{get_settings().pages_url}/desk/work-list{f'?{kept}' if kept else ''}"
