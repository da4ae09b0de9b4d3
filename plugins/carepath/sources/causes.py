"""Why a database failed, in fixed words: what happened, and what to do about it.

A driver's own message may quote a record, an address or a password, so none of it is passed on.
Only its meaning is, and the number under which the database's manual explains it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Cause:
    """What a failure means and what to do about it; `code` is the database's number for it."""

    words: str
    todo: str
    code: str = ""

    def __str__(self) -> str:
        return f"{self.words} ({self.code})" if self.code else self.words


HOST: Final = Cause(
    "the name of its host is not known",
    "Correct the host in the source's address, or have the name added to your network's DNS.",
)
REFUSED: Final = Cause(
    "nothing answers at its host and port",
    "Check that the database is running, that its address in sources.yml is right, and that no "
    "firewall is in the way.",
)
UNREACHABLE: Final = Cause(
    "this machine cannot reach its host",
    "Check the network between this machine and the database, and its address in sources.yml.",
)
TIMEOUT: Final = Cause(
    "it did not answer in time",
    "Check that the database is up and not overloaded, and that no firewall is in the way.",
)
PASSWORD: Final = Cause(
    "it refuses the user or the password",
    "Correct the user in sources.yml, or the environment variable that holds the password.",
)
EXPIRED: Final = Cause(
    "the account is locked, or its password has expired",
    "Have the database's administrator unlock the account, with a password that does not expire.",
)
MACHINE: Final = Cause(
    "it does not allow this user from this machine (in PostgreSQL: pg_hba.conf)",
    "Have the database's administrator allow the account from this machine.",
)
DATABASE: Final = Cause(
    "it has no such database or user, or the user may not connect to it",
    "Correct the database in the source's address, or have the account made and let in.",
)
FULL: Final = Cause(
    "its connections are all in use",
    "Run the night when fewer people are connected, or have the limit raised.",
)
STARTING: Final = Cause("it is starting or stopping", "Wait until the database is up.")
ENCRYPTION: Final = Cause(
    "no encrypted connection could be made",
    "Check the certificates and the options for TLS in the source's address.",
)
CLOSED: Final = Cause(
    "it closed the connection",
    "Check that the database is up and was not restarted. Then run the night again.",
)
OPTION: Final = Cause(
    "an option of its URL cannot be used",
    "Remove the option from the source's address, or correct its spelling.",
)
DRIVER: Final = Cause(
    "the system's own driver for it is not installed or not found",
    "Install the driver that the URL names (docs/sources.md), or correct its name.",
)
RIGHTS: Final = Cause(
    "permission denied for its user",
    "Grant the account SELECT on what is named here. If it is a view, check its rights too.",
)
ABSENT: Final = Cause(
    "there is no such table, view or column",
    "If the source is being rebuilt, run the night again when it has ended. If not, correct the "
    "schema in sources.yml, or build the table.",
)
BROKEN: Final = Cause(
    "the view refers to something that is gone or may not be read",
    "Repair the view in the source, or remove it.",
)
LOCKED: Final = Cause(
    "another session keeps it locked",
    "Run the night again when the other session has ended. If the source is always rebuilt at "
    "this time, start the night later.",
)
REBUILT: Final = Cause(
    "it was changed or replaced while it was being read",
    "Run the night again when the rebuild has ended. If the source is always rebuilt at this time, "
    "start the night later.",
)
SNAPSHOT: Final = Cause(
    "the database does not allow snapshot isolation",
    "Have its administrator run: ALTER DATABASE <name> SET ALLOW_SNAPSHOT_ISOLATION ON.",
)
SLOW: Final = Cause(
    "the query took longer than the database allows",
    "If it is a view, have it made faster, or filled into a table before the night.",
)
SPACE: Final = Cause(
    "it has no space or memory left",
    "Have the database's administrator make room. Then run the night again.",
)
FILE: Final = Cause(
    "its file cannot be opened",
    "Correct the path in sources.yml, and let the account that runs Carepath read the file and "
    "its folder.",
)
DAMAGED: Final = Cause(
    "its file is damaged, or is not a database",
    "Copy the file again, while nothing writes into it.",
)
ENCODING: Final = Cause(
    "a text is not valid in the character set that the database states",
    "Have the text corrected at the source. Files made from Latin-1 must be converted to UTF-8.",
)
VALUE: Final = Cause(
    "a value cannot be computed or read",
    "If it is a view, look for a conversion that fails on some record.",
)
UNKNOWN: Final = Cause(
    "the database reported an error",
    "Look up the number in the database's manual, or ask its administrator.",
)

