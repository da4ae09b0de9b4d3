"""Figures that leave the department: releases, revisions, the role that reads them, the files."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from figures_attacker import (
    FIRST,
    PARTS,
    SECOND,
    Person,
    equations,
    exposed,
    figures,
    numbers,
    people,
    with_groups,
)

from carepath.disclosure.open_data import METADATA, write_open_data
from carepath.disclosure.release import Released, release
from carepath.errors import CarepathError, SettingsError
from carepath.site.disclosure import Disclosure, read_disclosure
from carepath.warehouse.connect import connect

ASHMERE, BECKFORD = "E09900091", "E09900092"
TABLES = """
create table marts.kpi (
    authority text, as_at_date date, from_date date, measure_code text, segment_code text,
    segment text, numerator integer, denominator integer, value numeric(18, 6), is_total boolean
);
create table marts.dim_measure (
    measure_code text, mart text, title text, service text, topic text, statistic text, unit text,
    period text, period_months integer
);
create table marts.dim_segment (
    authority text, segment_code text, segment_kind text, is_additive boolean
);
create table marts.dim_snapshot (
    authority text, as_at_date date, is_latest boolean, is_quarter_end boolean
);
"""
MEASURES = {
    "eet": ("Care leavers in education, employment or training", "share", "share"),
    "neet": ("Care leavers not in education, employment or training", "share", "share"),
    "days": ("Mean days until a care leaver is seen", "mean", "days"),
    "longest": ("Longest time until a care leaver is seen", "maximum", "days"),
}
Shown = dict[Any, int | None]


@pytest.fixture(scope="module", autouse=True)
def published_night(warehouse: None) -> None:
    """An authority with marts of invented people."""
    with connect("carepath_owner") as owner:
        owner.execute(TABLES)
        for authority in (ASHMERE, BECKFORD):
            owner.execute("insert into ops.authorities values (%s, 'Invented')", [authority])
            owner.execute(
                "insert into marts.publication"
                " (authority, publication_id, night, load_id, kind, code_version, published_at)"
                " values (%s, 1, %s, 1, 'publish', 'test', now())",
                [authority, SECOND],
            )
        for code, (title, statistic, unit) in MEASURES.items():
            owner.execute(
                "insert into marts.dim_measure values"
                " (%s, 'kpi_eet', %s, 'leaving care', 'EET', %s, %s, 'up to the date', null)",
                [code, title, statistic, unit],
            )


@pytest.fixture(scope="module")
def beckford(published_night: None) -> str:
    """An authority that has released two dates."""
    build(people(11, 60), authority=BECKFORD)
    release(BECKFORD, rules=Disclosure())
    return BECKFORD


def build(
    of: Sequence[Person],
    dates: Sequence[dt.date] = (FIRST, SECOND),
    authority: str = ASHMERE,
) -> None:
    """Make the marts hold the figures of these people."""
    with connect("carepath_owner") as owner:
        owner.execute("truncate marts.kpi, marts.dim_segment, marts.dim_snapshot")
        for date in dates:
            owner.execute(
                "insert into marts.dim_snapshot values (%s, %s, %s, true)",
                [authority, date, date == max(dates)],
            )
        rows = []
        for each in figures(of, dates):
            share = each.numerator / each.denominator if each.denominator else None
            key = (authority, each.as_at_date, None)
            segment = (each.segment_code, each.segment_code)
            rows.append(
                (*key, each.measure_code, *segment, each.numerator, each.denominator, share,
                 each.is_total)
            )  # fmt: skip
            if each.measure_code == "eet":
                for measure in ("days", "longest"):
                    value = 12.25 if each.denominator else None
                    rows.append(
                        (*key, measure, *segment, None, each.denominator, value, each.is_total)
                    )
            owner.execute(
                "insert into marts.dim_segment select %(authority)s, %(code)s, %(kind)s, %(adds)s"
                " where not exists (select from marts.dim_segment where segment_code = %(code)s)",
                {
                    "authority": authority,
                    "code": each.segment_code,
                    "kind": each.segment_kind,
                    "adds": each.kind_adds_up,
                },
            )
        with owner.cursor() as cursor:
            cursor.executemany(f"insert into marts.kpi values ({', '.join(['%s'] * 10)})", rows)


def read(query: str) -> list[tuple[Any, ...]]:
    with connect("published_reader") as reader:
        return reader.execute(query).fetchall()


def forget() -> None:
    """Forget what Ashmere has released, so that a test begins at the start."""
    with connect("carepath_owner") as owner:
        owner.execute("delete from published.figure where authority = %s", [ASHMERE])


def shown() -> list[Shown]:
    """Return what readers have of Ashmere: the numbers of eet and neet in each release."""
    found: dict[int, Shown] = {}
    for release_id, date, measure, segment, *counts in read(
        "select release_id, as_at_date, measure_code, segment_code, numerator, denominator"
        " from published.figure where authority = '" + ASHMERE + "'"
        " and measure_code in ('eet', 'neet') order by release_id"
    ):
        for part, count in zip(PARTS, counts, strict=True):
            found.setdefault(release_id, {})[date, measure, segment, part] = count
    return list(found.values())


def run(**rules: Any) -> Released:
    return release(ASHMERE, rules=Disclosure(**rules))


def test_release_two_dates_apart_attack_on_both_fails() -> None:
    forget()
    of = people(11, 60)
    build(of, [FIRST])
    assert run().dates == (FIRST,)
    build(of)
    assert run().dates == (SECOND,)
    first, second = shown()
    known, groups = equations()
    true = with_groups(numbers(figures(of)), groups)
    assert exposed({**first, **second}, known, true) == {}
    assert None in second.values()


def test_release_revised_attack_on_both_releases_fails() -> None:
    forget()
    of = people(11, 60)
    build(of)
    run()
    kept = read("select * from published.figure order by 1, 2, 3, 4, 5")
    # a late record of a rare kind, as the next night brings it
    corrected = [*of, Person(FIRST, "F", "16", is_eet=False)]
    build(corrected)
    # without being told to, a release keeps what readers have
    assert run().release_id is None
    assert read("select * from published.figure order by 1, 2, 3, 4, 5") == kept
    revised = release(ASHMERE, revise=True, rules=Disclosure())
    assert revised.dates == (FIRST, SECOND)
    first, second = shown()
    was, now = numbers(figures(of)), numbers(figures(corrected))
    known, groups = equations()
    # what has not changed is known from either release
    both = {
        place: first[place] if number is None and was[place] == now[place] else number
        for place, number in second.items()
    }
    found = exposed(both, known, with_groups(now, groups))
    # what was known cannot be taken back: it may narrow bounds from below, and is counted
    assert len(found) <= 2 * revised.exposed_count
    assert all(high - low > 4 - 1e-2 and high > 5 - 1e-2 for low, high in found.values())


def test_release_share_is_withheld_with_its_counts(beckford: str) -> None:
    rows = read(
        "select numerator_symbol, denominator_symbol, value, value_symbol, numerator, denominator"
        " from published.latest_figure"
        f" where statistic = 'share' and authority = '{beckford}'"
    )
    withheld = [row for row in rows if "c" in row[:2]]
    assert withheld
    assert all(row[2] is None and row[3] == "c" for row in withheld)
    whole = [row for row in rows if row[4] is not None and row[5]]
    assert whole
    assert all(abs(float(row[2]) - 100 * row[4] / row[5]) <= 0.0501 for row in whole)


def test_release_mean_is_withheld_with_its_count_and_a_maximum_always(beckford: str) -> None:
    means = read(
        "select denominator_symbol, value_symbol from published.figure"
        f" where statistic = 'mean' and authority = '{beckford}'"
    )
    assert ("c", "c") in means
    assert all(count == value for count, value in means if count == "c")
    longest = read("select distinct value from published.figure where statistic = 'maximum'")
    assert longest == [(None,)]


def test_release_settings_round_and_leave_out_segments() -> None:
    forget()
    build(people(11, 200), [SECOND])
    run(round_to=5, leave_out_segments=("sex",))
    kinds = read(
        f"select distinct segment_kind from published.figure where authority = '{ASHMERE}'"
    )
    assert sorted(kinds) == [("age band",), ("everybody",)]
    rows = read(
        "select numerator, denominator, value from published.figure"
        f" where statistic = 'share' and value is not null and authority = '{ASHMERE}'"
    )
    assert rows
    for numerator, denominator, value in rows:
        assert numerator % 5 == denominator % 5 == 0
        assert abs(float(value) - 100 * numerator / denominator) <= 0.0501


def test_release_date_without_figures_is_refused() -> None:
    build(people(11, 60))
    with pytest.raises(CarepathError, match="no figures as at 1 May 2019"):
        release(ASHMERE, dates=[dt.date(2019, 5, 1)], rules=Disclosure())


def test_open_data_files_follow_the_standard(beckford: str, tmp_path: Path) -> None:
    (files,) = write_open_data(beckford, tmp_path / "open")
    with files.data.open(encoding="utf-8", newline="") as data:
        rows = list(csv.DictReader(data))
    with files.metadata.open(encoding="utf-8", newline="") as data:
        described = list(csv.DictReader(data))
    assert list(described[0]) == list(METADATA)
    standard = list(rows[0])[:10]
    assert standard[:2] == ["time_period", "time_identifier"]
    assert {each["col_name"] for each in described} == set(rows[0]) - set(standard)
    assert {row["time_identifier"] for row in rows} == {"March", "June"}
    assert {row["new_la_code"] for row in rows} == {BECKFORD}
    filters = [each["col_name"] for each in described if each["col_type"] == "Filter"]
    keys = [tuple(row[name] for name in filters) for row in rows]
    assert len(set(keys)) == len(keys) == files.row_count
    indicators = [each["col_name"] for each in described if each["col_type"] == "Indicator"]
    symbols = {
        row[name] for row in rows for name in indicators if not row[name].replace(".", "").isdigit()
    }
    assert {"c", "z"} <= symbols <= {"c", "z", "x", "low"}
    with pytest.raises(CarepathError, match="does not write over it"):
        write_open_data(beckford, tmp_path / "open")


def test_settings_wrong_rule_names_file_and_place(tmp_path: Path) -> None:
    (tmp_path / "disclosure.yml").write_text("round_to: 7\n")
    with pytest.raises(SettingsError, match=r"disclosure\.yml, round_to"):
        read_disclosure(tmp_path)
