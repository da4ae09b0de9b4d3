-- grain: one row per authority, two snapshot dates, mart, measure and segment
{#- config.meta.is_compared in a mart's YAML puts it here -#}
{%- set marts = compared_marts() %}
with

snapshots as (
    select * from {{ ref('dim_snapshot') }}
),

shares as (
    {%- for mart in marts %}
        select
            authority,
            as_at_date,
            '{{ mart }}' as mart,
            measure,
            segment,
            numerator,
            denominator,
            share
        from {{ ref(mart) }}
        where denominator > 0
        {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- each snapshot with the latest one, and each published one with every later published
-- one
pairs as (
    select
        later.authority,
        earlier.snapshot_date as earlier_snapshot_date,
        later.snapshot_date as as_at_date
    from snapshots as later
    inner join snapshots as earlier
        on
            later.authority = earlier.authority
            and later.snapshot_date > earlier.snapshot_date
            and (
                later.is_latest
                or (later.is_published_date and earlier.is_published_date)
            )
),

changes as (
    select
        pairs.authority,
        pairs.earlier_snapshot_date,
        pairs.as_at_date,
        later.mart,
        later.measure,
        later.segment,
        earlier.numerator as earlier_numerator,
        earlier.denominator as earlier_denominator,
        earlier.share as earlier_share,
        later.numerator as later_numerator,
        later.denominator as later_denominator,
        later.share as later_share,
        {{ newcombe_limit(
            'later.numerator', 'later.denominator',
            'earlier.numerator', 'earlier.denominator', '-',
        ) }} as low,
        {{ newcombe_limit(
            'later.numerator', 'later.denominator',
            'earlier.numerator', 'earlier.denominator', '+',
        ) }} as high
    from pairs
    inner join shares as later
        on
            pairs.authority = later.authority
            and pairs.as_at_date = later.as_at_date
    inner join shares as earlier
        on
            pairs.authority = earlier.authority
            and pairs.earlier_snapshot_date = earlier.as_at_date
            and later.mart = earlier.mart
            and later.measure = earlier.measure
            and later.segment = earlier.segment
)

select
    authority,
    earlier_snapshot_date,
    as_at_date,
    mart,
    measure,
    segment,
    earlier_numerator,
    earlier_denominator,
    earlier_share,
    later_numerator,
    later_denominator,
    later_share,
    round(
        later_numerator::numeric / later_denominator
        - earlier_numerator::numeric / earlier_denominator,
        6
    ) as difference,
    round(low, 6) as difference_low,
    round(high, 6) as difference_high,
    low > 0 or high < 0 as is_beyond_chance
from changes
