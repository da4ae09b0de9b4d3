"""The demonstration's recording system: figures, dirt and days, read from its database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest

import carepath.warehouse
from carepath.contract import code_lists
from carepath.contract.model import load_contract
from carepath.demonstration import evaluation_report as report
from carepath.demonstration import generator as demo
from carepath.demonstration.generator import borough, leavers, people, system
from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.dirt import DirtRates
from carepath.demonstration.generator.leavers import codes, deals
from carepath.demonstration.generator.rows import FIRST_DAY, day_number
from carepath.errors import SourceError
from carepath.warehouse.connect import connect, url

SCHEMA = "la_e09900001"
TABLES = (
    "ssd_care_leavers", "ssd_person", "ssd_cla_episodes", "ssd_cin_episodes", "ssd_mother",
    "ssd_immigration_status", "local_eet_status", "local_case_status",
)  # fmt: skip
MORE = ("ssd_contacts", "ssd_cla_placement", "ssd_legal_status", "ssd_linked_identifiers")
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def address(cluster: object) -> str:
    """The recording system's database."""
    carepath.warehouse.ready()
    return url("recording_system", "recording_system")


def read(tables: tuple[str, ...] = TABLES, schema: str = SCHEMA) -> Tables:
    """Read tables whole, as text, as the role that a source is read with."""
    found = {}
    with connect("recording_reader", "recording_system") as connection:
        for table in tables:
            cursor = connection.execute(
                psycopg.sql.SQL("select * from {}").format(psycopg.sql.Identifier(schema, table))
            )
            names = [column.name for column in cursor.description or ()]
            found[table] = pd.DataFrame(cursor.fetchall(), columns=names, dtype=object)
    return found


@pytest.fixture(scope="module")
def nights(address: str) -> dict[date, Tables]:
    """What the recording system says of care leavers on the nights of the demonstration."""
    demo.fill(address, report.BASELINE)
    found = {report.BASELINE: read()}
    for night in (report.MUDDLED, report.FOLLOW_UP):
        demo.advance(address, night)
        found[night] = read()
    found[report.FOLLOW_UP] |= read(MORE)
    return found


def tidy(ids: pd.Series) -> pd.Series:
    return ids.str.strip().str.upper()


def code(name: str, values: pd.Series) -> pd.Series:
    """Return DfE's codes of values sent as codes or descriptions."""
    return values.map(code_lists.load()[name].normalise, na_action="ignore").astype(object)


def cohort(tables: Tables, snapshot: date) -> pd.DataFrame:
    """Return one row per care leaver with everything that the report's measures need."""
    leaving = tables["ssd_care_leavers"].drop(columns="clea_table_id")
    leaving["person"] = tidy(leaving["clea_person_id"])
    leaving = leaving.drop_duplicates()
    leaving["eligibility"] = code("eligibility", leaving["clea_care_leaver_eligibility"])
    leaving = leaving[leaving["eligibility"] != "N"].set_index("person", verify_integrity=True)
    person = tables["ssd_person"].assign(person=lambda t: tidy(t["pers_person_id"]))
    frame = leaving.join(person.set_index("person"))

    episodes = tables["ssd_cla_episodes"].assign(person=lambda t: tidy(t["clae_person_id"]))
    latest = episodes.sort_values("clae_cla_episode_start_date").groupby("person").last()
    referrals = tables["ssd_cin_episodes"].assign(person=lambda t: tidy(t["cine_person_id"]))
    referred = referrals.sort_values("cine_referral_date").groupby("person").last()
    frame["need"] = (
        latest["clae_cla_primary_need_code"]
        .reindex(frame.index)
        .fillna(referred["cine_cin_primary_need_code"].reindex(frame.index))
        .replace("N0", None)
    )
    frame["is_mother"] = (frame["pers_is_mother"] == "Y") | frame.index.isin(
        tidy(tables["ssd_mother"]["moth_person_id"])
    )
    status = tables["ssd_immigration_status"]
    alone = code("immigration_status", status["immi_immigration_status"]) == "UASC"
    frame["is_uasc"] = frame.index.isin(tidy(status["immi_person_id"])[alone])
    activity = code("activity", frame["clea_care_leaver_activity"])
    frame["activity"] = activity
    frame["says"] = activity.map(
        lambda each: "NEET" if each[0] == "G" else "EET", na_action="ignore"
    ).astype(object)
    recorded = tables["local_eet_status"].assign(person=lambda t: tidy(t["eets_person_id"]))
    frame["status"] = recorded.set_index("person")["eets_status"].reindex(frame.index)
    cases = tables["local_case_status"].assign(person=lambda t: tidy(t["cass_person_id"]))
    frame = frame.join(cases.set_index("person", verify_integrity=True))
    frame["letter"] = code("accommodation", frame["clea_care_leaver_accommodation"])
    frame["suitability"] = code(
        "accommodation_suitability", frame["clea_care_leaver_accom_suitable"]
    )
    born = pd.to_datetime(frame["pers_dob"])
    frame["age"] = [
        snapshot.year - b.year - ((snapshot.month, snapshot.day) < (b.month, b.day)) for b in born
    ]
    plan = pd.to_datetime(frame["clea_pathway_plan_review_date"])
    frame["has_plan"] = plan.notna() & (plan != pd.Timestamp(1900, 1, 1))
    return frame


