"""Files of several kinds as one source: `files:PATH`, a folder, a zip or one file.

Each package beside this module that has a `READER` reads one kind of files. The content of a file
says which kind it is. If two kinds fill a table, one of them delivers it, and a note says so; only
the people come from all of them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache, partial
from types import TracebackType
from typing import Final

import carepath.sources as package
from carepath.contract.model import Table, load_contract
from carepath.errors import DeliveryError
from carepath.sources.delivered import (
    DeliveredFile,
    EnoughErrorsError,
    FileReader,
    FileSession,
    MalformedFilesError,
    Notices,
    absolute_files_url,
    files_named_by,
    find_files,
    has_file,
    parse_files_url,
)
from carepath.sources.kind import Kind, SourceColumn, SourceSession
from carepath.sources.notes import notes_of
from carepath.sources.spec import SourceSpec

SCHEME: Final = "files:"
PEOPLE: Final = "ssd_person"  # the table that all kinds of files fill together


@lru_cache(maxsize=1)
def readers() -> tuple[FileReader, ...]:
    """Return every reader of files, the one that is asked first at the beginning."""
    names = [found.name for found in pkgutil.iter_modules(package.__path__) if found.ispkg]
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    found: list[FileReader] = [module.READER for module in modules if hasattr(module, "READER")]
    return tuple(sorted(found, key=lambda reader: reader.order))


class FilesSource:
    """Files as a source; see docs/sources_files.md.

    Args:
        spec: its url is `files:PATH`, optionally with `?period=2018`, the collection year of the
            returns among them, for when the data do not show it.
    """

    kind: Final = "files"

    def __init__(self, spec: SourceSpec) -> None:
        self.name = spec.name
        self.authority = spec.authority
        self.path, self.period = parse_files_url(SCHEME, spec.url)

    def reach(self) -> None:
        """Look for the files; without any, `open` says so at once.

        Raises:
            MalformedFilesError: there is no file.
        """
        if not has_file(self.path):
            self.open()

    def open(self) -> FilesSession:
        """Check all files.

        Raises:
            MalformedFilesError: names file, line and column of all errors (up to 50) of one kind.
        """
        notices = Notices()
        files: dict[FileReader, list[DeliveredFile]] = {}
        try:
            for file in find_files(self.path, notices.error, notices.note):
                reader = next((each for each in readers() if each.reads(file)), None)
                if reader:
                    files.setdefault(reader, []).append(file)
                else:
                    what = "The file was not read: it is of no kind that Carepath knows."
                    notices.note(file.name, 0, "", what)
            if not files and not notices.errors:
                what = "No file of a kind that Carepath knows was found. Check the path."
                notices.error(self.path.name, 0, "", what)
        except EnoughErrorsError:
            pass
        if notices.errors:
            raise MalformedFilesError.of(f"files {self.path.name}", notices.errors)
        with ExitStack() as stack:
            sessions = [
                (reader, stack.enter_context(reader.open(self.path.name, found, self.period)))
                for reader, found in sorted(files.items(), key=lambda each: each[0].order)
            ]
            return FilesSession(sessions, notices, stack.pop_all())


class FilesSession(FileSession):
    """The checked files of several kinds."""

    def __init__(
        self,
        sessions: Sequence[tuple[FileReader, SourceSession]],
        notices: Notices,
        stack: ExitStack,
    ) -> None:
        self._sessions = [session for _, session in sessions]
        self._stack = stack
        self._described = [session.describe() for session in self._sessions]
        self._deliverers: dict[str, SourceSession] = {}
        titles: dict[str, str] = {}
        for (reader, session), described in zip(sessions, self._described, strict=True):
            for table in described:
                self._deliverers.setdefault(table, session)
                first = titles.setdefault(table, reader.title)
                if first != reader.title and table != PEOPLE:
                    what = f"{table} comes from {first} and not from {reader.title} as well."
                    notices.note(reader.title, 0, "", what)
        years = {session.period for session in self._sessions if session.period}
        if len(years) > 1:
            stack.close()
            raise DeliveryError(
                f"The files are of different collection years: {', '.join(sorted(years))}.",
                where="files",
                todo="Put the files of each year into a folder of their own.",
            )
        accumulates = {
            table: session.accumulates[table]
            for table, session in self._deliverers.items()
            if table in session.accumulates
        }
        notes = (note for session in self._sessions for note in notes_of(session))
        super().__init__(next(iter(years), None), accumulates, [*notices.all_notes(), *notes])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def describe(self) -> dict[str, list[SourceColumn]]:
        """Return the contract's tables that the files fill, with the columns that they fill."""
        described: dict[str, list[SourceColumn]] = {}
        for each in self._described:
            for table, columns in each.items():
                if table == PEOPLE:
                    known = {column.name for column in described.get(table, [])}
                    more = [column for column in columns if column.name not in known]
                    described[table] = [*described.get(table, []), *more]
                else:
                    described.setdefault(table, columns)
        return described

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        """Return a table in PostgreSQL's COPY text format, a block at a time."""
        if table.name != PEOPLE:
            return self._deliverers[table.name].stream(table, columns)
        return self._people(table, columns)

    def _people(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        """Yield each person once, as the first kind of files that knows the person says."""
        (key,) = load_contract().tables[PEOPLE].natural_key
        asked = [*columns, key]  # the last field is the id, which is cut off again
        known: set[bytes] = set()
        for session, described in zip(self._sessions, self._described, strict=True):
            has = {column.name for column in described.get(PEOPLE, [])}
            if not has:
                continue
            names = [name if name in has else None for name in asked]
            of_session: set[bytes] = set()
            rest = b""
            for block in session.stream(table, names):
                *lines, rest = (rest + block).split(b"\n")
                kept = []
                for line in lines:
                    row, _, person = line.rpartition(b"\t")
                    if person.upper() not in known:
                        of_session.add(person.upper())
                        kept.append(row + b"\n")
                yield b"".join(kept)
            known |= of_session

    def count_now(self, _tables: Collection[Table], /) -> Mapping[str, int]:
        """Return nothing: each kind of files notices itself if a file changes."""
        return {}


KIND: Final = Kind(
    example="files:FOLDER",
    handles=lambda url: url.startswith(SCHEME),
    source=FilesSource,
    named_by=partial(files_named_by, SCHEME),
    absolute=partial(absolute_files_url, SCHEME),
    files_as=FilesSource.kind,
)
