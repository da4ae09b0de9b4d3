{#- The segments that KPI marts declare in their YAML, for dim_segment. In config.meta:

        segments:
          age: [aged 17 to 21, aged 18 or over]
          need: ["need: {need}"]

    by kind. A name that is the total of a mart's measures is also in config.meta.total.
    Each is a name, or a pattern around the name of a list of dim_segment in
    braces. Every KPI has the segment 'all'. They are read from dbt's graph when a model is
    built, so that a new KPI is found, and core does not depend on marts. A name has only
    one kind. Returns dictionaries with kind, name, list (none for a plain name) and is_total. -#}
{% macro declared_segments() -%}
    {%- set found = [{'kind': 'everybody', 'name': 'all', 'list': none, 'is_total': true}] -%}
    {%- set kinds = {'all': 'everybody'} -%}
    {%- set marts = graph.nodes.values() if execute else [] -%}
    {%- set totals = [] -%}
    {%- for mart in marts if mart.resource_type == 'model' -%}
        {%- do totals.append(mart.config.meta.get('total')) -%}
    {%- endfor -%}
    {%- for mart in marts | sort(attribute='name')
        if mart.resource_type == 'model' and mart.name.startswith('kpi_')
    -%}
        {%- for kind, names in mart.config.meta.get('segments', {}).items() -%}
            {%- for name in names -%}
                {%- if name not in kinds -%}
                    {%- do kinds.update({name: kind}) -%}
                    {%- do found.append({
                        'kind': kind,
                        'name': name,
                        'list': name.split('{')[1].split('}')[0] if '{' in name else none,
                        'is_total': name in totals,
                    }) -%}
                {%- elif kinds[name] != kind -%}
                    {%- do exceptions.raise_compiler_error(
                        mart.name ~ " declares the segment '" ~ name ~ "' with kind '" ~ kind
                        ~ "', but another mart with kind '" ~ kinds[name]
                        ~ "'. Use the same kind in both."
                    ) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do return(found) -%}
{%- endmacro %}

{#- The columns of dim_segment that hold a segment of some kinds. -#}
{% macro segment_columns() -%}
    {% do return({
        'age_band': ['age', 'age band'],
        'sex': ['sex'],
        'ethnicity_group': ['ethnicity', 'ethnicity group'],
        'disability': ['disability'],
        'team': ['team'],
        'need': ['need'],
        'plan_type': ['plan type'],
        'cohort': ['cohort'],
        'legal_status': ['legal status'],
        'provider': ['provider'],
        'duration': ['duration'],
        'reason': ['reason'],
        'category': ['category'],
        'source': ['source'],
        'case_status': ['case'],
    }) %}
{%- endmacro %}

{#- The kinds whose segments are parts of a whole, without overlap. -#}
{% macro additive_kinds() -%}
    {% do return([
        'age band', 'disability', 'duration', 'ethnicity group', 'need', 'plan type',
        'provider', 'sex', 'team',
    ]) %}
{%- endmacro %}
