"""A page for the person who asked for it."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from carepath.desk import PREFIX
from carepath.desk.forms import person_who_asks, proof_for
from carepath.desk.guard import BASE
from carepath.desk.pages import render


def page(request: Request, template: str, *, status: int = 200, **facts: object) -> HTMLResponse:
    """Return a page, with the way to the other pages and the proof for its forms.

    Args:
        request: what the person asked for.
        template: as for `render`.
        status: of HTTP.
        facts: what the template shows.
    """
    person = person_who_asks(request)
    base = request.scope[BASE]
    text = render(
        template,
        base=base,
        outside=base.removesuffix(PREFIX),
        here=request.scope["path"].removeprefix(base),
        person=person,
        proof=proof_for(person),
        **facts,
    )
    return HTMLResponse(text, status_code=status)
