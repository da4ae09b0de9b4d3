-- grain: one row per authority, date, measure and published figure
with

-- the authority's own figures by an official definition, at the ends of published years
own as (
{% for measure in compared_measures() %}
    select
        authority,
        as_at_date,
        {{ dbt.string_literal(measure.code) }} as measure_code,
        segment,
        {{ dbt.string_literal(dbt.escape_single_quotes(measure.title)) }} as title,
        {{ dbt.string_literal(measure.statistic) }} as statistic,
        {{ dbt.string_literal(measure.direction) }} as direction,
        {{ dbt.string_literal(measure.figure_code) }} as figure_code,
        {{ measure.column }}::numeric as own_value
    from {{ ref(measure.mart) }}
    where
        measure = {{ dbt.string_literal(dbt.escape_single_quotes(measure.measure)) }}
        and segment
        = {{ dbt.string_literal(dbt.escape_single_quotes(measure.segment)) }}
    {% if not loop.last %}union all{% endif %}
{% else %}
    select
        null::text as authority,
        null::date as as_at_date,
        null::text as measure_code,
        null::text as segment,
        null::text as title,
        null::text as statistic,
        null::text as direction,
        null::text as figure_code,
        null::numeric as own_value
    where false
{% endfor %}
),

definitions as (
    select
        figure_code,
        year_end_month
    from {{ ref('published_measures') }}
),

figures as (
    select * from {{ ref('fct_published_figures') }}
    where published_value is not null
),

areas as (
    select * from {{ ref('dim_statistical_area') }}
),

-- a file of populations can describe an authority of which nothing is published
published_authorities as (
    select
        area_code,
        true as is_published
    from {{ ref('fct_published_figures') }}
    where geographic_level = 'Local authority'
    group by area_code
),

neighbours as (
    select * from {{ ref('bridge_statistical_neighbour') }}
),

-- the code joins: same definition, same statistic, same end of the year
matched as (
    select
        own.*,
        coalesce(published_authorities.is_published, false) as is_published_authority,
        areas.region_code,
        areas.region_name
    from own
    inner join definitions
        on
            own.figure_code = definitions.figure_code
            and extract(month from own.as_at_date) = definitions.year_end_month
            and extract(day from own.as_at_date + 1) = 1
    left join areas on own.authority = areas.area_code
    left join published_authorities on own.authority = published_authorities.area_code
),

-- one pass over the published figures of the same definition and year
beside as (
    select
        matched.authority,
        matched.as_at_date,
        matched.measure_code,
        matched.figure_code,
        max(figures.published_value) filter (
            where figures.geographic_level = 'National'
        ) as england_value,
        max(figures.published_value) filter (
            where figures.geographic_level = 'Regional'
            and figures.area_code = matched.region_code
        ) as region_value,
        avg(figures.published_value) filter (where neighbours.neighbour_rank is not null)
            as neighbour_mean_value,
        count(figures.published_value) filter (
            where neighbours.neighbour_rank is not null
        ) as neighbour_count,
        max(figures.published_value) filter (
            where figures.area_code = matched.authority
        ) as published_own_value,
        count(figures.published_value) filter (
            where figures.geographic_level = 'Local authority'
            and figures.area_code <> matched.authority
        ) as other_authority_count,
        count(figures.published_value) filter (
            where figures.geographic_level = 'Local authority'
            and figures.area_code <> matched.authority
            and case
                when matched.direction = 'lower'
                    then figures.published_value < matched.own_value
                else figures.published_value > matched.own_value
            end
        ) as before_count
    from matched
    left join figures
        on
            matched.figure_code = figures.figure_code
            and matched.as_at_date = figures.year_end_date
    left join neighbours
        on
            matched.authority = neighbours.area_code
            and figures.area_code = neighbours.neighbour_area_code
    group by
        matched.authority, matched.as_at_date, matched.measure_code, matched.figure_code
),

placed as (
    select
        matched.*,
        beside.england_value,
        beside.region_value,
        beside.neighbour_mean_value,
        beside.neighbour_count,
        beside.published_own_value,
        beside.other_authority_count + 1 as authority_count,
        beside.before_count + 1 as place,
        matched.is_published_authority
        and matched.own_value is not null
        and beside.other_authority_count > 0 as has_place
    from matched
    inner join beside
        on
            matched.authority = beside.authority
            and matched.as_at_date = beside.as_at_date
            and matched.measure_code = beside.measure_code
            and matched.figure_code = beside.figure_code
)

select
    authority,
    as_at_date,
    measure_code,
    segment,
    figure_code,
    extract(year from as_at_date)::integer as year,
    title,
    statistic,
    direction,
    round(own_value, 6) as own_value,
    published_own_value,
    england_value,
    region_name,
    region_value,
    round(neighbour_mean_value, 6) as neighbour_mean_value,
    neighbour_count::integer as neighbour_count,
    case when has_place then authority_count end::integer as authority_count,
    case when has_place then place end::integer as rank_among_authorities,
    case when has_place then ceil(place * 4.0 / authority_count) end::integer
        as quartile,
    case
        when own_value is null then 'The authority has no figure at this date.'
        when england_value is null and neighbour_count = 0 and not has_place
            then
                'No published figure for the year to '
                || to_char(as_at_date, 'FMDD FMMonth YYYY') || ' is loaded.'
        when not is_published_authority
            then
                'The Department publishes nothing for this authority. It is placed beside '
                || 'England as a whole.'
        when neighbour_count = 0
            then 'The statistical neighbours, or their figures, are not loaded.'
        when neighbour_count < 10
            then
                'Only ' || neighbour_count || ' of the ten neighbours have a published '
                || 'figure.'
    end as comparison_note
from placed
