"""Figures of docs/indicators.md that no other test counts again, counted in other words.

Each query counts from staging, or from periods and placements of core, in another way than the KPI
mart. `{authority}`, `{first}` and `{last}` are the authority, and first and last day of the 12
months. `spell` is a period of care, `here` those of the last day, `home` a placement.
"""

from __future__ import annotations

from typing import Final

from family_figures import DAYS, NEED, PLANS, YEAR, Figure
from leavers_recounted import COHORT, FOSTERED_AT_18, OLDER, STILL_THERE

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

FIRST_OF_YEAR: Final = (
    CARE + "select count(*) filter (where option = '{{}}'), count(option) from (select"
    " distinct on (id) id, start_date from spell where start_date " + YEAR
    + " order by id, start_date) as came cross join lateral (select (array_agg("
    "permanence_option_code order by order_date desc nulls last))[1] as option"
    " from staging.stg_cla_previous_permanence where " + KEY + " = id"
    " and coalesce(order_date <= start_date, true)) as before"
)  # fmt: skip
# the last score of each child of 5 to 16 who was in care for all 12 months
SCORES: Final = (
    CARE + ", scored as materialized (select " + KEY + " as id, completed_date, sdq_score"
    " from staging.stg_sdq_scores where sdq_score is not null and completed_date " + YEAR
    + "), born as materialized (select " + KEY + " as id, birth_date from staging.stg_person)"
    " select {{}} from (select (select sdq_score from scored where scored.id = here.id"
    " order by completed_date desc limit 1) as score from here inner join born on born.id = here.id"
    " where start_date <= '{first}'"
    " and extract(year from age(date '{last}', birth_date)) between 5 and 16) as scores"
)  # fmt: skip
# the plan of highest precedence of each person, of those open at the end of the last day
PLAN_NOW: Final = (
    "with p as (select person_id, max(rank) as rank,"
    " (array_agg(start_date order by rank desc, start_date))[1] as since from ("
    "select person_id, 1 as rank,"
    " start_date, end_date from staging.stg_early_help_episodes"
    " where authority = '{authority}' union all select person_id, 2, start_date, end_date"
    " from staging.stg_cin_plans where authority = '{authority}' union all select person_id,"
    " 3, start_date, end_date from staging.stg_cp_plans where authority = '{authority}'"
    " union all select person_id, 4, c.start_date, c.end_date from staging.stg_person as p"
    " inner join core.fct_care_periods as c on c.young_person_key = "
    + KEY.replace("authority", "p.authority")
    + " where p.authority = '{authority}') as open_plans where start_date <= '{last}'"
    " and coalesce(end_date > '{last}', true) group by person_id) "
)
# by the record at the date, of those whom it does not leave out; care ends with the 18th birthday,
# also where the period was not closed
AT_DATE: Final = (
    "select count(*) filter (where {{}}), count(*) from staging.stg_care_leavers as c"
    " inner join staging.stg_person as p using (authority, person_id)"
    " where authority = '{authority}'"
    " and extract(year from age(date '{last}', birth_date)) between 17 and 25"
    " and coalesce(eligibility_code, '') not in ('N', 'E')"
    " and coalesce(in_touch_code, '') not in ('DIED', 'RHOM')"
    " and not exists (select from core.fct_care_periods where young_person_key = " + KEY
    + " and daterange(start_date, end_date) @> date '{last}'"
    " and birth_date > date '{last}' - interval '18 years')"
    " and coalesce((select sum(upper(days) - lower(days)) from unnest((select range_agg(daterange("
    "start_date, end_date)) from core.fct_care_periods where young_person_key = " + KEY
    + ") * datemultirange(daterange((birth_date + interval '14 years')::date,"
    " least('{last}', birth_date + interval '18 years')::date))) as days), case when exists (select"
    " from core.fct_care_periods where young_person_key = " + KEY + ") then 0 else 91 end) >= 91"
)  # fmt: skip
HIGHER: Final = (
    "(select person_id, start_date, end_date from staging.stg_cin_plans"
    " where authority = '{authority}' union all select person_id, start_date, end_date"
    " from staging.stg_cp_plans where authority = '{authority}' union all select person_id,"
    " start_date, end_date from staging.stg_cla_episodes where authority = '{authority}')"
)
HELD: Final = (
    "select count(*) filter (where cases > {limit}), count(*) from (select count(*) as cases"
    " from core.fct_case_allocations where authority = '{{authority}}' and role_code = '{role}'"
    " and daterange(from_date, to_date) @> date '{{last}}'{open}"
    " group by worker_key) as held"
)


