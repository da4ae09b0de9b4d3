"""The errors a person sees: each says what happened, where, and what to do next."""

from __future__ import annotations

import re


class CarepathError(Exception):
    """A failure that a person can act on.

    Args:
        what: what happened, in one sentence.
        where: the source, table, column or file concerned; empty if none.
        todo: what the reader should do next; empty if nothing can be done.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        self.what, self.where, self.todo = what, where, todo
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        what = self.what if place else self.what[:1].upper() + self.what[1:]
        action = f" What to do: {_sentence(self.todo)}" if self.todo else ""
        return f"{place}{_sentence(what)}{action}"

    def __reduce__(self) -> tuple[object, ...]:
        # keyword-only arguments would otherwise be lost between Airflow's processes
        return _rebuild, (type(self), self.what, self.where, self.todo)


def _sentence(text: str) -> str:
    """Return the text with the full stop that ends a sentence, if it has none yet."""
    text = text.strip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _rebuild(kind: type[CarepathError], what: str, where: str, todo: str) -> CarepathError:
    return kind(what, where=where, todo=todo)


class SettingsError(CarepathError):
    """A setting is missing or contradicts another."""


class WarehouseError(CarepathError):
    """The warehouse cannot be reached, started or migrated."""


class SourceError(CarepathError):
    """A recording system cannot be reached or does not keep its contract."""


class DeliveryError(CarepathError):
    """A delivery is malformed, truncated or out of order. None of it was kept."""


class StatisticsError(CarepathError):
    """A file of published statistics cannot be understood. None of it was kept."""


class NightError(CarepathError):
    """Another night is running or has taken over. The refused night has changed nothing."""


class WaiverError(CarepathError):
    """A waiver is refused, or waits for a second person. Nothing was waived."""


class GateHeldError(CarepathError):
    """A gate holds the figures. The marts keep those of the last accepted night."""


class PublicationError(CarepathError):
    """The marts could not be published or rolled back. They are as they were."""


class RetentionError(CarepathError):
    """A hold, a request or a disposal is refused. Everything is as it was."""


class DisclosureError(CarepathError):
    """The figures could not be protected. None of them was released."""


DISK_FULL = "53100"  # PostgreSQL's code


def safe_message(error: BaseException) -> str:
    """Return an error's text without values of a record.

    PostgreSQL puts values of rows into DETAIL and CONTEXT, so only its primary message is kept.
    Data that this message quotes (`invalid input syntax ...: "1990-13-01"`) is cut out. It reads
    errors of psycopg, psycopg2 (dbt) and SQLAlchemy.
    """
    error = getattr(error, "orig", None) or error
    diagnostics = getattr(error, "diag", None)
    if diagnostics is None:
        return str(error)
    if diagnostics.sqlstate == DISK_FULL:
        return "the warehouse's disk is full. docs/growth.md says what may be deleted"
    primary = diagnostics.message_primary or type(error).__name__
    if (diagnostics.sqlstate or "").startswith("22"):  # a data exception quotes data
        primary = re.sub(r'"[^"]*"', '"..."', primary)
    head, quoted, _ = primary.partition(': "')
    return head if quoted else primary


def reason(error: BaseException) -> str:
    """Return why something failed, without a library's own text: it may quote a record."""
    known = isinstance(error, (CarepathError, OSError)) or hasattr(error, "diag")
    return safe_message(error) if known else type(error).__name__
