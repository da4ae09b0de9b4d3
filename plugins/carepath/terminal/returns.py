"""What `carepath return` prints: the files, and what they cannot say as the records have it."""

from __future__ import annotations

from rich.console import Console

from carepath.returns import Written


def print_written(console: Console, written: Written) -> None:
    """Print each file with its rows, then each remark with its count."""
    if written.remarks:
        console.print("Look at these before you send the return:")
    for each in written.remarks:
        console.print(
            f"  {each.place}: {each.message} ({each.count:,})", markup=False, soft_wrap=True
        )
    if not written.is_valid:
        console.print("The file does not follow the schema until they are corrected.")
    for path, count in written.files.items():
        console.print(f"Written: {path} ({count:,})", markup=False, soft_wrap=True)
    console.print("The files hold children's records. Only your account may read them.")
