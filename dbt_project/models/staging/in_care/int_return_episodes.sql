-- grain: one row per current record of ssd_cla_episodes, as the looked-after return has
-- it: with its legal status, placement and child, and the episodes before and after it
with

years as (
    select * from {{ ref('int_collection_year') }}
),

episodes as (
    select
        *,
        -- one key: by authority and person the planner may join on the authority alone
        coalesce(authority || '|' || person_id, record_key) as child
    from {{ ref('stg_cla_episodes') }}
),

legal_statuses as (
    select
        authority || '|' || person_id as child,
        legal_status_code,
        legal_status_sent,
        start_date,
        end_date
    from {{ ref('stg_legal_status') }}
    where start_date is not null
),

days as (
    select distinct
        child,
        start_date
    from episodes
    where start_date is not null
),

-- of the legal statuses in force on the first day, the one that began last counts; the
-- return shows a placement order rather than the care order beside it
in_force as (
    select distinct on (days.child, days.start_date)
        days.child,
        days.start_date,
        legal_statuses.legal_status_code,
        legal_statuses.legal_status_sent
    from days
    inner join legal_statuses
        on
            days.child = legal_statuses.child
            and days.start_date >= legal_statuses.start_date
            and (
                legal_statuses.end_date is null
                or days.start_date < legal_statuses.end_date
                or days.start_date = legal_statuses.start_date
            )
    order by
        days.child asc,
        days.start_date asc,
        legal_statuses.start_date desc,
        coalesce(legal_statuses.legal_status_code = 'E1', false) desc,
        legal_statuses.legal_status_code asc
),

-- the type of an address is free text; letters and placements are not at home
home_addresses as (
    select
        authority || '|' || person_id as child,
        start_date,
        end_date,
        postcode
    from {{ ref('stg_address') }}
    where
        person_id is not null
        and start_date is not null
        and address_type ~* '^(home|primary|main)( address)?$'
),

-- where the child lived on the day before: a system may record the placement as a home
-- from the first day of care
homes as (
    select distinct on (days.child, days.start_date)
        days.child,
        days.start_date,
        home_addresses.postcode as home_postcode
    from days
    inner join home_addresses
        on
            days.child = home_addresses.child
            and days.start_date > home_addresses.start_date
            and (
                home_addresses.end_date is null
                or days.start_date <= home_addresses.end_date + 1
            )
    order by
        days.child asc,
        days.start_date asc,
        home_addresses.start_date desc,
        home_addresses.postcode asc nulls last
),

placements as (
    select distinct on (authority, placement_id)
        authority || '|' || placement_id as placement,
        placement_type_code,
        placement_type_sent,
        provider_code,
        provider_sent,
        provider_urn,
        postcode,
        distance_miles,
        change_reason_code,
        change_reason_sent,
        end_date
    from {{ ref('stg_cla_placement') }}
    where placement_id is not null
    order by
        authority asc,
        placement_id asc,
        known_from desc,
        from_load desc,
        start_date asc,
        end_date asc
),

-- not materialized: the planner then leaves out joins that no rule asks for
area_postcodes as not materialized (
    select distinct
        authority || '|' || {{ postcode('area_postcode') }} as place,
        true as is_in_area
    from {{ ref('stg_area_postcodes') }}
),

people as (
    select distinct on (authority, person_id)
        authority || '|' || person_id as child,
        birth_date
    from {{ ref('stg_person') }}
    where person_id is not null
    order by
        authority asc,
        person_id asc,
        known_from desc,
        from_load desc,
        birth_date asc nulls last
),

uasc as (
    select distinct authority || '|' || person_id as child
    from {{ ref('stg_immigration_status') }}
    where immigration_status_code = 'UASC' and person_id is not null
),

