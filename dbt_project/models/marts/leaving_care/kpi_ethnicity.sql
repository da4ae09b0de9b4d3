-- grain: one row per authority, snapshot date and ethnicity
with

snapshots as (
    select * from {{ ref('dim_snapshot') }}
),

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

-- every ethnicity has its row, including one without members
categories as (
    select
        code as ethnicity_code,
        description as measure,
        sort_order as category_order
    from {{ ref('code_lists') }}
    where code_list = 'ethnicity'
    union all
    select
        null as ethnicity_code,
        'not recorded' as measure,
        99 as category_order
),

{{ shares_of_care_leavers('ethnicity_code') }}
