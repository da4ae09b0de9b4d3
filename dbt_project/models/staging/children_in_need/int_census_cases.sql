-- grain: one row per referral number of ssd_cin_episodes, with its census year
select
    episodes.authority,
    episodes.referral_id,
    min(episodes.person_id) as person_id,
    min(episodes.referral_date) as referral_date,
    -- open as long as one of its records is
    case
        when count(*) = count(episodes.close_date) then max(episodes.close_date)
    end as close_date,
    bool_and(episodes.is_no_further_action) as is_no_further_action,
    min(episodes.close_reason_code) as close_reason_code,
    -- in the census of the year: not closed before it. A referral with no further
    -- action and no closure belongs to the year in which it was made
    bool_or(
        coalesce(
            episodes.close_date >= {{ census_start('cutoffs.night') }},
            episodes.is_no_further_action is not true
            or coalesce(
                episodes.referral_date >= {{ census_start('cutoffs.night') }}, true
            )
        )
    ) as is_in_census
from {{ ref('stg_cin_episodes') }} as episodes
left join {{ source('ops', 'cutoffs') }} as cutoffs
    on episodes.authority = cutoffs.authority
where episodes.referral_id is not null
group by episodes.authority, episodes.referral_id
