"""Which version of the code a night ran with."""

from __future__ import annotations

import subprocess
from functools import cache

from carepath import __version__
from carepath.settings import PROJECT_ROOT


@cache
def code_version() -> str:
    """Return the release and, in a checkout, the commit: `0.1.0+3f2a91c` (`.changed` if edited)."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=.changed", "--exclude=*"],  # noqa: S607
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return f"{__version__}+{described}"
