"""Figures of docs/indicators.md that no other test counts again, counted in other words.

Each query counts from staging, or from periods and placements of core, in another way than the KPI
mart. `{authority}`, `{first}` and `{last}` are the authority, and first and last day of the 12
months. `spell` is a period of care, `here` those of the last day, `home` a placement.
"""

from __future__ import annotations

from typing import Final

from family_figures import NEED, PLANS, YEAR, Figure
from leavers_recounted import COHORT, STILL_THERE

CARE: Final = """
with spell as (
    select *, young_person_key as id, lag(end_date) over (
        partition by young_person_key order by start_date
    ) as before_date
    from core.fct_care_periods where authority = '{authority}'
), here as (
    select * from spell where daterange(start_date, end_date) @> date '{last}'
), home as (
    select p.*, young_person_key as id from core.fct_placements as p
    where authority = '{authority}' and daterange(start_date, end_date) @> date '{last}'
)
"""
PLACED: Final = CARE + "select count(*) filter (where {{}}), count(*) from here"
AT_HOME: Final = " left join home using (care_period_key)"
KEY: Final = "core.key_of(authority || '|' || person_id)"
EARLY_HELP: Final = (
    "select person_id, start_date, end_date from staging.stg_early_help_episodes"
    " where authority = '{authority}' and end_date is distinct from start_date"
)
BIRTHDAYS: Final = (
    COHORT + "select count(*) filter (where {{}}), count(*) from leavers where " + (STILL_THERE)
)
MISSING: Final = (
    "from staging.stg_missing as m inner join core.fct_care_periods as c"
    " on c.young_person_key = core.key_of(m.authority || '|' || person_id)"
    " and daterange(c.start_date, c.end_date) @> m.start_date where m.authority = '{authority}'"
)
DECIDED: Final = (
    "from staging.stg_permanence as p where authority = '{authority}'"
    " and adm_decision_date <= '{last}' and coalesce(decision_reversed_date > '{last}', true)"
    " and exists (select from core.fct_care_periods as c where c.young_person_key = " + KEY
    + " and daterange(c.start_date, c.end_date) @> date '{last}'"
    " and c.start_date <= adm_decision_date)"
)  # fmt: skip
QUARTER: Final = "between date '{last}' - interval '3 months' + interval '1 day' and '{last}'"


def asked(frame: str, condition: str) -> str:
    """Return a query of a share: of everybody in the frame, those of a condition."""
    return frame.replace("{{}}", condition)


def care_leavers(condition: str) -> str:
    """Return a query of a share of the care leavers of 17 to 21."""
    return asked(BIRTHDAYS, condition)


