"""The refresh of Power BI after a publication, with Microsoft's operator for Airflow.

Power BI reads table by table. A publication in between would give it one table of yesterday and
the next of today, so neither a night nor a publication may run meanwhile.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import tenacity
from airflow.providers.microsoft.azure.operators.powerbi import PowerBIDatasetRefreshOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from airflow.triggers.base import BaseTrigger

from carepath.errors import NightError
from carepath.logs import service_log
from carepath.night.lock import NEVER_TOO_IDLE, refuse_beside_another
from carepath.publish.publication import PUBLISHER_LOCK
from carepath.service.alerts import send
from carepath.service.assets import MARTS
from carepath.settings import get_settings
from carepath.site.power_bi import REFRESH_DAG, PowerBI
from carepath.warehouse.connect import connect

CONNECTION: Final = "power_bi"  # of Airflow: AIRFLOW_CONN_POWER_BI
SECONDS_BETWEEN_LOOKS: Final = 15
LONGEST_NIGHT: Final = dt.timedelta(hours=5)
FOR_ITS_USERS = """
### The refresh of Power BI

After each night that published figures, this asks Power BI to read them. It waits until no night
is running, and a publication waits until it has ended.

**A run is red?** Power BI shows older figures. Read the log of the task here and the refresh
history of the semantic model in Power BI. Put right what they name, then press *Trigger*.

More: `docs/powerbi.md` in the project.
"""


class RefreshBetweenPublications(PowerBIDatasetRefreshOperator):  # type: ignore[misc]
    """Refresh a semantic model while no night is running and nothing is published.

    Microsoft's operator waits in Airflow's triggerer, which cannot hold a lock. This one waits
    in its task's own process.
    """

    def execute(self, context: Any) -> None:
        """Refresh, and wait for the end.

        Raises:
            AirflowFailException: Power BI ended the refresh without success, or took too long.
                Its own message is left out, because it may hold a value of a record.
        """
        with between_publications():
            step: Callable[[], None] = partial(super().execute, context)
            while True:
                try:
                    return step()
                except TaskDeferred as deferred:
                    event = asyncio.run(_first_event(deferred.trigger))
                    if event["status"] == "error":
                        raise AirflowFailException(
                            f"Power BI did not complete the refresh {event['dataset_refresh_id']}"
                            f" ({event['dataset_refresh_status'] or 'not accepted'}). What to do:"
                            " read the refresh history of the semantic model in Power BI."
                        ) from None
                    step = partial(getattr(self, deferred.method_name), context, event)


@contextmanager
def between_publications() -> Iterator[None]:
    """Wait for the night that is running, then hold off publications while the block runs.

    Raises:
        NightError: a night has been running for longer than a night may.
    """
    patience = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(NightError),
        stop=tenacity.stop_after_delay(LONGEST_NIGHT),
        wait=tenacity.wait_fixed(2),
        reraise=True,
    )
    patience(refuse_beside_another)
    with connect("carepath_loader", autocommit=True) as connection:
        connection.execute(NEVER_TOO_IDLE)
        connection.execute("select pg_advisory_lock_shared(%s)", [PUBLISHER_LOCK])
        yield


def refresh_dag(settings: PowerBI) -> DAG:
    """Return the DAG that refreshes a semantic model after each night that published."""
    longest = dt.timedelta(minutes=settings.longest_minutes)
    with DAG(
        REFRESH_DAG,
        schedule=[MARTS],
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "BI team"},
        on_failure_callback=alert_a_person,
        tags=["carepath"],
        doc_md=FOR_ITS_USERS,
    ) as dag:
        RefreshBetweenPublications(
            task_id="refresh",
            conn_id=CONNECTION,
            group_id=str(settings.workspace),
            dataset_id=str(settings.semantic_model),
            timeout=longest.total_seconds(),
            check_interval=SECONDS_BETWEEN_LOOKS,
            retries=2,
            retry_delay=dt.timedelta(minutes=5),
            execution_timeout=LONGEST_NIGHT + longest,
        )
    return dag


def alert_a_person(context: dict[str, Any]) -> None:
    """Say in the log of the service and to the alert addresses that Power BI is behind."""
    line = (
        "Carepath: Power BI was not refreshed, and shows older figures. "
        f"What to do: read the log of the DAG {REFRESH_DAG}, put right what it names, and trigger"
        " it."
    )
    service_log().error(line, run_id=context["dag_run"].run_id)
    send(
        "Carepath: Power BI was not refreshed",
        f"{line}\n\n{get_settings().pages_url}/dags/{REFRESH_DAG}",
    )


async def _first_event(trigger: BaseTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        payload: dict[str, Any] = event.payload
        return payload
    raise AirflowFailException("Microsoft's operator ended without an answer of Power BI.")
