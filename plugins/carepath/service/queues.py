"""The queues of a night's steps, for workers on other machines (docs/region.md).

A worker of `load` reaches the recording systems. A worker of `judge` needs only the warehouse.
"""

from __future__ import annotations

from typing import Literal

from carepath.settings import get_settings


def queue(name: Literal["load", "judge"]) -> dict[str, str]:
    """Return a task's argument `queue`; nothing if all steps run where the scheduler is."""
    return {} if get_settings().broker_url is None else {"queue": name}
