"""Each indicator that the field asks for names measures that exist, or says why it has none."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from carepath.documents.indicators import STATUSES, faults, indicators_page, read_indicators
from carepath.measures import MARTS, read_measures


def test_every_named_measure_exists_and_every_gap_has_a_reason() -> None:
    assert faults(read_indicators(), read_measures()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"measures": ("no_such_measure",)}, "there is no measure no_such_measure"),
        ({"measures": ()}, "the note must say why"),
        ({"status": "partly"}, "the note must name them"),
        ({"status": "differs", "note": "counted by quarter"}, "the note must name them"),
        ({"status": "both", "measures": ("contacts",)}, "both measures must be named"),
        ({"status": "data missing"}, "no measure can answer it"),
        ({"status": "data missing", "measures": ()}, "the note must name them"),
        ({"status": "perhaps"}, "'perhaps' is not a status"),
        ({"number": 7}, "its number should be 1"),
    ],
)
def test_wrong_entry_is_found(change: dict[str, object], words: str) -> None:
    first = replace(read_indicators()[0], **change)  # type: ignore[arg-type]
    (said, *_) = faults([first], read_measures())
    assert words in said


def test_every_table_of_marts_that_a_note_names_exists() -> None:
    named = {name for each in read_indicators() for name in re.findall(r"marts\.(\w+)", each.note)}
    built = {path.stem.removeprefix("marts_") for path in MARTS.rglob("*.sql")}
    assert named
    assert named <= built


def test_list_has_every_indicator_of_the_reference_in_its_order(shared_dir: Path) -> None:
    text = (shared_dir / "reference" / "indicators.md").read_text(encoding="utf-8")
    tables = text.partition("## Front door")[2].partition("\n## Count")[0]
    titles = [
        match[1].strip().replace("**", "")
        for match in re.finditer(r"^\|([^|\n]+)\|(?:[^|\n]*\|){3,}", tables, re.M)
        if match[1].strip() != "indicator" and set(match[1]) - set("-: ")
    ]
    assert [each.indicator for each in read_indicators()] == titles
    assert len(titles) == 116


def test_page_counts_each_status_and_names_codes() -> None:
    page = indicators_page()
    indicators = read_indicators()
    for status in STATUSES:
        count = sum(each.status == status for each in indicators)
        assert re.search(rf"^\| {status} \| .* \| {count} \|$", page, re.M)
    assert "| `contacts`, `contacts_to_referral` |" in page
