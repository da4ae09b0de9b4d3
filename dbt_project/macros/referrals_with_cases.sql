{#- The referrals that open a case, of those whom a night touched: not one that led to no
    action, nor one that closed on its day or before it. -#}
{% macro referrals_with_cases() -%}
select * from {{ touched(ref('fct_referrals'), 'young_person_key') }}
    where
        is_no_further_action is not true
        and referral_date is not null
        and (close_date is null or close_date > referral_date)
{%- endmacro %}
