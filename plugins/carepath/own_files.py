"""What this process makes belongs to its account: nobody else may write into it."""

from __future__ import annotations

import fcntl
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


def keep_others_out() -> None:
    """Let no other account write into files that this process and its children make.

    A dump after a crash would hold records, so none is made.
    """
    os.umask(os.umask(0o077) | 0o022)
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def open_for_owner(path: Path) -> TextIO:
    """Open a CSV file for writing that only its owner can read, also if it exists already."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)  # before anything is written into it
            os.ftruncate(descriptor, 0)
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")


def replace_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file as a whole, so that nobody reads half of it.

    If root works in the home of another account, the file belongs to the owner of its folder.
    """
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
        os.fchmod(descriptor, mode)
        if os.geteuid() == 0:
            folder = path.parent.stat()
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
    partial.rename(path)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Let one process at a time change the files of a folder, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
