{#- Marks the CTE before this point that says whom a KPI model counts: one row per young
    person, measure and segment, with the columns of `members` in measured(). measured(),
    averaged() and medians() mark their own. A model that counts in another way marks one that
    it need not read itself. -#}
{% macro people_are(people) -%}
    /* members: {{ people }} */
{%- endmacro %}

{#- Whom a KPI model counts, for fct_kpi_member. After a model with such a mark is built, this
    stores them beside it, where they are named (young_person_key): those of the latest night
    only, because each date has hundreds of thousands of them. The first condition on the date
    says less than the second, but PostgreSQL can apply it before it counts other dates' members.
    It is a hook because a mart has one table, and `members` are inside its query. -#}
{% macro keep_members() -%}
    {%- if model.name.startswith('kpi_') -%}
    {%- set snapshots = ref('dim_snapshot') -%}
    {%- if execute -%}
    {%- set kept = members_of(this) -%}
    drop table if exists {{ kept }};
    {%- set parts = sql.split('/* members: ') -%}
    {%- if parts | length == 2 -%}
        {%- set members = parts[1].split(' */')[0] -%}
        {%- set query = parts[0].rstrip().rstrip(',') ~ ' select * from ' ~ members -%}
        {%- set columns = get_columns_in_query(query) -%}
        {%- if 'young_person_key' in columns %}
    -- the planner expects few people at one date, and would read them once for each other
    set local enable_nestloop = off;
    create unlogged table {{ kept }} as
    {{ parts[0].rstrip().rstrip(',') }},

    those_kept as (
        select
            authority, measure, segment, young_person_key,
            {{ 'coalesce(is_counted, false) and left_out_reason is null'
                if 'is_counted' in columns else 'null::boolean' }} as is_counted,
            left_out_reason is null as is_in_denominator,
            left_out_reason
        from {{ members }}
        where
            is_member and young_person_key is not null
            and as_at_date = any(array(select snapshot_date from {{ snapshots }} where is_latest))
            and (authority, as_at_date) in (
                select authority, snapshot_date from {{ snapshots }} where is_latest
            )
    )

    -- in the order of the key, so that one measure's rows are stored together
    select
        those_kept.*,
        (
            row_number() over (
                partition by measure, segment, young_person_key
                order by is_counted desc nulls last, left_out_reason asc
            )
        )::integer as record_number
    from those_kept;
        {%- endif -%}
    {%- endif -%}
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- The table with the stored members of a mart. -#}
{% macro members_of(mart) -%}
    {%- do return(api.Relation.create(
        database=mart.database, schema=mart.schema, type='table',
        identifier='members_of_' ~ mart.identifier,
    )) -%}
{%- endmacro %}

{#- The stored members of all KPI marts, as one query with the mart's name. dbt does not know
    the tables that a hook makes, so the catalogue is asked. -#}
{% macro all_members() -%}
    {%- set marts = [] -%}
    {%- for mart in marts_of_counts() + marts_of_values() -%}
        {%- set relation = ref(mart) -%}
        {%- if execute -%}{%- do marts.append([mart, members_of(relation)]) -%}{%- endif -%}
    {%- endfor -%}
    {%- set stored = [] -%}
    {%- if execute -%}
        {%- set tables = run_query(
            "select table_name from information_schema.tables where table_schema = '"
            ~ this.schema ~ "' and table_name like 'members%'"
        ).columns[0].values() -%}
        {%- for mart, kept in marts if kept.identifier in tables -%}
            {%- do stored.append("select '" ~ mart ~ "' as mart, kept.* from " ~ kept ~ " as kept") -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if stored -%}
    ({{ stored | join(' union all ') }})
    {%- else -%}
    (
        select
            null as mart, null as authority, null as measure,
            null as segment, null::bigint as young_person_key, null::boolean as is_counted,
            null::boolean as is_in_denominator, null as left_out_reason,
            null::integer as record_number
        where false
    )
    {%- endif -%}
{%- endmacro %}