adoptions as (
    select
        authority || '|' || person_id as child,
        max(adm_decision_date) as best_interest_date,
        max({{ placement_decision_date() }}) as placement_decision_date,
        max(matched_date) as matched_date,
        max(decision_reversed_date) as decision_reversed_date,
        bool_or(is_adopted_by_carer) as is_adopted_by_carer,
        bool_or(decision_reversed_reason_sent is not null) as has_reversal_reason,
        bool_or(
            num_nulls(
                adm_decision_date, matched_date, is_adopted_by_carer, adopter_count,
                adopter_sex_sent, adopter_legal_status_sent
            ) = 0
        ) as has_whole_adoption_record
    from {{ ref('stg_permanence') }}
    where person_id is not null
    group by authority, person_id
),

-- the latest episode that was open at the end of last year, as known then
last_year as (
    select distinct on (versions.authority, versions.person_id)
        versions.authority || '|' || versions.person_id as child,
        versions.start_date,
        versions.start_reason_code,
        versions.primary_need_code,
        versions.authority || '|' || versions.placement_id as placement,
        years.last_year_load,
        versions.end_date is null or versions.end_date >= years.year_start as is_open
    from {{ ref('stg_cla_episodes_versions') }} as versions
    inner join years on versions.authority = years.authority
    where
        {{ as_known_at_load('versions', 'years.last_year_load') }}
        and versions.person_id is not null
        and versions.start_date < years.year_start
    order by
        versions.authority asc,
        versions.person_id asc,
        versions.start_date desc,
        versions.end_date desc nulls first,
        versions.record_key asc
),

last_year_in_force as (
    select distinct on (last_year.child)
        last_year.child,
        versions.legal_status_code
    from last_year
    inner join {{ ref('stg_legal_status_versions') }} as versions
        on
            last_year.child = versions.authority || '|' || versions.person_id
            and last_year.start_date >= versions.start_date
            and (
                versions.end_date is null
                or last_year.start_date < versions.end_date
                or last_year.start_date = versions.start_date
            )
    where {{ as_known_at_load('versions', 'last_year.last_year_load') }}
    order by
        last_year.child asc,
        versions.start_date desc,
        coalesce(versions.legal_status_code = 'E1', false) desc,
        versions.legal_status_code asc
),

last_year_placements as (
    select distinct on (last_year.child)
        last_year.child,
        versions.placement_type_code,
        versions.provider_code,
        versions.provider_urn,
        versions.distance_miles,
        versions.authority || '|' || {{ postcode('versions.postcode') }} as place
    from last_year
    inner join {{ ref('stg_cla_placement_versions') }} as versions
        on last_year.placement = versions.authority || '|' || versions.placement_id
    where {{ as_known_at_load('versions', 'last_year.last_year_load') }}
    order by
        last_year.child asc,
        versions.known_from desc,
        versions.from_load desc,
        versions.record_key asc
),

