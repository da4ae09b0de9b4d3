-- grain: one row per care leaver in both of two snapshots, and measure
{{ config(materialized='view') }}
with

pairs as (
    select * from {{ ref('int_snapshot_pairs') }}
),

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

-- what was known at each date; null means not known and leaves the pair out, with the
-- reason. The records of a closed case are not kept up to date, so a blank in them is
-- not a change
states as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.young_person_key,
        measures.measure,
        case when measures.left_out_reason is null then measures.state end as state,
        coalesce(
            measures.left_out_reason,
            case when measures.state is null then 'not recorded' end
        ) as left_out_reason
    from care_leavers
    cross join lateral (
        values
        ('EET', (eet_status_code = 'EET')::text, eet_left_out_reason),
        (
            'with a pathway plan', has_pathway_plan::text,
            coalesce(
                pathway_plan_left_out_reason,
                case when not is_open_case then 'closed case' end
            )
        ),
        (
            'accommodation recorded as suitable',
            case
                when suitability_code is not null then is_suitable_accommodation::text
            end,
            coalesce(
                accommodation_left_out_reason,
                case when not is_open_case then 'closed case' end
            )
        ),
        (
            'staying put with former foster carer', is_staying_put::text,
            case
                when age_years is null then 'age not recorded'
                when age_years < 18 then 'under 18'
                else staying_put_left_out_reason
            end
        ),
        (
            'accommodation', nullif(nullif(accommodation_code, '0'), 'R'),
            staying_put_left_out_reason
        ),
        (
            'worker', worker_key::text,
            case when not is_open_case then 'closed case' end
        )
    ) as measures (measure, state, left_out_reason)
)

select
    pairs.authority,
    pairs.earlier_snapshot_date,
    pairs.as_at_date,
    earlier.young_person_key,
    earlier.measure,
    earlier.state as earlier_state,
    later.state as later_state,
    coalesce(
        'then ' || earlier.left_out_reason, 'now ' || later.left_out_reason
    ) as left_out_reason
from pairs
inner join states as earlier
    on
        pairs.authority = earlier.authority
        and pairs.earlier_snapshot_date = earlier.as_at_date
inner join states as later
    on
        pairs.authority = later.authority
        and pairs.as_at_date = later.as_at_date
        and earlier.young_person_key = later.young_person_key
        and earlier.measure = later.measure
