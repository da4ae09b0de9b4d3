"""What Carepath writes is for its own account, whatever the account's umask is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from carepath import doctor
from carepath.own_files import open_for_owner
from carepath.settings import get_settings
from carepath.warehouse.passwords import known_passwords, passwords_file


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty home, in settings that are read again."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("CAREPATH_HOME", str(home))
    get_settings.cache_clear()
    yield home
    get_settings.cache_clear()


def test_exported_file_is_for_its_owner_also_if_others_could_read_it(tmp_path: Path) -> None:
    there, new = tmp_path / "there.csv", tmp_path / "new.csv"
    there.write_text("a longer text than the new one")
    there.chmod(0o666)
    for path in (there, new):
        with open_for_owner(path) as file:
            assert path.stat().st_mode & 0o777 == 0o600
            file.write("case\r\n")
        assert path.read_bytes() == b"\xef\xbb\xbfcase\r\n"
    with open_for_owner(Path("/dev/null")) as file:  # it is no file, so it keeps its mode
        file.write("case")
    assert Path("/dev/null").stat().st_mode & 0o777 == 0o666


def test_command_line_makes_nothing_that_others_can_write_into(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = "import sys; from carepath.cli import main; sys.argv[1:] = ['site', 'init']; main()"
    subprocess.run(
        [sys.executable, "-c", command],
        env={**os.environ, "CAREPATH_HOME": str(home)},
        umask=0,
        check=True,
        capture_output=True,
    )
    made = [home, *home.rglob("*")]
    assert (home / "site" / "targets.csv") in made
    assert [path for path in made if path.stat().st_mode & 0o022] == []


def test_process_dumps_nothing_and_keeps_a_stricter_umask() -> None:
    program = (
        "import os, resource; from carepath.own_files import keep_others_out; keep_others_out();"
        " print(oct(os.umask(0)), resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    for umask, kept in ((0o000, "0o22"), (0o022, "0o22"), (0o077, "0o77")):
        done = subprocess.run(
            [sys.executable, "-c", program], umask=umask, check=True, capture_output=True, text=True
        )
        assert done.stdout.split() == [kept, "0"]


def test_doctor_finds_a_home_that_others_can_write_into(home: Path) -> None:
    passwords_file().write_text("{}")
    passwords_file().chmod(0o640)
    assert "can read" in doctor.home().text
    passwords_file().chmod(0o600)
    assert doctor.home().well
    home.chmod(0o770)
    found = doctor.home()
    assert not found.well
    assert "chmod go-w" in found.text


@pytest.mark.parametrize(
    ("address", "well"),
    [
        ("postgresql://a:a-secret@db.example:5432/postgres?sslmode=verify-full", True),
        ("postgresql://a:a-secret@db.example:5432/postgres?sslmode=require", False),
        ("postgresql://a:a-secret@db.example:5432/postgres", False),
        ("postgresql://a:a-secret@192.0.2.7/postgres", False),
        ("postgresql://a:a-secret@127.0.0.1:5432/postgres", True),
        ("postgresql://a@postgres:5432/postgres", True),
        ("", True),
    ],
)
def test_doctor_finds_a_server_whose_certificate_is_not_checked(
    monkeypatch: pytest.MonkeyPatch, home: Path, address: str, well: bool
) -> None:
    if address:
        monkeypatch.setenv("CAREPATH_WAREHOUSE_URL", address)
    found = doctor.encryption()
    assert found.well == well
    assert ("verify-full" in found.text) != well
    assert "a-secret" not in found.text


def test_passwords_that_processes_add_at_once_are_all_kept(home: Path) -> None:
    program = (
        "import sys; from carepath.warehouse.passwords import password\n"
        "sys.stdin.read()\n"  # until all of them are there
        "for number in range(40): password(f'{sys.argv[1]}_{number}')"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, name], stdin=subprocess.PIPE)
        for name in ("first", "second", "third")
    ]
    for each in started:
        assert each.stdin is not None
        each.stdin.close()
    assert [each.wait(timeout=120) for each in started] == [0, 0, 0]
    kept = {f"{name}_{number}" for name in ("first", "second", "third") for number in range(40)}
    assert known_passwords().keys() == kept
    assert len(set(known_passwords().values())) == len(kept)
    assert [path.name for path in home.iterdir()] == ["passwords.json"]
    assert passwords_file().stat().st_mode & 0o777 == 0o600
