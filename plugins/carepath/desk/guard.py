"""Stands around the whole application: nobody passes who has not signed in.

Airflow leaves a plugin's application open. A dependency of FastAPI would not cover its static
files or unknown addresses, so this is a middleware: it sees each request before the routes do.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carepath.desk import PREFIX
from carepath.desk.pages import render
from carepath.desk.people import Identify
from carepath.errors import SettingsError
from carepath.site.directory import PROVIDER, read_directory

COOKIE: Final = "_token"  # Airflow's cookie of a session
PERSON: Final = "carepath.person"  # where a request keeps who sent it
BASE: Final = "carepath.base"  # where the desk begins, before all its addresses

POLICY: Final = "Content-Security-Policy"
HEADERS: Final = {
    POLICY: "default-src 'none'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NOT_KEPT: Final = "no-store"
STATIC_KEPT: Final = "private, max-age=3600"


class SignedInOnly:
    """Answers 401 to a caller who has not signed in, and 403 to one without a role of the desk."""

    def __init__(self, app: ASGIApp, identify: Identify) -> None:
        self.app = app
        self.identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the person who sent it, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif (refusal := await self._refusal(scope)) is not None:
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        token = HTTPConnection(scope).cookies.get(COOKIE)
        person = await self.identify(token) if token else None
        if person is None:
            page = render("sign_in.html", sign_in=sign_in_address(scope))
            return HTMLResponse(page, status_code=401)
        if not person.may_enter:
            page = render(
                "no_role.html", name=person.name, sign_out=f"{outside(scope)}/auth/logout"
            )
            return HTMLResponse(page, status_code=403)
        # a form of another site cannot carry this header's value; older browsers send none
        site = Headers(scope=scope).get("sec-fetch-site", "none")
        if scope["method"] not in ("GET", "HEAD") and site not in ("same-origin", "none"):
            return HTMLResponse(render("refused.html"), status_code=403)
        scope[PERSON] = person
        scope[BASE] = scope.get("root_path", "")  # routing to a mounted folder changes root_path
        return None


class ProtectedAnswers:
    """Says to the browser what it may do with an answer, and that it must not keep it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to each answer, also to refusals and errors."""

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    # only dbt's documentation brings a policy of its own
                    if name != POLICY or POLICY not in headers:
                        headers[name] = value
                is_static = "/static/" in scope["path"] and message["status"] == 200
                headers["Cache-Control"] = STATIC_KEPT if is_static else NOT_KEPT
            await send(message)

        await self.app(scope, receive, send_protected)


def outside(scope: Scope) -> str:
    """Return where Airflow's own pages begin: blank unless a web server puts them in a folder."""
    return str(scope.get("root_path", "")).removesuffix(PREFIX)


def sign_in_address(scope: Scope) -> str:
    """Return the address of Airflow's sign-in, which leads back to the page that was asked for."""
    wanted = str(scope["path"])
    if query := scope.get("query_string", b"").decode("latin-1"):
        wanted = f"{wanted}?{query}"
    return f"{outside(scope)}/auth/login/{_directory()}?next={quote(wanted, safe='')}"


def _directory() -> str:
    """Return the name of the council's directory if people sign in with it; blank if not."""
    try:
        return PROVIDER if read_directory() else ""
    except SettingsError:  # the service does not start with such a file
        return ""
