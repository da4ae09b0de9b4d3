"""A night: recording systems -> landing -> history -> gate -> marts.

This file only says what happens in which order. Each task calls the functions of the same name in
carepath.night.steps. They are imported inside the task: the scheduler reads this file often, and
dbt and Great Expectations are slow to import. The gates and the publication take a set of
authorities: a set starts Python and imports once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Param, TriggerRule, dag, task

from carepath.service.assets import MARTS
from carepath.service.queues import queue
from carepath.service.timetable import NightTimetable
from carepath.settings import get_settings

LONDON = "Europe/London"
COMMAND_LINE = "dag_test"  # the user that Airflow names in `airflow dags test`
SERVICE = "schedule"  # the trigger of a night that the service runs
INPUT_OUTPUT = {
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2.0,
}


# shown on Airflow's page of this DAG
FOR_ITS_USERS = """
### The nightly load

Every night at 02:00 London time Carepath reads each recording system that is listed, keeps its
history, judges the records and the figures of each authority, and publishes the figures of those
that pass. An authority that is held or late keeps the figures of its last good night.

**A run is red?** Read its note: it says what happened, why, and what to do next. The failed task
has a note too. A held night is not a fault: a person must look at records or figures.

**To run a night now**, press *Trigger*. Leave `night` empty for yesterday, or give a day such as
2019-06-30. Only one night runs at a time.

**A night that was missed** because the service was off is left out. Trigger it by hand.

More: `carepath status`, `carepath work-list`, and `docs/operations.md` in the project.
"""


def alert_a_person(context: dict[str, Any]) -> None:
    """Say in one line what to do: in the log, on Airflow's pages and to the alert addresses."""
    from carepath.service.alerts import alert
    from carepath.service.digest import send_digests

    alert(context["dag_run"].run_id)
    send_digests(context["dag_run"].run_id)


def note_the_night(context: dict[str, Any]) -> None:
    """Say on Airflow's pages which night was published. Send each team its digest."""
    from carepath.service.alerts import note_published
    from carepath.service.digest import send_digests

    note_published(context["dag_run"].run_id)
    send_digests(context["dag_run"].run_id)


@contextmanager
def failing_at_once(trigger: str = SERVICE) -> Iterator[None]:
    """Do not retry a step that would fail again: a refused delivery or night, a wrong setting.

    The service also retries a source that is down. A person who waits for the night is told at
    once, whoever `trigger` is.
    """
    from airflow.sdk.exceptions import AirflowFailException

    from carepath.errors import (
        DeliveryError,
        NightError,
        SettingsError,
        SourceError,
        WaiverError,
    )

    try:
        yield
    except SourceError as error:
        if trigger == SERVICE:
            raise
        raise AirflowFailException(str(error)) from None
    except (DeliveryError, NightError, SettingsError, WaiverError) as error:
        raise AirflowFailException(str(error)) from None


@dag(
    schedule=NightTimetable("0 2 * * *", timezone=LONDON),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=5),
    default_args={"owner": "BI team", "retries": 0, "execution_timeout": timedelta(hours=1)},
    on_failure_callback=alert_a_person,
    on_success_callback=note_the_night,
    params={
        "night": Param(
            None, type=["null", "string"], description="Day to load; empty for yesterday"
        ),
        "sources": Param(None, type=["null", "array"], description="Sources; empty for all listed"),
        "accept_truncation": Param(
            [], type="array", description="Tables that may lose rows or columns"
        ),
        "accept_movement": Param(
            [], type="array", description="KPIs that may change a lot tonight"
        ),
        "accept_reason": Param("", type="string", description="Why you accept it"),
        "trigger": Param(SERVICE, type="string", description="Who started the night"),
    },
    tags=["carepath"],
    doc_md=FOR_ITS_USERS,
)
def nightly_load() -> None:
    """Load every source, judge every authority, publish those that pass."""

    @task(**INPUT_OUTPUT, **queue("load"))
    def plan(**context: Any) -> list[str]:
        from carepath.night import steps
        from carepath.quality.waivers import Accepted, person

        params, run = context["params"], context["dag_run"]
        moment = pendulum.instance(run.logical_date or run.run_after).in_timezone(LONDON)
        day = pendulum.parse(params["night"]) if params["night"] else moment.subtract(days=1)
        accepted = Accepted(
            params["accept_movement"],
            params["accept_truncation"],
            params["accept_reason"],
            person() if run.triggering_user_name == COMMAND_LINE else run.triggering_user_name,
        )
        with failing_at_once():
            return steps.plan(
                run.run_id, day.date(), params["sources"], params["trigger"], accepted
            )

    @task(
        execution_timeout=timedelta(hours=2),
        max_active_tis_per_dagrun=get_settings().loads,
        **INPUT_OUTPUT,
        **queue("load"),
    )
    def load(source: str, **context: Any) -> int:
        from carepath.night import steps

        with failing_at_once(context["params"]["trigger"]):
            return steps.load(context["run_id"], source)

    @task(trigger_rule=TriggerRule.ALL_DONE, **queue("judge"))
    def stage(**context: Any) -> list[list[str]]:
        from carepath.night import steps

        return steps.stage(context["run_id"])

    @task(**queue("judge"))
    def judge_records(authorities: list[str], **context: Any) -> None:
        from carepath.night import steps

        steps.judge_records(context["run_id"], authorities)

    @task(trigger_rule=TriggerRule.ALL_DONE, **queue("judge"))
    def build(**context: Any) -> list[list[str]]:
        from carepath.night import steps

        return steps.build(context["run_id"])

    @task(**queue("judge"))
    def publish(authorities: list[str], **context: Any) -> None:
        from carepath.night import steps

        steps.judge_and_publish(context["run_id"], authorities)

    @task(outlets=[MARTS], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS, **queue("judge"))
    def announce() -> None:
        """Start what waits for new figures, once, after the last authority of the night."""

    @task(trigger_rule=TriggerRule.ALL_DONE, **queue("judge"))
    def close(**context: Any) -> str:
        from airflow.sdk.exceptions import AirflowFailException

        from carepath.night import steps

        outcome = steps.close(context["run_id"])
        if outcome.state != "published":
            raise AirflowFailException(f"{outcome.state}: {outcome.message}")
        return outcome.state

    loaded = load.expand(source=plan())
    staged = stage()
    judged = judge_records.expand(authorities=staged)
    built = build()
    loaded >> staged
    judged >> built
    publish.expand(authorities=built) >> [announce(), close()]


nightly_load()