joined as (
    select
        episodes.*,
        years.night,
        years.collection_year,
        years.year_start,
        years.year_end,
        years.as_of_date,
        years.last_year_load,
        in_force.legal_status_code,
        in_force.legal_status_sent,
        homes.home_postcode,
        placements.placement_type_code,
        placements.placement_type_sent,
        placements.provider_code,
        placements.provider_sent,
        placements.provider_urn,
        placements.postcode,
        {{ postcode('placements.postcode') }} as readable_postcode,
        placements.distance_miles,
        -- in a recording system a placement may last for several episodes
        case
            when placements.end_date = episodes.end_date or episodes.end_date is null
                then placements.change_reason_code
        end as change_reason_code,
        case
            when placements.end_date = episodes.end_date or episodes.end_date is null
                then placements.change_reason_sent
        end as change_reason_sent,
        coalesce(placements.placement_type_code ~ '^T[0-4]$', false) as is_temporary,
        area_postcodes.is_in_area,
        people.birth_date,
        uasc.child is not null as is_uasc,
        adoptions.best_interest_date,
        adoptions.placement_decision_date,
        adoptions.matched_date,
        adoptions.decision_reversed_date,
        adoptions.is_adopted_by_carer,
        coalesce(adoptions.has_reversal_reason, false) as has_reversal_reason,
        coalesce(adoptions.has_whole_adoption_record, false)
            as has_whole_adoption_record,
        last_year.child is not null as has_last_year_episode,
        case when last_year.is_open then last_year.start_date end
            as last_year_start_date,
        last_year.start_reason_code as last_year_start_reason_code,
        last_year.primary_need_code as last_year_primary_need_code,
        last_year_in_force.legal_status_code as last_year_legal_status_code,
        last_year_placements.placement_type_code as last_year_placement_type_code,
        last_year_placements.provider_code as last_year_provider_code,
        last_year_placements.provider_urn as last_year_provider_urn,
        last_year_placements.distance_miles as last_year_distance_miles,
        -- null where last year's record has no postcode that can be read
        case
            when last_year_placements.place is not null
                then coalesce(last_year_areas.is_in_area, false)
        end as last_year_is_in_area,
        coalesce(episodes.end_date >= years.year_start, true) as is_in_year,
        coalesce(in_force.legal_status_code in ('V3', 'V4'), false) as is_short_break
    from episodes
    left join years on episodes.authority = years.authority
    left join in_force
        on
            episodes.child = in_force.child
            and episodes.start_date = in_force.start_date
    left join homes
        on
            episodes.child = homes.child
            and episodes.start_date = homes.start_date
    left join placements
        on episodes.authority || '|' || episodes.placement_id = placements.placement
    left join area_postcodes
        on
            episodes.authority || '|' || {{ postcode('placements.postcode') }}
            = area_postcodes.place
    left join people on episodes.child = people.child
    left join uasc on episodes.child = uasc.child
    left join adoptions on episodes.child = adoptions.child
    left join last_year on episodes.child = last_year.child
    left join last_year_in_force on episodes.child = last_year_in_force.child
    left join last_year_placements on episodes.child = last_year_placements.child
    left join area_postcodes as last_year_areas
        on last_year_placements.place = last_year_areas.place
),

ordered as (
    select
        *,
        row_number() over by_day as episode_number,
        lag(start_date) over by_day as previous_start_date,
        lag(end_date) over by_day as previous_end_date,
        lag(end_reason_code) over by_day as previous_end_reason_code,
        lag(legal_status_code) over by_day as previous_legal_status_code,
        lag(placement_type_code) over by_day as previous_placement_type_code,
        lag(provider_code) over by_day as previous_provider_code,
        lag(provider_urn) over by_day as previous_provider_urn,
        lag(postcode) over by_day as previous_postcode,
        lag(change_reason_sent) over by_day as previous_change_reason_sent,
        lead(start_date) over by_day as next_start_date,
        lead(start_reason_code) over by_day as next_start_reason_code,
        lead(placement_type_code) over by_day as next_placement_type_code,
        coalesce(
            start_reason_code = 'S'
            or lag(start_date) over by_day is null
            or start_date > lag(end_date) over by_day,
            false
        ) as is_period_start,
        is_short_break <> lag(is_short_break) over by_day as is_other_care,
        count(*) filter (where not is_temporary) over by_day as lasting_number,
        count(*) filter (where not is_temporary) over (
            partition by child
            order by start_date desc, end_date desc nulls first, record_key desc
        ) as lasting_number_from_end
    from joined
    window by_day as (
        partition by child
        order by start_date asc, end_date asc nulls last, record_key asc
    )
),

runs as (
    select
        *,
        count(*) filter (where is_period_start) over by_day as period_number,
        -- care begins after a series of short breaks, even without a gap
        count(*) filter (where is_period_start or is_other_care) over by_day
            as care_number,
        count(*) filter (
            where
            is_period_start
            or legal_status_code is distinct from previous_legal_status_code
            or previous_end_date is distinct from start_date
        ) over by_day as legal_status_number
    from ordered
    window by_day as (
        partition by child
        order by start_date asc, end_date asc nulls last, record_key asc
    )
)

