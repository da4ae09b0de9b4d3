"""People who are delivered again after their records were disposed of."""

from __future__ import annotations

from typing import Any, Final

import psycopg

RETURNED: Final = """
select count(distinct upper(btrim(pers_person_id)))
from history.ssd_person
where authority = %(authority)s and to_load is null and btrim(pers_person_id) <> ''
    and identity.disposed_hash(authority, upper(btrim(pers_person_id))) in (
        select person_hash from identity.disposed_people where authority = %(authority)s
    )
"""


def delivered_again(connection: psycopg.Connection[Any], authority: str) -> int:
    """Return how many people are delivered now whose records were disposed of."""
    known = connection.execute(
        "select exists (select from identity.disposed_people where authority = %s)", (authority,)
    ).fetchone()
    if known != (True,):
        return 0
    row = connection.execute(RETURNED, {"authority": authority}).fetchone()
    return int(row[0]) if row else 0
