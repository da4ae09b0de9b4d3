"""When a night begins by itself: at 02:00 London time, and never late."""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable

# how late a night may still begin; even later, it would read the recording systems in office hours
LATEST_START = timedelta(hours=1)


class NightTimetable(CronTriggerTimetable):  # type: ignore[misc]
    """A cron expression that leaves out missed runs.

    Airflow's own timetable begins the latest missed run as soon as the service is up again, for
    example after a weekend when the machine was off. This one waits for the next run.
    """

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
    ) -> DagRunInfo | None:
        """Return the run to begin next: one that was due within the last hour, or the next."""
        if restriction.catchup:  # a backfill, which a person asks for
            return super().next_dagrun_info(
                last_automated_data_interval=last_automated_data_interval, restriction=restriction
            )
        now = pendulum.now("UTC")
        due = self._align_to_prev(now)
        if now - due > LATEST_START:
            due = self._get_next(now)
        if last_automated_data_interval is not None:
            due = max(due, self._get_next(last_automated_data_interval.end))
        return DagRunInfo.interval(due, due)
