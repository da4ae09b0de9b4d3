-- grain: one row per current record of ssd_s47_enquiry, with its conference and its
-- referral
with

-- an enquiry leads to one conference; of two records the first that was held counts
conferences as (
    select
        authority,
        s47_enquiry_id,
        min(conference_date) as conference_date
    from {{ ref('stg_initial_cp_conference') }}
    where s47_enquiry_id is not null
    group by authority, s47_enquiry_id
),

-- the census asks whether a conference was not required. A finished enquiry says so,
-- unless its outcome was a conference
enquiries as (
    select
        enquiries.*,
        conferences.conference_date,
        conferences.conference_date is null
        and (
            coalesce(enquiries.is_no_further_action, false)
            or (
                enquiries.end_date is not null
                and upper(enquiries.outcome_json ->> 'CP_CONFERENCE_FLAG')
                is distinct from 'Y'
            )
            -- a census that was loaded says so itself, and has no end of an enquiry
            or (
                enquiries.period is not null
                and upper(enquiries.outcome_json ->> 'CP_CONFERENCE_FLAG')
                is not distinct from 'N'
            )
        ) as is_conference_not_required,
        coalesce(
            'R' || enquiries.referral_id,
            'P' || enquiries.person_id,
            '|' || enquiries.record_key
        ) as of_case
    from {{ ref('stg_s47_enquiry') }} as enquiries
    left join conferences
        on
            enquiries.authority = conferences.authority
            and enquiries.s47_enquiry_id = conferences.s47_enquiry_id
)

select
    enquiries.authority,
    enquiries.record_key,
    enquiries.person_id,
    enquiries.s47_enquiry_id,
    enquiries.referral_id,
    enquiries.start_date,
    enquiries.end_date,
    enquiries.conference_date,
    enquiries.is_conference_not_required,
    cases.referral_date,
    coalesce(cases.is_in_census, true)
    and coalesce(
        coalesce(
            enquiries.conference_date,
            case
                when enquiries.is_conference_not_required
                    then coalesce(enquiries.end_date, enquiries.start_date)
            end
        ) >= {{ census_start('cutoffs.night') }},
        true
    ) as is_in_census,
    enquiries.conference_date is null and not enquiries.is_conference_not_required
        as is_open,
    count(
        case
            when
                enquiries.conference_date is null
                and not enquiries.is_conference_not_required
                then 1
        end
    ) over (partition by enquiries.authority, enquiries.of_case) as open_in_case_count,
    -- until when an enquiry of the case that started no later lasts
    max(
        coalesce(
            enquiries.conference_date,
            case when not enquiries.is_conference_not_required then date 'infinity' end
        )
    ) over (
        partition by enquiries.authority, enquiries.of_case
        order by enquiries.start_date
        range between unbounded preceding and current row
        exclude current row
    ) as other_until_date,
    cutoffs.night,
    {{ census_start('cutoffs.night') }} as census_start,
    {{ census_end('cutoffs.night') }} as census_end
from enquiries
left join {{ ref('int_census_cases') }} as cases
    on
        enquiries.authority = cases.authority
        and enquiries.referral_id = cases.referral_id
left join {{ source('ops', 'cutoffs') }} as cutoffs
    on enquiries.authority = cutoffs.authority
