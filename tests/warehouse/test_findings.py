"""The life of a finding: first seen, put right, returned; what a second judging changes."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from typing import Any

import psycopg
import pytest

from carepath.quality.findings import bring_up_to_date
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")

ASHMERE = "E09900001"
TABLE = "ssd_x"
N1, N2, N3, N4 = (dt.date(2019, 6, day) for day in (27, 28, 29, 30))


class Nights:
    """Loads and gate runs of one authority, as the gate stores them."""

    def __init__(self, loader: psycopg.Connection[Any]) -> None:
        self.loader = loader
        self.loads: dict[dt.date, int] = {}

    def judge(
        self,
        night: dt.date,
        keys: Collection[str] = (),
        *,
        state: str | None = None,
        again: bool = False,
    ) -> int:
        """Judge a new load of a night, or its load again; return the gate run's id."""
        gate_run = self.begin(night, keys, again=again)
        self.loader.execute(
            "insert into quality.rule_results (gate_run_id, rule_id, table_name, state, holds)"
            " values (%s, 'EET-01', %s, %s, false)",
            (gate_run, TABLE, state or ("failed" if keys else "passed")),
        )
        with self.loader.transaction():
            self.loader.execute(
                "update quality.gate_runs set finished_at = now() where gate_run_id = %s",
                (gate_run,),
            )
            bring_up_to_date(self.loader, gate_run)
        return gate_run

    def begin(self, night: dt.date, keys: Collection[str], *, again: bool = False) -> int:
        """Begin a gate run and keep the keys that fail, as the gate does before it decides."""
        if not again:
            self.loads[night] = self._one(
                "insert into ops.loads (run_id, source, authority, night, state)"
                " values ('run', 'test', %s, %s, 'loaded') returning load_id",
                (ASHMERE, night),
            )
        gate_run = self._one(
            "insert into quality.gate_runs (run_id, authority, gate, load_id, night, decision)"
            " values ('run', %s, 1, %s, %s, 'hold') returning gate_run_id",
            (ASHMERE, self.loads[night], night),
        )
        for key in keys:
            self.loader.execute(
                "insert into quality.failing_keys (gate_run_id, authority, rule_id, table_name,"
                " record_key, person_id) values (%s, %s, 'EET-01', %s, %s, %s)",
                (gate_run, ASHMERE, TABLE, key, f"P-{key}"),
            )
        return gate_run

    def life(self, key: str = "A") -> tuple[Any, ...] | None:
        """Return first_seen, failing_since, last_seen, fixed_on and times_returned."""
        return self.loader.execute(
            "select first_seen, failing_since, last_seen, fixed_on, times_returned"
            " from quality.findings where record_key = %s",
            (key,),
        ).fetchone()

    def everything(self) -> dict[str, tuple[Any, ...]]:
        """Return the life of each finding; the keys of findings do not repeat."""
        rows = self.loader.execute("select record_key from quality.findings").fetchall()
        assert len(rows) == len(set(rows))
        return {key: self.life(key) or () for (key,) in rows}

    def _one(self, statement: str, values: tuple[Any, ...]) -> int:
        row = self.loader.execute(statement, values).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def nights() -> Iterator[Nights]:
    with connect("carepath_loader", autocommit=True) as loader:
        loader.execute(
            "delete from quality.kept_findings; delete from quality.rules_judged;"
            " delete from quality.gate_runs; delete from ops.loads"
        )
        loader.execute(
            "insert into ops.authorities values (%s, 'Ashmere') on conflict do nothing", (ASHMERE,)
        )
        loader.execute(
            "insert into ops.sources values ('test', %s, 'test') on conflict do nothing",
            (ASHMERE,),
        )
        loader.execute(
            "insert into ops.runs (run_id, night) values ('run', %s) on conflict do nothing", (N1,)
        )
        loader.execute(
            "insert into quality.rules (rule_id, domain, entity, severity, owner, plain_words)"
            " values ('EET-01', 'EET', 'x', 'warning', 'team', 'It contradicts.')"
            " on conflict do nothing"
        )
        yield Nights(loader)


def test_finding_is_first_seen_last_seen_and_fixed_on_the_nights_on_which_it_was(
    nights: Nights,
) -> None:
    nights.judge(N1, "A")
    assert nights.life() == (N1, N1, N1, None, 0)
    nights.judge(N2, "A")
    assert nights.life() == (N1, N1, N2, None, 0)
    nights.judge(N3)
    assert nights.life() == (N1, N1, N2, N3, 0)
    nights.judge(N4)
    assert nights.life() == (N1, N1, N2, N3, 0)


def test_finding_that_returns_keeps_its_first_night_and_its_earlier_time(nights: Nights) -> None:
    nights.judge(N1, "A")
    nights.judge(N2)
    nights.judge(N3, "A")
    assert nights.life() == (N1, N3, N3, None, 1)
    history = nights.loader.execute(
        "select failing_since, last_seen, fixed_on from quality.finding_history order by 1"
    ).fetchall()
    assert history == [(N1, N1, N2), (N3, N3, None)]


@pytest.mark.parametrize("state", ["error", "not applicable"])
def test_rule_that_did_not_run_closes_nothing(nights: Nights, state: str) -> None:
    nights.judge(N1, "A")
    nights.judge(N2, state=state)
    assert nights.life() == (N1, N1, N1, None, 0)
    nights.judge(N3, "A")
    assert nights.life() == (N1, N1, N3, None, 0)


def test_night_judged_again_takes_back_what_its_first_judging_closed(nights: Nights) -> None:
    nights.judge(N1, "A")
    nights.judge(N2)
    nights.judge(N2, "A")
    assert nights.life() == (N1, N1, N2, None, 0)


