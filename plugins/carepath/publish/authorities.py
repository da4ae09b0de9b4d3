"""Which authorities have published."""

from __future__ import annotations

from carepath.errors import CarepathError
from carepath.warehouse.connect import connect


def only_authority(authority: str | None) -> str:
    """Return the given authority or, when the marts hold just one, that one.

    Raises:
        CarepathError: nothing is published, several are and none was named, or it is unknown.
    """
    with connect("carepath_analyst") as connection:
        known = [
            str(code)
            for (code,) in connection.execute(
                "select distinct authority from ops.publications order by authority"
            )
        ]
    if authority is not None and authority in known:
        return authority
    if not known:
        raise CarepathError("Nothing has been published yet.", todo="run a night first.")
    if authority is None and len(known) == 1:
        return known[0]
    raise CarepathError(
        f"The authority '{authority}' has published nothing."
        if authority
        else "Several authorities have published, and none was named.",
        todo=f"name one of: {', '.join(known)}.",
    )
