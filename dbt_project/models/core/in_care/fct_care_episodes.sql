-- grain: one row per record of an episode of care
{{ config(materialized='kept') }}
with

-- rule PER-02 reports a record without a child
episodes as (
    select
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        authority,
        record_key,
        start_date,
        end_date,
        start_reason_code,
        end_reason_code,
        primary_need_code,
        placement_id,
        period
    from {{ touched(ref('stg_cla_episodes')) }}
    where person_id is not null
),

-- A return contains every episode that was open on any day of its year. An open episode
-- that the latest return does not contain was over before that year, on a day that is
-- not known. It counts to the end of the year of the return that last contained it.
latest_returns as (
    select
        authority,
        max(period) as period
    from {{ ref('stg_cla_episodes') }}
    group by authority
),

legal_statuses as (
    select
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        legal_status_code,
        start_date,
        end_date
    from {{ touched(ref('stg_legal_status')) }}
    where legal_status_code is not null
),

-- Of several records of one child and day, the choice rests on their content, not on
-- when they came in, so a record that disappears and comes back changes nothing.
numbered as (
    select
        *,
        row_number() over (
            partition by authority, record_key
            order by
                end_date asc nulls last, end_reason_code asc, primary_need_code asc,
                start_reason_code asc, placement_id asc, start_date asc
        ) as record_number,
        row_number() over (
            partition by young_person_key, start_date
            order by
                coalesce(end_date > start_date, true) desc, end_date desc nulls last,
                end_reason_code asc, primary_need_code asc, start_reason_code asc,
                placement_id asc
        ) as preference
    from episodes
),

-- The dataset keeps legal statuses in a table of their own. Of those in force on the
-- first day, the one that began last counts. One key joins them: by authority and child
-- the planner may use the authority alone, which is quadratic.
with_status as (
    select distinct on (
        numbered.young_person_key, numbered.start_date, numbered.preference,
        numbered.record_key, numbered.record_number
    )
        numbered.*,
        legal_statuses.legal_status_code
    from numbered
    left join legal_statuses
        on
            numbered.young_person_key = legal_statuses.young_person_key
            and numbered.start_date >= legal_statuses.start_date
            and (
                legal_statuses.end_date is null
                or numbered.start_date < legal_statuses.end_date
            )
    order by
        numbered.young_person_key asc, numbered.start_date asc,
        numbered.preference asc, numbered.record_key asc, numbered.record_number asc,
        legal_statuses.start_date desc,
        legal_statuses.legal_status_code in ('V3', 'V4') asc,
        legal_statuses.end_date desc nulls first,
        legal_statuses.legal_status_code asc
),

judged as (
    select
        *,
        case
            when start_date is null then 'no start date'
            when preference > 1 then 'duplicate'
            when end_date < start_date then 'reversed'
            when end_date = start_date then 'no day'
            when legal_status_code in ('V3', 'V4') then 'short break'
        end as left_out_reason
    from with_status
),

-- The episodes that count follow each other. An open end is closed where the next one
-- begins. If that one's reason is S, the child was not in care the day before.
followed as (
    select
        *,
        lead(start_date) over by_day as next_start_date,
        lead(start_reason_code) over by_day as next_start_reason_code
    from judged
    window by_day as (
        partition by young_person_key, left_out_reason is null
        order by start_date
    )
),

closed as (
    select
        followed.*,
        case
            when followed.left_out_reason is null
                then
                    coalesce(
                        followed.end_date,
                        least(
                            case
                                when followed.next_start_reason_code = 'S'
                                    then
                                        greatest(
                                            followed.next_start_date - 1,
                                            followed.start_date + 1
                                        )
                                else followed.next_start_date
                            end,
                            {{ end_of_return('followed', 'latest_returns') }}
                        )
                    )
        end as counted_end_date
    from followed
    left join latest_returns on followed.authority = latest_returns.authority
),

-- gaps and islands: a new period begins where everything before has ended
compared as (
    select
        *,
        max(coalesce(counted_end_date, 'infinity'::date)) over (
            partition by young_person_key, left_out_reason is null
            order by start_date
            rows between unbounded preceding and 1 preceding
        ) as latest_end_date
    from closed
),

islands as (
    select
        *,
        count(*) filter (where latest_end_date is null or start_date > latest_end_date)
            over (
                partition by young_person_key, left_out_reason is null
                order by start_date
                rows between unbounded preceding and current row
            ) as period_number
    from compared
),

periods as (
    select
        *,
        min(start_date) over (
            partition by young_person_key, left_out_reason is null, period_number
        ) as period_start_date
    from islands
)

select
    {{ surrogate_key(['authority', 'record_key', 'record_number']) }}
        as care_episode_key,
    young_person_key,
    authority,
    case
        when left_out_reason is null
            then {{ surrogate_key(['young_person_key::text', 'period_start_date']) }}
    end as care_period_key,
    case when left_out_reason is null then period_number end::integer as period_number,
    start_date,
    counted_end_date as end_date,
    end_date as recorded_end_date,
    start_reason_code,
    end_reason_code,
    nullif(primary_need_code, 'N0') as need_code,
    legal_status_code,
    left_out_reason,
    left_out_reason is null and end_date is null and counted_end_date is not null
        as is_open_end_closed,
    left_out_reason is null and coalesce(start_date < latest_end_date, false)
        as is_overlapping
from periods
