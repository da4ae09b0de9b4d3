"""A small set of marts, as a publication of two invented authorities would leave it.

Brook has figures with small counts, targets, a signal and a small cohort. Its last two nights are
held. Coast has nothing but its publication.
"""

from __future__ import annotations

import datetime as dt

import desk_warehouse
from desk_warehouse import BROOK, COAST, COUNTED_RULE, HELD_RULE

from carepath.warehouse.connect import connect

__all__ = ["BROOK", "COAST", "HELD_RULE", "NIGHT", "fill", "hold"]

NIGHT = dt.date(2019, 3, 12)

TABLES = """
insert into marts.publication values
    ('E09900002', 41, '2019-03-12', 3, 'publish', '0.1.0+test', '2019-03-12 02:14+00'),
    ('E09900003', 42, '2019-03-12', 4, 'publish', '0.1.0+test', '2019-03-12 02:15+00');

create table marts.dim_authority as
select * from (values ('E09900002', 'Brook'), ('E09900003', 'Coast'))
    as v (authority, authority_name);

create table marts.dim_measure as
select
    v.*, null::text as official_code, 'at the date' as period, 'as known then' as date_basis,
    'Leaving care service' as owner, 'those who are counted' as numerator,
    'all of them' as denominator, 'those without a record' as left_out, null::text as differs
from (values
    ('care_leavers_eet', 'kpi_eet', 'EET', 'Care leavers in EET', 'leaving care', 'EET and NEET',
     'share', 'share', '0.0%', 'higher', 'RR1034', 'open cases'),
    ('care_leavers_17_21_eet', 'kpi_census_leavers', 'EET', 'Care leavers aged 17 to 21 in EET',
     'leaving care', 'Census', 'share', 'share', '0.0%', 'higher', 'DfE', 'all'),
    ('care_leavers_in_touch', 'kpi_in_touch', 'in touch', 'Care leavers in touch', 'leaving care',
     'In touch', 'share', 'share', '0.0%', 'higher', 'RR1034', 'all'),
    ('care_leavers_staying_put', 'kpi_staying_put', 'staying put', 'Staying put', 'leaving care',
     'Staying put', 'share', 'share', '0.0%', 'higher', 'RR1034', 'aged 18 or over'),
    ('care_entries_12_months', 'kpi_care_entries', 'entries', 'Entries to care', 'edge of care',
     'Entries to care', 'count', 'number', '#,##0', 'lower', 'RR1034', 'all'),
    ('placement_weekly_cost', 'kpi_placement_budget', 'weekly cost', 'Weekly cost of placements',
     'in care', 'Weekly cost', 'money', 'GBP', '£#,##0', 'lower', 'RR1034', 'all'),
    ('care_leavers_at_date_eet', 'kpi_care_leavers_by_age', 'EET', 'EET by age', 'leaving care',
     'By age', 'share', 'share', '0.0%', 'higher', 'local', 'all'),
    ('placement_group', 'kpi_placement_mix', 'placement group', 'Placement group', 'in care',
     'Placement mix', 'share', 'share', '0.0%', 'neither', 'local', 'foster'),
    ('edge_of_care_plan_at_start_child_protection', 'kpi_edge_of_care', 'plan at start: cp',
     'Plan at start', 'edge of care', 'Edge', 'share', 'share', '0.0%', 'neither', 'RR1034', 'x'),
    ('edge_of_care_plan_now_child_protection', 'kpi_edge_of_care', 'plan now: cp', 'Plan now',
     'edge of care', 'Edge', 'share', 'share', '0.0%', 'neither', 'RR1034', 'x'),
    ('children_missing', 'kpi_missing_children', 'missing', 'Children missing', 'in care',
     'Missing', 'share', 'share', '0.0%', 'lower', 'DfE', 'all')
) as v (measure_code, mart, measure, title, service, topic, statistic, unit, number_format,
        direction, standard, default_segment);

create table marts.dim_segment as
select 'E09900002' as authority, segment, replace(segment, ' ', '_') as segment_code,
    segment_kind, row_number() over ()::integer as segment_order
from (values ('all', 'total'), ('open cases', 'case'), ('aged 18 or over', 'age'),
    ('aged 17 to 18', 'age band'), ('aged 19 to 21', 'age band'), ('team <b>East</b>', 'team'),
    ('foster', 'placement group'), ('residential', 'placement group'), ('Cohort A', 'cohort'))
    as v (segment, segment_kind);

create table marts.dim_snapshot as
select 'E09900002' as authority, day::date as as_at_date, true as looks_back_far_enough,
    false as is_latest
from generate_series('2017-03-31'::timestamp, '2019-03-12', '1 month') as day
union all
select 'E09900002', '2016-03-31', false, false
union all
select 'E09900002', '2019-03-12', true, true;

create table marts.kpi as
select
    'E09900002' as authority, as_at_date::date, null::date as from_date, measure_code, segment,
    replace(segment, ' ', '_') as segment_code, numerator, denominator, value::numeric(18, 6),
    left_out_count, left_out_reason, is_total
from (values
    ('2018-02-28', 'care_leavers_eet', 'open cases', 50, 100, 0.5, 0, null, true),
    ('2018-09-30', 'care_leavers_eet', 'open cases', 56, 100, 0.56, 0, null, true),
    ('2019-03-12', 'care_leavers_eet', 'open cases', 63, 107, 0.588785, 13,
     'EET-01: 4; no status: 9', true),
    ('2019-03-12', 'care_leavers_eet', 'team <b>East</b>', 3, 9, 0.333333, 2, 'no status: 2',
     false),
    ('2017-03-31', 'care_leavers_17_21_eet', 'aged 19 to 21', 62, 100, 0.62, 0, null, false),
    ('2018-03-31', 'care_leavers_17_21_eet', 'aged 19 to 21', 4, 100, 0.04, 0, null, false),
    ('2018-03-31', 'care_leavers_17_21_eet', 'aged 17 to 18', 40, 80, 0.5, 0, null, false),
    ('2018-03-10', 'care_leavers_in_touch', 'all', 80, 100, 0.8, 0, null, true),
    ('2019-03-12', 'care_leavers_in_touch', 'all', 97, 100, 0.97, 0, null, true),
    ('2018-03-10', 'care_leavers_staying_put', 'aged 18 or over', 4, 70, 0.057143, 0, null, true),
    ('2019-03-12', 'care_leavers_staying_put', 'aged 18 or over', 7, 70, 0.1, 0, null, true),
    ('2018-03-10', 'care_entries_12_months', 'all', 208, null, 208, 0, null, true),
    ('2019-03-12', 'care_entries_12_months', 'all', 1231, null, 1231, 0, null, true),
    ('2018-03-10', 'placement_weekly_cost', 'all', null, 180, 361872.5, 0, null, true),
    ('2019-03-12', 'placement_weekly_cost', 'all', null, 190, 391872.5, 0, null, true),
    ('2018-03-10', 'care_leavers_at_date_eet', 'aged 17 to 18', 20, 40, 0.5, 0, null, false),
    ('2019-03-12', 'care_leavers_at_date_eet', 'aged 17 to 18', 24, 40, 0.6, 0, null, false),
    ('2018-03-10', 'care_leavers_at_date_eet', 'aged 19 to 21', 2, 40, 0.05, 0, null, false),
    ('2019-03-12', 'care_leavers_at_date_eet', 'aged 19 to 21', 30, 60, 0.5, 0, null, false),
    ('2019-03-12', 'placement_group', 'foster', 150, 190, 0.789474, 0, null, true),
    ('2019-03-12', 'placement_group', 'residential', 40, 190, 0.210526, 0, null, false),
    ('2019-03-12', 'edge_of_care_plan_at_start_child_protection', 'Cohort A', 40, 52, 0.769231, 0,
     null, false),
    ('2019-03-12', 'edge_of_care_plan_now_child_protection', 'Cohort A', 2, 52, 0.038462, 0, null,
     false),
    ('2019-03-12', 'children_missing', 'all', 0, 0, null, 8, 'not delivered: 8', true)
) as v (as_at_date, measure_code, segment, numerator, denominator, value, left_out_count,
        left_out_reason, is_total);

create table marts.kpi_targets as
select
    'E09900002' as authority, v.*, true as is_latest
from (values
    ('eet', 'leaving care', 'young people in EET', 'increase', 15.0, '2018-02-28'::date, 0.5,
     0.575, '2019-03-12'::date, 0.588785, 17.76, true, 'towards the target', '2019-10-31'::date,
     'share', null, 'kpi_eet', 'EET', 'open cases'),
    ('staying-put', 'leaving care', 'staying put arrangements', 'increase', 25.0,
     '2018-03-10'::date, 4.0, 5.0, '2019-03-12'::date, 7.0, 75.0, true, 'towards the target',
     '2019-10-31'::date, 'count', null, 'kpi_staying_put', 'staying put', 'aged 18 or over'),
    ('care-entries', 'edge of care', 'young people coming into care', 'decrease', -10.0,
     '2018-03-10'::date, 208.0, 187.2, '2019-03-12'::date, 1231.0, 491.83, false,
     'away from the target', '2019-10-31'::date, 'count', null, 'kpi_care_entries', 'entries',
     'all')
) as v (target_code, service, measure, direction, target_change_percent, baseline_figure_date,
        baseline_value, target_value, actual_figure_date, actual_value, change_percent, is_reached,
        movement, due_date, statistic, not_measured_reason, kpi_mart, kpi_measure, kpi_segment);

-- the newest published year has no own figure; the year before it has a small one
create table marts.kpi_comparison as
select
    'E09900002' as authority, as_at_date::date, measure_code,
    'aged ' || replace(substring(figure_code, '[0-9]+_[0-9]+'), '_', ' to ') as segment,
    figure_code, own_value::numeric, england_value::numeric, region_name, region_value::numeric,
    neighbour_mean_value::numeric,
    neighbour_count, authority_count, rank_among_authorities, comparison_note
from (values
    ('2018-03-31', 'care_leavers_17_21_eet', 'leavers_eet_17_18_share', 0.5, 0.64, null, null, null,
     0, null, null, 'not loaded'),
    ('2016-03-31', 'care_leavers_17_21_eet', 'leavers_eet_19_21_share', 0.01, 0.48, null, null,
     null, 0, null, null, 'before records are complete'),
    ('2017-03-31', 'care_leavers_17_21_eet', 'leavers_eet_19_21_share', 0.62, 0.5, 'London', 0.51,
     0.532, 9, 152, 12, 'Only 9 of the ten neighbours have a published figure.'),
    ('2018-03-31', 'care_leavers_17_21_eet', 'leavers_eet_19_21_share', 0.04, 0.52, 'London', 0.53,
     0.541, 9, 152, 150, 'Only 9 of the ten neighbours have a published figure.'),
    ('2019-03-31', 'care_leavers_17_21_eet', 'leavers_eet_19_21_share', null, 0.53, 'London', 0.54,
     0.55, 9, null, null, 'The authority has no figure at this date.')
) as v (as_at_date, measure_code, figure_code, own_value, england_value, region_name, region_value,
        neighbour_mean_value, neighbour_count, authority_count, rank_among_authorities,
        comparison_note);

create table marts.monthly_counts as
select
    'E09900002' as authority, code as event_type_code, name as event_type,
    month::date as month_start_date,
    case when month = '2019-02-01' then high_month when month = '2018-11-01' then 3 else 20 end
        as event_count,
    20.5 as mean, 10.25 as low, 30.75 as high,
    case when month = '2019-02-01' and high_month > 30 then 'above the limits' end as signal
from (values ('entry_to_care', 'entry to care', 44), ('step_up', 'step up', 22))
    as v (code, name, high_month)
cross join generate_series('2018-01-01'::timestamp, '2019-02-01', '1 month') as month;

create table marts.kpi_change as
select
    'E09900002' as authority, '2018-02-28'::date as earlier_snapshot_date,
    '2019-03-12'::date as as_at_date, 'kpi_in_touch' as mart, 'in touch' as measure, v.*,
    true as is_beyond_chance
from (values
    ('all', 60, 100, 0.6, 80, 100, 0.8, 0.2, 0.074, 0.318),
    ('open cases', 12, 20, 0.6, 19, 20, 0.95, 0.35, 0.1, 0.6)
) as v (segment, earlier_numerator, earlier_denominator, earlier_share, later_numerator,
        later_denominator, later_share, difference, difference_low, difference_high);

create table marts.last_night_events as
select 'E09900002' as authority, '2019-03-12'::date as as_at_date, v.*
from (values ('referral', 17, 93), ('missing', 1, 4))
    as v (event_type, last_night_count, last_week_count);

create table marts.time_in_care as
select
    'E09900002' as authority, '2017-04-01'::date as cohort_from_date,
    '2018-03-31'::date as cohort_to_date, v.*, 165 as median_days
from (values (91, 200, 0.731, 0.66, 0.79), (365, 200, 0.253, 0.19, 0.32),
    (730, 200, 0.02, 0.01, 0.05))
    as v (day_number, period_count, share_in_care, share_low, share_high);

create table marts.dim_plan_type as
select * from (values ('LAC', 'looked after', 4), ('CIN', 'child in need', 2), ('NONE', 'none', 0))
    as v (plan_type_code, plan_type, precedence);

create table marts.kpi_journey_flow as
select 'E09900002' as authority, as_at_date::date, segment, from_stage, to_stage, numerator
from (values
    ('2019-03-12', 'all', 'none', 'child in need', 412),
    ('2019-03-12', 'all', 'child in need', 'none', 377),
    ('2019-03-12', 'all', 'child in need', 'looked after', 88),
    ('2019-03-12', 'all', 'looked after', 'none', 5),
    ('2018-12-31', 'all', 'none', 'child in need', 301),
    ('2019-03-12', 'Cohort A', 'child in need', 'none', 26)
) as v (as_at_date, segment, from_stage, to_stage, numerator);

create table marts.kpi_pathway_sensitivity as
select
    'E09900002' as authority, '2019-03-12'::date as as_at_date, 'net saving' as measure,
    'Carers: ' || share || ' at ' || week as segment, (share * 900000 - 200000)::numeric as value,
    12 as record_count, share as residential_share, week as residential_week_gbp
from (values (0.0), (0.5), (1.0)) as shares (share)
cross join (values (3000), (4000)) as weeks (week);

create table marts.dim_team as
select * from (values
    (21::bigint, 'E09900002', 'Team <b>East</b>', null::text, true),
    (22, 'E09900002', '=West', null, true)
) as v (team_key, authority, team_name, parent_team_name, is_listed);

create table marts.fct_kpi_member (
    authority text, measure_code text, segment_code text, young_person_key bigint,
    record_number integer, is_counted boolean, is_in_denominator boolean not null,
    left_out_reason text, team_key bigint, age_band text, sex_code text, ethnicity_code text,
    primary key (authority, measure_code, segment_code, young_person_key, record_number)
);
-- 63 in EET, 44 not, 13 left out; two teams in turn, and every tenth has no team
insert into marts.fct_kpi_member
select
    'E09900002', 'care_leavers_eet', 'open_cases', 1000 + n, 1, n <= 63, n <= 107,
    case when n > 111 then 'no status' when n > 107 then 'contradictory (EET-01)' end,
    case when n % 10 > 0 then 21 + n % 2 end, '18 to 20', 'F', 'WBRI'
from generate_series(1, 120) as n;
-- the second record of a young person; a mean; a key of Coast
insert into marts.fct_kpi_member values
    ('E09900002', 'care_leavers_eet', 'team_<b>East</b>', 1001, 1, true, true,
     null, 21, '18 to 20', 'F', 'WBRI'),
    ('E09900002', 'care_leavers_eet', 'team_<b>East</b>', 1001, 2, false, true,
     null, 21, '18 to 20', 'F', 'WBRI'),
    ('E09900002', 'placement_weekly_cost', 'all', 1002, 1, null, true, null, null,
     null, 'F', 'WBRI'),
    ('E09900002', 'placement_weekly_cost', 'all', 2001, 1, null, true, null, 21,
     null, 'M', 'WBRI');
"""

