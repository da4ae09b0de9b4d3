"""A return becomes tables of the contract."""

from __future__ import annotations

from pathlib import Path

import pytest
from ssda903_returns import HEADER, OC3, open_return, read_copy, write_return

from carepath.contract.model import load_contract
from carepath.errors import DeliveryError, SourceError
from carepath.sources.ssda903 import Ssda903Session
from carepath.sources.ssda903.layout import load_layout
from carepath.sources.ssda903.mapping import load_mapping, split_accommodation
from carepath.sources.ssda903.source import parse_url
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR


def delivered(session: Ssda903Session, table: str, *columns: str) -> list[list[str | None]]:
    """Return some columns of a contract table as the session streams them."""
    return read_copy(b"".join(session.stream(load_contract().tables[table], columns)))


def test_mapping_names_only_columns_of_contract_and_layout() -> None:
    contract, layout = load_contract().tables, load_layout()
    for mapping in load_mapping().values():
        names = set(contract[mapping.name].column_names)
        for part in mapping.parts:
            assert set(part.columns) <= names, mapping.name
            row = {column.name: "1" for column in layout[part.table].columns}
            assert all(isinstance(value(row), str) for value in part.columns.values())
            assert isinstance(part.keeps(row), bool)


def test_mapping_fills_every_part_of_a_natural_key_that_the_return_holds() -> None:
    unknown = {
        "moth_childs_person_id", "immi_immigration_status_start_date", "clah_health_check_date",
        "clas_substance_misuse_date", "clas_substance_misused", "csdq_sdq_completed_date",
        "invo_referral_id",
    }  # fmt: skip
    missing = {
        column
        for mapping in load_mapping().values()
        for part in mapping.parts
        for column in load_contract().tables[mapping.name].natural_key
        if column not in part.columns
    }
    assert missing == unknown


def test_stream_of_header_fills_person_and_mother(tmp_path: Path) -> None:
    session = open_return(write_return(tmp_path))
    columns = ("pers_person_id", "pers_sex", "pers_dob", "pers_ethnicity", "pers_upn")
    assert delivered(session, "ssd_person", *columns, "pers_upn_unknown", "pers_is_mother") == [
        ["ASH001", "1", "1999-05-14", "WBRI", None, "UN2", None],
        ["ASH002", "2", "2000-01-02", "BAFR", "A100000000001", None, "Y"],
        ["ASH003", "1", "2009-08-20", "MWBC", "A100000000002", None, "N"],
    ]
    assert delivered(session, "ssd_mother", "moth_person_id", "moth_childs_dob") == [
        ["ASH002", "2017-11-30"]
    ]


def test_stream_of_codes_written_with_decimals_sends_whole_numbers(tmp_path: Path) -> None:
    header = HEADER.replace(",1,30/11", ",1.0,30/11").replace(",0,", ",0.0,")
    session = open_return(write_return(tmp_path, {"children.csv": header}))
    assert delivered(session, "ssd_person", "pers_is_mother") == [[None], ["Y"], ["N"]]
    assert len(delivered(session, "ssd_mother", "moth_person_id")) == 1
    assert [str(note) for note in session.notes()] == [
        "children.csv, line 3, column MOTHER: "
        "0 and 1 are written in another way, from this line on."
    ]


def test_stream_of_episodes_fills_episode_legal_status_and_placement(tmp_path: Path) -> None:
    session = open_return(write_return(tmp_path))
    assert delivered(
        session, "ssd_cla_episodes", "clae_person_id", "clae_cla_episode_start_date",
        "clae_cla_episode_start_reason", "clae_cla_primary_need_code",
        "clae_cla_episode_ceased_date", "clae_cla_episode_ceased_reason",
        "clae_cla_placement_id",
    ) == [
        ["ASH003", "2017-02-03", "S", "N1", "2017-06-09", "X1", "ASH003-2017-02-03"],
        ["ASH003", "2017-06-09", "P", "N1", None, None, "ASH003-2017-06-09"],
    ]  # fmt: skip
    assert delivered(session, "ssd_legal_status", "lega_legal_status") == [["C1"], ["C2"]]
    assert delivered(
        session, "ssd_cla_placement", "clap_cla_placement_id", "clap_cla_placement_type",
        "clap_cla_placement_change_reason", "clap_cla_placement_urn",
    ) == [
        ["ASH003-2017-02-03", "U6", "CARPL", "SC000001"],
        ["ASH003-2017-06-09", "K2", None, "SC000002"],
    ]  # fmt: skip


