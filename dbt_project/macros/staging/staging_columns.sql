{#- How staging reads the text that a source sent. No macro of this file ever fails on a
    value: what can't be read becomes null and is named in unreadable_columns. -#}

{#- Ids: trimmed and in upper case, so that ' ab12' and 'AB12' are one person. -#}
{% macro staging_id(column) -%}
    nullif(upper(btrim({{ column }})), '')
{%- endmacro %}

{% macro staging_text(column) -%}
    nullif(btrim({{ column }}), '')
{%- endmacro %}

{#- Dates: ISO (with or without a time) or day/month/year with four digits of the year,
    which the warehouse's DateStyle settles. The sentinel 1900-01-01 means "no date". -#}
{% macro staging_date(column) -%}
    case
        when {{ is_date(column) }}
            then nullif({{ column }}::date, date '1900-01-01')
    end
{%- endmacro %}

{#- The form is asked for first: PostgreSQL alone would also read 'today', '43069' or a year
    of two digits. `like` costs a third of a regular expression here (0.1 s a million). -#}
{% macro is_date(column) -%}
    (
                ltrim({{ column }}) like '____-__-__%'
                or ltrim({{ column }}) like '_%/_%/____'
                or ltrim({{ column }}) like '_%/_%/____ %'
            )
            and pg_input_is_valid({{ column }}, 'date')
{%- endmacro %}

{% macro staging_integer(column) -%}
    case when pg_input_is_valid({{ column }}, 'integer') then {{ column }}::integer end
{%- endmacro %}

{% macro staging_number(column) -%}
    case when pg_input_is_valid({{ column }}, 'numeric') then {{ column }}::numeric end
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

{#- True for what staging_flag reads, and for what says that nobody knows. -#}
{% macro is_flag(column) -%}
    (lower(btrim({{ column }})) = any(
                '{y,yes,true,t,1,n,no,false,f,0,u,unknown,not known}'::text[]
            ))
{%- endmacro %}

{#- The DfE code that a value means, or null. Tried in turn, the cheapest first: the value
    as it is; with its whitespace squeezed; a code that stands before the first colon or
    spaced dash. The spellings are a constant of the query, so nothing is joined. -#}
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

{#- The columns, by their names in staging, that hold something that is not of their type.
    `columns`: name in staging to [name in the contract, type]. -#}
{% macro unreadable_columns(columns) -%}
    {%- if columns -%}
    array_remove(
        array[
            {%- for name, (column, type) in columns.items() %}
            case
                when btrim({{ column }}) <> ''
                    and not ({{ is_date(column) if type == 'date'
                        else is_flag(column) if type == 'boolean'
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
