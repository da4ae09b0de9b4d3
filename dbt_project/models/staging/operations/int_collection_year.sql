-- grain: one row per authority: the collection year of the load that staging shows
with

cutoffs as (
    select * from {{ source('ops', 'cutoffs') }}
),

-- A return is of the collection year that it says, on whatever night it is loaded. Any
-- other load is of the year, 1 April to 31 March, that contains its night.
loads as (
    select
        load_id,
        authority,
        coalesce(
            period::integer,
            extract(year from night + interval '9 months')::integer
        ) as collection_year
    from {{ source('ops', 'loads') }}
),

shown as (
    select
        cutoffs.authority,
        cutoffs.load_id,
        cutoffs.night,
        loads.collection_year,
        make_date(loads.collection_year - 1, 4, 1) as year_start,
        make_date(loads.collection_year, 3, 31) as year_end
    from cutoffs
    inner join loads on cutoffs.load_id = loads.load_id
),

earlier as (
    select
        shown.authority,
        max(loads.load_id) as last_year_load
    from shown
    inner join loads
        on
            shown.authority = loads.authority
            and shown.load_id > loads.load_id
            and shown.collection_year > loads.collection_year
    group by shown.authority
)

select
    shown.authority,
    shown.load_id,
    shown.night,
    shown.collection_year,
    shown.year_start,
    shown.year_end,
    -- the last day of the year that the records tell about
    least(shown.night, shown.year_end) as as_of_date,
    earlier.last_year_load
from shown
left join earlier on shown.authority = earlier.authority
