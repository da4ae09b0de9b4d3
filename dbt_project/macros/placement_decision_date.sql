{#- The decision to place a child for adoption. A return has it in a file of its own
    (DATE_PLACED). A recording system has one date of the decision. `of` is the table's name
    and a full stop, where a query has several tables. -#}
{% macro placement_decision_date(of='') -%}
    case
        when {{ of }}period is null then {{ of }}adm_decision_date
        else {{ of }}placed_for_adoption_date
    end
{%- endmacro %}
