{#- Every row fulfils the condition; a condition that is null is not fulfilled. The rows
    name their authority: gate 2 then holds its figures and no other's. -#}
{% test holds(model, that) %}
select authority
from {{ model }}
where ({{ that }}) is not true
{% endtest %}
