"""The demonstration's figures of the front door and of child protection, counted in other words.

Each query counts from staging, or from plans and days of core, in another way than the KPI mart.
`{authority}`, `{first}` and `{last}` are the authority, and first and last day of the 12 months.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure of a KPI mart, and a query that counts it again.

    Attributes:
        mart, measure, segment: where the figure stands.
        query: gives the numerator and, for a share, the denominator; for a median, the value.
    """

    mart: str
    measure: str
    query: str
    segment: str = "all"

    @property
    def column(self) -> str:
        """The column of the mart that the first column of the query is compared with."""
        return "value" if self.mart in OF_VALUES else "numerator"


# marts that hold values in place of numerators
OF_VALUES = (
    "kpi_case_durations",
    "kpi_care_averages",
    "kpi_caseload",
    "kpi_placement_budget",
    "kpi_sdq_score",
    "kpi_social_workers",
)

YEAR = "between '{first}' and '{last}'"
NEED = (
    "select distinct on (record_key) * from staging.stg_cin_episodes"
    " where authority = '{authority}' order by record_key, known_from desc, from_load desc"
)
FACTORS = (
    "from staging.stg_cin_assessments as a inner join staging.stg_assessment_factors as f"
    " on f.authority = a.authority and f.assessment_id = a.assessment_id"
    " where a.authority = '{authority}' and a.authorised_date " + YEAR
)
CONFERENCES = (
    "from staging.stg_initial_cp_conference as c left join staging.stg_s47_enquiry as e"
    " on e.authority = c.authority and e.s47_enquiry_id = c.s47_enquiry_id"
    " and e.person_id = c.person_id"
    " where c.authority = '{authority}' and c.conference_date " + YEAR
)
# the working days up to each day, which two days subtract
DAYS = (
    "with days as (select calendar_date as day, count(*) filter (where is_working_day)"
    " over (order by calendar_date) as number from core.dim_date) "
)
PLANS = (
    "(select person_id, start_date, end_date,"
    " lag(end_date) over (partition by person_id order by start_date) as before_date"
    " from staging.stg_cp_plans where authority = '{authority}'"
    " and (end_date is null or end_date > start_date)) as p"
)
PARTS = (
    "from staging.stg_cp_reviews where authority = '{authority}' and review_date "
    + YEAR
    + " and participation_code <> 'PN0'"
)

