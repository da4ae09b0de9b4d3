"""The refresh of Power BI after a night, as a DAG of Airflow.

There is none until `<home>/site/power_bi.yml` names a semantic model (docs/powerbi.md).
"""

from __future__ import annotations

from importlib.util import find_spec

from carepath.errors import SettingsError
from carepath.site.power_bi import POWER_BI, read_power_bi

if settings := read_power_bi():
    if find_spec("airflow.providers.microsoft") is None:
        raise SettingsError(
            "Microsoft's operators for Airflow are not installed.",
            where=f"site/{POWER_BI}",
            todo="run `make extras`, then start the service again.",
        )
    from carepath.service.power_bi import refresh_dag

    refresh_dag(settings)
