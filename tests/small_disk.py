"""A small disk in memory, for tests of a full one."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MISSING = "no right to mount a small disk (root has it)"


@contextmanager
def mounted(megabytes: int) -> Iterator[Path | None]:
    """Give an empty folder that is a disk of its own; None without the right to mount one."""
    folder = Path(tempfile.mkdtemp(prefix="carepath-disk-"))
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "carepath", str(folder)],
        capture_output=True,
        check=False,
    )
    try:
        if mount.returncode:
            yield None
            return
        yield folder
        subprocess.run(["umount", str(folder)], check=True)
    finally:
        folder.rmdir()