def test_night_judged_again_takes_back_what_its_first_judging_added(nights: Nights) -> None:
    nights.judge(N1, "B")
    nights.judge(N2, "AB")
    nights.judge(N2, "B")
    assert nights.life() is None
    assert nights.life("B") == (N1, N1, N2, None, 0)


def test_night_judged_again_takes_back_a_return(nights: Nights) -> None:
    nights.judge(N1, "A")
    nights.judge(N2)
    nights.judge(N3, "A")
    nights.judge(N3)
    assert nights.life() == (N1, N1, N1, N2, 0)
    nights.judge(N3, "A")
    assert nights.life() == (N1, N3, N3, None, 1)


def test_earlier_load_judged_again_changes_nothing(nights: Nights) -> None:
    nights.judge(N1, "A")
    nights.judge(N2, "B")
    before = nights.life("A"), nights.life("B")
    nights.judge(N1, "AC", again=True)
    assert (nights.life("A"), nights.life("B")) == before
    assert nights.life("C") is None


@pytest.mark.fault(
    "A gate run is killed before it decides.",
    "The findings stay as the last gate run left them.",
)
def test_gate_run_that_was_killed_changes_nothing(nights: Nights) -> None:
    nights.judge(N1, "A")
    nights.loader.execute(
        "insert into quality.gate_runs (run_id, authority, gate, night, decision)"
        " values ('run', %s, 1, %s, 'hold')",
        (ASHMERE, N2),
    )
    assert nights.life() == (N1, N1, N1, None, 0)
    nights.judge(N2, "A")
    assert nights.life() == (N1, N1, N2, None, 0)


# Decides a gate run, and kills itself with SIGKILL after the given statement.
KILLED = """
import os, signal, sys
import psycopg
from carepath.quality import findings
from carepath.quality.decision import Result, decide, weigh
from carepath.quality.results import keep_decision
from carepath.warehouse.connect import connect

gate_run, last = int(sys.argv[1]), getattr(findings, sys.argv[2])
plain = psycopg.Connection.execute

def execute(self, query, *more, **options):
    answer = plain(self, query, *more, **options)
    if query == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

psycopg.Connection.execute = execute
result = weigh(Result("EET-01", "ssd_x", "warning", 0.5, "x", "failed", 9, 2))
with connect("carepath_loader", autocommit=True) as loader:
    keep_decision(loader, gate_run, decide([result], {"EET-01"}), [result])
"""


@pytest.mark.fault(
    "The gate is killed with SIGKILL while it writes findings.",
    "No finding is lost or written twice.",
)
@pytest.mark.parametrize(
    ("statement", "next_night"),
    [("RETURNED", N3), ("FIXED", N4), ("NEW", N3), ("NEW", N4), ("RESPONSIBLE", N3)],
)
def test_process_killed_while_it_writes_findings_loses_and_doubles_none(
    nights: Nights, statement: str, next_night: dt.date
) -> None:
    nights.judge(N1, {"A", "B", "R"})
    nights.judge(N2, {"A", "B"})
    before = nights.everything()
    gate_run = nights.begin(N3, {"B", "C", "R"})

    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(gate_run), statement], capture_output=True, check=False
    )

    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert nights.everything() == before
    nights.judge(next_night, {"B", "C", "R"})
    assert nights.everything() == {
        "A": (N1, N1, N2, next_night, 0),
        "B": (N1, N1, next_night, None, 0),
        "C": (next_night, next_night, next_night, None, 0),
        "R": (N1, next_night, next_night, None, 1),
    }
    assert nights.loader.execute("select count(*) from quality.finding_spells").fetchone() == (1,)


def test_four_questions_are_one_query_each(nights: Nights) -> None:
    nights.judge(N1, "ABC")
    nights.judge(N2, "ABD")
    nights.loader.execute(
        "update quality.kept_findings set teams = array['East', 'West'] where record_key = 'B'"
    )

    def keys(where: str) -> str:
        found = nights.loader.execute(
            f"select record_key from quality.findings where {where}"
        ).fetchall()
        return "".join(key for (key,) in found)

    assert keys("is_new") == "D"
    assert keys("is_open order by failing_since, record_key") == "ABD"
    assert keys("is_open and 'East' = any(teams)") == "B"
    assert keys(f"fixed_on >= date_trunc('month', date '{N2}')") == "C"


def test_records_whose_shown_key_is_the_same_have_a_life_each(nights: Nights) -> None:
    gate_run = nights.judge(N1)
    for number in ("1", "2"):
        nights.loader.execute(
            "insert into quality.failing_keys (gate_run_id, authority, rule_id, table_name,"
            " record_key, record_id) values (%s, %s, 'EET-01', %s, 'P1|*',"
            " quality.record_id('salt', %s))",
            (gate_run, ASHMERE, TABLE, number),
        )
    with nights.loader.transaction():
        bring_up_to_date(nights.loader, gate_run)
    found = nights.loader.execute("select record_key from quality.findings").fetchall()
    assert found == [("P1|*",), ("P1|*",)]


@pytest.mark.parametrize("role", ["carepath_steward", "carepath_analyst", "carepath_desk"])
def test_salt_of_record_ids_is_secret(nights: Nights, role: str) -> None:
    with connect(role) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("select salt from quality.key_salt")


def test_gate_run_that_has_decided_cannot_decide_again(nights: Nights) -> None:
    gate_run = nights.judge(N1, "A")
    for role in ("carepath_loader", "carepath_owner"):
        with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "update quality.gate_runs set decision = 'pass' where gate_run_id = %s",
                (gate_run,),
            )
