-- grain: one row per child with a record in ssd_cla_episodes: the child's care, as the
-- rules of the looked-after return see it in the collection year
with

-- series of short breaks (V3, V4) are no care in the sense of these rules
episodes as (
    select
        *,
        {{ birthday('birth_date', 14) }} as birthday_14,
        {{ birthday('birth_date', 16) }} as birthday_16,
        {{ birthday('birth_date', 17) }} as birthday_17,
        {{ birthday('birth_date', 18) }} as birthday_18
    from {{ ref('int_return_episodes') }}
    where person_id is not null
),

counted as (
    select
        *,
        start_date <= as_of_date
        and (end_date is null or end_date > as_of_date)
        and not is_short_break as is_open,
        start_date <= birthday_17
        and counted_end_date > birthday_17
        and not is_short_break as is_open_at_17,
        start_date <= birthday_18
        and counted_end_date > birthday_18
        and not is_short_break as is_open_at_18
    from episodes
)

select
    authority,
    person_id,
    authority || '|' || person_id as child,
    min(start_date) as first_start_date,
    coalesce(bool_or(is_in_year and start_date <= year_end), false)
        as has_episode_in_year,
    coalesce(
        bool_or(is_in_year and start_date <= year_end and not is_short_break), false
    ) as has_care_in_year,
    coalesce(bool_or(is_open), false) as is_looked_after,
    max(care_start_date) filter (where is_open) as open_period_start_date,
    coalesce(bool_or(is_open and care_start_date <= year_start), false)
        as is_looked_after_all_year,
    coalesce(bool_or(is_open_at_17), false) as is_looked_after_at_17,
    coalesce(bool_or(is_open_at_18), false) as is_looked_after_at_18,
    coalesce(bool_or(end_date is null), false) as has_open_episode,
    -- null while an episode is open
    case when bool_and(end_date is not null) then max(end_date) end as care_end_date,
    (array_agg(end_reason_code order by episode_number desc))[1]
        as final_end_reason_code,
    coalesce(
        bool_or(
            not is_short_break
            and end_reason_code <> 'X1'
            and end_date between year_start and year_end
        ),
        false
    ) as is_ceased_in_year,
    coalesce(bool_or(end_reason_code = 'E2'), false) as has_died_in_care,
    coalesce(bool_or(end_reason_code in ('E11', 'E12')), false) as has_been_adopted,
    coalesce(
        bool_or(
            end_reason_code in ('E11', 'E12')
            and end_date between year_start and year_end
        ),
        false
    ) as is_adopted_in_year,
    max(period_start_date) as latest_period_start_date,
    max(start_date) as latest_start_date,
    min(start_date) filter (where placement_type_code in ('A3', 'A4', 'A5', 'A6'))
        as first_adoptive_placement_date,
    min(start_date) filter (where not is_short_break) as first_care_date,
    coalesce(
        sum(
            greatest(counted_end_date - greatest(start_date, birthday_14), 0)
        ) filter (where not is_short_break),
        0
    ) as days_after_14,
    coalesce(
        sum(
            greatest(counted_end_date - greatest(start_date, birthday_16), 0)
        ) filter (where not is_short_break),
        0
    ) as days_after_16
from counted
group by authority, person_id
