"""readers.yml: who sees some authorities and teams only."""

from __future__ import annotations

from pathlib import Path

import pytest

from carepath.errors import SettingsError
from carepath.site.readers import read_readers

TEXT = """
readers:
  - login: bi_ashmere
    authorities: [E09000001]
  - login: caseload_north
    authorities: [E09000001, E09000002]
    teams: [" North ", "South, East"]
desk:
  - person: n.smith
    authorities: [E09000001]
    teams: [North]
"""


def test_logins_and_accounts_are_limited_to_the_teams_that_the_file_names(tmp_path: Path) -> None:
    (tmp_path / "readers.yml").write_text(TEXT)
    found = read_readers(tmp_path)
    assert found.rows() == [
        ("bi_ashmere", "E09000001"),
        ("caseload_north", "E09000001"),
        ("caseload_north", "E09000002"),
    ]
    assert found.team_rows() == [("caseload_north", "North"), ("caseload_north", "South, East")]
    assert found.teams_on_desk("n.smith") == {("E09000001", "North")}
    assert found.teams_on_desk("N.Smith") == {("E09000001", "North")}
    assert found.teams_on_desk("a.other") is None


def test_without_the_file_nobody_is_limited(tmp_path: Path) -> None:
    assert read_readers(tmp_path).team_rows() == []
    assert read_readers(tmp_path).teams_on_desk("n.smith") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('[" North ", "South, East"]', "[]"),  # no team is not all teams
        ("teams: [North]", 'teams: [" "]'),
        ("    teams: [North]\n", ""),
        ("login: bi_ashmere", "login: loader"),
        ("login: bi_ashmere", "login: caseload_north"),
        ("person: n.smith", "person: n.smith\n    role: Admin"),
        ("login: bi_ashmere", "login: carepath_caseload"),
    ],
)
def test_file_that_says_less_or_more_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in TEXT
    (tmp_path / "readers.yml").write_text(TEXT.replace(old, new))
    with pytest.raises(SettingsError):
        read_readers(tmp_path)
