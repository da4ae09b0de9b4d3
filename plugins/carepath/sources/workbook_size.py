"""Say whether the cells of a workbook fit into memory: a program that `delivered` runs.

A cell at the far corner of a sheet makes its reader ask for memory for all cells before it, up to
400 GB from a file of 1 KB. The reader then ends its whole process. So a process that may not have
much memory opens each workbook first.

It reads the workbook from its standard input. It ends with 0 if the workbook may be read, and with
TOO_LARGE or a signal if not. A damaged workbook may be read: its reader says what is wrong with it.
"""

import io
import resource
import sys
from typing import Final

MOST_CELLS: Final = 10_000_000  # of all sheets; a list of 20,000 children has about 600,000
TOO_LARGE: Final = 3
MEMORY: Final = 3 << 30  # bytes of addresses
SECONDS: Final = 60  # of processor time


def main() -> int:
    """Return the exit code."""
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_CORE, 0),  # a dump would hold the records
    ):
        resource.setrlimit(limit, (most, most))
    from python_calamine import CalamineError, CalamineWorkbook

    cells = 0
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read())) as book:
            for name in book.sheet_names:
                # from the first row and column, where a reader begins, to the last
                row, column = book.get_sheet_by_name(name).end or (-1, -1)
                cells += (row + 1) * (column + 1)
                if cells > MOST_CELLS:
                    return TOO_LARGE
    except (CalamineError, OSError, ValueError):
        return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
