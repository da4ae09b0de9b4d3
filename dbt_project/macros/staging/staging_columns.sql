{#- How staging reads the text that a source sent. These macros never fail on a value: one
    that cannot be read becomes null, and unreadable_columns names its column. -#}

{#- Ids: trimmed and in upper case, so that ' ab12' and 'AB12' are one person. -#}
{% macro staging_id(column) -%}
    nullif(upper(btrim({{ column }})), '')
{%- endmacro %}

{% macro staging_text(column) -%}
    nullif(btrim({{ column }}), '')
{%- endmacro %}

{#- A code exactly as it was sent, because the Department does not accept other capitals or
    blanks; null if there are only blanks. -#}
{% macro staging_sent(column) -%}
    case when btrim({{ column }}) <> '' then {{ column }} end
{%- endmacro %}

{#- Dates: ISO (with or without a time), or day/month/year with a year of four digits. The
    warehouse's DateStyle puts the day first. The sentinel 1900-01-01 means "no date". An instant
    with a zone belongs to its day in England. -#}
{% macro staging_date(column) -%}
    case
        when {{ is_date(column) }}
            then nullif(
                case
                    when {{ has_zone(column) }}
                        then ({{ column }}::timestamptz at time zone 'Europe/London')::date
                    else {{ column }}::date
                end,
                date '1900-01-01'
            )
    end
{%- endmacro %}

{#- True for a date and time that says its zone, such as 2024-06-30T23:30:00Z. The form that
    most sources send is left out first, because a regular expression takes longer. -#}
{% macro has_zone(column) -%}
    (
                        length({{ column }}) > 16
                        and {{ column }} not like '____-__-__ __:__:__'
                        and {{ column }} ~* ':[0-9.:]+ ?([+-][0-9:]+|z) *$'
                        and pg_input_is_valid({{ column }}, 'timestamptz')
                    )
{%- endmacro %}

{#- The form is tested first, because PostgreSQL alone would also read 'today', '43069' or a
    year of two digits. `like` takes a third of the time of a regular expression. -#}
{% macro is_date(column) -%}
    (
                ltrim({{ column }}) like '____-__-__%'
                or ltrim({{ column }}) like '_%/_%/____'
                or ltrim({{ column }}) like '_%/_%/____ %'
            )
            and pg_input_is_valid({{ column }}, 'date')
{%- endmacro %}

{#- Numbers: `least` and `most` are the column's range in the contract. -#}
{% macro staging_integer(column, least, most) -%}
    case
        when {{ is_number(column, 'integer', least, most) }} then {{ whole(column) }}::integer
    end
{%- endmacro %}

{#- A whole number that was sent with a fraction of 0, such as 12.0, without it. -#}
{% macro whole(column) -%}
    regexp_replace({{ column }}, '\.0+ *$', '')
{%- endmacro %}

{% macro staging_number(column, least, most) -%}
    case
        when {{ is_number(column, 'numeric', least, most) }} then {{ column }}::numeric
    end
{%- endmacro %}

{#- `case` makes sure that the cast comes after the test. PostgreSQL sorts NaN above every
    number, so NaN and Infinity are outside any range. -#}
{% macro is_number(column, type, least, most) -%}
    {%- set value = whole(column) if type == 'integer' else column -%}
    case
            when pg_input_is_valid({{ value }}, '{{ type }}')
                then {{ value }}::{{ type }} between {{ least }} and {{ most }}
            else false
        end
{%- endmacro %}

{% macro staging_json(column) -%}
    case when pg_input_is_valid({{ column }}, 'jsonb') then {{ column }}::jsonb end
{%- endmacro %}

{% macro staging_flag(column) -%}
    case
        when lower(btrim({{ column }})) in ('y', 'yes', 'true', 't', '1') then true
        when lower(btrim({{ column }})) in ('n', 'no', 'false', 'f', '0') then false
    end
{%- endmacro %}

{#- True for values that staging_flag reads, and for those that mean "not known". -#}
{% macro is_flag(column) -%}
    (lower(btrim({{ column }})) = any(
                '{y,yes,true,t,1,n,no,false,f,0,u,unknown,not known}'::text[]
            ))
{%- endmacro %}

{#- The DfE code that a value means, or null. It tries in turn, the fastest first: the value
    as it is, the value with single spaces, and the code before the first colon or spaced
    dash. The spellings are a constant of the query, so no join is needed. -#}
{% macro staging_code(column, code_list) -%}
    {%- set codes = code_list_spellings(code_list) -%}
    {%- set squeezed -%}
    lower(btrim(regexp_replace({{ column }}, '[\s\u00a0]+', ' ', 'g')))
    {%- endset -%}
    coalesce(
        {{ codes }} ->> lower(btrim({{ column }})),
        {{ codes }} ->> {{ squeezed }},
        {{ code_list_heads(code_list) }} ->> substring(
            {{ squeezed }} from '^(.+?) ?(?::| [-\u2013\u2014])'
        )
    )
{%- endmacro %}

{#- The columns, by their names in staging, that hold the sentinel date 1900-01-01.
    `columns`: name in staging to name in the contract. -#}
{% macro sentinel_columns(columns) -%}
    {%- if columns -%}
    array_remove(
        array[
            {%- for name, column in columns.items() %}
            case
                when left(ltrim({{ column }}), 10) in ('1900-01-01', '01/01/1900')
                    then '{{ name }}'
            end{{ "," if not loop.last }}
            {%- endfor %}
        ],
        null
    )
    {%- else -%}
    array[]::text[]
    {%- endif -%}
{%- endmacro %}

{#- The columns, by their names in staging, whose value is not of their type or is outside
    their range. `columns`: name in staging to [name in the contract, type], and for numbers
    the least and the greatest value. -#}
{% macro unreadable_columns(columns) -%}
    {%- if columns -%}
    array_remove(
        array[
            {%- for name, rest in columns.items() %}
            {%- set column, type = rest[0], rest[1] %}
            case
                when btrim({{ column }}) <> ''
                    and not ({{ is_date(column) if type == 'date'
                        else is_flag(column) if type == 'boolean'
                        else is_number(column, type, rest[2], rest[3]) if rest | length == 4
                        else "pg_input_is_valid(" ~ column ~ ", '" ~ type ~ "')" }})
                    then '{{ name }}'
            end{{ "," if not loop.last }}
            {%- endfor %}
        ],
        null
    )
    {%- else -%}
    array[]::text[]
    {%- endif -%}
{%- endmacro %}
