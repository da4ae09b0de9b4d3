"""Which columns a column comes from: of one query, and of the marts as they are."""

from __future__ import annotations

import pytest
from sqlglot.schema import MappingSchema

from carepath.lineage import reading as lineage
from carepath.lineage.columns import Column, Model

SCHEMA = MappingSchema(dialect="postgres")
SCHEMA.add_table("warehouse.core.stays", dict.fromkeys(("child", "began", "ended", "doc"), "text"))
SCHEMA.add_table("warehouse.core.costs", dict.fromkeys(("child", "weekly", "paid"), "text"))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select ended - began as it from core.stays", "stays.began stays.ended"),
        ("select it from (select child as it from core.stays) as x", "stays.child"),
        ("with a as (select * from core.costs) select weekly as it from a", "costs.weekly"),
        ("select c.weekly as it from core.stays as s join core.costs as c on s.child = c.child",
         "costs.weekly"),
        ("select weekly + length(doc) as it from core.stays, core.costs",
         "costs.weekly stays.doc"),
        ("select child as it from core.stays join core.costs using (child)",
         "costs.child stays.child"),
        ("select count(*) filter (where paid = 'y') as it from core.costs", "costs.paid"),
        ("select child as it from core.stays union all select paid from core.costs"
         " union all select 'none'", "costs.paid stays.child"),
        ("select m.it from core.stays as s cross join lateral"
         " (values (s.began, 1), (s.ended, 2)) as m (it, n)", "stays.began stays.ended"),
        ("select m.it from core.stays as s cross join lateral"
         " (select max(c.weekly) as it from core.costs as c where c.child = s.child) as m",
         "costs.weekly"),
        ("select f.it from core.stays as s cross join lateral"
         " jsonb_array_elements_text(s.doc::jsonb) as f (it)", "stays.doc"),
        ("select (select max(weekly) from core.costs) as it from core.stays", "costs.weekly"),
        ("with recursive r as (select began as it from core.stays union all"
         " select it + 1 from r) select it from r", "stays.began"),
        ("select 'EET' as it from core.stays", ""),
        ("select count(*) as it from core.stays", ""),
        ("select colour as it from core.stays", "?"),
        ("select began as other from core.stays", "?"),
    ],
)  # fmt: skip
def test_column_comes_from_what_its_expression_names(sql: str, expected: str) -> None:
    sql = sql.replace("core.", '"warehouse"."core".')
    found = Model(sql, SCHEMA).origins("it")
    named = (".".join(each[1:]) if isinstance(each, Column) else "?" for each in found)
    assert " ".join(sorted(named)) == expected


def test_column_of_a_mart_leads_to_core_and_to_what_is_delivered() -> None:
    cost = lineage.read_columns("fct_looked_after")["weekly_cost_gbp"]
    assert cost.core == ("core.fct_looked_after.weekly_cost_gbp",)
    assert cost.delivered == ("local_placement_costs.lpco_weekly_cost",)
    assert cost.is_followed


def test_column_made_of_others_leads_to_each_of_them() -> None:
    eet = lineage.read_columns("kpi_eet")
    share = eet["share"]
    assert set(share.core) == {*eet["numerator"].core, *eet["denominator"].core}
    assert "core.fct_leaving_care_snapshot.eet_status_code" in share.core
    assert "core.fct_leaving_care_snapshot.eet_status_code" not in eet["denominator"].core
    assert {"local_eet_status.eets_status", "local_case_status.cass_case_status"} <= set(
        share.delivered
    )
    # through another mart: kpi has the figures of every KPI
    every = lineage.read_columns("kpi")["numerator"]
    assert {*share.core, "core.fct_looked_after.is_settled"} <= set(every.core)


def test_column_without_an_origin_says_which_sort_it_is() -> None:
    written = lineage.read_columns("kpi_eet")["segment"]
    assert written == lineage.Column((), (), (), (), is_followed=True)
    of_carepath = lineage.read_columns("kpi_eet")["authority"]
    assert (of_carepath.delivered, of_carepath.own) == ((), ("history.ssd_care_leavers.authority",))


def test_table_that_dbt_does_not_make_has_no_columns_to_follow() -> None:
    assert lineage.read_columns("publication") == {}
