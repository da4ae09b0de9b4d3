{#- Counts records at each report date in the 12 months from their day on: the CTEs `members`
    and `people` that measured() takes, as

        {{ measured('members', weight='record_count', people='people', counts=[...]) }}

    It needs the CTEs of numbered_report_dates(). `cuts` is a CTE with one row per record,
    measure and segment in which it counts. Make it `not materialized`, because it is named
    twice and read once:
      authority, young_person_key, measure, segment,
      event_date          the day from which it counts
      counted_from_date   the day from which it belongs to the numerator; null if it never does
      left_out_reason     why the record cannot be measured; null when it can
    `measures` are the measures; each has a row at every date, also without any record.
    `previous` names the column with the day of the record before that is the same in this
    cut. In the 12 months from that day on, only that record counts. -#}
{% macro counted_in_year(cuts, measures, previous=none) -%}
alike as (
    select
        {{ cuts }}.authority,
        {{ cuts }}.measure,
        {{ cuts }}.segment,
        {{ cuts }}.left_out_reason,
        {% if previous -%}
        greatest(
            {{ first_date_number(cuts ~ '.event_date') }},
            {{ first_date_number(cuts ~ '.' ~ previous, 'calendars.year_before_dates') }}
        )
        {%- else -%}
        {{ first_date_number(cuts ~ '.event_date') }}
        {%- endif %} as first_number,
        {{ last_date_number(cuts ~ '.event_date', 'calendars.year_before_dates') }}
            as last_number,
        {{ first_date_number(cuts ~ '.counted_from_date') }} as counted_number,
        count(*) as record_count
    from {{ cuts }}
    inner join calendars on {{ cuts }}.authority = calendars.authority
    group by
        {{ cuts }}.authority, {{ cuts }}.measure, {{ cuts }}.segment,
        {{ cuts }}.left_out_reason, first_number, last_number, counted_number
),

members as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        alike.measure,
        alike.segment,
        true as is_member,
        coalesce(report_dates.date_number >= alike.counted_number, false) as is_counted,
        alike.left_out_reason,
        alike.record_count
    from report_dates
    inner join alike
        on
            report_dates.authority = alike.authority
            and report_dates.date_number
            between alike.first_number and alike.last_number
    union all
    -- a date without any keeps one row
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        measures.measure,
        'all' as segment,
        false as is_member,
        null as is_counted,
        null as left_out_reason,
        0 as record_count
    from report_dates
    cross join (values {% for each in measures %}('{{ each }}'){{ ', ' if not loop.last }}{% endfor %})
        as measures (measure)
),

-- the same records one by one, for keep_members()
people as ( -- noqa: ST03
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        {{ cuts }}.measure,
        {{ cuts }}.segment,
        {{ cuts }}.young_person_key,
        true as is_member,
        coalesce({{ cuts }}.counted_from_date <= report_dates.report_date, false)
            as is_counted,
        {{ cuts }}.left_out_reason
    from report_dates
    inner join {{ cuts }}
        on
            report_dates.authority = {{ cuts }}.authority
            and report_dates.report_date >= {{ cuts }}.event_date
            and report_dates.year_before_date < {{ cuts }}.event_date
    {%- if previous %}
    where
        {{ cuts }}.{{ previous }} is null
        or report_dates.year_before_date >= {{ cuts }}.{{ previous }}
    {%- endif %}
),
{%- endmacro %}
