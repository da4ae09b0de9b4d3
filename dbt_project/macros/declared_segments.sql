{#- The segments that KPI marts declare in their YAML, for dim_segment. In config.meta:

        segments:
          age: [aged 17 to 21, aged 18 or over]
          need: ["need: {need}"]

    by kind, each by its name, or as a pattern around a list of dim_segment in braces. 'all'
    is everybody, and declared for all. Read from dbt's graph, when a model is built: a new
    KPI is found by itself, and core depends on no mart. A name has one kind.
    Returns dictionaries with kind, name and list (none for a plain name). -#}
{% macro declared_segments() -%}
    {%- set found = [{'kind': 'everybody', 'name': 'all', 'list': none}] -%}
    {%- set kinds = {'all': 'everybody'} -%}
    {%- set marts = graph.nodes.values() if execute else [] -%}
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
                    }) -%}
                {%- elif kinds[name] != kind -%}
                    {%- do exceptions.raise_compiler_error(
                        mart.name ~ " declares the segment '" ~ name ~ "' as of kind '" ~ kind
                        ~ "', and another mart as of kind '" ~ kinds[name] ~ "': name one kind"
                    ) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do return(found) -%}
{%- endmacro %}
