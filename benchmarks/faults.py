"""Kills at random points of a night: nothing is torn, and the next night converges.

An ordinary department is loaded twice, in two homes. In one of them, nights are killed at random
points: the process that runs the night, or the whole PostgreSQL server. After each kill the marts
must be as the last good night left them, and after the whole night that follows they must be as
they are in the other home, where nothing was killed. Both homes have the same secret for keys.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NIGHTS = (dt.date(2019, 4, 30), dt.date(2019, 5, 31), dt.date(2019, 6, 28))
PEOPLE = (8, 200)  # one in so many care leavers, and others, is kept
SEED = 20191128
# Fills the recording system for a night and loads it; prints the sum over the marts.
ONE_NIGHT = """
import datetime, sys
from contextlib import suppress
from benchmarks.faults import marts_sum, prepare
from carepath.demonstration.ordinary import run_night
from carepath.night import lock
night = datetime.date.fromisoformat(sys.argv[1])
if sys.argv[2] == "fill":
    prepare(night)
print("begins", flush=True)
with lock.driving():
    outcome, _ = run_night(night, sys.argv[3])
print(outcome.state, marts_sum(), flush=True)
"""


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        what: the process that was killed.
        step: the step of the night that was at work, or `between the steps`.
        is_torn: whether the marts differed from those of the last good night.
        is_converged: whether the night that followed gave the marts of a home without kills.
    """

    what: str
    step: str
    is_torn: bool
    is_converged: bool


def measure(kills: int, home: Path) -> list[Kill]:
    """Kill nights at random points, equally often the night's process and PostgreSQL."""
    quiet, killed = home / "quiet", home / "killed"
    try:
        return _measure(kills, quiet, killed)
    finally:
        for each in (quiet, killed):
            _ask(each, "from carepath.warehouse import embedded; embedded.destroy()")


def _measure(kills: int, quiet: Path, killed: Path) -> list[Kill]:
    chance = random.Random(SEED)  # noqa: S311
    wanted, seconds = {}, 1.0
    for night in NIGHTS:
        began = time.monotonic()
        wanted[night] = _whole_night(quiet, night, "fill", f"the only run, {night}")
        seconds = time.monotonic() - began
    secret = _ask(quiet, "from benchmarks.faults import key_secret; print(key_secret())")
    _ask(killed, f"from benchmarks.faults import take_secret; take_secret({secret!r})")
    last = _whole_night(killed, NIGHTS[0], "fill", "the first run")
    found: list[Kill] = []
    for number in range(kills):
        night = NIGHTS[1 + number * (len(NIGHTS) - 1) // kills]
        what = ("the night's process", "PostgreSQL")[number % 2]
        step = _killed_night(
            killed, night, what, chance.uniform(0, seconds), f"killed {number}, {night}"
        )
        torn = _sum(killed) != last
        last = _whole_night(killed, night, "again", f"after {number}, {night}")
        found.append(Kill(what, step, torn, last == wanted[night]))
        print(found[-1], flush=True)
    return found


def section(found: Sequence[Kill]) -> list[str]:
    """Return the section of the page about these kills."""
    steps = Counter((kill.step, kill.what) for kill in found)
    return [
        f"{len(found)} kills with SIGKILL at random points of a night of an ordinary department. "
        f"After {sum(kill.is_torn for kill in found)} of them the marts were not as the last good "
        f"night left them. After {sum(not kill.is_converged for kill in found)} of them the next "
        "whole night gave other marts than nights without kills.",
        "",
        "| step at work | what was killed | kills | torn | not converged |",
        "|---|---|---:|---:|---:|",
        *(
            f"| {step} | {what} | {count} | {torn} | {other} |"
            for (step, what), count in sorted(steps.items())
            for these in [[k for k in found if (k.step, k.what) == (step, what)]]
            for torn in [sum(k.is_torn for k in these)]
            for other in [sum(not k.is_converged for k in these)]
        ),
        "",
    ]


def prepare(night: dt.date) -> None:
    """Fill the recording system as at a night, and name it as a source."""
    from carepath.demonstration.ordinary import OrdinaryDepartment, source
    from carepath.demonstration.settings import lay_settings
    from carepath.sources import write_sources
    from carepath.warehouse import ready

    lay_settings()
    ready()
    write_sources([source()])
    OrdinaryDepartment(*PEOPLE).advance(night)


def marts_sum() -> str:
    """Return one sum over all rows of all marts but the record of the publication itself."""
    from carepath.warehouse.backup import checksums
    from carepath.warehouse.connect import connect

    with connect("carepath_owner") as connection:
        sums = checksums(connection)
    marts = [
        f"{name} {found}"
        for name, found in sorted(sums.items())
        if name.startswith("marts.") and name != "marts.publication"
    ]
    return hashlib.sha256("\n".join(marts).encode()).hexdigest()


def key_secret() -> str:
    """Return the secret of this home's keys as hexadecimal digits."""
    from carepath.warehouse.connect import connect

    with connect("carepath_owner") as owner:
        ((secret,),) = owner.execute(
            "select encode(secret, 'hex') from identity.key_secret"
        ).fetchall()
    return str(secret)


def take_secret(secret: str) -> None:
    """Make the keys of this home with the secret of another one, given as hexadecimal digits."""
    from carepath.warehouse.connect import connect

    with connect("carepath_owner") as owner:
        owner.execute("update identity.key_secret set secret = decode(%s, 'hex')", (secret,))


def step_at_work(run_id: str) -> str:
    """Return the first step of a run that began and did not end well."""
    from carepath.warehouse.connect import connect

    with connect("carepath_loader") as connection:
        row = connection.execute(
            "select step from ops.run_steps where run_id = %s"
            " and state in ('running', 'failed') order by started_at limit 1",
            (run_id,),
        ).fetchone()
    return row[0] if row else "between the steps"


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "CAREPATH_HOME": str(home)}


