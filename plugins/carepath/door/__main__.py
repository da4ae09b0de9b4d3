"""The encrypted door in the foreground: `python -m carepath.door`."""

from __future__ import annotations

import sys

from carepath.door import server
from carepath.errors import CarepathError
from carepath.own_files import keep_others_out


def main() -> None:
    """Serve until a signal ends it."""
    keep_others_out()
    try:
        server.run()
    except CarepathError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
