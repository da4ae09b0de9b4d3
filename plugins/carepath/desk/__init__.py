"""The stewards' desk: pages inside Airflow, at /desk, behind Airflow's own sign-in.

Airflow gets the pages from its plugin (carepath_airflow.py). They are made on the server from
templates and run no script.

- app: the application, and what surrounds every page of it
- people: who has signed in, and what their roles let them do
- guard: refuses a caller who has not signed in; what a browser may do with a page
- forms: what a person sends, and proof that it came from one of our pages
- pages: fills the templates
- ahead: draws pages of figures after a publication
- the other modules: one for each page, with what it reads
"""

from __future__ import annotations

import asyncio
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX: Final = "/desk"


class Desk:
    """The application, made on its first request.

    All of Airflow's processes import the plugin, but only the API server needs the pages.
    """

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._lock: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application."""
        if self._app is None:
            self._app = await self._made()
        await self._app(scope, receive, send)

    async def _made(self) -> ASGIApp:
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            if self._app is None:
                # its imports take a second, in which the server answers others
                return await asyncio.to_thread(_make)
            return self._app


def _make() -> ASGIApp:
    from carepath.desk.ahead import keep_drawing
    from carepath.desk.app import create_app

    Thread(target=keep_drawing, args=(Event(),), name="pages ahead", daemon=True).start()
    return create_app()
