"""dbt's own documentation of the tables, behind the desk's sign-in.

It is the only page of the desk with a script. Its policy lets that one script run, and nothing
else: the page is in a sandbox, so the script is a stranger to Airflow, without its cookies; and it
may neither load nor send anything.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from carepath.desk.guard import POLICY
from carepath.documents.dbt_page import Column, make_dbt_page, read_columns
from carepath.lineage import reading as lineage
from carepath.report import reading

router = APIRouter(prefix="/figures")

WAY_BACK: Final = "[Back to the tables of the stewards' desk](tables)"


@dataclass(frozen=True)
class Answer:
    """The page as it is sent: its text, the same compressed, and its policy."""

    text: bytes
    compressed: bytes
    policy: str


@router.get("/dbt")
def documentation(request: Request) -> Response:
    """Show dbt's documentation of the tables, as readers of the marts see them."""
    found = read_page()
    if found is None:
        raise HTTPException(404)
    headers = {POLICY: found.policy, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found.text, media_type="text/html", headers=headers)
    headers["Content-Encoding"] = "gzip"
    return Response(found.compressed, media_type="text/html", headers=headers)


def read_page() -> Answer | None:
    """Return the page; None if dbt has not written a manifest."""
    newest = lineage.newest_manifest()
    if newest is None:
        return None
    with reading.marts() as connection:
        columns = tuple(read_columns(connection))
    try:
        return _made(*newest, columns)
    except (OSError, ValueError):  # a night is writing the manifest
        return None


@lru_cache(maxsize=1)
def _made(manifest: Path, _changed: int, columns: tuple[Column, ...]) -> Answer:
    """Make the page, once for each manifest and for each catalogue of the marts."""
    page = make_dbt_page(json.loads(manifest.read_text(encoding="utf-8")), columns, WAY_BACK)
    text = page.html.encode()
    return Answer(text, gzip.compress(text, 1), _policy(page.scripts))


def _policy(scripts: tuple[str, ...]) -> str:
    """Return what the page may do. dbt's page gives styles to its parts while it draws them."""
    return (
        f"default-src 'none'; script-src {' '.join(scripts)}; style-src 'unsafe-inline'; "
        "img-src data:; font-src data:; form-action 'none'; frame-ancestors 'none'; "
        "base-uri 'none'; sandbox allow-scripts"
    )
