{#- Every key that is not null is one of `to`. As dbt's relationships, but the rows name
    their authority: gate 2 then holds its figures and no other's. -#}
{% test is_known(model, column_name, to) %}
select facts.authority
from {{ model }} as facts
where
    facts.{{ column_name }} is not null
    and not exists (
        select 1 from {{ to }} as known
        where known.{{ column_name }} = facts.{{ column_name }}
    )
{% endtest %}
