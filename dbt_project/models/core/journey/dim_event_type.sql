-- grain: one row per type of event on a young person's way
-- day_rank orders the events of one day: what leads to a plan, what the plan becomes,
-- what happens within it, what ends the case
select
    event_type_code,
    event_type,
    day_rank,
    can_change_stage,
    event_table,
    detail_code_list
from (
    values
    ('contact', 'contact', 1, false, 'fct_contacts', 'referral_source'),
    ('referral', 'referral', 2, false, 'fct_referrals', 'referral_source'),
    ('assessment_start', 'assessment started', 3, false, 'fct_assessments', null),
    ('assessment_end', 'assessment finished', 4, false, 'fct_assessments', null),
    ('enquiry', 'section 47 enquiry', 5, false, 'fct_enquiries', null),
    (
        'conference', 'child protection conference', 6, false, 'fct_enquiries',
        null
    ),
    (
        'return_home', 'return home from care', 7, true, 'fct_care_periods',
        'episode_end_reason'
    ),
    (
        'leaving_care', 'end of care other than home', 8, true, 'fct_care_periods',
        'episode_end_reason'
    ),
    (
        'entry_to_care', 'entry to care', 9, true, 'fct_care_periods',
        'legal_status'
    ),
    ('step_up', 'step up', 10, true, 'fct_plan_spells', 'plan_type_code'),
    ('step_down', 'step down', 11, true, 'fct_plan_spells', 'plan_type_code'),
    ('plan_end', 'plan ended', 12, true, 'fct_plan_spells', 'plan_type_code'),
    ('plan_start', 'plan started', 13, true, 'fct_plan_spells', 'plan_type_code'),
    (
        'legal_status', 'change of legal status', 14, false, 'fct_legal_statuses',
        'legal_status'
    ),
    ('placement', 'first placement', 15, false, 'fct_placements', 'placement_type'),
    (
        'move',
        'move to another placement',
        16,
        false,
        'fct_placements',
        'placement_type'
    ),
    ('missing', 'missing', 17, false, 'fct_missing_episodes', 'missing_type'),
    (
        'pathway_plan', 'pathway plan reviewed', 18, false, 'fct_pathway_plans', null
    ),
    (
        'care_leaver_status', 'care-leaver status first recorded', 19, false,
        'dim_young_person', 'eligibility'
    ),
    (
        'case_closed', 'case closed', 20, false, 'fct_referrals', 'cin_close_reason'
    )
) as event_types (
    event_type_code, event_type, day_rank, can_change_stage, event_table, detail_code_list
)