def test_stream_of_oc3_splits_accommodation_and_leaves_eligibility_blank(tmp_path: Path) -> None:
    session = open_return(write_return(tmp_path))
    assert delivered(
        session, "ssd_care_leavers", "clea_person_id", "clea_care_leaver_eligibility",
        "clea_care_leaver_in_touch", "clea_care_leaver_activity",
        "clea_care_leaver_accommodation", "clea_care_leaver_accom_suitable",
    ) == [
        ["ASH001", None, "YES", "F2", "K", "2"],
        ["ASH002", None, "NO", "0", "0", None],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "pair"),
    [
        ("K2", ("K", "2")), ("0", ("0", "")), ("02", ("0", "2")), ("", ("", "")),
        ("K3", ("K", "3")), ("K", ("K", "")), ("lodgings", ("lodgings", "")), ("Z11", ("Z11", "")),
    ],
)  # fmt: skip
def test_split_accommodation_gives_type_and_suitability(code: str, pair: tuple[str, str]) -> None:
    assert split_accommodation(code) == pair


def test_stream_of_oc2_sends_what_was_done_and_no_date(tmp_path: Path) -> None:
    oc2 = (
        "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,"
        "HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED\n"
        "ASH001,14/05/1999,17,,1,0,1,1,1,1,0,1\n"
        "ASH003,20/08/2009,,SDQ4,0,1,0,0,0,0,,\n"
    )
    session = open_return(write_return(tmp_path, {"health.csv": oc2}))
    health = ("clah_person_id", "clah_health_check_type", "clah_health_check_date")
    assert sorted(delivered(session, "ssd_cla_health", *health), key=str) == [
        ["ASH001", "Dental Check", None],
        ["ASH001", "Health Assessment", None],
        ["ASH003", "Health surveillance check", None],
    ]
    immunisations = ("clai_person_id", "clai_immunisations_status")
    assert delivered(session, "ssd_cla_immunisations", *immunisations) == [
        ["ASH001", "Y"],
        ["ASH003", "N"],
    ]
    misuse = ("clas_person_id", "clas_intervention_received")
    assert delivered(session, "ssd_cla_substance_misuse", *misuse) == [["ASH001", "N"]]
    assert delivered(session, "ssd_cla_convictions", "clac_person_id") == [["ASH001"]]
    assert delivered(session, "ssd_sdq_scores", "csdq_sdq_score", "csdq_sdq_reason") == [
        ["17", None],
        [None, "SDQ4"],
    ]


def test_stream_of_the_smaller_tables_keeps_their_dates(tmp_path: Path) -> None:
    session = open_return(
        write_return(
            tmp_path,
            {
                "1.csv": "CHILD,DOB,REVIEW,REVIEW_CODE\nASH003,20/08/2009,01/09/2017,PN1\n",
                "2.csv": "CHILD,SEX,DOB,DUC\nASH001,1,14/05/1999,14/05/2017\n",
                "3.csv": "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM\n"
                "ASH003,20/08/2009,P1,Ashmere,zz/05/2010\nASH001,14/05/1999,Z1,,\n",
                "4.csv": "CHILD,DOB,MISSING,MIS_START,MIS_END\n"
                "ASH003,20/08/2009,M,02/10/2017,03/10/2017\n",
                "5.csv": "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,"
                "LS_ADOPTR\nASH003,20/08/2009,01/05/2017,01/06/2017,1,2,MF,L11\n",
                "6.csv": "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED\n"
                "ASH003,20/08/2009,01/07/2017,01/08/2017,RD1\n",
            },
        )
    )
    assert delivered(
        session, "ssd_cla_reviews", "clar_cla_review_id", "clar_cla_review_date",
        "clar_cla_review_participation",
    ) == [["ASH003-2017-09-01", "2017-09-01", "PN1"]]  # fmt: skip
    assert delivered(
        session, "ssd_immigration_status", "immi_person_id", "immi_immigration_status",
        "immi_immigration_status_end_date",
    ) == [["ASH001", "UASC", "2017-05-14"]]  # fmt: skip
    assert delivered(
        session, "ssd_cla_previous_permanence", "lapp_previous_permanence_option",
        "lapp_previous_permanence_la", "lapp_previous_permanence_order_date",
    ) == [["P1", "Ashmere", "zz/05/2010"], ["Z1", None, None]]  # fmt: skip
    assert delivered(
        session, "ssd_missing", "miss_missing_episode_type", "miss_missing_episode_start_date",
        "miss_missing_episode_end_date",
    ) == [["M", "2017-10-02", "2017-10-03"]]  # fmt: skip
    assert delivered(
        session, "ssd_permanence", "perm_person_id", "perm_adm_decision_date",
        "perm_adopted_by_carer_flag", "perm_placed_for_adoption_date",
        "perm_decision_reversed_reason",
    ) == [
        ["ASH003", "2017-05-01", "Y", None, None],
        ["ASH003", None, None, "2017-07-01", "RD1"],
    ]  # fmt: skip