# Found in the text of an error, in this order, where no number says more.
_PATTERNS: Final = (
    ("unknown keyword|unexpected keyword", OPTION),  # first: it quotes the keyword
    ("could not decode|codec can't", ENCODING),
    (
        r"resolve host|translate host name|name or service not known|getaddrinfo|nodename|0x2af9",
        HOST,
    ),
    # Microsoft's driver gives the numbers of Windows, on Linux too
    ("connection refused|actively refused|0x274d|0x2749", REFUSED),
    ("no route to host|unreachable", UNREACHABLE),
    ("timeout|timed out", TIMEOUT),
    ("password authentication failed|no password supplied|login failed|access denied", PASSWORD),
    ("pg_hba.conf", MACHINE),
    ("permission denied", DATABASE),
    ("does not exist", DATABASE),
    ("too many clients|too many connections|slots are reserved", FULL),
    ("starting up|shutting down|recovery mode", STARTING),
    ("ssl|certificate|gssapi|tls", ENCRYPTION),
    ("closed|terminat|lost|gone away|reset by peer|broken pipe", CLOSED),
    ("can't open lib|data source name not found|libodbc", DRIVER),
    ("invalid|option", OPTION),
)

# MySQL and MariaDB: the server's numbers, and from 2000 the client's.
_MYSQL: Final = {
    1040: FULL, 1203: FULL, 1226: FULL,
    1044: DATABASE, 1046: DATABASE, 1049: DATABASE,
    1045: PASSWORD, 1251: PASSWORD, 1698: PASSWORD, 1820: EXPIRED, 1862: EXPIRED, 4151: EXPIRED,
    1129: MACHINE, 1130: MACHINE,
    1053: STARTING, 1077: STARTING,
    1142: RIGHTS, 1143: RIGHTS, 1227: RIGHTS, 1370: RIGHTS,
    1054: ABSENT, 1146: ABSENT, 1356: BROKEN, 1449: BROKEN, 1305: BROKEN,
    1205: LOCKED, 1213: LOCKED, 1412: REBUILT, 1020: REBUILT,
    1969: SLOW, 3024: SLOW, 1317: SLOW,
    1037: SPACE, 1038: SPACE, 1021: SPACE, 28: SPACE,
    1927: CLOSED, 2006: CLOSED, 2013: CLOSED, 2055: CLOSED,
    2002: REFUSED, 2003: REFUSED, 2005: HOST, 2026: ENCRYPTION,
    1194: DAMAGED, 1366: ENCODING,
    1292: VALUE, 1365: VALUE, 1690: VALUE,
}  # fmt: skip

# SQL Server, whose ODBC messages hold the number in brackets.
_MSSQL: Final = {
    18456: PASSWORD, 18452: PASSWORD, 18486: EXPIRED, 18487: EXPIRED, 18488: EXPIRED,
    4060: DATABASE, 911: DATABASE, 916: DATABASE, 40615: MACHINE,
    229: RIGHTS, 230: RIGHTS, 297: RIGHTS, 300: RIGHTS,
    207: ABSENT, 208: ABSENT, 4413: BROKEN, 4502: BROKEN,
    1222: LOCKED, 1205: LOCKED, 3960: REBUILT, 3961: REBUILT, 3952: SNAPSHOT,
    701: SPACE, 1105: SPACE, 9002: SPACE, 17809: FULL, 6005: STARTING, 18401: STARTING,
    241: VALUE, 242: VALUE, 245: VALUE, 8114: VALUE, 8115: VALUE, 8134: VALUE,
}  # fmt: skip

