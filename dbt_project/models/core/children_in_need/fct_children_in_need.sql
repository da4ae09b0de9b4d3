-- grain: one row per child in need per report date
{{ config(materialized='kept') }}
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

-- a referral without further action begins no episode of need
episodes as (
    select * from {{ ref('fct_referrals') }}
    where is_no_further_action is not true and referral_date is not null
),

people as (
    select * from {{ ref('dim_young_person') }}
),

-- the dates of birth stay in this model; the rest of core has only the age
birth_dates as (
    select
        young_person_key,
        birth_date
    from {{ birth_dates() }}
),

-- a child with two episodes open at once is one child; the one that began first counts
open_children as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        episodes.young_person_key,
        (array_agg(
            episodes.referral_key
            order by episodes.referral_date, episodes.referral_number
        ))[1] as referral_key,
        min(episodes.referral_date) as referral_date,
        (array_agg(
            episodes.need_code
            order by episodes.referral_date, episodes.referral_number
        ) filter (where episodes.need_code is not null))[1] as need_code,
        (array_agg(
            episodes.team_key
            order by episodes.referral_date, episodes.referral_number
        ))[1] as team_key,
        count(*)::integer as open_episode_count
    from report_dates
    inner join episodes
        on
            report_dates.authority = episodes.authority
            and report_dates.report_date >= episodes.referral_date
            and (
                episodes.close_date is null
                or report_dates.report_date < episodes.close_date
            )
            and {{ is_due('report_dates', 'episodes.young_person_key') }}
    group by
        report_dates.authority, report_dates.report_date, episodes.young_person_key
),

aged as (
    select
        open_children.*,
        people.sex_code,
        people.ethnicity_code,
        birth_dates.birth_date > open_children.as_at_date as is_unborn,
        extract(
            year from age(open_children.as_at_date, birth_dates.birth_date)
        )::integer as age_years
    from open_children
    left join people on open_children.young_person_key = people.young_person_key
    left join birth_dates
        on open_children.young_person_key = birth_dates.young_person_key
)

select
    young_person_key,
    authority,
    as_at_date,
    referral_key,
    referral_date,
    need_code,
    team_key,
    open_episode_count,
    age_years,
    case
        when is_unborn then 'unborn'
        when age_years < 1 then 'under 1'
        when age_years < 5 then '1 to 4'
        when age_years < 10 then '5 to 9'
        when age_years < 16 then '10 to 15'
        when age_years >= 16 then '16 and over'
    end as age_band,
    sex_code,
    {{ ethnicity_group('ethnicity_code') }} as ethnicity_group
from aged