def test_stream_of_social_worker_episodes_sends_each_worker_once(tmp_path: Path) -> None:
    workers = (
        "CHILD,DOB,SW_ID,SW_DECOM,SW_DEC,SW_REASON\n"
        "ASH003,20/08/2009,SW1,01/05/2023,01/06/2023,LEFTRL\n"
        "ASH003,20/08/2009,SW2,01/06/2023,,\n"
        "ASH002,02/01/2000,SW1,01/05/2023,,\n"
    )
    session = open_return(write_return(tmp_path, {"workers.csv": workers}), period=2024)
    assert delivered(session, "ssd_professionals", "prof_professional_id") == [["SW1"], ["SW2"]]
    assert delivered(session, "ssd_involvements", "invo_professional_id") == [
        ["SW1"], ["SW2"], ["SW1"],
    ]  # fmt: skip


def test_stream_with_none_for_a_column_sends_null(tmp_path: Path) -> None:
    session = open_return(write_return(tmp_path))
    table = load_contract().tables["ssd_care_leavers"]
    data = b"".join(session.stream(table, [None, "clea_person_id", None]))
    assert data == b"\\N\tASH001\t\\N\n\\N\tASH002\t\\N\n"


def test_stream_of_a_file_that_changed_after_the_check_fails(tmp_path: Path) -> None:
    session = open_return(write_return(tmp_path))
    write_return(tmp_path, {"leavers.csv": OC3.replace("K2", "K1")})
    with pytest.raises(DeliveryError, match="changed while") as caught:
        delivered(session, "ssd_care_leavers", "clea_person_id")
    assert "leavers.csv" in str(caught.value)


def test_describe_names_only_tables_whose_file_is_there(tmp_path: Path) -> None:
    session = open_return(write_return(tmp_path, {"leavers.csv": None}))
    assert set(session.describe()) == {
        "ssd_person", "ssd_mother", "ssd_cla_episodes", "ssd_legal_status", "ssd_cla_placement",
    }  # fmt: skip


def test_describe_names_the_columns_that_are_filled_or_required(tmp_path: Path) -> None:
    described = open_return(write_return(tmp_path)).describe()["ssd_care_leavers"]
    names = {column.name for column in described}
    assert {"clea_care_leaver_accom_suitable", "clea_care_leaver_eligibility"} <= names
    assert "clea_pathway_plan_review_date" not in names


def test_session_keeps_earlier_episodes_and_replaces_the_care_leavers_status(
    tmp_path: Path,
) -> None:
    session = open_return(write_return(tmp_path))
    assert session.period == "2018"
    assert {"ssd_person", "ssd_cla_episodes", "ssd_cla_reviews"} <= session.accumulates.keys()
    assert "ssd_care_leavers" not in session.accumulates


def test_parse_url_reads_folder_and_collection_year(tmp_path: Path) -> None:
    assert parse_url(f"ssda903:{tmp_path}") == (tmp_path, None)
    assert parse_url(f"ssda903:{tmp_path}?period=2018") == (tmp_path, 2018)
    with pytest.raises(SourceError, match="collection year"):
        parse_url(f"ssda903:{tmp_path}?period=201")


@pytest.mark.parametrize(
    ("folder", "period"), [("2017", "2018"), ("2018", "2019"), ("2019", "2020")]
)
def test_stream_of_the_published_samples_fills_every_table_through_postgresql(
    shared_dir: Path, cluster: object, folder: str, period: str
) -> None:
    path = shared_dir / "samples" / "ssda903" / folder
    session = open_return(path)
    assert session.period == period
    counts = {}
    with connect(ADMINISTRATOR, "postgres") as connection:
        for name in session.describe():
            table = load_contract().tables[name]
            columns = ", ".join(f"{column} text" for column in table.column_names)
            connection.execute(f"create temporary table {name} ({columns})")
            with connection.cursor().copy(f"copy {name} from stdin") as copy:
                for block in session.stream(table, table.column_names):
                    copy.write(block)
            counts[name] = connection.execute(f"select count(*) from {name}").fetchone()[0]
    sent = {
        "ssd_person": "header.csv", "ssd_cla_episodes": "episodes.csv",
        "ssd_cla_reviews": "reviews.csv", "ssd_care_leavers": "oc3.csv",
        "ssd_immigration_status": "uasc.csv", "ssd_missing": "missing.csv",
        "ssd_cla_immunisations": "oc2.csv",
    }  # fmt: skip
    for name, file in sent.items():
        assert counts[name] == len((path / file).read_text().splitlines()) - 1
