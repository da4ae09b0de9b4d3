"""Who is due: the end of each person's retention, from the date that the law counts from.

- Looked after at any time: the 75th anniversary of birth, or 15 years from death before 18 (The
  Care Planning, Placement and Case Review (England) Regulations 2010, SI 2010/959, regulation 50).
- Adopted: 100 years from the adoption (The Disclosure of Adoption Information (Post-Commencement
  Adoptions) Regulations 2005, SI 2005/888, regulation 6), and not before the date above.
- Anybody else: a setting of the council, from birth.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row

from carepath.landing.disposed import PAST_LOADS
from carepath.site.reading import site_folder
from carepath.site.retention import Retention, read_retention

Kind = Literal["looked after", "adopted", "other"]
State = Literal["due", "asked for", "on hold", "still delivered", "no date", "later"]

# Of several versions the latest date counts, so that no correction shortens a retention.
# A return of a past year is delivered for ever, so it does not count as delivered.
DUE = f"""
with past_loads as ({PAST_LOADS}),

said_people as (
    select
        authority,
        nullif(upper(btrim(pers_person_id)), '') as person_id,
        case when pg_input_is_valid(btrim(pers_dob), 'date') then btrim(pers_dob)::date end
            as birth_date,
        case when pg_input_is_valid(btrim(pers_death_date), 'date')
            then btrim(pers_death_date)::date end as death_date,
        to_load is null and from_load not in (select load_id from past_loads) as is_delivered
    from history.ssd_person
),

people as (
    select
        authority,
        person_id,
        max(birth_date) as birth_date,
        max(death_date) as death_date,
        bool_or(is_delivered) as is_delivered
    from said_people
    where person_id is not null
    group by authority, person_id
),

-- E11 and E12: adopted
said_episodes as (
    select
        authority,
        nullif(upper(btrim(clae_person_id)), '') as person_id,
        upper(btrim(clae_cla_episode_ceased_reason)) in ('E11', 'E12') as is_adopted,
        case when pg_input_is_valid(btrim(clae_cla_episode_ceased_date), 'date')
            then btrim(clae_cla_episode_ceased_date)::date end as ceased_date,
        to_load is null and from_load not in (select load_id from past_loads) as is_delivered
    from history.ssd_cla_episodes
),

looked_after as (
    select
        authority,
        person_id,
        coalesce(bool_or(is_adopted), false) as is_adopted,
        max(ceased_date) filter (where is_adopted) as adoption_date,
        bool_or(is_delivered) as is_delivered
    from said_episodes
    group by authority, person_id
),

holds as (
    select distinct on (authority, person_id) authority, person_id, event
    from identity.legal_holds
    order by authority, person_id, event_id desc
),

ends as (
    select
        people.authority,
        people.person_id,
        people.is_delivered or coalesce(looked_after.is_delivered, false) as is_delivered,
        coalesce(holds.event = 'held', false) as is_held,
        requests.request_id,
        requests.asked_by,
        case
            when looked_after.is_adopted then 'adopted'
            when looked_after.person_id is not null then 'looked after'
            else 'other'
        end as kind,
        case
            when looked_after.person_id is null
                then people.birth_date + make_interval(years => %(other)s)
            when people.death_date < people.birth_date + interval '18 years'
                then people.death_date + make_interval(years => %(died_before_18)s)
            else people.birth_date + make_interval(years => %(looked_after)s)
        end as care_ends,
        looked_after.adoption_date + make_interval(years => %(adopted)s) as adoption_ends
    from people
    left join looked_after
        on people.authority = looked_after.authority and people.person_id = looked_after.person_id
    left join holds
        on people.authority = holds.authority and people.person_id = holds.person_id
    left join identity.disposal_requests as requests
        on people.authority = requests.authority and people.person_id = requests.person_id
),

dated as (
    select
        *,
        case
            when kind <> 'adopted' then care_ends
            when adoption_ends is not null and care_ends is not null
                then greatest(adoption_ends, care_ends)
        end::date as due_on
    from ends
)

select
    authority,
    person_id as case_id,
    kind,
    due_on,
    case
        when due_on is null then 'no date'
        when due_on > %(today)s then 'later'
        when is_held then 'on hold'
        when is_delivered then 'still delivered'
        when request_id is not null then 'asked for'
        else 'due'
    end as state,
    request_id,
    asked_by
from dated
where
    authority = coalesce(%(authority)s, authority)
    and person_id = coalesce(%(case)s, person_id)
order by authority, due_on, person_id
"""


@dataclass(frozen=True)
class Due:
    """A person, and when the retention of their records ends.

    Attributes:
        kind: what decides the date.
        due_on: from this day on, the records may go; None if a date for it is missing.
        request_id: the request to dispose, which waits for a second person.
    """

    authority: str
    case_id: str
    kind: Kind
    due_on: dt.date | None
    state: State
    request_id: int | None
    asked_by: str | None


def read_due(
    owner: psycopg.Connection[Any], authority: str | None = None, case_id: str | None = None
) -> list[Due]:
    """Return every person with a record in ssd_person, of one authority or all.

    Raises:
        SettingsError: retention.yml is wrong.
    """
    settings: Retention = read_retention(site_folder())
    if owner.execute("select to_regclass('history.ssd_person')").fetchone() == (None,):
        return []
    today = dt.datetime.now(ZoneInfo("Europe/London")).date()
    with owner.cursor(row_factory=class_row(Due)) as cursor:
        return cursor.execute(
            DUE,
            {
                **settings.model_dump(),
                "today": today,
                "authority": authority,
                "case": case_id.strip().upper() if case_id else None,
            },
        ).fetchall()