FIGURES = (
    Figure(
        "kpi_contacts",
        "contacts that led to a referral",
        'select count(*) filter (where outcome_json @> \'{{"NEW_REFERRAL_FLAG": "Y"}}\'), count(*)'
        " from staging.stg_contacts where authority = '{authority}' and contact_date " + YEAR,
    ),
    Figure(
        "kpi_contacts",
        "contacts",
        "select count(*) from staging.stg_contacts where authority = '{authority}'"
        " and contact_source_code = '6' and contact_date " + YEAR,
        segment="source: police",
    ),
    Figure(
        "kpi_referral_sources",
        "assessed and found not in need",
        "select count(*) filter (where close_reason_code = 'RC8' and not is_no_further_action"
        " and referral_id in (select referral_id from staging.stg_cin_assessments"
        " where authority = '{authority}' and authorised_date <= '{last}')), count(*)"
        " from (" + NEED + ") as r where referral_date " + YEAR,
    ),
    Figure(
        "kpi_referral_sources",
        "referrals by source",
        "select count(*) from ("
        + NEED
        + ") as r where referral_source_code = '2A' and referral_date "
        + YEAR,
        segment="source: school",
    ),
    Figure(
        "kpi_assessment_durations",
        "assessments within 45 working days (DfE)",
        DAYS + "select count(*) filter (where l.number - f.number <= 45), count(*)"
        " from staging.stg_cin_assessments as a inner join days as f on f.day = a.start_date"
        " inner join days as l on l.day = a.authorised_date"
        " where a.authority = '{authority}' and a.authorised_date " + YEAR,
    ),
    Figure(
        "kpi_assessment_factors",
        "episodes with factors at the end of assessment",
        "select count(distinct a.referral_id) filter"
        " (where f.assessment_factors_json @> '[\"17A\"]'), count(distinct a.referral_id) "
        + FACTORS,
        segment="factor: emotional abuse",
    ),
    Figure(
        "kpi_children_in_need",
        "children in need (DfE)",
        "select count(distinct person_id) from (" + NEED + ") as r"
        " where not is_no_further_action and referral_date <= '{last}'"
        " and coalesce(close_date, 'infinity') > '{last}'",
    ),
    Figure(
        "kpi_need_episodes",
        "episodes of need ended in 12 months",
        "select count(*) filter (where close_reason_code = 'RC8'), count(*) from ("
        + NEED
        + ") as r where not is_no_further_action and close_date "
        + YEAR,
        segment="closed: no further action after assessment",
    ),
    Figure(
        "kpi_need_episodes",
        "episodes of need ended in 12 months",
        "select count(*) filter (where age(close_date, referral_date) >= interval '2 years'),"
        " count(*) from (" + NEED + ") as r where not is_no_further_action and close_date " + YEAR,
        segment="2 years or more",
    ),
    Figure(
        "kpi_case_durations",
        "days of an episode of need",
        "select percentile_disc(0.5) within group (order by close_date - referral_date) from ("
        + NEED
        + ") as r where not is_no_further_action and close_date "
        + YEAR,
    ),
    Figure(
        "kpi_enquiries",
        "section 47 enquiries that led to a conference",
        "select count(*) filter (where (s47_enquiry_id, person_id) in"
        " (select s47_enquiry_id, person_id from staging.stg_initial_cp_conference"
        " where authority = '{authority}' and is_transfer_in is not true"
        " and conference_date <= '{last}')), count(*) from staging.stg_s47_enquiry"
        " where authority = '{authority}' and start_date " + YEAR,
    ),
    Figure(
        "kpi_enquiries",
        "children with a section 47 enquiry",
        "select count(distinct person_id) from staging.stg_s47_enquiry"
        " where authority = '{authority}' and start_date " + YEAR,
    ),
    Figure(
        "kpi_enquiries",
        "initial conferences",
        "select count(*) filter (where c.is_transfer_in), count(*) " + CONFERENCES,
        segment="moved in with a plan",
    ),
    Figure(
        "kpi_enquiries",
        "conferences within 15 working days (DfE)",
        DAYS + "select count(*) filter (where"
        " (select number from days where day = c.conference_date)"
        " - (select number from days where day = e.start_date) <= 15), count(*) "
        + CONFERENCES
        + " and c.conference_date >= e.start_date",
    ),
    Figure(
        "kpi_protection_plans",
        "children on a child protection plan (DfE)",
        "select count(distinct person_id) from " + PLANS + " where start_date <= '{last}'"
        " and coalesce(end_date, 'infinity') > '{last}'",
    ),
    Figure(
        "kpi_protection_plans",
        "second or subsequent plan, ever (DfE)",
        "select count(before_date), count(*) from " + PLANS + " where start_date " + YEAR,
    ),
    Figure(
        "kpi_protection_plans",
        "second or subsequent plan within 2 years",
        "select count(*) filter (where age(start_date, before_date) <= interval '2 years'),"
        " count(*) from " + PLANS + " where start_date " + YEAR,
    ),
    Figure(
        "kpi_protection_plans",
        "plans that had lasted 2 years or more (DfE)",
        "select count(*) filter (where end_date > start_date + 729), count(*) from "
        + PLANS
        + " where end_date "
        + YEAR,
    ),
    Figure(
        "kpi_protection_reviews",
        "reviews in time, by child (DfE)",
        "with on_plan as (select * from core.fct_plan_spells where plan_type_code = 'CP'"
        " and authority = '{authority}' and start_date <= date '{last}' - 91"
        " and coalesce(end_date, 'infinity') > '{last}')"
        " select count(*) filter (where not exists (select from core.fct_reviews as r"
        " where r.plan_spell_key = on_plan.plan_spell_key and r.due_date <= '{last}'"
        " and r.is_in_time is not true)), count(*) from on_plan",
    ),
    Figure(
        "kpi_protection_reviews",
        "child gave a view in child protection reviews",
        "select count(*) filter (where participation_code in ('PN1', 'PN2', 'PN3', 'PN5', 'PN6')),"
        " count(*) " + PARTS,
    ),
    Figure(
        "kpi_pre_proceedings",
        "pre-proceedings that led to care proceedings",
        "select count(*) filter (where outcome_code = 'ISSUE'), count(outcome_code)"
        " from staging.stg_pre_proceedings where authority = '{authority}'"
        " and stepdown_or_issue_date " + YEAR,
    ),
    Figure(
        "kpi_case_durations",
        "weeks of pre-proceedings",
        "select percentile_cont(0.5) within group"
        " (order by (stepdown_or_issue_date - decision_date) / 7.0)"
        " from staging.stg_pre_proceedings where authority = '{authority}'"
        " and stepdown_or_issue_date " + YEAR,
    ),
    Figure(
        "kpi_child_voices",
        "child: understood the plan",
        "select count(*) filter (where is_plan_understood), count(is_plan_understood)"
        " from staging.stg_voice_of_child where authority = '{authority}'",
    ),
)
