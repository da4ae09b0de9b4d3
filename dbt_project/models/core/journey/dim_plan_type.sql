-- grain: one row per type of plan
-- of several plans at a date, the one with the highest precedence counts
select
    plan_type_code,
    plan_type,
    precedence
from (
    values
    ('NONE', 'no plan', 0),
    ('EH', 'early help', 1),
    ('CIN', 'child in need', 2),
    ('CP', 'child protection', 3),
    ('LAC', 'looked after', 4)
) as plan_types (plan_type_code, plan_type, precedence)
