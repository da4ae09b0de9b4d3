"""Carepath in containers: what docker-compose.yml needs beside the ordinary commands.

`env-file` writes the secrets of a deployment, `prepare` sets everything up once, `airflow` runs
one of Airflow's services. `env-file` needs nothing but Python, since it runs outside.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ENV_FILE = Path(__file__).resolve().parents[2] / ".env"
SECRETS = {
    "POSTGRES_PASSWORD": "PostgreSQL's administrator; used when roles are made",
    "CAREPATH_ADMIN_PASSWORD": "the account admin of Airflow's pages, until it is changed there",
}


def write_env_file(path: Path = ENV_FILE) -> bool:
    """Write generated secrets for docker-compose.yml, readable by their owner only.

    Returns:
        False if there was such a file: it is left as it is, for a database made with its
        passwords opens to no others.
    """
    lines = [
        line
        for name, purpose in SECRETS.items()
        for line in (f"# {purpose}", f"{name}={secrets.token_urlsafe(24)}")
    ]
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return True


def prepare() -> None:
    """Make roles, databases, tables, Airflow's metadata and its administrator. Idempotent.

    Raises:
        WarehouseError: PostgreSQL or Airflow refused; the message says where.
    """
    from carepath import orchestration

    print("preparing roles, databases and Airflow's metadata", flush=True)  # noqa: T201
    orchestration.initialise()
    orchestration.make_admin(
        lambda text: print(text, flush=True),  # noqa: T201
        os.environ["CAREPATH_ADMIN_PASSWORD"],
    )


def airflow_environment(outside: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of an Airflow process in a container.

    Carepath's own, except that what docker-compose.yml sets (where the service listens and
    where the others find it) comes first.
    """
    from carepath import orchestration

    set_outside = {name: value for name, value in outside.items() if name.startswith("AIRFLOW__")}
    return {**orchestration.environment(), **set_outside}


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; return its exit code (`airflow` replaces this process)."""
    parser = argparse.ArgumentParser(prog="python -m carepath.containers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("env-file", help="write the secrets for docker-compose.yml to .env")
    commands.add_parser("prepare", help="set up roles, databases, Airflow's metadata")
    airflow = commands.add_parser("airflow", help="run airflow with Carepath's settings")
    airflow.add_argument("arguments", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(arguments)
    if chosen.command == "env-file":
        written = write_env_file()
        print(f"{ENV_FILE}: {'written' if written else 'already there, left as it is'}")  # noqa: T201
    elif chosen.command == "prepare":
        prepare()
    else:
        command = [sys.executable, "-m", "airflow", *chosen.arguments]
        os.execve(sys.executable, command, airflow_environment(os.environ))  # noqa: S606
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
