"""One part of the service in the foreground, for systemd: `python -m carepath.service NAME`.

NAME is `prepare`, which sets up the warehouse and Airflow's metadata, a service of Airflow, or
`tls-door`, the encrypted door.
"""

from __future__ import annotations

import argparse
import os
import sys

from carepath.own_files import keep_others_out
from carepath.service.configuration import (
    check_sign_in,
    environment,
    initialise,
    leave_out_missed_nights,
)
from carepath.service.processes import DOOR, SERVICES, note_process


def main() -> None:
    """Prepare, or replace this process by the service."""
    parser = argparse.ArgumentParser(prog="python -m carepath.service", description=__doc__)
    parser.add_argument("name", choices=["prepare", *SERVICES, DOOR])
    name = parser.parse_args().name
    keep_others_out()
    if name == "prepare":
        check_sign_in()
        initialise()
        leave_out_missed_nights()
        return
    note_process(name, os.getpid())
    if name == DOOR:
        # without Airflow's environment, which holds passwords that the door does not need
        os.execv(sys.executable, [sys.executable, "-m", "carepath.door"])  # noqa: S606
    command = [sys.executable, "-m", "airflow", *SERVICES[name]]
    os.execve(sys.executable, command, environment())  # noqa: S606


if __name__ == "__main__":
    main()
