"""No model picks one of several records by a surrogate key.

Keys are made with a secret (docs/adr/0022), so the pick would be another one in another warehouse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from carepath.settings import get_settings

PROJECT = get_settings().project_root / "dbt_project"
# Ties that the key may break: no figure shows how the rows differ.
EXCUSED = {
    # events of one day that are equal in type and detail: only their own numbers change places
    ("fct_pathway_events", "source_key"),
}
HASHED = re.compile(r"\b(?!record_key\b)\w+_key\b")
END = re.compile(r"\)|\b(?:rows|range|limit|select|from|union)\b|;", re.IGNORECASE)


def keys_that_decide(sql: str) -> set[str]:
    """Return the surrogate keys by which a query orders, other than what it picks one row for."""
    # without comments, and without keys of which it only asks whether they are there
    text = re.sub(r"--[^\n]*|\{#.*?#\}|\w+_key is (?:not )?null", " ", sql, flags=re.DOTALL)
    picked_for = {
        key
        for columns in re.findall(r"(?:distinct on \(|partition by)([^()]*)", text)
        for key in HASHED.findall(columns.partition("order by")[0])
    }
    ordered = {key for clause in _orders(text) for key in HASHED.findall(clause)}
    aggregated = set(re.findall(r"\b(?:min|max)\((?:\w+\.)?(\w+_key)\)", text))
    alone = set(re.findall(r"when count\(\*\) = 1 then (?:min|max)\((\w+_key)\)", text))
    return (ordered - picked_for) | (aggregated - alone - {"record_key"})


def _orders(text: str) -> Iterator[str]:
    for found in re.finditer(r"\border by\b", text, re.IGNORECASE):
        depth, at = 0, found.end()
        while at < len(text):
            if depth == 0 and END.match(text, at):
                break
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        yield text[found.end() : at]


@pytest.mark.parametrize("layer", ["models/core", "models/marts", "macros"])
def test_no_model_orders_by_a_surrogate_key(layer: str) -> None:
    found = {
        (path.stem, key)
        for path in (PROJECT / layer).rglob("*.sql")
        for key in keys_that_decide(path.read_text())
    }
    assert found - EXCUSED == set()
    assert layer != "models/core" or found >= EXCUSED


@pytest.mark.parametrize(
    ("sql", "keys"),
    [
        ("row_number() over (partition by person_key order by day, plan_key)", {"plan_key"}),
        ("array_agg(team_key order by day, episodes.referral_key desc)", {"referral_key"}),
        ("lag(x) over w from y window w as (partition by a order by b_key rows between", {"b_key"}),
        ("select min(team_key) from teams group by authority", {"team_key"}),
        ("select case when count(*) = 1 then min(team_key) end from teams", set()),
        ("select distinct on (a.person_key) x from a order by a.person_key asc, day", set()),
        ("row_number() over (partition by person_key order by day, record_key)", set()),
        ("-- order by plan_key\nselect plan_key from plans order by day limit 1", set()),
    ],
)
def test_keys_that_decide_are_told_from_others(sql: str, keys: set[str]) -> None:
    assert keys_that_decide(sql) == keys
