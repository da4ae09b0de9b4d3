{#- Every row fulfils the condition; a condition that is null is not fulfilled. -#}
{% test holds(model, that) %}
select 1 as failing_row
from {{ model }}
where ({{ that }}) is not true
{% endtest %}
