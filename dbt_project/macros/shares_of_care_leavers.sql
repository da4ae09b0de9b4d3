{#- The rest of a KPI model that counts care leavers by a code: the share of the cohort of each
    snapshot date that has it, and the people behind it. Before it the model defines
    `snapshots`, `care_leavers` and `categories`, which has one row for each code and one for
    no code: the code, measure (its name) and category_order. -#}
{% macro shares_of_care_leavers(code) -%}
-- keep_members() reads it
people as ( -- noqa: ST03
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        categories.measure,
        'all' as segment,
        care_leavers.young_person_key,
        true as is_member,
        (
            categories.{{ code }} is not distinct from care_leavers.{{ code }}
        ) as is_counted,
        null::text as left_out_reason
    from care_leavers
    cross join categories
),

{{ people_are('people') }}
cohort as (
    select
        snapshots.authority,
        snapshots.snapshot_date as as_at_date,
        count(care_leavers.as_at_date) as denominator
    from snapshots
    left join care_leavers
        on
            snapshots.authority = care_leavers.authority
            and snapshots.snapshot_date = care_leavers.as_at_date
    group by snapshots.authority, snapshots.snapshot_date
),

counted as (
    select
        authority,
        as_at_date,
        {{ code }},
        count(*) as numerator
    from care_leavers
    group by authority, as_at_date, {{ code }}
)

select
    cohort.authority,
    cohort.as_at_date,
    categories.measure,
    'all' as segment,
    coalesce(counted.numerator, 0)::integer as numerator,
    cohort.denominator::integer as denominator,
    round(coalesce(counted.numerator, 0)::numeric / nullif(cohort.denominator, 0), 6)
        as share,
    0 as left_out_count,
    null::text as left_out_reason,
    categories.{{ code }},
    categories.category_order
from cohort
cross join categories
left join counted
    on
        cohort.authority = counted.authority
        and cohort.as_at_date = counted.as_at_date
        and categories.{{ code }} is not distinct from counted.{{ code }}
{%- endmacro %}
