"""The address of a source: it fills in environment variables, and never shows any part.

Values are put into the parsed URL, so they may hold any character. A driver's message may name a
host, a user or a password, so it passes through `Address.hide` before anybody sees it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from carepath.errors import SourceError
from carepath.sources.spec import VARIABLE, SourceSpec

HIDDEN: Final = "***"
SHORTEST: Final = 3  # characters; a shorter value is part of many words


@dataclass(frozen=True)
class Address:
    """A database's URL, and the values in it that must never be shown."""

    url: URL = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def hide(self, text: str) -> str:
        """Return a text without the secrets, in plain or encoded form."""
        forms = {form for secret in self.secrets for form in (secret, quote(secret, safe=""))}
        for form in sorted(forms, key=len, reverse=True):
            if len(form) >= SHORTEST:
                text = text.replace(form, HIDDEN)
        return text


def resolve(spec: SourceSpec) -> Address:
    """Return a source's address with `${NAME}` replaced from the environment.

    Raises:
        SourceError: a variable is not set, or the URL cannot be read.
    """
    values: list[str] = []

    def value(found: re.Match[str]) -> str:
        try:
            values.append(os.environ[found[1]])
        except KeyError:
            raise SourceError(
                f"The environment variable {found[1]} is not set.",
                where=f"source {spec.name}",
                todo="Set it where Airflow's workers run, or correct sources.yml.",
            ) from None
        return quote(values[-1], safe="")

    text = VARIABLE.sub(value, spec.url)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise unreadable(spec) from None
    if "@" in (url.host or ""):
        # the rest of a password would be taken for the host, and logged with it
        raise SourceError(
            "The URL has more than one @.",
            where=f"source {spec.name}",
            todo="Write an @ that belongs to the user or the password as %40, or put the "
            "password into an environment variable and write ${NAME}.",
        )
    # SQLAlchemy decodes only the user, the password and the options
    return address(
        url.set(host=_decoded(url.host, values), database=_decoded(url.database, values)), values
    )


def address(url: URL, secrets: list[str]) -> Address:
    """Return a URL as an address; its password is always a secret."""
    return Address(url, (*secrets, *([str(url.password)] if url.password else [])))


def unreadable(spec: SourceSpec) -> SourceError:
    """Return the error for a URL that cannot be read."""
    return SourceError(
        "The URL of the source cannot be used.",
        where=f"source {spec.name}",
        todo="Write it as dialect+driver://user:password@host:port/database, for example "
        "postgresql://reader:${PASSWORD}@db.example:5432/reporting.",
    )


def _decoded(text: str | None, values: list[str]) -> str | None:
    for value in values:
        text = text and text.replace(quote(value, safe=""), value)
    return text
