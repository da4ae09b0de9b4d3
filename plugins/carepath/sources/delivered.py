"""The files that a department delivers: a folder, one file, or a zip, and what each of them holds.

A file may have any name. Its first bytes say what it is. Nothing is unpacked to the disk: a file of
a zip is read from the zip.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import subprocess
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, BinaryIO, Final, Literal, Protocol, Self
from urllib.parse import parse_qs

from lxml import etree

from carepath.errors import DeliveryError, SourceError
from carepath.sources import workbook_size
from carepath.sources.kind import Accumulates, SourceSession
from carepath.sources.notes import DeliveryNote
from carepath.sources.spec import SourceSpec, is_authority

MOST_ERRORS: Final = 50
MOST_NOTES_PER_FILE: Final = 200
# Files do not name their authority. If the command line does not either, this is its code.
UNNAMED_AUTHORITY: Final = ("E09900903", "Authority of the files")

Content = Literal["csv", "xml", "workbook", "zip", "other"]

MOST_FILES: Final = 500
LARGEST_FILE: Final = 1 << 30  # bytes, unpacked
LARGEST_ZIP: Final = 2 << 30  # bytes of all its files, unpacked
LARGEST_WORKBOOK: Final = 200 << 20  # bytes, unpacked; a workbook is read as a whole
LARGEST_RATIO: Final = 200  # an unpacked file to its size in the zip; XML has about 30
SMALL: Final = 1 << 20  # bytes; the ratio of a smaller file does no harm

_HEAD: Final = 1 << 16
_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_OLD_WORKBOOK: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_NOT_TEXT: Final = (b"%PDF", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"\x89PNG", b"\xff\xd8\xff")
_DAMAGED: Final = "The workbook is damaged or cut short. Save it again."
_NO_ZIP: Final = (zipfile.BadZipFile, NotImplementedError, ValueError)
_WORKBOOK_PARTS: Final = ("xl/", "content.xml")  # of .xlsx and of .ods


class Tell(Protocol):
    """The function that is called for each error or note: file, line, column, message."""

    def __call__(self, file: str, line: int, column: str, message: str, /) -> None: ...


class Digest(Protocol):
    """A digest that receives every byte of a file."""

    def update(self, data: bytes, /) -> None: ...


BLOCK: Final = 1 << 16  # characters of COPY text sent at a time
# the characters that PostgreSQL's COPY text format escapes with a backslash
_ESCAPES: Final = str.maketrans(
    {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f", "\v": r"\v"}
)


def copy_field(value: str) -> str:
    """Return a value in PostgreSQL's COPY text format; a blank is null."""
    return value.translate(_ESCAPES) if value else r"\N"


def copy_blocks(lines: Iterable[str]) -> Iterator[bytes]:
    """Yield lines of COPY text in blocks."""
    block: list[str] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line)
        if size >= BLOCK:
            yield "".join(block).encode()
            block, size = [], 0
    if block:
        yield "".join(block).encode()


class MalformedFilesError(DeliveryError):
    """Files that cannot be read; `errors` names each place."""

    errors: tuple[DeliveryNote, ...] = ()

    @classmethod
    def of(cls, where: str, errors: Iterable[DeliveryNote], what: str = "return") -> Self:
        """Return the error that lists these places of a return, or of what it is called."""
        ordered = tuple(sorted(errors))
        at_least = "at least " if len(ordered) >= MOST_ERRORS else ""
        count = f"{at_least}{len(ordered)} error{'s' * (len(ordered) != 1)}"
        error = cls(
            f"The {what} has {count}, so nothing was loaded:\n"
            + "\n".join(f"  {each}" for each in ordered)
            + "\n",
            where=where,
            todo=f"Correct these places in the recording system and export the {what} again. Then "
            "run the night again.",
        )
        error.errors = ordered
        return error


class EnoughErrorsError(Exception):
    """MOST_ERRORS have been found."""


