"""What a person sends with a form, and proof that the form is one of our pages.

The browser sends the session's cookie with each request, also with one that another site makes it
send. So each form carries a proof that only our own pages can write.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException, Request

from carepath.desk.guard import PERSON
from carepath.desk.people import Person
from carepath.warehouse.passwords import password

PROOF: Final = "proof"  # the field of a form that holds it
VALID_SECONDS: Final = 12 * 3600  # a working day
LARGEST: Final = 64_000  # bytes of a form


@dataclass(frozen=True)
class Form:
    """A form that one of our own pages sent. A field that is missing is blank."""

    fields: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "").strip()


def proof_for(person: Person, now: float | None = None) -> str:
    """Return the proof for the forms of a page that this person sees. Each is different."""
    issued = f"{now or time.time():.3f}"
    return f"{issued}-{_signature(person, issued)}"


def is_proof(person: Person, proof: str, now: float | None = None) -> bool:
    """Return whether this person got the proof with a page in the last twelve hours."""
    issued, _, signature = proof.partition("-")
    if not hmac.compare_digest(signature.encode(), _signature(person, issued).encode()):
        return False
    return 0 <= (now or time.time()) - float(issued) <= VALID_SECONDS


def person_who_asks(request: Request) -> Person:
    """Return who sent the request. The guard has put them there."""
    person: Person = request.scope[PERSON]
    return person


async def posted_form(request: Request) -> Form:
    """Return the fields of a form.

    Raises:
        HTTPException: 403 if the form has no valid proof, 413 if it is too large.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise HTTPException(413)
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if not is_proof(person_who_asks(request), fields.get(PROOF, "")):
        raise HTTPException(403)
    return Form(fields)


Asker = Annotated[Person, Depends(person_who_asks)]
Posted = Annotated[Form, Depends(posted_form)]


def _signature(person: Person, issued: str) -> str:
    key = password("desk_forms").encode()
    return hmac.new(key, f"{person.user_id} {issued}".encode(), hashlib.sha256).hexdigest()
