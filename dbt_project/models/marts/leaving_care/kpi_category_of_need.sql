-- grain: one row per authority, snapshot date and category of need
with

snapshots as (
    select * from {{ ref('dim_snapshot') }}
),

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

-- every category has its row, including one without members
categories as (
    select
        code as need_code,
        code || ' ' || lower(description) as measure,
        sort_order as category_order
    from {{ ref('code_lists') }}
    where code_list = 'need' and code <> 'N0'
    union all
    select
        null as need_code,
        'not recorded' as measure,
        99 as category_order
),

{{ shares_of_care_leavers('need_code') }}
