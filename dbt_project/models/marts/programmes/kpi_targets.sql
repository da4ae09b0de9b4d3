-- grain: one row per authority, target and report date
with

targets as (
    select * from {{ ref('targets') }}
),

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

figures as (
    select * from {{ ref('kpi') }}
),

measures as (
    select * from {{ ref('dim_measure') }}
),

segments as (
    select * from {{ ref('dim_segment') }}
),

target_figures as (
    select
        targets.authority,
        targets.target_code,
        figures.as_at_date,
        case targets.statistic
            when 'count' then figures.numerator
            else figures.value
        end as figure
    from targets
    inner join figures
        on
            targets.authority = figures.authority
            and targets.measure_code = figures.measure_code
            and targets.segment_code = figures.segment_code
),

-- at each report date since the baseline, the figure of that day or the last one of the
-- quarter before it (care leavers are counted at month ends)
dated as (
    select
        targets.*,
        report_dates.report_date as as_at_date,
        report_dates.is_latest,
        baseline.as_at_date as baseline_figure_date,
        baseline.figure as baseline_value,
        actual.as_at_date as actual_figure_date,
        actual.figure as actual_value,
        exists(
            select 1 from target_figures
            where
                target_figures.authority = targets.authority
                and target_figures.target_code = targets.target_code
        ) as has_figures
    from targets
    inner join report_dates
        on
            targets.authority = report_dates.authority
            and targets.baseline_date <= report_dates.report_date
    left join lateral (
        select
            target_figures.as_at_date,
            target_figures.figure
        from target_figures
        where
            target_figures.authority = targets.authority
            and target_figures.target_code = targets.target_code
            and target_figures.figure is not null
            and target_figures.as_at_date
            between targets.baseline_date - 92 and targets.baseline_date
        order by target_figures.as_at_date desc
        limit 1
    ) as baseline on true
    left join lateral (
        select
            target_figures.as_at_date,
            target_figures.figure
        from target_figures
        where
            target_figures.authority = targets.authority
            and target_figures.target_code = targets.target_code
            and target_figures.figure is not null
            and target_figures.as_at_date
            between report_dates.report_date - 92 and report_dates.report_date
        order by target_figures.as_at_date desc
        limit 1
    ) as actual on true
),

changes as (
    select
        dated.*,
        measures.mart as kpi_mart,
        measures.measure as kpi_measure,
        segments.segment as kpi_segment,
        (dated.actual_value - dated.baseline_value) * 100
        / nullif(dated.baseline_value, 0)
            as change_percent
    from dated
    left join measures on dated.measure_code = measures.measure_code
    left join segments
        on
            dated.authority = segments.authority
            and dated.segment_code = segments.segment_code
)

select
    authority,
    target_code,
    as_at_date,
    service,
    measure,
    direction,
    target_change_percent,
    baseline_date,
    baseline_figure_date,
    round(baseline_value, 4) as baseline_value,
    round(baseline_value * (1 + target_change_percent / 100), 4) as target_value,
    actual_figure_date,
    round(actual_value, 4) as actual_value,
    round(change_percent, 2) as change_percent,
    case direction
        when 'increase' then change_percent >= target_change_percent
        when 'decrease' then change_percent <= target_change_percent
    end as is_reached,
    case
        when change_percent is null then null
        when change_percent = 0 then 'unchanged'
        when (change_percent > 0) = (direction = 'increase') then 'towards the target'
        else 'away from the target'
    end as movement,
    due_date,
    as_at_date >= due_date as is_due,
    is_latest,
    statistic,
    computed,
    case
        when change_percent is not null then null
        when not has_figures
            then 'no figure: ' || concat_ws(', ', measure_code, segment_code)
        when baseline_value is null
            then 'no figure in the 92 days up to the baseline date'
        when actual_value is null then 'no figure in the 92 days up to this date'
        else 'the baseline is 0'
    end as not_measured_reason,
    measure_code,
    segment_code,
    kpi_mart,
    kpi_measure,
    kpi_segment,
    source
from changes