def _start(home: Path, night: dt.date, fill: str, run_id: str) -> subprocess.Popen[str]:
    log = home.with_suffix(".log").open("a")
    return subprocess.Popen(
        [sys.executable, "-c", ONE_NIGHT, night.isoformat(), fill, run_id],
        env=_environment(home), stdout=subprocess.PIPE, stderr=log, text=True,
    )  # fmt: skip


def _whole_night(home: Path, night: dt.date, fill: str, run_id: str) -> str:
    """Run a night to its end and return the sum over the marts."""
    said, _ = _start(home, night, fill, run_id).communicate()
    state, _, total = said.strip().rpartition("\n")[2].partition(" ")
    if state != "published":
        raise SystemExit(f"the night of {night} ended {state!r}: see {home.with_suffix('.log')}")
    return total


def _killed_night(home: Path, night: dt.date, what: str, after: float, run_id: str) -> str:
    """Begin a night, kill it after some seconds, and return the step that was at work."""
    server = int(_ask(home, "from carepath.warehouse.embedded import status; print(status().pid)"))
    process = _start(home, night, "fill", run_id)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after)
    if what == "PostgreSQL":
        os.kill(server, signal.SIGKILL)
        process.wait(timeout=600)
    else:
        process.kill()
        process.wait()
    return _ask(
        home, f"from benchmarks.faults import step_at_work\nprint(step_at_work({run_id!r}))"
    )


def _sum(home: Path) -> str:
    return _ask(home, "from benchmarks.faults import marts_sum; print(marts_sum())")


def _ask(home: Path, code: str) -> str:
    """Start the server if it was killed, run code in a process and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", f"from carepath.warehouse import ready\nready()\n{code}"],
        env=_environment(home), capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{home.name} could not be asked: {done.stderr[-2000:]}")
    return done.stdout.strip().rpartition("\n")[2]
