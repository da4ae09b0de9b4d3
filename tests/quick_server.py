"""The embedded server of a home as the tests start it: a commit does not wait for the disk."""

from __future__ import annotations

from carepath.warehouse import embedded
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR


def start() -> embedded.Server:
    """Start the server of this home, which no longer asks the disk to write at once.

    A commit waits for the disk so that it survives the end of the machine. No test ends the
    machine. What a killed server had committed is still in the operating system's memory.
    """
    server = embedded.start()
    with connect(ADMINISTRATOR, "postgres", autocommit=True) as admin:
        admin.execute("alter system set fsync = off")
        admin.execute("alter system set full_page_writes = off")
        admin.execute("select pg_reload_conf()")
    return server