def contradicts(frame: pd.DataFrame) -> pd.Series:
    """Say whose EET status and activity contradict each other or miss one another."""
    status, says = frame["status"].fillna(""), frame["says"].fillna("")
    return status != says


def counted(frame: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Count the report's measures by their definitions."""
    measured = frame[
        (frame["cass_case_status"] == "open")
        & (frame["cass_children_with_disabilities_team"] == "N")
        & frame["status"].notna()
        & ~contradicts(frame)
    ]
    alone = measured[measured["is_uasc"]]
    female = frame["pers_sex"] == "F"
    found = {
        ("care leavers", "all"): len(frame),
        ("females", "all"): female.sum(),
        ("mothers", "female"): (female & frame["is_mother"]).sum(),
        ("UASC", "all"): frame["is_uasc"].sum(),
        ("White British", "all"): (frame["pers_ethnicity"] == "WBRI").sum(),
        ("pathway plan recorded", "all"): frame["has_plan"].sum(),
        ("accommodation suitable", "all"): (frame["suitability"] == "1").sum(),
        ("staying put", "all"): ((frame["letter"] == "Z") & (frame["age"] >= 18)).sum(),
        **{(each, "open"): (measured["status"] == each).sum() for each in ("EET", "NEET")},
        **{(each, "open UASC"): (alone["status"] == each).sum() for each in ("EET", "NEET")},
    }
    for name, position in codes.NEED_MEASURES.items():
        is_need = frame["need"] == say.NEEDS[position] if position >= 0 else frame["need"].isna()
        found[(name, "all")] = is_need.sum()
    return {key: int(value) for key, value in found.items()}


@pytest.mark.parametrize("snapshot", [report.BASELINE, report.FOLLOW_UP])
def test_published_night_carries_every_figure_of_the_report(
    nights: dict[date, Tables], snapshot: date
) -> None:
    found = counted(cohort(nights[snapshot], snapshot))
    wanted = {
        (figure.measure, figure.segment): figure.numerator
        for figure in report.report_figures()
        if figure.snapshot == snapshot and figure.measure != "in both snapshots"
    }
    assert {key: found[key] for key in wanted} == wanted
    assert found["females", "all"] == {2017: 83, 2019: 110}[snapshot.year]


def test_snapshots_share_140_people_whose_attributes_stay(nights: dict[date, Tables]) -> None:
    first, second = (cohort(nights[night], night) for night in (report.BASELINE, report.FOLLOW_UP))
    both = first.index.intersection(second.index)
    assert len(both) == 140
    for column in ("pers_sex", "pers_ethnicity", "pers_dob", "is_uasc", "need"):
        assert (first.loc[both, column] == second.loc[both, column]).all(), column
    assert (first.loc[both, "is_mother"] <= second.loc[both, "is_mother"]).all()


def test_ages_and_care_agree_with_eligibility(nights: dict[date, Tables]) -> None:
    for snapshot in (report.BASELINE, report.FOLLOW_UP):
        frame = cohort(nights[snapshot], snapshot)
        assert frame["age"].between(16, 25).all()
        minor = frame["eligibility"].isin(["E", "R"])
        assert (frame["age"] < 18)[minor].all()
        assert (frame["age"] >= 18)[frame["eligibility"] == "F"].all()
        episodes = nights[snapshot]["ssd_cla_episodes"]
        in_care = tidy(
            episodes.loc[episodes["clae_cla_episode_ceased_date"].isna(), "clae_person_id"]
        )
        looked_after = pd.Series(frame.index.isin(in_care), index=frame.index)
        assert looked_after[frame["eligibility"] == "E"].all()
        assert not looked_after[frame["eligibility"] == "R"].any()
        # eighteen is the end of care, give or take the days it takes to type that in
        assert looked_after[frame["eligibility"] == "F"].mean() < 0.1


def test_contact_accommodation_and_activity_agree_on_published_nights(
    nights: dict[date, Tables],
) -> None:
    for snapshot in (report.BASELINE, report.FOLLOW_UP):
        frame = cohort(nights[snapshot], snapshot)
        in_touch = frame["clea_care_leaver_in_touch"] == "YES"
        for column in ("activity", "letter", "suitability"):
            assert (frame[column].notna() == in_touch).all(), column
        assert not ((frame["suitability"] == "1") & frame["letter"].isin(["S", "X"])).any()
        assert not ((frame["activity"] == "G6") & (frame["pers_sex"] == "M")).any()


def test_27_june_contradicts_itself_and_30_june_does_not(nights: dict[date, Tables]) -> None:
    muddled = contradicts(cohort(nights[report.MUDDLED], report.MUDDLED))
    mended = contradicts(cohort(nights[report.FOLLOW_UP], report.FOLLOW_UP))
    baseline = contradicts(cohort(nights[report.BASELINE], report.BASELINE))
    rates = DirtRates()
    assert muddled.sum() == rates.muddled_eet_count + rates.contradictory_eet_count
    assert mended.sum() == rates.contradictory_eet_count
    assert baseline.sum() == 1
    frame = cohort(nights[report.MUDDLED], report.MUDDLED)[muddled]
    both = frame["status"].notna() & frame["says"].notna()
    assert both.sum() >= 10, "status against activity"
    assert frame["status"].isna().sum() >= 3, "activity without status"
    assert frame["says"].isna().sum() >= 3, "status without activity"


def test_activity_codes_are_valid_in_their_year_but_for_two(nights: dict[date, Tables]) -> None:
    for snapshot, untimely in ((report.BASELINE, 0), (report.FOLLOW_UP, 2)):
        year = code_lists.collection_year(snapshot)
        valid = [each.code for each in code_lists.load()["activity"].codes if each.valid_in(year)]
        activity = cohort(nights[snapshot], snapshot)["activity"].dropna()
        assert (~activity.isin(valid)).sum() == untimely
        assert activity.isin(["F3", "P3"]).sum() > 10


def test_dirt_of_care_leavers_is_there_at_its_rate(nights: dict[date, Tables]) -> None:
    rows = nights[report.FOLLOW_UP]["ssd_care_leavers"]
    distinct = rows.drop(columns="clea_table_id").drop_duplicates()
    assert rows["clea_table_id"].is_unique
    assert 4 <= len(rows) - len(distinct) <= 50, "rows multiplied by a join"
    assert len(distinct) == tidy(distinct["clea_person_id"]).nunique()
    sent = distinct["clea_care_leaver_activity"].dropna()
    with_code = sent.str.match(r"^[FPG]\d - ")
    assert 0.05 < with_code.mean() < 0.25
    assert sent[~with_code].str.len().min() > 10, "descriptions, never bare codes"
    current = distinct[distinct["clea_care_leaver_eligibility"] != "No Current Eligibility"]
    plan = pd.to_datetime(current["clea_pathway_plan_review_date"])
    without = plan.isna() | (plan == pd.Timestamp(1900, 1, 1))
    assert 0.55 < (plan[without] == pd.Timestamp(1900, 1, 1)).mean() < 0.9
    assert (distinct["clea_care_leaver_eligibility"] == "No Current Eligibility").any()


def test_ids_are_untidy_at_their_rate_and_placements_overlap(nights: dict[date, Tables]) -> None:
    tables = nights[report.FOLLOW_UP]
    ids = tables["ssd_contacts"]["cont_person_id"]
    assert 0.005 < (ids != tidy(ids)).mean() < 0.015
    assert ids.str.contains(" ").any()
    assert (ids != ids.str.upper()).any()
    placements = tables["ssd_cla_placement"].sort_values(
        ["clap_cla_id", "clap_cla_placement_start_date"]
    )
    following = placements.shift(-1)
    same = placements["clap_cla_id"] == following["clap_cla_id"]
    ended = pd.to_datetime(placements["clap_cla_placement_end_date"])
    overlaps = same & (ended > pd.to_datetime(following["clap_cla_placement_start_date"]))
    assert 0.005 < overlaps.sum() / same.sum() < 0.04


def test_206_and_250_children_are_looked_after_as_the_report_says(
    nights: dict[date, Tables],
) -> None:
    tables = nights[report.FOLLOW_UP]
    episodes = tables["ssd_cla_episodes"].assign(
        person=lambda t: tidy(t["clae_person_id"]),
        start=lambda t: pd.to_datetime(t["clae_cla_episode_start_date"]),
        end=lambda t: pd.to_datetime(t["clae_cla_episode_ceased_date"]),
    )
    legal = tables["ssd_legal_status"]
    breaks = legal[legal["lega_legal_status"] == "V3"]
    began = pd.to_datetime(breaks["lega_legal_status_start_date"]).dt.strftime(" %F")
    short = set(tidy(breaks["lega_person_id"]) + began)
    is_short = (episodes["person"] + episodes["start"].dt.strftime(" %F")).isin(short)
    for day, count in ((date(2014, 3, 31), 206), (date(2018, 3, 31), 250)):
        moment = pd.Timestamp(day)
        there = (episodes["start"] <= moment) & ~(episodes["end"] <= moment)
        assert episodes.loc[there & ~is_short, "person"].nunique() == count


def test_national_numbers_are_invalid(nights: dict[date, Tables]) -> None:
    tables = nights[report.FOLLOW_UP]
    letters = "ABCDEFGHJKLMNPQRTUVWXYZ"
    for upn in tables["ssd_person"]["pers_upn"].dropna()[:2000]:
        remainder = sum(int(d) * w for d, w in zip(upn[1:], range(2, 14), strict=True)) % 23
        assert letters[remainder] != upn[0]
    for number in tables["ssd_linked_identifiers"]["link_identifier_value"][:2000]:
        total = sum(int(d) * w for d, w in zip(number[:9], range(10, 1, -1), strict=True))
        assert (11 - total % 11) % 11 != int(number[9])


def test_tables_have_the_columns_of_the_contract_in_liquidlogic_spelling() -> None:
    contract = load_contract()
    assert set(system.layout()) == set(contract.tables)
    for name, table in contract.tables.items():
        spellings = {each.name: each.vendors.get("liquidlogic") for each in table.columns}
        wanted = {
            (spelling and spelling.name) or column
            for column, spelling in spellings.items()
            if not (spelling and spelling.absent)
        }
        assert wanted == set(system.layout()[name]), name


@pytest.mark.usefixtures("nights")
def test_natural_keys_are_unique_but_for_rows_that_a_join_multiplied() -> None:
    with connect("recording_reader", "recording_system") as connection:
        for name, table in load_contract().tables.items():
            row_ids = {each.name for each in table.columns if each.type == "row_id"}
            content = [each for each in system.layout()[name] if each not in row_ids]
            key = ", ".join(f"upper(btrim({each}::text))" for each in table.natural_key)
            (found,) = connection.execute(
                f"select count(*) from (select from (select distinct {', '.join(content)}"
                f" from {SCHEMA}.{name}) as content group by {key} having count(*) > 1) as twice"
            ).fetchone() or (None,)
            assert found == 0, name


@pytest.mark.usefixtures("nights")
def test_coded_values_are_understood() -> None:
    lists = code_lists.load()
    with connect("recording_reader", "recording_system") as connection:
        for name, table in load_contract().tables.items():
            for column in table.columns:
                if column.code_list and column.name in system.layout()[name]:
                    values = connection.execute(
                        f"select distinct {column.name} from {SCHEMA}.{name}"
                        f" where {column.name} is not null"
                    ).fetchall()
                    known = lists[column.code_list]
                    unknown = [value for (value,) in values if known.normalise(value) is None]
                    assert not unknown, column.name


def whole() -> dict[str, list[tuple[Any, ...]]]:
    """Return every table's rows as text, sorted by the server."""
    with connect("recording_reader", "recording_system") as connection:
        return {
            table: connection.execute(
                f"select count(*), sum(hashtextextended(t::text, 0)) from {SCHEMA}.{table} as t"
            ).fetchall()
            for table in system.layout()
        }


def test_advancing_gives_what_filling_gives_and_new_row_ids(address: str) -> None:
    regenerated = {"ssd_care_leavers": "clea_table_id", "ssd_disability": "disa_table_id"}
    demo.fill(address, date(2015, 3, 1))
    first = read(tuple(regenerated))
    demo.advance(address, date(2015, 3, 4))
    second, advanced = read(tuple(regenerated)), whole()
    demo.fill(address, date(2015, 3, 4))
    assert whole() == advanced

    for table, row_id in regenerated.items():
        assert set(first[table][row_id]).isdisjoint(second[table][row_id])
        before, after = (
            set(tables[table].drop(columns=row_id).itertuples(index=False, name=None))
            for tables in (first, second)
        )
        assert len(before & after) > 0.9 * len(before)


def test_another_seed_and_scale_make_other_people_and_the_same_figures(
    address: str, nights: dict[date, Tables]
) -> None:
    demo.fill(address, report.FOLLOW_UP, seed=7, scale=2)
    found = demo.sources("postgresql://reader@host/recording_system", 2)
    assert [each.authority for each in found] == ["E09900001", "E09900002"]
    assert found[0].authority_name == "London Borough of Ashmere"
    frame = cohort(read(), report.FOLLOW_UP)
    counts, wanted = counted(frame), counted(cohort(nights[report.FOLLOW_UP], report.FOLLOW_UP))
    assert counts == wanted
    names = ["pers_forename", "pers_surname", "pers_dob"]
    other, same = (
        set(each[names].itertuples(index=False, name=None))
        for each in (frame, nights[report.FOLLOW_UP]["ssd_person"])
    )
    assert len(other & same) < 10

    neighbour = cohort(read(schema=found[1].schema), report.FOLLOW_UP)
    assert 180 < len(neighbour) < 265
    assert contradicts(neighbour).sum() <= DirtRates().contradictory_eet_count

    # a neighbour of a chosen size, which it keeps when it advances
    for number, size in ((1, people.PEOPLE), (2, 3_000)):
        every = next(borough.tables(number, 7, DirtRates(), 3_000))
        assert (every.table, len(every.recorded)) == ("ssd_person", size)
    demo.fill(address, system.FIRST, seed=7, scale=2, people=3_000)
    demo.advance(address, report.FOLLOW_UP)
    (smaller,) = read(("ssd_person",), found[1].schema).values()
    assert 2_500 < len(smaller) <= 3_000
    neighbour = cohort(read(schema=found[1].schema), report.FOLLOW_UP)
    assert 180 < len(neighbour) < 265

    demo.fill(address, system.FIRST)
    with connect("recording_reader", "recording_system") as connection:
        left = connection.execute(
            "select from pg_namespace where nspname = %s", [found[1].schema]
        ).fetchall()
    assert not left


def test_days_out_of_order_or_out_of_range_are_refused(address: str) -> None:
    demo.fill(address, date(2013, 8, 1))
    with pytest.raises(SourceError, match="after"):
        demo.advance(address, system.FIRST)
    with pytest.raises(SourceError, match="does not cover"):
        demo.fill(address, date(2031, 1, 1))


def test_an_ordinary_day_changes_a_small_share() -> None:
    before = day_number(date(2018, 11, 6))
    changed = total = 0
    for rows in borough.tables(1, system.SEED, DirtRates()):
        if rows.copies is None:
            gone, born = rows.changed(before, before + 1)
            changed += max(len(gone), len(born))
            total += len(rows.present(before))
    assert 0.0005 < changed / total < 0.005


def test_records_are_corrected_deleted_and_come_back() -> None:
    contacts = next(
        rows for rows in borough.tables(1, system.SEED, DirtRates()) if rows.table == "ssd_contacts"
    )
    days = [day_number(date(2018, 1, 1)) + 5 * week for week in range(60)]
    there = np.zeros((len(days), len(contacts.recorded)), dtype=bool)
    for row, day in enumerate(days):
        there[row, contacts.present(day)] = True
    gone = there[:-1] & ~there[1:]
    back = (np.cumsum(gone, axis=0) > 0) & there[1:]
    assert 10 < gone.any(axis=0).sum() < 0.01 * there.shape[1]
    assert back.any()
    outcome = contacts.columns["cont_contact_outcome_json"]
    every = contacts.present(days[0])
    corrected = outcome.at(days[0], every) != outcome.at(days[-1], every)
    assert corrected.any()
    happened = contacts.columns["cont_contact_date"].at(days[0], every) + FIRST_DAY
    late = contacts.recorded[every] - happened >= 10
    assert late.mean() == pytest.approx(DirtRates().late_entry, abs=0.01)


def test_volumes_are_those_of_one_borough() -> None:
    close = day_number(report.FOLLOW_UP)
    count = {
        rows.table: len(rows.present(close)) for rows in borough.tables(1, system.SEED, DirtRates())
    }
    assert set(count) == set(system.layout())
    assert min(count.values()) > 0
    assert count["ssd_person"] == pytest.approx(30_000, rel=0.03)
    assert count["ssd_contacts"] + count["ssd_cin_episodes"] == pytest.approx(100_000, rel=0.1)
    assert count["ssd_cin_assessments"] == pytest.approx(90_000, rel=0.1)
    plans = count["ssd_cin_plans"] + count["ssd_cp_plans"] + count["ssd_cla_care_plan"]
    assert plans == pytest.approx(40_000, rel=0.1)
    assert count["ssd_cla_placement"] == pytest.approx(5_000, rel=0.1)


@pytest.mark.parametrize("year", [2015, 2017, 2019])
def test_casework_is_that_of_a_real_borough(year: int) -> None:
    made = borough.Borough(1, system.SEED, DirtRates())
    cases, day = made.referrals, day_number(date(year, 9, 30))
    running = (cases.start <= day) & (day < cases.close) & ~cases.is_nfa
    social_workers = (len(say.CASEWORK_TEAMS) + 1) * people.WORKERS_PER_TEAM
    assert 10 < len(np.unique(cases.person[running])) / social_workers < 21
    protected = (cases.protection_start <= day) & (day < cases.protection_end)
    assert 200 < protected.sum() < 500
    # one in ten children who leave care is back within a year
    began = (day - 365 < cases.care_start) & (cases.care_start <= day)
    left = [
        (cases.care_end[cases.person == person] + 365 >= start)
        & (cases.care_end[cases.person == person] < start)
        for person, start in zip(cases.person[began], cases.care_start[began], strict=True)
    ]
    assert 0.04 < np.mean([each.any() for each in left]) < 0.15


def test_children_are_visited_in_the_statutory_rhythm() -> None:
    day = day_number(report.FOLLOW_UP)
    of = {rows.table: rows for rows in borough.tables(1, system.SEED, DirtRates())}
    for table, prefix, whose, within in (
        ("ssd_cp_visits", "cppv_cp_visit", "cppv_cp_plan_id", 14),
        ("ssd_cin_visits", "cinv_cin_visit", "cinv_person_id", 42),
        ("ssd_cla_visits", "clav_cla_visit", "clav_person_id", 42),
    ):
        present = of[table].present(day)
        child = of[table].columns[whose].at(day, present)
        visited = of[table].columns[f"{prefix}_date"].at(day, present)
        order = np.lexsort((visited, child))
        gaps = np.diff(visited[order])[np.diff(child[order]) == 0]
        assert 0.75 * within < np.median(gaps[gaps < 100]) <= within, table


def test_muddled_statuses_are_corrected_on_28_and_29_june() -> None:
    made = leavers.make(np.random.default_rng(5), DirtRates(), borough.HORIZON)
    muddled = [int(made.is_muddled(codes.SECOND - days).sum()) for days in (3, 2, 1, 0)]
    assert muddled[0] == DirtRates().muddled_eet_count
    assert muddled[0] > muddled[1] > muddled[2] == muddled[3] == 0


def test_impossible_targets_are_refused() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(SourceError, match="pool"):
        deals.deal(rng, np.array([True, False]), 2)


@pytest.mark.parametrize("seed", range(12))
def test_any_seed_holds_the_figures(seed: int) -> None:
    made = leavers.make(np.random.default_rng(seed), DirtRates(), borough.HORIZON)
    leavers.check(made)
    made.female[:] = False
    with pytest.raises(SourceError):
        leavers.check(made)


def test_every_rate_of_dirt_is_a_share_or_a_count() -> None:
    for each in fields(DirtRates):
        value = getattr(DirtRates(), each.name)
        assert isinstance(value, int) if each.name.endswith("_count") else 0 <= value <= 1


@pytest.fixture(scope="module", autouse=True)
def _leave_nothing(address: str) -> Iterator[None]:
    """Empty the recording system for the next module."""
    yield
    with connect("recording_system", "recording_system") as connection:
        connection.execute(f"drop schema if exists {SCHEMA}, demonstration cascade")
