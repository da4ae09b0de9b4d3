{#- What the Department asks of each care leaver, as rows of `values`: the measure, and whether
    the care leaver counts. What is not recorded counts only as not recorded. -#}
{% macro care_leaver_outcomes(person) -%}
    ('care leavers', true),
        ('in touch', {{ person }}.in_touch_code = 'YES'),
        ('not in touch', {{ person }}.in_touch_code = 'NO'),
        ('refuses contact', {{ person }}.in_touch_code = 'REFU'),
        ('no longer requires services', {{ person }}.in_touch_code = 'NREQ'),
        ('contact not recorded', {{ person }}.in_touch_code is null),
        ('EET', {{ person }}.activity_code ~ '^[FP]'),
        ('in higher education', {{ person }}.activity_code in ('F1', 'P1')),
        ('in other education', {{ person }}.activity_code in ('F2', 'P2')),
        (
            'in training or employment',
            {{ person }}.activity_code in ('F3', 'P3', 'F5', 'P5')
        ),
        ('in an apprenticeship', {{ person }}.activity_code in ('F4', 'P4')),
        ('NEET', {{ person }}.activity_code ~ '^G'),
        ('NEET, illness or disability', {{ person }}.activity_code = 'G4'),
        ('NEET, other circumstances', {{ person }}.activity_code = 'G5'),
        ('NEET, pregnancy or parenting', {{ person }}.activity_code = 'G6'),
        ('activity not recorded', {{ person }}.activity_code is null),
        ('accommodation suitable', {{ person }}.is_suitable_accommodation)
{%- endmacro %}

{#- Each kind of accommodation as a measure. -#}
{% macro accommodation_measures() -%}
    select
        code as accommodation_code,
        lower(left(description, 1)) || substr(description, 2) as measure
    from {{ ref('code_lists') }}
    where code_list = 'accommodation' and code <> '0'
    union all
    select
        null as accommodation_code,
        'accommodation not recorded' as measure
{%- endmacro %}
