"""The scorecard of docs/statistics.md, on a few figures with their targets and England's."""

from __future__ import annotations

import pytest
from docs_queries import as_shown, queries_of

from carepath.warehouse.connect import connect

(SCORECARD,) = queries_of("statistics.md")

ONLY_TARGETS = "    and targets.target_code is not null  -- without this line: all measures\n"

TABLES = """
create table marts.kpi (
    authority text, as_at_date date, measure_code text, segment_code text, segment text,
    numerator integer, denominator integer, value numeric(18, 6), is_total boolean
);
create table marts.dim_measure (
    measure_code text, title text, service text, topic text, statistic text, unit text,
    number_format text, direction text, standard text, official_code text,
    default_segment text, owner text
);
create table marts.dim_snapshot (authority text, as_at_date date, is_latest boolean);
create table marts.kpi_targets (
    authority text, target_code text, as_at_date date, measure_code text, segment_code text,
    statistic text, target_value numeric, movement text, is_latest boolean
);
create table marts.kpi_comparison (
    authority text, as_at_date date, measure_code text, figure_code text, own_value numeric,
    england_value numeric, neighbour_mean_value numeric, rank_among_authorities integer,
    authority_count integer, quartile integer
);
insert into marts.dim_measure values
    ('eet', 'EET of care leavers', 'leaving care', 'EET', 'share', 'share', '0.0%', 'higher',
     'RR1034', null, 'all', 'A'),
    ('referral_rate', 'Referrals per 10,000', 'front door', 'Rates', 'rate', 'per 10,000',
     '#,##0', 'neither', 'DfE', 'LAIT 305', 'all', 'A');
insert into marts.dim_snapshot values
    ('E09900001', '2019-09-30', true), ('E09900001', '2019-03-31', false);
insert into marts.kpi values
    ('E09900001', '2019-09-30', 'eet', 'all', 'all', 93, 184, 0.505435, true),
    ('E09900001', '2019-09-30', 'eet', 'mothers', 'mothers', 1, 2, 0.5, false),
    ('E09900001', '2019-03-31', 'eet', 'all', 'all', 80, 184, 0.434783, true),
    ('E09900001', '2019-09-30', 'referral_rate', 'all', 'all', 5610, 100000, 561, true);
insert into marts.kpi_targets values
    ('E09900001', 't1', '2019-09-30', 'eet', 'all', 'share', 0.58,
     'away from the target', true),
    ('E09900001', 't1', '2019-03-31', 'eet', 'all', 'share', 0.57, 'unchanged',
     false);
insert into marts.kpi_comparison values
    ('E09900001', '2018-03-31', 'referral_rate', 'f', 540, 552, 548, 70, 150, 2),
    ('E09900001', '2019-03-31', 'referral_rate', 'f', 550, 545, 530, 80, 150, 3);
"""


@pytest.fixture(scope="module")
def figures(warehouse: None) -> None:
    with connect("carepath_owner") as owner:
        owner.execute(TABLES)


def test_scorecard_has_one_line_for_each_measure_with_target_and_england(figures: None) -> None:
    with connect(SCORECARD.role) as connection:
        cursor = connection.execute(SCORECARD.text.replace(ONLY_TARGETS, ""))
        columns = tuple(column.name for column in cursor.description or ())
        lines = [dict(zip(columns, as_shown(row), strict=True)) for row in cursor.fetchall()]
    assert ONLY_TARGETS in SCORECARD.text
    assert columns == SCORECARD.columns
    assert SCORECARD.role == "bi_reader"
    by_title = {line["title"]: line for line in lines}
    assert len(lines) == len(by_title) == 2, "a segment or an earlier date adds no line"
    eet, rate = by_title["EET of care leavers"], by_title["Referrals per 10,000"]
    assert (eet["value"], eet["better"], eet["target"]) == ("0.5054", "higher", "0.58")
    assert (eet["target_is"], eet["england"]) == ("away from the target", "")
    # the latest year that both have, not tonight's figure
    assert (rate["value"], rate["target"]) == ("561", "")
    assert (rate["compared_on"], rate["own_then"]) == ("2019-03-31", "550")
    assert (rate["england"], rate["neighbours"], rate["rank"]) == ("545", "530", "80 of 150")
