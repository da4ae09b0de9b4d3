"""The settings that Airflow's FAB auth manager reads (fab/config_file)."""

from __future__ import annotations

from carepath.service.sign_in import settings

globals().update(settings())
