"""The application: the routes of all pages, and what surrounds them."""

from __future__ import annotations

import logging
import traceback

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carepath.desk import (
    behind,
    dbt_documentation,
    decisions,
    figures,
    record,
    rule_book,
    tables,
    tonight,
    trends,
    waivers,
    work_list,
)
from carepath.desk.answers import page
from carepath.desk.guard import ProtectedAnswers, SignedInOnly
from carepath.desk.pages import STATIC
from carepath.desk.people import Identify, person_of
from carepath.errors import WarehouseError, safe_message

log = logging.getLogger(__name__)


def create_app(identify: Identify = person_of) -> FastAPI:
    """Return the application.

    Args:
        identify: who a session's cookie belongs to; by default as Airflow says.
    """
    app = FastAPI(title="Carepath: the stewards' desk", openapi_url=None)
    modules = (
        tonight, figures, behind, tables, dbt_documentation, work_list, record, waivers, decisions,
        rule_book, trends,
    )  # fmt: skip
    for module in modules:
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_found)
    app.add_middleware(ErrorsInWords)
    app.add_middleware(SignedInOnly, identify=identify)
    app.add_middleware(ProtectedAnswers)
    return app


def _refused(request: Request, error: Exception) -> HTMLResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    template = {403: "not_allowed.html", 409: "not_possible.html"}.get(status, "not_found.html")
    detail = error.detail if isinstance(error, HTTPException) and status == 409 else ""
    return page(request, template, status=status, detail=detail)


def _not_found(request: Request, _: Exception) -> HTMLResponse:
    return page(request, "not_found.html", status=404, detail="")


class ErrorsInWords:
    """Answers a fault of ours with a page. The log gets no value of a record.

    FastAPI's own handler would pass the error on to the server, which logs all of its text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and answer it if that fails."""
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            answer = _broken(Request(scope), error)
            if not has_begun:
                await answer(scope, receive, send)


def _broken(request: Request, error: Exception) -> HTMLResponse:
    if isinstance(error, WarehouseError):
        log.error("The desk cannot read the warehouse: %s", error)
        return page(request, "no_warehouse.html", status=503)
    is_safe = isinstance(error, psycopg.Error)
    log.error(
        "A page of the desk failed: %s %s\n%s",
        type(error).__name__,
        safe_message(error) if is_safe else "",
        "".join(traceback.format_tb(error.__traceback__)),
    )
    return page(request, "broken.html", status=500)