select
    authority,
    record_key,
    person_id,
    start_date,
    start_reason_code,
    start_reason_sent,
    primary_need_code,
    primary_need_sent,
    end_date,
    end_reason_code,
    end_reason_sent,
    placement_id,
    period,
    known_from,
    from_load,
    sentinel_columns,
    unreadable_columns,
    night,
    collection_year,
    year_start,
    year_end,
    as_of_date,
    is_in_year,
    legal_status_code,
    legal_status_sent,
    is_short_break,
    placement_type_code,
    placement_type_sent,
    provider_code,
    provider_sent,
    provider_urn,
    postcode,
    readable_postcode,
    distance_miles,
    change_reason_code,
    change_reason_sent,
    is_temporary,
    coalesce(is_in_area, false) as is_in_area,
    birth_date,
    is_uasc,
    best_interest_date,
    placement_decision_date,
    matched_date,
    decision_reversed_date,
    is_adopted_by_carer,
    has_reversal_reason,
    has_whole_adoption_record,
    last_year_load is not null as has_last_year,
    has_last_year_episode,
    last_year_start_date,
    last_year_start_reason_code,
    last_year_primary_need_code,
    last_year_legal_status_code,
    last_year_placement_type_code,
    last_year_provider_code,
    last_year_provider_urn,
    last_year_distance_miles,
    last_year_is_in_area,
    episode_number,
    previous_start_date,
    previous_end_date,
    previous_end_reason_code,
    previous_legal_status_code,
    previous_placement_type_code,
    previous_provider_code,
    previous_provider_urn,
    previous_postcode,
    previous_change_reason_sent,
    next_start_date,
    next_start_reason_code,
    next_placement_type_code,
    is_period_start,
    coalesce(
        bool_or(end_reason_code in ('E11', 'E12')) over (
            partition by child
            order by episode_number
            rows between unbounded preceding and 1 preceding
        ),
        false
    ) as has_earlier_adoption,
    coalesce(end_date, as_of_date) as counted_end_date,
    -- a source that never sends a field is not asked for it
    bool_or(distance_miles is not null) over (partition by authority)
        as sends_distances,
    bool_or(postcode is not null) over (partition by authority) as sends_postcodes,
    bool_or(provider_urn is not null) over (partition by authority) as sends_urns,
    bool_or(coalesce(is_in_area, false)) over (partition by authority) as sends_areas,
    first_value(start_date) over by_period as period_start_date,
    first_value(start_date) over by_care as care_start_date,
    -- the home from which the child came into care
    first_value(home_postcode) over by_care as home_postcode,
    {{ postcode('first_value(home_postcode) over by_care') }} as readable_home_postcode,
    first_value(primary_need_code) over by_period as period_need_code,
    last_value(end_date) over whole_period as period_end_date,
    last_value(end_reason_code) over whole_period as period_end_reason_code,
    first_value(start_date) over (
        partition by child, legal_status_number
        order by episode_number
    ) as legal_status_since,
    coalesce(
        is_in_year
        and episode_number = min(episode_number) filter (where is_in_year)
            over (partition by child),
        false
    ) as is_first_in_year,
    bool_or(is_in_year and legal_status_code = 'V3') over (partition by child)
    and bool_or(is_in_year and legal_status_code = 'V4') over (partition by child)
        as has_both_short_breaks,
    sum(coalesce(end_date, as_of_date) - start_date)
    filter (where legal_status_code = 'V3') over past_year
        as short_break_days,
    -- a change of legal status only does not begin another holiday
    count(*)
    filter (where placement_type_code = 'T3' and start_reason_code <> 'L')
        over past_year
        as carer_holiday_count,
    -- the lasting placements before and after a temporary one
    max(placement_type_code) filter (where not is_temporary)
        over (partition by child, lasting_number)
        as lasting_before_type_code,
    max(placement_type_code) filter (where not is_temporary)
        over (partition by child, lasting_number_from_end)
        as lasting_after_type_code,
    max(postcode) filter (where not is_temporary)
        over (partition by child, lasting_number)
        as lasting_before_postcode,
    max(postcode) filter (where not is_temporary)
        over (partition by child, lasting_number_from_end)
        as lasting_after_postcode
from runs
window by_period as (
    partition by child, period_number
    order by episode_number
),
by_care as (
    partition by child, care_number
    order by episode_number
),
whole_period as (
    partition by child, period_number
    order by episode_number
    rows between unbounded preceding and unbounded following
),
past_year as (
    partition by child
    order by start_date
    range between interval '1 year' preceding and current row
)
