"""`carepath doctor` in the terminal: what is set, what is default, and nothing cut off."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from carepath.settings import get_settings
from carepath.terminal.doctor import print_examination

pytestmark = pytest.mark.usefixtures("warehouse")


def printed(width: int, source: str | None) -> tuple[bool, str]:
    out = io.StringIO()
    return print_examination(Console(file=out, width=width), source), out.getvalue()


def test_all_sources_of_an_empty_list_are_not_well() -> None:
    assert not get_settings().sources_file.exists()
    well, text = printed(80, "all")
    assert not well
    assert "No source is listed, so there is nothing to compare with the contract." in text


@pytest.mark.parametrize("width", [80, 140])
def test_doctor_says_what_is_set_and_what_is_default_within_its_width(width: int) -> None:
    _, text = printed(width, None)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    (targets,) = (line for line in text.splitlines() if "targets.csv" in line)
    assert "yours, 7" in targets
    (timescales,) = (line for line in text.splitlines() if "timescales.csv" in line)
    assert "default, 8" in timescales
