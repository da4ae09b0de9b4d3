"""What this process makes belongs to its account: nobody else may write into it."""

from __future__ import annotations

import os
import resource
import stat
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
