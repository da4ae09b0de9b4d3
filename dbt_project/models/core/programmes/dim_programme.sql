-- grain: one row per programme
with

code_lists as (
    select * from {{ ref('code_lists') }}
    where code_list = 'programme'
),

kinds as (
    select * from {{ ref('programmes') }}
)

select
    code_lists.code as programme_code,
    code_lists.description as programme,
    coalesce(kinds.programme_kind, 'other') as programme_kind
from code_lists
left join kinds on code_lists.code = kinds.programme_code
