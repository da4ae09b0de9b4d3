-- grain: one row per young person and placement within a period of care
{{ config(materialized='kept') }}
with

placements as (
    select * from {{ touched(ref('fct_placements')) }}
),

-- of several episodes from one day, a change of carer counts before the same carer
starts as (
    select
        young_person_key,
        start_date,
        bool_and(start_reason_code in ('T', 'U')) as is_same_carer
    from {{ touched(ref('fct_care_episodes')) }}
    where left_out_reason is null
    group by young_person_key, start_date
),

-- DfE's stability measures of 2024: a child who stays with the same carers, also when
-- they become the adopters (A3, A5), has not moved
compared as (
    select
        placements.*,
        placements.is_move
        and coalesce(placements.placement_type_code not in ('A3', 'A5'), true)
        and starts.is_same_carer is not true as is_carer_change
    from placements
    left join starts
        on
            placements.young_person_key = starts.young_person_key
            and placements.start_date = starts.start_date
),

numbered as (
    select
        *,
        1 + count(*) filter (where is_carer_change) over (
            partition by care_period_key order by placement_number
        ) as carer_number
    from compared
)

select
    placement_key,
    care_period_key,
    young_person_key,
    authority,
    start_date,
    end_date,
    is_temporary,
    is_carer_change,
    carer_number::integer as carer_number,
    min(start_date) over (partition by care_period_key, carer_number)
        as carer_from_date
from numbered
