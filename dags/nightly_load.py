"""A night: recording systems -> landing -> history -> gate -> marts.

The file tells the story only; each task is one function of carepath.night, imported inside the
task because dbt and Great Expectations are slow to import and the scheduler reads this file often.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Asset, CronTriggerTimetable, Param, TriggerRule, dag, task

LONDON = "Europe/London"
MARTS = Asset(name="marts", uri="carepath://warehouse/marts")
INPUT_OUTPUT = {
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2.0,
}


def tell_a_person(context: dict[str, Any]) -> None:
    """Say in one line what a person must do: in the log and, if configured, by e-mail."""
    from carepath.alerts import tell

    tell(context["dag_run"].run_id)


@contextmanager
def failing_at_once() -> Iterator[None]:
    """Do not retry what would fail again: a refused delivery, a wrong setting."""
    from airflow.sdk.exceptions import AirflowFailException

    from carepath.errors import DeliveryError, SettingsError

    try:
        yield
    except (DeliveryError, SettingsError) as error:
        raise AirflowFailException(str(error)) from None


@dag(
    schedule=CronTriggerTimetable("0 2 * * *", timezone=LONDON),
    start_date=pendulum.datetime(2017, 1, 1, tz=LONDON),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=5),
    default_args={"retries": 0, "execution_timeout": timedelta(hours=1)},
    on_failure_callback=tell_a_person,
    params={
        "night": Param(None, type=["null", "string"], description="Day to load; empty: yesterday"),
        "sources": Param(None, type=["null", "array"], description="Sources; empty: all listed"),
        "accept_truncation": Param(
            [], type="array", description="Tables that may lose rows or columns"
        ),
        "accept_movement": Param([], type="array", description="KPIs that may leap tonight"),
        "trigger": Param("schedule", type="string", description="Who started the night"),
    },
    tags=["carepath"],
    doc_md=__doc__,
)
def nightly_load() -> None:
    """Load every source, judge every authority, publish those that pass."""

    @task(**INPUT_OUTPUT)
    def plan(**context: Any) -> list[str]:
        from carepath import night

        params, run = context["params"], context["dag_run"]
        moment = pendulum.instance(run.logical_date or run.run_after).in_timezone(LONDON)
        day = pendulum.parse(params["night"]) if params["night"] else moment.subtract(days=1)
        with failing_at_once():
            return night.start(run.run_id, day.date(), params["sources"], params["trigger"])

    @task(execution_timeout=timedelta(hours=2), **INPUT_OUTPUT)
    def load(source: str, **context: Any) -> int:
        from carepath import night

        with failing_at_once():
            return night.load(context["run_id"], source, context["params"]["accept_truncation"])

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def stage(**context: Any) -> list[str]:
        from carepath import night

        return night.stage(context["run_id"])

    @task
    def gate(authority: str, **context: Any) -> None:
        from carepath import night

        night.gate(context["run_id"], authority)

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def build(**context: Any) -> list[str]:
        from carepath import night

        return night.build(context["run_id"])

    @task(outlets=[MARTS])
    def publish(authority: str, **context: Any) -> int:
        from carepath import night

        night.check(context["run_id"], authority, context["params"]["accept_movement"])
        return night.publish(context["run_id"], authority)

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def verdict(**context: Any) -> str:
        from airflow.sdk.exceptions import AirflowFailException

        from carepath import night

        outcome = night.verdict(context["run_id"])
        if outcome.state != "published":
            raise AirflowFailException(f"{outcome.state}: {outcome.message}")
        return outcome.state

    loaded = load.expand(source=plan())
    staged = stage()
    judged = gate.expand(authority=staged)
    built = build()
    loaded >> staged
    judged >> built
    publish.expand(authority=built) >> verdict()


nightly_load()
