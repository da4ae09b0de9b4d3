{#- Of the people whom a night touched, the referrals that open a case. A referral without
    further action does not, and one that closed on or before its own day does not. -#}
{% macro referrals_with_cases() -%}
select * from {{ touched(ref('fct_referrals')) }}
    where
        is_no_further_action is not true
        and referral_date is not null
        and (close_date is null or close_date > referral_date)
{%- endmacro %}