INDICATORS: Final = (
    # front door and assessment
    Figure(
        "kpi_assessment_durations",
        "assessments authorised (DfE)",
        "select count(*) from staging.stg_cin_assessments where authority = '{authority}'"
        " and authorised_date " + YEAR,
    ),
    Figure(
        "kpi_case_durations",
        "working days of an assessment (DfE)",
        "select percentile_cont(0.5) within group (order by (select count(*) from core.dim_date"
        " where is_working_day and calendar_date > start_date"
        " and calendar_date <= authorised_date)) from staging.stg_cin_assessments"
        " where authority = '{authority}' and authorised_date " + YEAR,
    ),
    Figure(
        "kpi_need_episodes",
        "episodes of need started in 12 months",
        "select count(*) from (" + NEED + ") as r where not is_no_further_action"
        " and referral_date " + YEAR,
    ),
    Figure(
        "kpi_children_in_need",
        "children in need (DfE)",
        "with r as (" + NEED + ") select count(distinct person_id) filter (where exists (select"
        " from staging.stg_disability as d where d.authority = r.authority"
        " and d.person_id = r.person_id and disability_code <> 'NONE')), count(distinct person_id)"
        " from r where not is_no_further_action and referral_date <= '{last}'"
        " and coalesce(close_date, 'infinity') > '{last}'",
        segment="disabled",
    ),
    Figure(
        "kpi_children_in_need",
        "children in need with an EHC plan",
        "with r as (" + NEED + ") select count(distinct person_id) filter (where has_ehc_plan),"
        " count(distinct person_id) from r inner join staging.stg_person as p"
        " using (authority, person_id) where not is_no_further_action"
        " and referral_date <= '{last}' and coalesce(close_date, 'infinity') > '{last}'"
        " and birth_date > date '{last}' - interval '16 years'"
        " and birth_date <= date '{last}' - interval '5 years'",
    ),
    Figure(
        "kpi_long_plans",
        "plans open for two years or more",
        "select count(*) filter (where start_date <= '2017-09-30'), count(*)"
        " from core.fct_plan_spells where authority = '{authority}' and plan_type_code = 'CIN'"
        " and daterange(start_date, end_date) @> date '{last}'",
        segment="child in need",
    ),
    # child protection
    Figure(
        "kpi_protection_plans",
        "child protection plans started",
        "select count(*) from " + PLANS + " where start_date " + YEAR,
    ),
    Figure(
        "kpi_protection_plans",
        "child protection plans ended",
        "select count(*) from " + PLANS + " where end_date " + YEAR,
    ),
    Figure(
        "kpi_case_durations",
        "days on a child protection plan",
        "select percentile_cont(0.5) within group (order by end_date - start_date) from "
        + PLANS
        + " where end_date "
        + YEAR,
    ),
    Figure(
        "kpi_protection_reviews",
        "child protection reviews of children aged 4 or over",
        "select count(*) from staging.stg_cp_reviews where authority = '{authority}'"
        " and participation_code is distinct from 'PN0' and review_date " + YEAR,
    ),
    Figure(
        "kpi_protection_reviews",
        "looked-after reviews of children aged 4 or over",
        "select count(*) from staging.stg_cla_reviews where authority = '{authority}'"
        " and participation_code is distinct from 'PN0' and is_cancelled is not true"
        " and review_date " + YEAR,
    ),
    Figure(
        "kpi_protection_reviews",
        "child gave a view in looked-after reviews",
        "select count(*) filter (where participation_code ~ 'PN[12356]'), count(*)"
        " from staging.stg_cla_reviews where authority = '{authority}'"
        " and participation_code <> 'PN0' and is_cancelled is not true and review_date " + YEAR,
    ),
    # looked after: flows
    Figure(
        "kpi_looked_after",
        "started to be looked after in 12 months",
        CARE + "select count(*) from spell where start_date " + YEAR,
    ),
    Figure(
        "kpi_looked_after",
        "ceased to be looked after in 12 months",
        CARE + "select count(*) from spell where end_date " + YEAR,
    ),
    Figure(
        "kpi_looked_after",
        "re-entered care within 12 months",
        CARE + "select count(*) filter (where start_date <= before_date + interval '1 year'),"
        " count(*) from spell where start_date " + YEAR,
        segment="started in 12 months",
    ),
    Figure(
        "kpi_care_entries",
        "re-entries within 12 months, in 12 months",
        CARE + "select count(*) filter (where age(start_date, before_date) <= interval '1 year'),"
        " count(*) from spell where start_date " + YEAR,
    ),
    Figure(
        "kpi_care_averages",
        "median days of the last period of care",
        CARE + "select percentile_cont(0.5) within group (order by days) from (select"
        " distinct on (id) end_date - start_date as days from spell where end_date "
        + YEAR
        + " order by id, end_date desc) as left_last",
    ),
    # looked after: placements
    Figure(
        "kpi_stability",
        "three or more placements in 12 months",
        CARE
        + "select count(*) filter (where (select count(distinct (care_period_key, home_number))"
        " from core.fct_placements as p where p.young_person_key = id and home_number > 0"
        " and p.start_date <= '{last}' and coalesce(p.end_date > '{first}', true)) > 2), count(*)"
        " from here",
    ),
    Figure(
        "kpi_stability",
        "same placement for 2 years",
        CARE + "select count(*) filter (where not exists (select from core.fct_placements as p"
        " where p.care_period_key = here.care_period_key and p.is_move"
        " and p.start_date > '2017-09-30' and p.start_date <= '{last}')), count(*) from here"
        " inner join core.dim_young_person as y using (young_person_key)"
        " where here.start_date <= '2017-03-30' and id in (select young_person_key"
        " from core.fct_looked_after where as_at_date = '{last}' and age_years < 16)",
        segment="under 16, looked after for 2.5 years",
    ),
    Figure(
        "kpi_placement_mix",
        "fostered by relatives or friends",
        asked(PLACED, "placement_type_code ~ '^U[1-3]'")
        + AT_HOME
        + " where placement_type_code like 'U%%'",
        segment="fostered",
    ),
    Figure(
        "kpi_placement_mix",
        "placed over 20 miles from home",
        asked(PLACED, "distance_miles > 20") + AT_HOME + " where distance_miles is not null",
    ),
    Figure(
        "kpi_placement_mix",
        "placed out of area",
        asked(PLACED, "not is_in_area") + AT_HOME + " where is_in_area is not null",
    ),
    Figure(
        "kpi_placement_mix",
        "placed out of area and over 20 miles from home",
        asked(PLACED, "not is_in_area and distance_miles > 20")
        + AT_HOME
        + " where is_in_area is not null and distance_miles is not null",
    ),
    Figure(
        "kpi_placement_types",
        "placement locality",
        asked(PLACED, "not is_in_area and distance_miles > 20") + AT_HOME,
        segment="outside the area, over 20 miles",
    ),
    Figure(
        "kpi_placement_types",
        "placement locality",
        asked(PLACED, "is_in_area is null or distance_miles is null") + AT_HOME,
        segment="area or distance not recorded",
    ),
    # missing from care
    Figure(
        "kpi_missing",
        "episodes away without authorisation in 12 months",
        "select count(*) " + MISSING + " and missing_type_code = 'A' and m.start_date " + YEAR,
    ),
    Figure(
        "kpi_care_averages",
        "mean days of a missing incident",
        "select avg(m.end_date - m.start_date) "
        + MISSING
        + " and missing_type_code = 'M' and m.end_date "
        + YEAR,
    ),
    Figure(
        "kpi_missing",
        "return interview offered",
        "select count(*) filter (where return_interview_offered = 'Y'), count(*) "
        + MISSING
        + " and missing_type_code = 'M' and m.end_date <= '{last}' and m.start_date "
        + YEAR,
        segment="returned from missing in 12 months",
    ),
    Figure(
        "kpi_missing",
        "return interview accepted",
        "select count(*) filter (where return_interview_accepted = 'Y'), count(*) "
        + MISSING
        + " and missing_type_code = 'M' and return_interview_offered = 'Y'"
        + " and m.end_date <= '{last}' and m.start_date "
        + YEAR,
        segment="offered in 12 months",
    ),
    Figure(
        "kpi_care_visits",
        "visited within a week of a new placement",
        "select count(*) filter (where exists (select from core.fct_visits as v"
        " where v.young_person_key = h.young_person_key and plan_type_code = 'LAC'"
        " and is_child_seen and visit_date between came and came + 7)),"
        " count(*) from (select young_person_key, min(start_date) as came,"
        " max(coalesce(end_date, 'infinity')) as went from core.fct_placements"
        " where authority = '{authority}' and home_number > 0"
        " group by young_person_key, care_period_key, home_number) as h"
        " where came >= '{first}' and came <= date '{last}' - 7 and went >= came + 7",
    ),
    # adoption and permanence
    Figure(
        "kpi_adoption",
        "waiting to be placed",
        "select count(*) " + DECIDED + " and coalesce(placed_for_adoption_date > '{last}', true)",
    ),
    Figure(
        "kpi_adoption",
        "matched in 3 months",
        "select count(*) from staging.stg_permanence where authority = '{authority}'"
        " and matched_date " + QUARTER,
    ),
    Figure(
        "kpi_adoption",
        "adopted in 3 months",
        CARE + "select count(*) from spell where end_reason_code in ('E11', 'E12')"
        " and end_date " + QUARTER,
    ),
    Figure(
        "kpi_special_guardianship",
        "special guardianship orders in 12 months",
        CARE + "select count(*) filter (where end_reason_code = 'E48'),"
        " count(*) filter (where end_reason_code ~ 'E4[5-8]') from (select distinct on (id) *"
        " from spell where end_date " + YEAR + " order by id, end_date desc) as left_last",
        segment="other carers, not relatives or friends",
    ),
    # care leavers
    Figure("kpi_care_leaver_birthdays", "NEET", care_leavers("activity ~* 'not in educ'")),
    Figure(
        "kpi_care_leaver_birthdays",
        "NEET, illness or disability",
        care_leavers("activity ~ 'illness'"),
    ),
    Figure(
        "kpi_care_leaver_birthdays",
        "NEET, other circumstances",
        care_leavers("activity ~ 'other circumstances'"),
    ),
    Figure(
        "kpi_care_leaver_birthdays",
        "NEET, pregnancy or parenting",
        care_leavers("activity ~ 'pregnancy'"),
    ),
    Figure(
        "kpi_care_leaver_birthdays",
        "in higher education",
        care_leavers("activity ~ 'time in higher education'"),
    ),
    # workforce
    Figure(
        "kpi_caseload",
        "cases per social worker, mean",
        "select avg(cases) from (select count(*) as cases from core.fct_case_allocations"
        " where authority = '{authority}' and role_code = 'SW' and is_case_open"
        " and daterange(from_date, to_date) @> date '{last}' group by worker_key) as held",
        segment="all teams",
    ),
    Figure(
        "kpi_social_workers",
        "agency social workers",
        "select sum(full_time_equivalency) from staging.stg_professionals"
        " where authority = '{authority}' and job_title = 'Social Worker' and is_agency_worker",
    ),
    # early help and before proceedings
    Figure(
        "kpi_early_help",
        "ended in 12 months",
        "select count(*) from (" + EARLY_HELP + ") as e where end_date " + YEAR,
    ),
    Figure(
        "kpi_pre_proceedings",
        "pre-proceedings started",
        "select count(*) from staging.stg_pre_proceedings where authority = '{authority}'"
        " and decision_date " + YEAR,
    ),
    Figure(
        "kpi_pre_proceedings",
        "pre-proceedings that were stepped down",
        "select count(*) filter (where outcome_code <> 'ISSUE'), count(outcome_code)"
        " from staging.stg_pre_proceedings where authority = '{authority}'"
        " and stepdown_or_issue_date " + YEAR,
    ),
    # the child's voice
    *(
        Figure(
            "kpi_child_voices",
            measure,
            f"select count(*) filter (where {column}), count({column})"
            " from staging.stg_voice_of_child where authority = '{authority}'",
        )
        for measure, column in (
            ("child: worries were explained", "has_worries_explained"),
            ("child: the story helped", "is_helped_by_story"),
            ("child: agreed with the worker", "is_agreed_with_worker"),
            ("child: the tablet helped", "is_helped_by_tablet"),
        )
    ),
)
