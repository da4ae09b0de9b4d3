"""Airflow for one night, in a process that keeps the night alive while it lives.

`python -m carepath.night.driver dags test ...` is `airflow dags test ...` with the night's lock.
The process of Airflow holds the lock itself. If the command that started it is killed, the night
goes on, and no other night can begin. If this process is killed, the lock is free at once.
"""

from __future__ import annotations

from carepath.night.lock import driving


def main() -> None:
    """Run Airflow's command line with the arguments of this process."""
    from airflow.__main__ import main as airflow

    with driving():
        airflow()


if __name__ == "__main__":
    main()
