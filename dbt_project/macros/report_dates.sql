{#- Counts records at many report dates in one pass. Each authority's report dates are
    numbered. A binary search (width_bucket) gives each record the numbers of the first and
    the last date at which it counts. Records that are alike and count at the same dates
    become one row, and only these few rows are joined with the dates:

        with

        {{ numbered_report_dates() }},
        ...
        {{ first_date_number('start_date') }} as first_number,
        {{ last_date_number('end_date') }} as last_number
        ... inner join calendars on calendars.authority = ...

    A record does not count at any date if its first number is greater than its last. -#}

{#- The CTEs report_dates (one row per authority and date, with `date_number` and
    `year_before_date`, the last day before the 12 months that end with the date) and
    calendars (one row per authority, both as arrays). -#}
{% macro numbered_report_dates() -%}
report_dates as (
    select
        authority,
        report_date,
        {{ first_day_of_period('report_date', 12) }} - 1 as year_before_date,
        row_number() over (partition by authority order by report_date) as date_number
    from {{ ref('dim_report_date') }}
),

calendars as (
    select
        authority,
        array_agg(report_date order by date_number) as report_dates,
        array_agg(year_before_date order by date_number) as year_before_dates
    from report_dates
    group by authority
)
{%- endmacro %}

{#- The number of the first date on or after a day; null if the day is null. `dates` is an
    array in ascending order. -#}
{% macro first_date_number(day, dates='calendars.report_dates') -%}
    width_bucket({{ day }} - 1, {{ dates }}) + 1
{%- endmacro %}

{#- The number of the last date before a day. If the day is null, it is the number of the
    last date of all, because a record without an end still counts then. -#}
{% macro last_date_number(day, dates='calendars.report_dates') -%}
    coalesce(width_bucket({{ day }} - 1, {{ dates }}), cardinality({{ dates }}))
{%- endmacro %}
