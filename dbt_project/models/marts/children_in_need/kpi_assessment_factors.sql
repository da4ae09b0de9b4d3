-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

found as (
    select * from {{ ref('fct_assessment_factors') }}
),

factors (factor_code, segment) as (
    values
    ('1A', 'factor: alcohol misuse by the child'),
    ('1B', 'factor: alcohol misuse by a parent'),
    ('1C', 'factor: alcohol misuse by another person'),
    ('2A', 'factor: drug misuse by the child'),
    ('2B', 'factor: drug misuse by a parent'),
    ('2C', 'factor: drug misuse by another person'),
    ('3A', 'factor: domestic abuse of the child'),
    ('3B', 'factor: domestic abuse of a parent'),
    ('3C', 'factor: domestic abuse of another person'),
    ('4A', 'factor: mental health of the child'),
    ('4B', 'factor: mental health of a parent'),
    ('4C', 'factor: mental health of another person'),
    ('5A', 'factor: learning disability of the child'),
    ('5B', 'factor: learning disability of a parent'),
    ('5C', 'factor: learning disability of another person'),
    ('6A', 'factor: physical disability or illness of the child'),
    ('6B', 'factor: physical disability or illness of a parent'),
    ('6C', 'factor: physical disability or illness of another person'),
    ('7A', 'factor: young carer'),
    ('8B', 'factor: privately fostered, overseas, to return'),
    ('8C', 'factor: privately fostered, overseas, to stay'),
    ('8D', 'factor: privately fostered, in education here'),
    ('8E', 'factor: privately fostered, family arrangement'),
    ('8F', 'factor: privately fostered, other'),
    ('9A', 'factor: unaccompanied asylum-seeking child'),
    ('10A', 'factor: going missing'),
    ('11A', 'factor: child sexual exploitation'),
    ('12A', 'factor: trafficking'),
    ('13A', 'factor: gangs'),
    ('14A', 'factor: socially unacceptable behaviour'),
    ('15A', 'factor: self-harm'),
    ('16A', 'factor: neglect'),
    ('17A', 'factor: emotional abuse'),
    ('18B', 'factor: physical abuse by a child'),
    ('18C', 'factor: physical abuse by an adult'),
    ('19B', 'factor: sexual abuse by a child'),
    ('19C', 'factor: sexual abuse by an adult'),
    ('20', 'factor: other'),
    ('21', 'factor: no factors found'),
    ('22A', 'factor: female genital mutilation'),
    ('23A', 'factor: abuse linked to faith or belief'),
    ('24A', 'factor: child criminal exploitation')
),

-- each factor once per episode of need, however many assessments found it: by the first
-- of the 12 months
cuts as not materialized (
    select
        found.authority,
        found.young_person_key,
        'episodes with factors at the end of assessment' as measure,
        coalesce(factors.segment, 'factor not in the list') as segment,
        found.authorised_date as event_date,
        found.authorised_date as counted_from_date,
        found.previous_same_factor_date as previous_date,
        null as left_out_reason
    from found
    left join factors on found.factor_code = factors.factor_code
    union all
    select
        authority,
        young_person_key,
        'episodes with factors at the end of assessment' as measure,
        'all' as segment,
        authorised_date as event_date,
        authorised_date as counted_from_date,
        previous_any_factor_date as previous_date,
        null as left_out_reason
    from found
),

{% set measures = ['episodes with factors at the end of assessment'] -%}
{{ counted_in_year('cuts', measures, previous='previous_date') }}

{{ measured('members', weight='record_count', people='people', counts=measures) }}