# as a publication does with each table that it creates
PROTECT = """
select ops.protect_mart(c.oid::regclass)
from pg_class as c
inner join pg_attribute as a on c.oid = a.attrelid and a.attname = 'authority'
where
    c.relnamespace = 'marts'::regnamespace and c.relkind = 'r' and not c.relrowsecurity
"""

# who they are; keys and cases of another authority too
PEOPLE = """
insert into identity.person_identity (young_person_key, authority, person_id)
select 1000 + n, 'E09900002', case n when 1 then '=1+1' when 2 then '<b>C</b>/&?'
    else 'C-' || to_char(n, 'FM000') end
from generate_series(1, 119) as n
union all
select 2001, 'E09900003', 'COAST-1'
"""


def fill() -> None:
    """Make the marts, and the nights before them."""
    desk_warehouse.fill()
    with connect("carepath_owner") as owner:
        owner.execute(TABLES)
        owner.execute(PROTECT)
    with connect("carepath_loader") as loader:
        loader.execute(PEOPLE)


def hold() -> None:
    """Hold the two nights after the publication of Brook."""
    with connect("carepath_loader") as loader:
        for days in (1, 2):
            failing = {HELD_RULE: 12, COUNTED_RULE: 1}
            day = NIGHT + dt.timedelta(days)
            desk_warehouse.night(loader, BROOK, day, failing, holds={HELD_RULE})