# Microsoft's driver mssql-python leaves the number out: the words of the server, in this order.
_MSSQL_WORDS: Final = (
    ("cannot open server", MACHINE), ("cannot open database", DATABASE),
    ("locked out|password of the account", EXPIRED), ("login failed", PASSWORD),
    ("permission was denied", RIGHTS), ("invalid object name|invalid column name", ABSENT),
    ("binding errors", BROKEN), ("lock request time out|deadlocked", LOCKED),
    ("snapshot isolation is not allowed", SNAPSHOT), ("snapshot isolation transaction", REBUILT),
    ("insufficient system memory|could not allocate", SPACE),
    ("conversion failed|error converting|overflow error|divide by zero", VALUE),
)  # fmt: skip

# What mssql-python says instead of a SQLSTATE.
_MSSQL_STATES: Final = {
    "Client unable to establish connection": "08001", "Connection not open": "08003",
    "Server rejected the connection": "08004", "Communication link failure": "08S01",
    "Disconnect error": "08S01", "Timeout expired": "HYT00",
    "Connection timeout expired": "HYT01", "Invalid authorization specification": "28000",
    "Base table or view not found": "42S02", "Column not found": "42S22",
    "Syntax error or access violation": "42000", "Serialization failure": "40001",
}  # fmt: skip

_ORACLE: Final = {
    "ORA-01017": PASSWORD, "ORA-28000": EXPIRED, "ORA-28001": EXPIRED,
    "ORA-12514": DATABASE, "ORA-12505": DATABASE, "ORA-01045": DATABASE,
    "DPY-6001": DATABASE, "DPY-6003": DATABASE,
    "ORA-12545": HOST, "ORA-12541": REFUSED, "ORA-12543": UNREACHABLE, "DPY-6005": REFUSED,
    "ORA-12170": TIMEOUT, "DPY-4024": TIMEOUT, "ORA-01033": STARTING, "ORA-01034": STARTING,
    "ORA-01089": STARTING, "ORA-12516": FULL, "ORA-12520": FULL, "ORA-00018": FULL,
    "ORA-00020": FULL, "ORA-29024": ENCRYPTION, "ORA-28759": ENCRYPTION,
    "ORA-01031": RIGHTS, "ORA-41900": RIGHTS, "ORA-00942": ABSENT, "ORA-00904": ABSENT,
    "ORA-04063": BROKEN, "ORA-00980": BROKEN,
    "ORA-00054": LOCKED, "ORA-00060": LOCKED, "ORA-30006": LOCKED,
    "ORA-01466": REBUILT, "ORA-08103": REBUILT, "ORA-08176": REBUILT, "ORA-08177": REBUILT,
    "ORA-01555": REBUILT, "ORA-01410": REBUILT,
    "ORA-03113": CLOSED, "ORA-03114": CLOSED, "ORA-03135": CLOSED, "DPY-4011": CLOSED,
    "DPY-1001": CLOSED, "ORA-00028": CLOSED, "ORA-02396": CLOSED, "ORA-01013": SLOW,
    "ORA-01652": SPACE, "ORA-04031": SPACE, "ORA-01722": VALUE, "ORA-01843": VALUE,
    "ORA-01847": VALUE, "ORA-01476": VALUE, "ORA-01858": VALUE, "ORA-01861": VALUE,
}  # fmt: skip

_SQLITE: Final = {
    "SQLITE_BUSY": LOCKED, "SQLITE_LOCKED": LOCKED, "SQLITE_CANTOPEN": FILE, "SQLITE_PERM": FILE,
    "SQLITE_READONLY": FILE, "SQLITE_AUTH": RIGHTS, "SQLITE_NOTADB": DAMAGED,
    "SQLITE_CORRUPT": DAMAGED, "SQLITE_IOERR": DAMAGED, "SQLITE_FULL": SPACE,
    "SQLITE_NOMEM": SPACE, "SQLITE_SCHEMA": REBUILT, "SQLITE_ERROR": BROKEN,
    "SQLITE_INTERRUPT": SLOW,
}  # fmt: skip