def asked(frame: str, condition: str) -> str:
    """Return a query of a share: of everybody in the frame, those of a condition."""
    return frame.replace("{{}}", condition)


def care_leavers(condition: str) -> str:
    """Return a query of a share of the care leavers of 17 to 21."""
    return asked(BIRTHDAYS, condition)


INDICATORS: Final = (
    # front door and assessment
    Figure(
        "kpi_referrals",
        "referrals",
        "select count(*) from (" + NEED + ") as r where referral_date " + YEAR,
    ),
    Figure(
        "kpi_referrals",
        "re-referrals within 12 months",
        "with r as materialized (" + NEED + "), again as (select distinct person_id,"
        " r.referral_date from r inner join r as e using (person_id)"
        " where e.referral_date < r.referral_date"
        " and e.referral_date >= r.referral_date - interval '1 year')"
        " select count(*) filter (where again.person_id is not null), count(*)"
        " from r left join again using (person_id, referral_date) where referral_date " + YEAR,
    ),
    Figure(
        "kpi_referrals",
        "no further action",
        "select count(*) filter (where is_no_further_action), count(is_no_further_action)"
        " from (" + NEED + ") as r where referral_date " + YEAR,
    ),
    Figure(
        "kpi_enquiries",
        "section 47 enquiries",
        "select count(*) from staging.stg_s47_enquiry where authority = '{authority}'"
        " and start_date " + YEAR,
    ),
    *(
        Figure(
            "kpi_plans",
            measure,
            PLAN_NOW + f"select count(*) filter (where rank = {rank}), count(*) from p",
        )
        for measure, rank in (("child in need", 2), ("child protection", 3))
    ),
    Figure(
        "kpi_visits",
        "visited in time",
        PLAN_NOW.replace("with p", DAYS.rstrip() + ", p", 1)
        + "select count(*) filter (where is_seen), count(*) filter (where is_seen or not is_new)"
        " from (select exists (select from staging.stg_cp_visits as v"
        " where v.authority = '{authority}' and v.person_id = p.person_id"
        " and is_child_seen and visit_date between from_date and '{last}')"
        " as is_seen, since > from_date as is_new from p cross join (select min(day) as from_date"
        " from days where number >= (select number from days where day = '{last}') - 10) as w"
        " where rank = 3) as children",
        segment="child protection",
    ),
    Figure(
        "kpi_reviews",
        "reviews in time",
        "select count(*) filter (where review_date <= least(due_date, '{last}')), count(*)"
        " from core.fct_reviews where authority = '{authority}' and plan_type_code = 'CP'"
        " and due_date is not null and (review_date " + YEAR + " or due_date < '{last}'"
        " and coalesce(review_date > '{last}', true) and coalesce(plan_end_date > '{last}', true))",
        segment="child protection",
    ),
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
    Figure(
        "kpi_care_entries",
        "entries to care in 12 months",
        CARE + "select count(*) from spell where start_date " + YEAR,
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
    # previous permanence, SDQ, missing, cost and A3
    Figure(
        "kpi_previous_permanence",
        "previous permanence of children who started",
        asked(FIRST_OF_YEAR, "P1"),
        segment="adopted before",
    ),
    Figure(
        "kpi_previous_permanence",
        "previous permanence of children who started",
        asked(FIRST_OF_YEAR, "Z1"),
        segment="no permanence option before",
    ),
    Figure("kpi_sdq_score", "mean SDQ score", SCORES.replace("{{}}", "avg(score)")),
    *(
        Figure(
            "kpi_care_health",
            measure,
            SCORES.replace("{{}}", f"count(*) filter (where score {between}), count(score)"),
        )
        for measure, between in (
            ("SDQ score normal", "< 14"),
            ("SDQ score borderline", "in (14, 15, 16)"),
        )
    ),
    Figure(
        "kpi_care_health",
        "intervention received for substance misuse",
        CARE + "select count(*) filter (where received), count(received) from (select (select"
        " bool_or(has_received_intervention) from staging.stg_cla_substance_misuse"
        " where " + KEY + " = id and misuse_date " + YEAR + ") as received from here"
        " where start_date <= '{first}') as misuse",
    ),
    Figure(
        "kpi_missing",
        "missing episodes in 12 months",
        "select count(*) " + MISSING + " and missing_type_code = 'M' and m.start_date " + YEAR,
    ),
    Figure(
        "kpi_missing",
        "children missing in 12 months",
        "select count(distinct person_id), (select count(distinct young_person_key)"
        " from core.fct_care_periods where authority = '{authority}'"
        " and daterange(start_date, end_date) && daterange('{first}', '{last}', '[]')) "
        + MISSING
        + " and missing_type_code = 'M' and m.start_date "
        + YEAR,
        segment="looked after in 12 months",
    ),
    Figure(
        "kpi_placement_mix",
        "placement group",
        asked(PLACED, "placement_type_code ~ '^U'")
        + AT_HOME
        + " where placement_type_code is not null",
        segment="foster",
    ),
    Figure(
        "kpi_adoption",
        "A3: moved in within 14 months",
        CARE + "select count(*) filter (where start_date + interval '14 months'"
        " > least(placed_for_adoption_date, '{last}')), count(*) from spell"
        " inner join staging.stg_permanence as p on id = "
        + KEY.replace("authority", "p.authority")
        + " where end_reason_code ~ '^E1[12]$'"
        " and end_date > date '{last}' - interval '3 years' and end_date <= '{last}'"
        " and placed_for_adoption_date between start_date and end_date"
        " or coalesce(end_date > '{last}', true) and start_date <= adm_decision_date"
        " and adm_decision_date <= '{last}' and coalesce(decision_reversed_date > '{last}', true)",
    ),
    Figure(
        "kpi_placement_budget",
        "weekly cost of open placements",
        CARE + "select sum(c.weekly_cost_gbp) from home inner join core.fct_placement_costs as c"
        " using (placement_key) where daterange(from_date, to_date) @> date '{last}'",
    ),
    Figure(
        "kpi_in_touch",
        "in touch",
        "select count(*) filter (where in_touch_code = 'YES'), count(in_touch_code)"
        " from staging.stg_care_leavers where authority = '{authority}'",
    ),
    # care leavers by accommodation, and of 22 to 25
    *(
        Figure("kpi_care_leaver_accommodation", measure, care_leavers(f"home ~* '{words}'"))
        for measure, words in (
            ("with former foster carer", "former foster"),
            ("independent living", "^(u - )?independent"),
            ("in custody", "custody"),
            ("no fixed abode / homeless", "homeless"),
            ("bed and breakfast", "breakfast"),
        )
    ),
    Figure(
        "kpi_care_leaver_accommodation",
        "accommodation not recorded",
        care_leavers("coalesce(home, '') = ''"),
    ),
    *(
        Figure(
            "kpi_care_leavers_22_to_25",
            measure,
            asked(
                OLDER
                + "select count(*) filter (where {{}}), count(*) from leavers where "
                + STILL_THERE,
                condition,
            ),
        )
        for measure, condition in (
            ("care leavers", "true"),
            ("in touch", "contact ~ 'YES'"),
            ("EET", "activity ~ '^[FP][1-5]|engaged'"),
            ("accommodation suitable", "suitability ~ 'considered suitable'"),
        )
    ),
    *(
        Figure("kpi_care_leavers_by_age", measure, asked(AT_DATE, condition))
        for measure, condition in (
            ("in custody", "accommodation_code = 'X'"),
            ("homeless", "accommodation_code = 'S'"),
            ("in bed and breakfast", "accommodation_code = 'W'"),
            ("with a personal adviser", "personal_adviser_id is not null"),
        )
    ),
    *(
        Figure(
            "kpi_staying_put_at_birthdays",
            measure,
            COHORT + "select count(*) filter (where home ~ 'former foster'), count(*)"
            f" from leavers where years in ({years}) and " + STILL_THERE + " and " + FOSTERED_AT_18,
        )
        for measure, years in (
            ("staying put at 20", "20"),
            ("staying put at 19 and 20", "19, 20"),
        )
    ),
    Figure(
        "kpi_pathway_plan_in_date",
        "pathway plan reviewed in 6 months",
        "select count(*) filter (where age(date '{last}', pathway_plan_review_date)"
        " <= interval '6 months'), count(*) from staging.stg_care_leavers"
        " where authority = '{authority}' and coalesce(eligibility_code, '') <> 'N'"
        " and coalesce(pathway_plan_review_date <= '{last}', true)",
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
    Figure(
        "kpi_workers_above_limit",
        "social workers above the limit",
        HELD.format(limit=20, role="SW", open=" and is_case_open"),
    ),
    # early help and before proceedings
    Figure(
        "kpi_early_help",
        "stepped up",
        "select count(*) filter (where exists (select from " + HIGHER + " as h"
        " where h.person_id = e.person_id and h.start_date > e.start_date"
        " and h.start_date <= e.end_date + 30)), count(*)"
        " from (" + EARLY_HELP + ") as e where end_date " + YEAR,
    ),
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
