"""Surrogate keys: the same every night, and out of reach for who knows a case id."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import psycopg
import pytest

from carepath.settings import PROJECT_ROOT
from carepath.warehouse.connect import connect
from carepath.warehouse.models import _code

pytestmark = pytest.mark.usefixtures("warehouse")

CASE = "E09900001|A"
KEY = "select core.keyed_hash((select secret from identity.key_secret), %s)"
PLAIN = "select hashtextextended(%s, 0) & 9007199254740991"
PASSWORDS = PROJECT_ROOT / "docs" / "passwords.md"


def one(role: str, query: str, *arguments: object) -> Any:
    with connect(role) as connection:
        return (connection.execute(query, arguments or None).fetchone() or (None,))[0]


def test_key_is_of_53_bits_the_same_each_time_and_not_the_plain_hash() -> None:
    key = one("carepath_loader", KEY, CASE)
    assert 0 <= key < 2**53
    assert one("carepath_loader", KEY, CASE) == key
    assert one("carepath_loader", KEY, "E09900001|B") != key
    assert one("carepath_loader", KEY, None) is None
    assert one("carepath_loader", PLAIN, CASE) != key


def test_key_rests_on_the_whole_secret() -> None:
    secret = one("carepath_owner", "select secret from identity.key_secret")
    digest = hashlib.sha256(bytes(secret) + CASE.encode()).hexdigest()
    assert one("carepath_owner", PLAIN, digest) == one("carepath_loader", KEY, CASE)


def test_hash_is_put_into_the_query_because_a_call_per_row_is_slow() -> None:
    with connect("carepath_loader") as loader:
        plan = loader.execute(
            "explain verbose select core.keyed_hash((select secret from identity.key_secret), name)"
            " from ops.authorities"
        ).fetchall()
    assert "sha256" in str(plan)
    assert "keyed_hash" not in str(plan)


@pytest.mark.parametrize(
    "role",
    ["bi_reader", "carepath_analyst", "carepath_steward", "carepath_caseload", "carepath_desk"],
)
def test_secret_is_read_by_no_person(role: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        one(role, "select secret from identity.key_secret")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        one(role, "update identity.key_secret set secret = secret")


def test_key_of_a_case_is_told_to_who_reads_case_ids_and_not_to_readers_of_marts() -> None:
    key = one("carepath_loader", KEY, CASE)
    assert one("carepath_analyst", "select core.key_of(%s)", CASE) == key
    for role in ("bi_reader", "carepath_caseload", "carepath_desk"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            one(role, "select core.key_of(%s)", CASE)


def test_secret_changed_as_the_page_says_gives_other_keys_and_rebuilds_everything() -> None:
    statement = re.search(
        r"```sql\n(update identity\.key_secret.*?)```",
        PASSWORDS.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert statement is not None
    with connect("carepath_loader") as loader:
        before = one("carepath_loader", KEY, CASE), _code(loader)
    with connect("carepath_owner") as owner:
        assert owner.execute(statement[1]).rowcount == 1
    with connect("carepath_loader") as loader:
        after = one("carepath_loader", KEY, CASE), _code(loader)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_second_secret_is_refused() -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        one("carepath_owner", "insert into identity.key_secret (secret) values (sha256('x'))")
