-- grain: one row per authority, snapshot date, measure and segment
with

moves as (
    select * from {{ ref('fct_care_leaver_moves') }}
),

members as (
    select
        moves.authority,
        moves.as_at_date,
        moves.young_person_key,
        measures.measure,
        'open cases' as segment,
        true as is_member,
        measures.is_counted,
        measures.left_out_reason
    from moves
    cross join lateral (
        values
        (
            'no accommodation move in 12 months', accommodation_move_count = 0,
            accommodation_left_out_reason
        ),
        (
            '1 accommodation move in 12 months', accommodation_move_count = 1,
            accommodation_left_out_reason
        ),
        (
            '2 or more accommodation moves in 12 months', accommodation_move_count >= 2,
            accommodation_left_out_reason
        ),
        (
            'no change of worker in 12 months', worker_change_count = 0,
            worker_left_out_reason
        ),
        (
            '1 change of worker in 12 months', worker_change_count = 1,
            worker_left_out_reason
        ),
        (
            '2 or more changes of worker in 12 months', worker_change_count >= 2,
            worker_left_out_reason
        )
    ) as measures (measure, is_counted, left_out_reason)
),

{{ measured('members') }}
