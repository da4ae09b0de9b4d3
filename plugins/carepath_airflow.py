"""What Carepath adds to Airflow. Airflow imports this file in each of its processes."""

from __future__ import annotations

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from carepath.desk import PREFIX, Desk
from carepath.service import task_listener
from carepath.service.timetable import NightTimetable


class CarepathPlugin(AirflowPlugin):
    """The timetable of the nights, what a task leaves on Airflow's pages, the stewards' desk."""

    name = "carepath"
    timetables: ClassVar = [NightTimetable]
    listeners: ClassVar = [task_listener]
    fastapi_apps: ClassVar = [
        {"name": "Carepath stewards' desk", "app": Desk(), "url_prefix": PREFIX}
    ]
    external_views: ClassVar = [
        {"name": "Stewards' desk", "href": f"{PREFIX}/", "destination": "nav", "category": "browse"}
    ]
