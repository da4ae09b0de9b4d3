"""Write the files of a return: for the account that runs it only, and never over another file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from carepath.audit import note
from carepath.errors import CarepathError
from carepath.logs import service_log
from carepath.quality.waivers import person
from carepath.returns.remarks import Remark


@dataclass(frozen=True)
class Written:
    """A return that was written.

    Attributes:
        files: each with its number of rows or children.
        remarks: what the return cannot say as the records have it.
        is_valid: whether it follows its schema. A CSV has none, so it is always true there.
    """

    files: Mapping[Path, int]
    remarks: tuple[Remark, ...]
    is_valid: bool = True


def write_files(
    kind: str, authority: str, year: int | None, contents: Mapping[Path, tuple[bytes, int]]
) -> dict[Path, int]:
    """Write files with mode 0600, and keep who wrote them in the audit and in the log.

    Args:
        kind: the name of the return.
        authority: whose records they are.
        year: the collection year, if the return has one.
        contents: the bytes of each file, and its number of rows or children.

    Raises:
        CarepathError: one of the files exists already; nothing is written.
    """
    for path in contents:
        if path.exists():
            raise CarepathError(
                f"There is already a file {path.name}, and Carepath does not write over it.",
                where=str(path.parent),
                todo="name a new file or folder.",
            )
    counts = ", ".join(f"{path.name}: {count}" for path, (_, count) in contents.items())
    note(f"exported the return {kind}", f"{year or ''} {counts}".strip(), authority)
    for path, (data, _) in contents.items():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(data)
    service_log().info(
        "return_written",
        written_by=person(),
        kind=kind,
        authority=authority,
        year=year,
        files={str(path): count for path, (_, count) in contents.items()},
    )
    return {path: count for path, (_, count) in contents.items()}
