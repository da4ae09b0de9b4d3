"""What a rollback starts: Power BI reads the figures that have returned."""

from __future__ import annotations

from carepath.errors import CarepathError
from carepath.service import configuration
from carepath.settings import get_settings
from carepath.site.power_bi import REFRESH_DAG, read_power_bi


def refresh_power_bi() -> str:
    """Ask Airflow to run the refresh of Power BI, if there is one.

    A night announces its figures as an asset of Airflow, which starts the refresh. A rollback has
    no task that could announce them, so it starts the refresh itself.

    Returns:
        What a person must know, in sentences; blank if no semantic model is refreshed.
    """
    try:
        if read_power_bi() is None:
            return ""
        configuration.initialise()
        log = get_settings().logs / "airflow" / "trigger.log"
        configuration.airflow(("dags", "trigger", REFRESH_DAG), log=log)
    except CarepathError as error:
        return (
            f"Power BI still shows the figures of before, because its refresh was not started: "
            f"{error} Then trigger the DAG {REFRESH_DAG} in Airflow's pages."
        )
    return f"Airflow runs {REFRESH_DAG} next, so that Power BI reads these figures."
