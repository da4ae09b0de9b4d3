"""Social workers of looked-after children (file SWEpisodes), in the return from 2023/24."""

from __future__ import annotations

from expectations.looked_after_return.entries import ReturnFile
from expectations.rule import LOOKED_AFTER

WORKERS = ReturnFile(
    title="SWEpisodes",
    subject="return_social_workers",
    owner=LOOKED_AFTER,
    judged="is_in_return",
    row={"is_in_return": True},
)
DATES = "Correct the dates of the allocations (SW_DECOM, SW_DEC)."

RULES = (
    WORKERS.rule(
        "SW01aSTG1",
        says="The allocation of the social worker has no start date, or no registration number.",
        todo="Record both (SW_DECOM, SW_ID).",
        fails="start_date is null or coalesce(registration_number, professional_id) is null",
        catches=({"professional_id": "SW1"}, {"start_date": "2024-05-01"}),
        passes={"start_date": "2024-05-01", "professional_id": "SW1"},
    ),
    WORKERS.rule(
        "SW01bSTG1",
        says="The reason why the social worker was allocated is not recorded.",
        todo="Record the reason (SW_REASON).",
        # the first worker of the source may have begun long before reasons were asked for
        fails="worker_change_reason_sent is null and start_date >= year_start",
        catches={"start_date": "2024-05-01", "year_start": "2024-04-01"},
        passes=(
            {"start_date": "2024-05-01", "year_start": "2024-04-01",
             "worker_change_reason_sent": "FCONTA"},
            {"start_date": "2024-03-01", "year_start": "2024-04-01"},
        ),
    ),
    WORKERS.rule(
        "SW02STG1",
        says="The social worker's registration number does not begin with SW or XX.",
        todo="Record the number of Social Work England (SW_ID), or XX and the local number.",
        fails="registration_number !~* '^(SW|XX)'",
        catches={"registration_number": "12345"},
        passes=({"registration_number": "SW12345"}, {"registration_number": "XX0001"}),
    ),
    WORKERS.rule(
        "SW06STG2",
        says="The social worker was allocated after the end of the collection year.",
        todo=DATES,
        fails="start_date > year_end",
        catches={"start_date": "2025-04-01", "year_end": "2025-03-31"},
        passes={"start_date": "2025-03-31", "year_end": "2025-03-31"},
    ),
    WORKERS.rule(
        "SW07STG2",
        says="The allocation of the social worker ends after the end of the collection year.",
        todo=DATES,
        fails="end_date > year_end",
        catches={"end_date": "2025-04-01", "year_end": "2025-03-31"},
        passes={"end_date": "2025-03-31", "year_end": "2025-03-31"},
    ),
    WORKERS.rule(
        "SW08STG2",
        says="Another social worker was allocated, but this allocation has no end date.",
        todo="Record the day on which it ended (SW_DEC).",
        fails="end_date is null and next_start_date is not null",
        catches={"next_start_date": "2024-05-01"},
        passes={"next_start_date": None},
    ),
    WORKERS.rule(
        "SW09STG2",
        says="The allocation of the social worker starts and ends on the same day.",
        todo="Delete the allocation, or correct a date.",
        fails="end_date = start_date",
        catches={"start_date": "2024-05-01", "end_date": "2024-05-01"},
        passes={"start_date": "2024-05-01", "end_date": "2024-05-02"},
    ),
    WORKERS.rule(
        "SW10STG2",
        says="The social worker was allocated before the previous allocation ended.",
        todo=DATES,
        fails="start_date < previous_end_date",
        catches={"start_date": "2024-05-01", "previous_end_date": "2024-05-02"},
        passes={"start_date": "2024-05-01", "previous_end_date": "2024-05-01"},
    ),
    WORKERS.rule(
        "SW11bSTG2",
        says="The last allocation of a social worker has ended, but the child is still looked "
        "after.",
        todo="Record the next social worker, or correct the end date (SW_DEC).",
        fails="is_looked_after and number_from_latest = 1 and end_date < as_of_date",
        catches={"is_looked_after": True, "number_from_latest": 1, "end_date": "2025-03-30",
                 "as_of_date": "2025-03-31"},
        passes=(
            {"is_looked_after": False, "number_from_latest": 1, "end_date": "2025-03-30",
             "as_of_date": "2025-03-31"},
            {"is_looked_after": True, "number_from_latest": 2, "end_date": "2025-03-30",
             "as_of_date": "2025-03-31"},
        ),
    ),
    WORKERS.rule(
        "SW12STG2",
        says="The child has been looked after all year, but the first allocation of a social "
        "worker is later than the start of the year.",
        todo="Record who was the child's social worker before (SW_ID, SW_DECOM).",
        only="is_looked_after_all_year and sends_earlier_years",
        fails="previous_start_date is null and start_date > year_start",
        catches={"is_looked_after_all_year": True, "sends_earlier_years": True,
                 "start_date": "2024-05-01", "year_start": "2024-04-01"},
        passes=(
            {"is_looked_after_all_year": True, "sends_earlier_years": True,
             "start_date": "2024-04-01", "year_start": "2024-04-01"},
            # another social worker was there before
            {"is_looked_after_all_year": True, "sends_earlier_years": True,
             "previous_start_date": "2023-01-01", "start_date": "2024-05-01",
             "year_start": "2024-04-01"},
            {"is_looked_after_all_year": False, "sends_earlier_years": True,
             "start_date": "2024-05-01", "year_start": "2024-04-01"},
        ),
    ),
    WORKERS.code(
        "SW13STG1", "worker_change_reason", "why the social worker was allocated (SW_REASON)"
    ),
    WORKERS.rule(
        "SW17STG2",
        says="The child is looked after, but no social worker is allocated tonight.",
        todo="Record who is the child's social worker (SW_ID, SW_DECOM).",
        fails="is_looked_after and number_from_latest = 1 and not has_open_social_worker",
        catches={"is_looked_after": True, "number_from_latest": 1,
                 "has_open_social_worker": False},
        passes={"is_looked_after": True, "number_from_latest": 1,
                "has_open_social_worker": True},
    ),
)  # fmt: skip
