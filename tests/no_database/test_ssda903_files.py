"""layout.yml and mapping.yml: what is wrong in them is named with table, column and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from carepath.errors import SettingsError
from carepath.sources.ssda903.layout import LAYOUT, read_layout
from carepath.sources.ssda903.mapping import MAPPING, read_mapping

HEADER = "header:\n  title: Header\n  columns:\n    CHILD: {type: id, required: true}\n"
PERSON = (
    "ssd_person:\n  accumulates: true\n  from:\n    - table: header\n      columns:\n"
    "        pers_person_id: CHILD\n        pers_sex: {column: SEX, codes: {'1': M}}\n"
)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("type: id", "type: key", "layout.yml, header, columns, CHILD: .*unknown type key"),
        ("required: true", "required: 1", "required 1 is not true or false"),
        ("  title: Header\n", "", "layout.yml, header: title is missing"),
        ("title:", "titel:", "unknown entry titel|title is missing"),
        ("{type: id, required: true}", "[id]", "columns, CHILD"),
    ],
)
def test_wrong_layout_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in HEADER
    file = tmp_path / "layout.yml"
    file.write_text(HEADER.replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        read_layout(file)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("accumulates: true", "accumulate: true", "mapping.yml, ssd_person"),
        ("table: header", "table: headers", "The return has no table headers"),
        (": CHILD", ": KID", "The table header has no column KID"),
        ("column: SEX, ", "", "A rule has a column"),
        ("codes: {'1': M}", "codes: {'1': M}, value: x", "One rule has both value and codes"),
        ("codes:", "code:", "unknown entry code"),
        ("codes: {'1': M}", "matching: '('", "matching"),
        ("codes: {'1': M}", "part: size", "unknown part size"),
        ("  from:", "  replaces: [pers_dob]\n  from:", "No rule fills the column pers_dob"),
        (
            "accumulates: true",
            "accumulates: false\n  replaces: [pers_sex]",
            "Only a table that accumulates can have `replaces`",
        ),
    ],
)
def test_wrong_mapping_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in PERSON
    file = tmp_path / "mapping.yml"
    file.write_text(PERSON.replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=says) as caught:
        read_mapping(file)
    assert "ssd_person" in str(caught.value)


def test_files_of_the_package_are_right() -> None:
    assert "episodes" in read_layout(LAYOUT)
    assert "ssd_person" in read_mapping(MAPPING)