@dataclass
class Notices:
    """The errors and notes found so far."""

    errors: list[DeliveryNote] = field(default_factory=list)
    notes: list[DeliveryNote] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def error(self, file: str, line: int, column: str, message: str) -> None:
        """Keep an error.

        Raises:
            EnoughErrorsError: it was the last that is listed.
        """
        self.errors.append(DeliveryNote(file, line, column, message))
        if len(self.errors) >= MOST_ERRORS:
            raise EnoughErrorsError

    def note(self, file: str, line: int, column: str, message: str) -> None:
        """Keep a note, up to a limit for each file."""
        self.counts[file] += 1
        if self.counts[file] <= MOST_NOTES_PER_FILE:
            self.notes.append(DeliveryNote(file, line, column, message))

    def all_notes(self) -> tuple[DeliveryNote, ...]:
        """Return the notes in order, with a word on those that were left out."""
        more = [
            DeliveryNote(file, 0, "", f"{count - MOST_NOTES_PER_FILE} more notes are left out.")
            for file, count in self.counts.items()
            if count > MOST_NOTES_PER_FILE
        ]
        return tuple(sorted([*self.notes, *more]))


class FileSession:
    """What every session of checked files has in common; each file is opened again when it is read.

    Attributes:
        period: the collection year, as text; None if the files have none.
        accumulates: the contract's tables in which the rows of earlier files stay, as in
            `SourceSession`. In the others, the latest files replace them.
        is_partial: always true, because files fill only some of the contract's tables.
        parallel: None, because there is no limit.
    """

    def __init__(
        self, period: str | None, accumulates: Accumulates, notes: Iterable[DeliveryNote]
    ) -> None:
        self.period = period
        self.accumulates = accumulates
        self.is_partial = True
        self.parallel: int | None = None
        self._notes = sorted(notes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing is held open between two reads."""

    def notes(self) -> list[DeliveryNote]:
        """Return what a person should put right, although the files were loaded."""
        return list(self._notes)


def new_digest() -> hashlib.blake2b:
    """Return the digest that shows whether a file changed between two readings."""
    return hashlib.blake2b(digest_size=16)


@dataclass(frozen=True)
class DeliveredFile:
    """One file.

    Attributes:
        path: the file, or the zip that holds it.
        member: its name in the zip; None for a file of a folder.
        content: what its first bytes say that it is.
        root: the name of the outermost element of an XML file, without its namespace.
    """

    path: Path
    member: str | None
    content: Content
    root: str = ""

    @property
    def name(self) -> str:
        """The name that messages use."""
        return self.path.name if self.member is None else f"{self.path.name}/{self.member}"

    def open(self, _mode: Literal["rb"] = "rb", /) -> BinaryIO:
        """Open the file for reading.

        Raises:
            OSError: the file went away or is damaged.
        """
        return _open(self.path, self.member)


@dataclass(frozen=True)
class FileReader:
    """What reads one kind of files; a module of this package declares its own as `READER`.

    Attributes:
        title: what people call the files.
        order: if two kinds of files fill a table, the one with the smaller number delivers it.
        reads: says whether a file is of the kind.
        open: checks the files, with the collection year if one was given, and opens them. Raises
            MalformedFilesError.
    """

    title: str
    order: int
    reads: Callable[[DeliveredFile], bool]
    open: Callable[
        [str, Sequence[DeliveredFile], int | None], AbstractContextManager[SourceSession]
    ]


class DigestedFile(io.RawIOBase):
    """A file that gives every byte that is read to a digest."""

    def __init__(self, file: BinaryIO, digest: Digest) -> None:
        self._file, self._digest = file, digest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = read_some(self._file, len(buffer))
        self._digest.update(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def read_some(file: BinaryIO, size: int) -> bytes:
    """Read from a file of a folder or a zip.

    Raises:
        OSError: the file is damaged; a zip's own errors are turned into this one.
    """
    try:
        return file.read(size)
    except (zipfile.BadZipFile, EOFError, RuntimeError, ValueError, zlib.error) as error:
        raise OSError(type(error).__name__) from None


def opened(file: DeliveredFile, digest: Digest) -> io.BufferedReader:
    """Open a file whose bytes go to a digest."""
    return io.BufferedReader(DigestedFile(file.open(), digest), 1 << 16)


def find_files(path: Path, tell: Tell, note: Tell) -> list[DeliveredFile]:
    """Return the files of a folder, of a zip, or the one file, in order of name.

    A zip in the folder counts as its files. A file with neither text nor a workbook is left out
    with a note.

    Args:
        path: a folder, a file or a zip.
        tell: called for each error: nothing there, a zip that could do harm, a damaged one.
        note: called for each file that is left out.
    """
    try:
        if path.is_file():
            return list(_of_file(path, tell, note))
        if not path.is_dir():
            tell(path.name, 0, "", "There is no such file or folder. Check the path.")
            return []
        folder = path.resolve()
        entries = sorted(each for each in path.iterdir() if not each.name.startswith((".", "~")))
    except OSError:
        tell(path.name, 0, "", "It cannot be opened. Give the account the right to read it.")
        return []
    found: list[DeliveredFile] = []
    inner = False
    if len(entries) > MOST_FILES:
        tell(
            path.name, 0, "", f"The folder holds more than {MOST_FILES} files. Give a smaller one."
        )
        return []
    for entry in entries:
        if not entry.resolve().is_relative_to(folder):
            tell(entry.name, 0, "", "The link leads out of the folder. Put the file itself there.")
        elif entry.is_dir():
            inner = True
            note(entry.name, 0, "", "The folder inside was not read. Give it as a source itself.")
        elif entry.is_file():
            found += _of_file(entry, tell, note)
    if not found:
        tell(
            path.name,
            0,
            "",
            "The folder holds no file that can be read."
            + (" Give the folder of one return inside it." if inner else ""),
        )
    return found


def has_file(path: Path) -> bool:
    """Say whether there is a file at a path, or in the folder at that path."""
    try:
        return path.is_file() or any(each.is_file() for each in path.iterdir())
    except OSError:  # not there, or not readable
        return False


def _of_file(path: Path, tell: Tell, note: Tell) -> Iterator[DeliveredFile]:
    try:
        with path.open("rb") as file:
            content = _content(file, path)
        if content == "zip":
            yield from _of_zip(path, tell, note)
            return
        if content == "workbook" and not _is_safe_workbook(path.name, path.open("rb"), tell):
            return
        if path.stat().st_size > LARGEST_FILE:
            tell(path.name, 0, "", "The file is larger than 1 GB. Export a smaller period.")
            return
    except OSError:
        tell(path.name, 0, "", "The file cannot be opened. Give the account the right to read it.")
        return
    if content == "other":
        note(path.name, 0, "", "The file was not read: it is not CSV, XML, a workbook or a zip.")
        return
    yield DeliveredFile(path, None, content, _root(path, None) if content == "xml" else "")


def _of_zip(path: Path, tell: Tell, note: Tell) -> Iterator[DeliveredFile]:
    """Yield the files of a zip that can do no harm; nothing if one of them could."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = _files_in(archive)
    except _NO_ZIP:
        tell(path.name, 0, "", "The zip is damaged or cut short. Make it again.")
        return
    if refusal := _refusal(members, LARGEST_ZIP):
        tell(path.name, 0, "", refusal)
        return
    found = 0
    for member in sorted(members, key=lambda each: each.filename):
        pure = PurePosixPath(member.filename)
        if any(part.startswith((".", "~", "__MACOSX")) for part in pure.parts):
            continue
        name = f"{path.name}/{member.filename}"
        try:
            with closing(_open(path, member.filename)) as file:
                content = _content(file, path, member.filename)
        except OSError:
            tell(name, 0, "", "The file in the zip is damaged. Make the zip again.")
            continue
        if content == "zip":
            tell(name, 0, "", "The zip holds another zip. Take the inner one out and give it.")
        elif content == "other":
            note(name, 0, "", "The file was not read: it is not CSV, XML or a workbook.")
        elif content != "workbook" or _is_safe_workbook(name, _open(path, member.filename), tell):
            found += 1
            root = _root(path, member.filename) if content == "xml" else ""
            yield DeliveredFile(path, member.filename, content, root)
    if not found:
        tell(path.name, 0, "", "The zip holds no file that can be read. Make it again.")


def _files_in(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    # a name may be blank, which `is_dir` of Python 3.11 cannot read
    return [each for each in archive.infolist() if not each.filename.endswith("/")]


def _refusal(members: list[zipfile.ZipInfo], largest: int) -> str | None:
    """Return why a zip could do harm, and what to do; None if it cannot."""
    if len(members) > MOST_FILES:
        return f"The zip holds more than {MOST_FILES} files. Make one of the return's files only."
    for member in members:
        pure = PurePosixPath(member.filename.replace("\\", "/"))
        if not pure.parts:  # `.`, which is no file
            return "The zip holds a file without a name. Make it again."
        if pure.is_absolute() or ".." in pure.parts or ":" in pure.parts[0]:
            return (
                "The zip holds a path that leaves its folder, so nothing of it was read. Make a"
                " zip of the files themselves."
            )
        if member.flag_bits & 0x1:
            return "The zip has a password. Make one without a password, or unpack it."
        if (member.external_attr >> 16) & 0o170000 == 0o120000:
            return "The zip holds a link instead of a file. Make a zip of the files themselves."
        if member.file_size > max(SMALL, member.compress_size * LARGEST_RATIO):
            return (
                f"A file of the zip would unpack to more than {LARGEST_RATIO} times its size, so"
                " nothing of it was read. Give the files without a zip."
            )
    if sum(member.file_size for member in members) > largest:
        return (
            f"The files of the zip have more than {largest >> 20} MB when unpacked, so nothing of"
            " it was read. Give the files without a zip, or a smaller period."
        )
    if len({member.filename for member in members}) < len(members):
        return "The zip holds two files with one name. Make it again."
    return None


def _is_safe_workbook(name: str, file: BinaryIO, tell: Tell) -> bool:
    """Say whether a workbook may be opened; tell the reason if not."""
    refusal = None
    try:
        with file:
            content = read_some(file, LARGEST_WORKBOOK + 1)
    except OSError:
        content = b""
    if not content:
        refusal = _DAMAGED
    elif len(content) > LARGEST_WORKBOOK:
        refusal = "The workbook holds more than a list can. Save it again as .xlsx."
    elif content.startswith(_ZIP):  # an old workbook (.xls) is not compressed
        refusal = _refusal_of_parts(content)
    if refusal is None and not _fits(content):
        refusal = (
            "A sheet has more rows and columns than can be read. Delete what stands far below or to"
            " the right of the records, and save it again."
        )
    if refusal:
        tell(name, 0, "", refusal)
    return refusal is None


def _refusal_of_parts(content: bytes) -> str | None:
    """Return why a workbook, which is a zip itself, could do harm; None if it cannot."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = _files_in(archive)
    except _NO_ZIP:
        return _DAMAGED
    if _refusal(members, LARGEST_WORKBOOK):
        return "The workbook holds more than a list can. Save it again as .xlsx."
    return None


def _fits(content: bytes) -> bool:
    """Say whether all cells of a workbook fit into memory, as another process finds out."""
    # -P: the modules of this folder do not stand in for others
    program = [sys.executable, "-P", workbook_size.__file__]
    done = subprocess.run(program, input=content, capture_output=True, check=False)
    return done.returncode == 0


def _open(path: Path, member: str | None) -> BinaryIO:
    if member is None:
        return path.open("rb")
    try:
        archive = zipfile.ZipFile(path)
        try:
            file = archive.open(member)
        finally:
            archive.close()  # the zip itself stays open until its file is closed
    except (zipfile.BadZipFile, NotImplementedError, KeyError, RuntimeError, ValueError) as error:
        raise OSError(type(error).__name__) from None
    return file  # type: ignore[return-value]


def _content(file: BinaryIO, path: Path, member: str | None = None) -> Content:
    """Return what a file is by its first bytes."""
    head = read_some(file, _HEAD)
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        return "workbook" if _has_workbook(path, member) else "zip"
    if head.startswith(_OLD_WORKBOOK):
        return "workbook"
    if head.startswith(_NOT_TEXT):
        return "other"
    return "xml" if first_text(head).startswith("<") else "csv"


def _has_workbook(path: Path, member: str | None) -> bool:
    try:
        with _open(path, member) as file, zipfile.ZipFile(file) as archive:
            return any(name.startswith(_WORKBOOK_PARTS) for name in archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, ValueError, OSError):
        return False


def first_text(head: bytes) -> str:
    """Return the beginning of a file as text, without a byte order mark and leading blanks."""
    encoding = "utf-8"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
        head = head[: len(head) // 2 * 2]
    elif head[:4] == b"<\0?\0":
        encoding = "utf-16-le"
    elif head[:4] == b"\0<\0?":
        encoding = "utf-16-be"
    return head.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n")


def _root(path: Path, member: str | None) -> str:
    """Return the name of an XML file's outermost element; empty if the file has none."""
    parser = etree.XMLPullParser(
        events=("start",), resolve_entities=False, no_network=True, load_dtd=False
    )
    with closing(_open(path, member)) as file:
        try:
            for _ in range(16):
                parser.feed(read_some(file, 4096))
                if root := _first_name(parser):
                    return root
        except (etree.XMLSyntaxError, OSError):
            pass
    return _first_name(parser)  # what is damaged may be behind it


def _first_name(parser: etree.XMLPullParser) -> str:
    try:
        for _event, element in parser.read_events():
            return local_name(element)
    except etree.XMLSyntaxError:
        pass
    return ""


def local_name(element: Any) -> str:
    """Return the name of an element without its namespace, whatever stands there as a name.

    The parser gives an element that is called `a:-b` before it refuses it, and lxml's QName does
    not take such a name.
    """
    return str(element.tag).rpartition("}")[2]


def parse_files_url(scheme: str, url: str) -> tuple[Path, int | None]:
    """Return path and collection year of `SCHEME:PATH` or `SCHEME:PATH?period=2018`.

    Raises:
        SourceError: the URL is of another scheme, or the period is not a collection year.
    """
    if not url.startswith(scheme):
        raise SourceError("This URL names no files.", where=url, todo=f"Write {scheme}FOLDER.")
    path, _, query = url.removeprefix(scheme).partition("?")
    period = parse_qs(query).get("period", [""])[-1]
    if period and not (period.isdigit() and 2000 <= int(period) <= 2100):
        raise SourceError(
            f"{period} is not a collection year.",
            where=path,
            todo="Give the year of the return's last day, 31 March, such as ?period=2018.",
        )
    return Path(path).expanduser(), int(period) if period else None


def files_named_by(
    scheme: str,
    url: str,
    listed: Sequence[SourceSpec],
    unnamed: tuple[str, str] = UNNAMED_AUTHORITY,
) -> SourceSpec:
    """Return the source of `SCHEME:PATH`, or of `SCHEME:PATH?authority=E09900001`.

    All files of one authority and scheme belong to one source, wherever they are, so that the years
    follow each other.

    Args:
        scheme: with its colon.
        url: as a person wrote it; its path may be relative to the current folder.
        listed: the sources that are listed already, for the authority's name.
        unnamed: code and name of the authority if the URL names none.

    Raises:
        SourceError: the authority is not an ONS code.
    """
    query = parse_qs(url.partition("?")[2])
    authority = query.get("authority", [unnamed[0]])[-1].upper()
    try:
        is_authority(authority)
    except ValueError as error:
        what, _, todo = str(error).partition(" | ")
        raise SourceError(what, where=url, todo=todo) from None
    known = {spec.authority: spec.authority_name for spec in listed} | dict([unnamed])
    return SourceSpec(
        name=f"{scheme.removesuffix(':')}-{authority.lower()}",
        authority=authority,
        authority_name=known.get(authority, authority),
        url=absolute_files_url(scheme, url),
    )


def absolute_files_url(scheme: str, url: str) -> str:
    """Return `SCHEME:PATH` with an absolute path."""
    path, mark, query = url.removeprefix(scheme).partition("?")
    return f"{scheme}{Path(path).expanduser().resolve()}{mark}{query}"
