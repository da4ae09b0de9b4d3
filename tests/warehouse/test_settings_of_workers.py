"""What a worker on another machine has: the settings of the plan, and passwords it cannot write."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from carepath.errors import SettingsError, WarehouseError
from carepath.settings import get_settings
from carepath.site import apply_site, effective_thresholds, follow_night, read_site
from carepath.warehouse import embedded
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import password, passwords_file

OTHER = "REC-03:\n  threshold: 0.5\n  because: Invented for a test.\n"


@contextmanager
def on_a_worker(home: Path) -> Iterator[None]:
    """Work in another home, with the same warehouse."""
    server = f"carepath_administrator@127.0.0.1:{embedded.status().port}"
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("CAREPATH_PASSWORDS_FILE", str(passwords_file()))
        changed.setenv("CAREPATH_WAREHOUSE_URL", f"postgresql://{server}/postgres?sslmode=disable")
        changed.setenv("CAREPATH_HOME", str(home))
        get_settings.cache_clear()
        yield
    get_settings.cache_clear()


def plan(run_id: str) -> None:
    """Record the settings of a night, as its plan does."""
    with connect("carepath_loader") as connection:
        connection.execute(
            "insert into ops.runs (run_id, night) values (%s, '2019-06-30')", (run_id,)
        )
        apply_site(connection, run_id, read_site())


def test_worker_follows_the_settings_of_the_plan_and_refuses_others(
    warehouse: None, tmp_path: Path
) -> None:
    plan("first")
    site = get_settings().home / "site"
    shutil.copytree(site, tmp_path / "site")
    with on_a_worker(tmp_path), connect("carepath_loader") as connection:
        follow_night(connection, "first")
        (tmp_path / "site" / "rules.yml").write_text(OTHER)
        follow_night(connection, "first")  # what changes during a night counts from the next
        assert effective_thresholds() == {}

        with pytest.raises(SettingsError, match=r"differ.*rules\.yml.*copy the folder"):
            follow_night(connection, "second")
        assert effective_thresholds() == {}

        (tmp_path / "site" / "rules.yml").unlink()
        follow_night(connection, "second")


def test_worker_takes_over_a_threshold_that_the_plan_recorded(
    warehouse: None, tmp_path: Path
) -> None:
    rules = get_settings().home / "site" / "rules.yml"
    rules.write_text(OTHER)
    try:
        plan("stricter")
        shutil.copytree(rules.parent, tmp_path / "site")
        with on_a_worker(tmp_path), connect("carepath_loader") as connection:
            follow_night(connection, "stricter")
            assert effective_thresholds()["REC-03"].threshold == 0.5
    finally:
        rules.unlink()
        plan("as before")


def test_passwords_of_another_machine_are_read_and_never_added_to(
    cluster: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(tempfile.mkdtemp())
    mounted = folder / "passwords.json"
    shutil.copy(passwords_file(), mounted)
    mounted.chmod(0o444)
    folder.chmod(0o555)
    before = mounted.read_text()
    monkeypatch.setenv("CAREPATH_PASSWORDS_FILE", str(mounted))
    get_settings.cache_clear()
    try:
        if (child := os.fork()) == 0:  # root could write anywhere
            outcome = 1
            try:
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setuid(pwd.getpwnam("nobody").pw_uid)
                password("bi_reader")
                password("airflow_invented_secret")
            except WarehouseError as error:
                outcome = 0 if "airflow_invented_secret" in str(error) else 2
            finally:
                os._exit(outcome)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert mounted.read_text() == before
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
        folder.chmod(0o755)
        shutil.rmtree(folder)
