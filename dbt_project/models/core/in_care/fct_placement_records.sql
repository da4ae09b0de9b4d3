-- grain: one row per record of a placement, period of care and unbroken part
{{ config(materialized='kept') }}
with

placements as (
    select
        *,
        {{ surrogate_key(['authority', 'record_key']) }} as source_placement_key,
        {{ surrogate_key(['authority', postcode('postcode')]) }} as postcode_key
    from {{ touched(ref('stg_cla_placement')) }}
),

-- several spellings of one postcode are one
area_postcodes as (
    select
        authority,
        {{ surrogate_key(['authority', postcode('area_postcode')]) }} as postcode_key
    from {{ ref('stg_area_postcodes') }}
    where {{ postcode('area_postcode') }} is not null
    group by authority, postcode_key
),

gazetteers as (
    select authority
    from area_postcodes
    group by authority
),

episodes as (
    select * from {{ touched(ref('stg_cla_episodes')) }}
),

care_episodes as (
    select * from {{ touched(ref('fct_care_episodes')) }}
    where left_out_reason is null
),

short_breaks as (
    select
        young_person_key,
        start_date,
        coalesce(recorded_end_date, 'infinity'::date) as end_date
    from {{ touched(ref('fct_care_episodes')) }}
    where left_out_reason = 'short break'
    group by young_person_key, start_date, recorded_end_date
),

care_periods as (
    select * from {{ touched(ref('fct_care_periods')) }}
),

placement_types as (
    select * from {{ ref('dim_placement_type') }}
),

-- Mosaic's placements do not name a child; the child comes from the episodes that refer
-- to them
children as (
    select
        {{ surrogate_key(['authority', 'placement_id']) }} as source_placement_key,
        min(person_id) as person_id
    from episodes
    where placement_id is not null
    group by authority, placement_id
),

-- Of several records of one placement, the choice rests on their content, not on when
-- they came in, so a record that disappears and comes back changes nothing.
numbered as (
    select
        {{ surrogate_key([
            'placements.authority', 'coalesce(placements.person_id, children.person_id)',
        ]) }} as young_person_key,
        placements.source_placement_key,
        placements.record_key,
        placements.authority,
        placements.start_date,
        placements.end_date,
        placements.placement_type_code,
        coalesce(placement_types.is_temporary, false) as is_temporary,
        placements.provider_code,
        {{ provider_urn('placements.provider_urn') }} as provider_urn,
        placements.distance_miles,
        -- without a postcode, or without the authority's list of postcodes, the answer
        -- is not known
        case
            when
                placements.postcode_key is not null
                and gazetteers.authority is not null
                then area_postcodes.postcode_key is not null
        end as is_in_area,
        placements.change_reason_code,
        row_number() over (
            partition by
                placements.authority, placements.record_key,
                coalesce(placements.person_id, children.person_id)
            order by
                placements.start_date is null asc,
                coalesce(placements.end_date > placements.start_date, true) desc,
                placements.end_date desc nulls last, placements.start_date asc,
                placements.placement_type_code asc, placements.provider_code asc,
                placements.provider_urn asc, placements.change_reason_code asc,
                placements.distance_miles asc,
                placements.postcode_key is null asc,
                area_postcodes.postcode_key is not null asc
        ) as record_number
    from placements
    left join children
        on placements.source_placement_key = children.source_placement_key
    left join placement_types
        on placements.placement_type_code = placement_types.placement_type_code
    left join area_postcodes on placements.postcode_key = area_postcodes.postcode_key
    left join gazetteers on placements.authority = gazetteers.authority
    -- rule CARE-04 reports a record without a child
    where coalesce(placements.person_id, children.person_id) is not null
),

judged as (
    select
        numbered.young_person_key,
        numbered.source_placement_key,
        numbered.record_key,
        numbered.authority,
        numbered.start_date,
        numbered.end_date,
        numbered.placement_type_code,
        -- where a short break is spent is an absence, whatever its type
        numbered.is_temporary or short_breaks.start_date is not null as is_temporary,
        numbered.provider_code,
        numbered.provider_urn,
        numbered.distance_miles,
        numbered.is_in_area,
        numbered.change_reason_code,
        numbered.record_number,
        case
            when numbered.start_date is null then 'no start date'
            when numbered.record_number > 1 then 'duplicate'
            when numbered.end_date < numbered.start_date then 'reversed'
            when numbered.end_date = numbered.start_date then 'no day'
        end as fault
    from numbered
    left join short_breaks
        on
            numbered.young_person_key = short_breaks.young_person_key
            and numbered.start_date = short_breaks.start_date
            and coalesce(numbered.end_date, 'infinity'::date) = short_breaks.end_date
),

-- a placement that touches two periods of care is cut into one part for each
within_care as (
    select
        judged.*,
        care_periods.care_period_key,
        case
            when judged.fault is not null then judged.fault
            when care_periods.care_period_key is null then 'outside care'
        end as care_fault,
        greatest(judged.start_date, care_periods.start_date) as care_start_date,
        least(judged.end_date, care_periods.end_date) as care_end_date
    from judged
    left join care_periods
        on
            judged.fault is null
            and judged.young_person_key = care_periods.young_person_key
            and (judged.end_date is null or judged.end_date > care_periods.start_date)
            and (
                care_periods.end_date is null
                or judged.start_date < care_periods.end_date
            )
),

-- a holiday, a stay in hospital or a short break while the placement goes on does not
-- count as a placement
absences as (
    select
        *,
        max(coalesce(care_end_date, 'infinity'::date)) filter (where not is_temporary)
            over (
                partition by care_period_key
                order by
                    care_start_date, is_temporary, care_end_date, record_key
                rows between unbounded preceding and 1 preceding
            ) as latest_end_date
    from within_care
),