# SQLSTATE, of PostgreSQL and ODBC: the whole state first, then its first two characters.
_SQLSTATE: Final = {
    "28P01": PASSWORD, "28": PASSWORD, "3D": DATABASE, "3F": DATABASE, "57P03": STARTING,
    "57P01": CLOSED, "57P02": CLOSED, "57014": SLOW, "53300": FULL, "53": SPACE,
    "42501": RIGHTS, "42S02": ABSENT, "42S22": ABSENT, "42P01": ABSENT, "42703": ABSENT,
    "42883": BROKEN, "55P03": LOCKED, "40": LOCKED, "25P03": CLOSED, "22": VALUE, "P0": VALUE,
    "IM": DRIVER, "HYT": TIMEOUT, "08S01": CLOSED, "08": UNREACHABLE,
}  # fmt: skip

# numbers of these only say that there is no connection; the text may say why
_VAGUE: Final = frozenset(each.words for each in (REFUSED, UNREACHABLE, CLOSED, TIMEOUT))
_NO_CONNECTION: Final = (HOST, REFUSED, UNREACHABLE, TIMEOUT, ENCRYPTION)


def cause_of(error: BaseException) -> Cause:
    """Return the meaning of what a driver raised."""
    error = getattr(error, "orig", None) or error
    text = str(error)
    said = by_text(text)
    found = _numbered(error, text)
    if found is None:
        return said or UNKNOWN
    return said if found.words in _VAGUE and said in _NO_CONNECTION else found


def by_text(text: str) -> Cause | None:
    """Return the meaning of a text without a number; None if it is not known."""
    return next((cause for words, cause in _PATTERNS if re.search(words, text, re.I)), None)


def by_state(sqlstate: str) -> Cause:
    """Return the meaning of a SQLSTATE."""
    for length in (5, 3, 2):
        if found := _SQLSTATE.get(sqlstate[:length]):
            return Cause(found.words, found.todo, sqlstate)
    return Cause(UNKNOWN.words, UNKNOWN.todo, sqlstate)


def _numbered(error: BaseException, text: str) -> Cause | None:
    """Return what the numbers in an error mean; None if it has none."""
    if isinstance(error, TimeoutError):
        return TIMEOUT
    if isinstance(error, OSError):  # of the network; its number is the system's
        return None
    if isinstance(said := getattr(error, "driver_error", None), str):
        return _of_mssql_python(said, text)
    first = error.args[0] if error.args else None
    if isinstance(first, int):
        return _with(_MYSQL.get(first, UNKNOWN), f"error {first}")
    if name := getattr(error, "sqlite_errorname", None):
        short = "_".join(str(name).split("_")[:2])  # without what extends it
        return _with(_SQLITE.get(short, UNKNOWN), short)
    if number := re.search(r"\b(?:ORA|DPY)-\d{4,5}\b", text):
        return _with(_ORACLE.get(number[0], UNKNOWN), number[0])
    if state := getattr(error, "sqlstate", None) or getattr(error, "pgcode", None):
        return by_state(str(state))
    if isinstance(first, str) and re.fullmatch(r"[0-9A-Z]{5}", first):
        for number in re.finditer(r"\((\d{3,5})\)", text):
            if known := _MSSQL.get(int(number[1])):
                return _with(known, f"error {number[1]}")
        return by_state(first)
    return None


def _of_mssql_python(said: str, text: str) -> Cause | None:
    """Return what Microsoft's driver means, which gives neither a number nor a SQLSTATE."""
    state = _MSSQL_STATES.get(said)
    for words, cause in _MSSQL_WORDS:
        if re.search(words, text, re.I):
            return _with(cause, state) if state else cause
    return by_state(state) if state else None


def _with(cause: Cause, code: str) -> Cause:
    return Cause(cause.words, cause.todo, code)
