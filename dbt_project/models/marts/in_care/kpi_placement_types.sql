-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        deliveries.has_distances and deliveries.has_areas as has_localities
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_placements
),

segments (measure, segment, codes) as (
    values
    ('placement type', 'all', null),
    (
        'placement type', 'foster placement',
        array['U1', 'U2', 'U3', 'U4', 'U5', 'U6']
    ),
    ('placement type', 'children''s home or secure home', array['K1', 'K2']),
    (
        'placement type', 'independent, semi-independent or supported living',
        array['H5', 'K3', 'P2', 'P3']
    ),
    ('placement type', 'with own parents', array['P1']),
    ('placement type', 'placed for adoption', array['A3', 'A4', 'A5', 'A6']),
    (
        'placement type', 'other residential setting',
        array['R1', 'R2', 'R3', 'R5', 'S1']
    ),
    (
        'placement type', 'other placement',
        array['T0', 'T1', 'T2', 'T3', 'T4', 'Z1', 'Z11', 'Z12', 'Z13', 'Z14']
    ),
    ('placement provider', 'all', null),
    ('placement provider', 'provider: parents', array['PR0']),
    ('placement provider', 'provider: the authority', array['PR1']),
    ('placement provider', 'provider: another authority', array['PR2']),
    ('placement provider', 'provider: other public', array['PR3']),
    ('placement provider', 'provider: private', array['PR4']),
    ('placement provider', 'provider: voluntary', array['PR5']),
    ('placement locality', 'all', null),
    ('placement locality', 'inside the area, up to 20 miles', array['inside, near']),
    ('placement locality', 'inside the area, over 20 miles', array['inside, far']),
    ('placement locality', 'outside the area, up to 20 miles', array['outside, near']),
    ('placement locality', 'outside the area, over 20 miles', array['outside, far']),
    ('placement locality', 'area or distance not recorded', array['not recorded'])
),

children as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        looked_after.young_person_key,
        looked_after.placement_key,
        looked_after.placement_type_code,
        looked_after.provider_code,
        case
            when looked_after.is_in_area and looked_after.is_over_20_miles
                then 'inside, far'
            when looked_after.is_in_area and not looked_after.is_over_20_miles
                then 'inside, near'
            when not looked_after.is_in_area and looked_after.is_over_20_miles
                then 'outside, far'
            when not looked_after.is_in_area and not looked_after.is_over_20_miles
                then 'outside, near'
            when report_dates.has_localities then 'not recorded'
        end as locality
    from report_dates
    left join {{ ref('fct_looked_after') }} as looked_after
        on
            report_dates.authority = looked_after.authority
            and report_dates.report_date = looked_after.as_at_date
),

answered as (
    select
        children.*,
        segments.measure,
        segments.segment,
        segments.codes,
        case segments.measure
            when 'placement type' then children.placement_type_code
            when 'placement provider' then children.provider_code
            else children.locality
        end as code
    from children
    cross join segments
),

members as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        young_person_key,
        young_person_key is not null as is_member,
        coalesce(code = any(codes), true) as is_counted,
        case
            when young_person_key is null or code is not null then null
            when measure = 'placement locality' then 'not delivered'
            when placement_key is null then 'placement not recorded'
            when measure = 'placement type' then 'type not recorded'
            else 'provider not recorded'
        end as left_out_reason
    from answered
),

{{ measured('members') }}
