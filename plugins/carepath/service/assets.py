"""What other DAGs can be scheduled by."""

from __future__ import annotations

from airflow.sdk import Asset

MARTS = Asset(name="marts", uri="carepath://warehouse/marts")
