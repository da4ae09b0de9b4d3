"""Who runs a command: the rule of two people and the audit rest on it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from carepath.quality import waivers

OTHER = next(each for each in pwd.getpwall() if each.pw_uid not in (0, os.getuid()))
MYSELF = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where Linux says who has signed in."""
    monkeypatch.setattr(waivers, "LOGIN", tmp_path / "loginuid")
    monkeypatch.delenv("SUDO_USER", raising=False)
    return tmp_path / "loginuid"


def test_person_is_the_account_that_signed_in_whatever_the_environment_says(
    login: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login.write_text(str(OTHER.pw_uid))
    for name in ("SUDO_USER", "LOGNAME", "USER"):
        monkeypatch.setenv(name, "somebody-else")
    assert waivers.person() == OTHER.pw_name


@pytest.mark.parametrize("kept", [None, str(2**32 - 1), "", str(2**31 - 7)])
def test_person_is_who_called_sudo_where_nobody_signed_in(
    login: Path, monkeypatch: pytest.MonkeyPatch, kept: str | None
) -> None:
    if kept is not None:
        login.write_text(kept)
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")
    assert waivers.person() == MYSELF
    monkeypatch.setenv("SUDO_USER", OTHER.pw_name)
    assert waivers.person() == OTHER.pw_name
