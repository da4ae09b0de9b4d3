-- grain: one row per authority, two snapshot dates, measure and kind of case
with

pairs as (
    select * from {{ ref('int_snapshot_pairs') }}
),

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

members as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        measures.measure,
        case
            when care_leavers.is_open_case then 'open case'
            when not care_leavers.is_open_case then 'closed case'
            else 'case status not recorded'
        end as case_kind,
        measures.is_counted
    from care_leavers
    cross join
        lateral (
            values
            (
                'accommodation recorded as suitable',
                care_leavers.is_suitable_accommodation,
                care_leavers.accommodation_left_out_reason
            ),
            (
                'with a pathway plan', care_leavers.has_pathway_plan,
                care_leavers.pathway_plan_left_out_reason
            )
        ) as measures (measure, is_counted, left_out_reason)
    where measures.left_out_reason is null
),

kinds (case_kind) as (
    values ('open case'), ('closed case'), ('case status not recorded')
),

counted as (
    select
        authority,
        as_at_date,
        measure,
        case_kind,
        count(*) filter (where is_counted) as numerator,
        count(*) as denominator
    from members
    group by authority, as_at_date, measure, case_kind
),

totals as (
    select
        authority,
        as_at_date,
        measure,
        sum(numerator) / sum(denominator) as share,
        sum(denominator) as denominator
    from counted
    group by authority, as_at_date, measure
),

compared as (
    select
        pairs.authority,
        pairs.earlier_snapshot_date,
        pairs.as_at_date,
        later_totals.measure,
        kinds.case_kind,
        coalesce(earlier.numerator, 0) as earlier_numerator,
        coalesce(earlier.denominator, 0) as earlier_denominator,
        coalesce(later.numerator, 0) as later_numerator,
        coalesce(later.denominator, 0) as later_denominator,
        coalesce(earlier.denominator, 0) / earlier_totals.denominator as earlier_weight,
        coalesce(later.denominator, 0) / later_totals.denominator as later_weight,
        -- a kind that one of the dates lacks changes the mix, and no share
        coalesce(
            earlier.numerator::numeric / earlier.denominator,
            later.numerator::numeric / later.denominator
        ) as earlier_share,
        coalesce(
            later.numerator::numeric / later.denominator,
            earlier.numerator::numeric / earlier.denominator
        ) as later_share,
        (earlier_totals.share + later_totals.share) / 2 as mean_share
    from pairs
    cross join kinds
    inner join totals as later_totals
        on
            pairs.authority = later_totals.authority
            and pairs.as_at_date = later_totals.as_at_date
    inner join totals as earlier_totals
        on
            pairs.authority = earlier_totals.authority
            and pairs.earlier_snapshot_date = earlier_totals.as_at_date
            and later_totals.measure = earlier_totals.measure
    left join counted as earlier
        on
            pairs.authority = earlier.authority
            and pairs.earlier_snapshot_date = earlier.as_at_date
            and later_totals.measure = earlier.measure
            and kinds.case_kind = earlier.case_kind
    left join counted as later
        on
            pairs.authority = later.authority
            and pairs.as_at_date = later.as_at_date
            and later_totals.measure = later.measure
            and kinds.case_kind = later.case_kind
)

select
    authority,
    earlier_snapshot_date,
    as_at_date,
    measure,
    case_kind,
    earlier_numerator::integer as earlier_numerator,
    earlier_denominator::integer as earlier_denominator,
    later_numerator::integer as later_numerator,
    later_denominator::integer as later_denominator,
    round((later_share - earlier_share) * (earlier_weight + later_weight) / 2, 6)
        as difference_of_share,
    round(
        (later_weight - earlier_weight)
        * ((earlier_share + later_share) / 2 - mean_share),
        6
    ) as difference_of_mix
from compared
where earlier_denominator > 0 or later_denominator > 0
