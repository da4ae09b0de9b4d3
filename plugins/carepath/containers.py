"""Carepath in containers: what docker-compose.yml needs besides the ordinary commands.

`env-file` writes the secrets of a deployment. `prepare` sets everything up. `airflow` runs one of
Airflow's services or a worker, and `exec` any other command in the same environment. `env-file`
needs only Python, because it runs outside the containers.
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
    "POSTGRES_PASSWORD": "password of PostgreSQL's administrator, who makes the roles",
    "CAREPATH_ADMIN_PASSWORD": "password of admin on Airflow's pages, until it is changed there",
    "REDIS_PASSWORD": "password of Redis, which only docker-compose.region.yml runs",
}


def write_env_file(path: Path = ENV_FILE) -> bool:
    """Write generated secrets for docker-compose.yml, readable by their owner only.

    Returns:
        False if the file exists. It is left as it is, because the database accepts only the
        passwords that it was made with.
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
    from carepath.service import accounts, configuration

    print("preparing roles, databases and Airflow's metadata", flush=True)  # noqa: T201
    configuration.check_sign_in()
    configuration.initialise()
    accounts.make_admin(
        lambda text: print(text, flush=True),  # noqa: T201
        os.environ["CAREPATH_ADMIN_PASSWORD"],
    )


def airflow_environment(outside: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of an Airflow process in a container.

    It is Carepath's own, but values of docker-compose.yml come first. They say where the service
    listens and where the others find it.
    """
    from carepath.service import configuration

    set_outside = {name: value for name, value in outside.items() if name.startswith("AIRFLOW__")}
    return {**configuration.environment(), **set_outside}


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; return its exit code (`airflow` replaces this process)."""
    parser = argparse.ArgumentParser(prog="python -m carepath.containers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("env-file", help="write the secrets for docker-compose.yml to .env")
    commands.add_parser("prepare", help="set up roles, databases, Airflow's metadata")
    airflow = commands.add_parser("airflow", help="run airflow with Carepath's settings")
    airflow.add_argument("arguments", nargs=argparse.REMAINDER)
    anything = commands.add_parser("exec", help="run any command with Airflow's environment")
    anything.add_argument("arguments", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(arguments)
    if chosen.command == "env-file":
        written = write_env_file()
        print(f"{ENV_FILE}: {'written' if written else 'exists, so it was left as it is'}")  # noqa: T201
        return 0
    from carepath.own_files import keep_others_out

    keep_others_out()
    if chosen.command == "prepare":
        prepare()
    elif chosen.command == "exec":
        os.execvpe(  # noqa: S606
            chosen.arguments[0], chosen.arguments, airflow_environment(os.environ)
        )
    else:
        if chosen.arguments[:1] == ["scheduler"]:
            from carepath.service.configuration import leave_out_missed_nights

            leave_out_missed_nights()
        command = [sys.executable, "-m", "airflow", *chosen.arguments]
        os.execve(sys.executable, command, airflow_environment(os.environ))  # noqa: S606
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