counted as (
    select
        *,
        coalesce(
            care_fault,
            case
                when
                    is_temporary
                    and coalesce(care_end_date, 'infinity'::date) <= latest_end_date
                    then 'absence within a placement'
            end
        ) as placement_fault
    from absences
),

-- a child is in one place: of the placements in force, the one that began last counts
in_order as (
    select
        *,
        row_number() over (
            partition by care_period_key, placement_fault is null
            order by
                care_start_date, start_date, care_end_date, record_key
        ) as precedence,
        case
            when placement_fault is null then daterange(care_start_date, care_end_date)
        end as dates
    from counted
),

covered as (
    select
        placements.care_period_key,
        placements.source_placement_key,
        range_agg(later.dates) as dates
    from in_order as placements
    inner join in_order as later
        on
            placements.care_period_key = later.care_period_key
            and placements.precedence < later.precedence
            and placements.dates && later.dates
    group by placements.care_period_key, placements.source_placement_key
),

-- A placement that contains another one has a part before it and one after it. It is
-- not resumed for a single day: where ends are typed as the last day, instead of the
-- day after, such a day lies between any two.
parts as (
    select
        in_order.*,
        covered.dates is not null as is_covered,
        parts.part_number,
        lower(parts.dates) as part_start_date,
        upper(parts.dates) as part_end_date,
        max(parts.part_number) over record as part_count,
        coalesce(bool_or(upper_inf(parts.dates)) over record, false) as is_open
    from in_order
    left join covered
        on
            in_order.care_period_key = covered.care_period_key
            and in_order.source_placement_key = covered.source_placement_key
            and in_order.placement_fault is null
    left join
        lateral
        unnest(
            datemultirange(in_order.dates)
            - coalesce(covered.dates, '{}'::datemultirange)
        ) with ordinality as parts (dates, part_number)
        on
            parts.part_number = 1
            or coalesce(upper(parts.dates) - lower(parts.dates) > 1, true)
    window record as (
        partition by
            in_order.care_period_key, in_order.placement_fault is null,
            in_order.precedence
    )
),

closed as (
    select
        *,
        coalesce(
            placement_fault,
            case when part_number is null then 'another from the same day' end
        ) as left_out_reason
    from parts
),

-- A return has one placement for each episode. Where only the legal status changed, it
-- is the same placement as before. So it is where the child stayed with the same carers
-- (T, U) in a placement of the same type and provider.
compared as (
    select
        closed.*,
        care_episodes.start_reason_code,
        lag(closed.part_end_date) over placement_order as previous_end_date,
        lag(closed.placement_type_code) over placement_order as previous_type_code,
        lag(closed.provider_urn) over placement_order as previous_provider_urn
    from closed
    left join care_episodes
        on
            closed.young_person_key = care_episodes.young_person_key
            and closed.part_start_date = care_episodes.start_date
    window placement_order as (
        partition by closed.care_period_key, closed.left_out_reason is null
        order by closed.part_start_date
    )
),

continued as (
    select
        *,
        part_start_date = previous_end_date
        and coalesce(placement_type_code, '') = coalesce(previous_type_code, '')
        and (
            (
                start_reason_code = 'L'
                and coalesce(provider_urn, '') = coalesce(previous_provider_urn, '')
            )
            or (
                start_reason_code in ('T', 'U')
                and provider_urn = previous_provider_urn
            )
        ) as is_continuation
    from compared
),

spells as (
    select
        *,
        count(*) filter (where is_continuation is not true) over (
            partition by care_period_key, left_out_reason is null
            order by part_start_date
            rows between unbounded preceding and current row
        ) as placement_number
    from continued
),

keyed as (
    select
        *,
        first_value(source_placement_key) over (
            partition by care_period_key, left_out_reason is null, placement_number
            order by part_start_date
        ) as first_source_placement_key,
        first_value(part_number) over (
            partition by care_period_key, left_out_reason is null, placement_number
            order by part_start_date
        ) as first_part_number
    from spells
)

select
    {{ surrogate_key([
        'source_placement_key::text', 'young_person_key', 'record_number',
        "coalesce(care_period_key, 0) || coalesce('/' || nullif(part_number, 1), '')",
    ]) }} as placement_part_key,
    source_placement_key,
    case
        when left_out_reason is null
            then
                {{ surrogate_key([
                    'first_source_placement_key::text',
                    "care_period_key || coalesce('/' || nullif(first_part_number, 1), '')",
                ]) }}
    end as placement_key,
    case when left_out_reason is null then care_period_key end as care_period_key,
    young_person_key,
    authority,
    case when left_out_reason is null then placement_number end::integer
        as placement_number,
    case when left_out_reason is null then part_start_date else start_date end
        as start_date,
    case when left_out_reason is null then part_end_date else end_date end
        as end_date,
    placement_type_code,
    is_temporary,
    provider_code,
    provider_urn,
    distance_miles,
    is_in_area,
    -- the reason for the final end is not the reason for a stay elsewhere in between
    case when part_number < part_count then null else change_reason_code end
        as change_reason_code,
    left_out_reason,
    coalesce(part_number > 1, false) as is_resumed,
    left_out_reason is null
    and (
        start_date < care_start_date
        or coalesce(end_date > care_end_date, false)
    ) as is_cut_to_care,
    left_out_reason is null and is_covered and (end_date is not null or is_open)
        as is_overlap_clipped,
    left_out_reason is null and end_date is null and not is_open as is_open_end_closed
from keyed
