"""What a relationship of the model refers to: one row, whichever authority it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from typing import Any

import psycopg
import pytest
from powerbi_marts import ASHMERE, OTHER, fill

from carepath.powerbi.sources import related_keys
from carepath.warehouse.connect import connect

KEYS = """
select coalesce(array_agg(array(
    select a.attname::text
    from unnest(c.conkey) with ordinality as k (attnum, place)
    inner join pg_attribute as a on c.conrelid = a.attrelid and k.attnum = a.attnum
    order by k.place
)::text), '{}')
from pg_constraint as c
where c.conrelid = format('marts.%%I', %s::text)::regclass and c.contype in ('p', 'u')
"""


@pytest.fixture(scope="module")
def owner(warehouse: None) -> Iterator[psycopg.Connection[Any]]:
    with closing(connect("carepath_owner", autocommit=True)) as connection:
        fill(connection)
        yield connection


@pytest.mark.parametrize("mart", related_keys())
def test_catalogue_says_that_the_one_side_is_unique(
    owner: psycopg.Connection[Any], mart: str
) -> None:
    found = owner.execute(KEYS, [mart]).fetchone()
    assert found is not None
    assert "{" + ",".join(related_keys()[mart]) + "}" in found[0]


def test_upgrade_gives_marts_that_exist_the_same_constraints(
    owner: psycopg.Connection[Any],
) -> None:
    names = "select conname from pg_constraint where contype = 'u' and conrelid::regclass::text"
    names += " like 'marts.dim_%' order by conname"
    before = owner.execute(names).fetchall()
    assert len(before) == 3
    for (name,) in before:
        mart = next(each for each in related_keys() if name.startswith(f"{each}_"))
        owner.execute(f"alter table marts.{mart} drop constraint {name}")
    upgrade = import_module("carepath.warehouse.migrations.versions.0043_keys_of_relationships")
    for _ in range(2):  # again, it changes nothing
        owner.execute(upgrade.CONSTRAINTS)
        assert owner.execute(names).fetchall() == before


@pytest.mark.parametrize(
    ("mart", "columns", "row"),
    [
        ("dim_team", "team_key, authority", (7, ASHMERE)),
        ("dim_young_person", "young_person_key, authority", (7, ASHMERE)),
        ("dim_segment", "segment_code, segment, authority", ("north", "North", ASHMERE)),
    ],
)
def test_key_finds_one_row_across_authorities(
    owner: psycopg.Connection[Any], mart: str, columns: str, row: tuple[Any, ...]
) -> None:
    """Two authorities with one key, or one authority with one code twice, are refused."""
    insert = f"insert into marts.{mart} ({columns}) values ({', '.join(['%s'] * len(row))})"
    owner.execute(insert, row)
    key, *_, authority = row
    if mart == "dim_segment":
        owner.execute(insert, (key, "North", OTHER))  # each authority has segments of its own
        double = (key, "North!", authority)
    else:
        owner.execute(insert, (key + 1, OTHER))
        double = (key, OTHER)
    with pytest.raises(psycopg.errors.UniqueViolation):
        owner.execute(insert, double)
