"""The cut-offs: which load of each authority staging shows, and the build is made from.

It is always the last load that gate 1 accepted (docs/adr/0002). Only this module writes
ops.cutoffs.
"""

from __future__ import annotations

from typing import Any

import psycopg

# gate 1's latest decision on each load
DECISIONS = (
    "select distinct on (authority, load_id) authority, load_id, decision"
    " from quality.gate_runs where gate = 1 order by authority, load_id, gate_run_id desc"
)


def show(connection: psycopg.Connection[Any], load_id: int, *, decided_by: str) -> None:
    """Make staging show an authority as at a load."""
    connection.execute(
        "insert into ops.cutoffs (authority, load_id, night, decided_by)"
        " select authority, load_id, night, %(by)s from ops.loads where load_id = %(load)s"
        " on conflict (authority) do update set load_id = excluded.load_id,"
        " night = excluded.night, decided_by = excluded.decided_by",
        {"load": load_id, "by": decided_by},
    )


def show_accepted(connection: psycopg.Connection[Any], authority: str) -> None:
    """Make staging show the authority's last load that gate 1 accepted, or nothing."""
    row = connection.execute(
        f"select load_id from ({DECISIONS}) as latest where authority = %s and decision = 'pass'"
        " order by load_id desc limit 1",
        (authority,),
    ).fetchone()
    if row is None:
        connection.execute("delete from ops.cutoffs where authority = %s", (authority,))
    else:
        show(connection, row[0], decided_by="gate 1")


def show_only_accepted(connection: psycopg.Connection[Any]) -> None:
    """Take back each cut-off that gate 1 has not accepted, such as after a gate was killed."""
    rows = connection.execute(
        f"select authority from ops.cutoffs left join ({DECISIONS}) as latest"
        " using (authority, load_id) where decision is distinct from 'pass' order by authority"
    ).fetchall()
    for (authority,) in rows:
        show_accepted(connection, authority)
