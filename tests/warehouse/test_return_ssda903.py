"""A return that was loaded comes out equal, but for what the remarks name."""

from __future__ import annotations

import csv
import datetime as dt
import sqlite3
import stat
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import returned_records
from ssda903_returns import OC3, write_return

from carepath.audit import read_audit
from carepath.errors import CarepathError
from carepath.returns import Written, write_ssda903
from carepath.sources import SourceSpec

NIGHT = dt.date(2020, 6, 30)
INVENTED, SAMPLE = "E09900903", "E09900908"
FILES = {
    "leavers.csv": OC3.replace("NO,0,0", "MAYBE,0,0"),
    "reviews.csv": "CHILD,DOB,REVIEW,REVIEW_CODE\nASH003,20/08/2009,01/05/2017,PN1\n",
    "uasc.csv": "CHILD,SEX,DOB,DUC\nASH001,1,14/05/1999,14/05/2017\n",
    "oc2.csv": "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,"
    "HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED\n"
    "ASH003,20/08/2009,11,,1,,1,1,1,1,0,\n",
    "ad1.csv": "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR\n"
    "ASH003,20/08/2009,01/05/2017,01/06/2017,0,2,MF,L0\n",
    "placed.csv": "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED\n"
    "ASH003,20/08/2009,01/07/2017,01/08/2017,RD1\n",
    "before.csv": "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM\nASH003,20/08/2009,P1,NUK,zz/05/2012\n",
    "missing.csv": "CHILD,DOB,MISSING,MIS_START,MIS_END\nASH003,20/08/2009,M,01/05/2017,\n",
}
# the records do not have them; of yes and no, they have the yes
NOT_KEPT = {"HOME_POST", "INTERVENTION_OFFERED"}
ONLY_YES = {"CONVICTED", "HEALTH_CHECK", "TEETH_CHECK", "HEALTH_ASSESSMENT", "SUBSTANCE_MISUSE"}


@pytest.fixture(scope="module")
def came_in(
    warehouse: None, tmp_path_factory: pytest.TempPathFactory, shared_dir: Path
) -> Mapping[str, Path]:
    """Return the folder of each authority's return that was loaded."""
    folders = {
        INVENTED: write_return(tmp_path_factory.mktemp("in"), FILES),
        SAMPLE: shared_dir / "samples" / "ssda903" / "2018",
    }
    for authority, folder in folders.items():
        source = f"ssda903:{folder}?authority={authority}&period=2018"
        assert returned_records.load(source, NIGHT) == authority
    returned_records.stage(
        "cla_health", "cla_immunisations", "cla_substance_misuse", "cla_convictions", "sdq_scores",
        "care_leavers", "missing", "involvements", "professionals", "cla_reviews", "mother",
        "cla_previous_permanence", "permanence", "immigration_status", "person",
        also="+int_return_episodes code_lists",
    )  # fmt: skip
    return folders


def tables(folder: Path) -> dict[tuple[str, ...], Counter[tuple[str, ...]]]:
    """Return the rows of each file of a return by its header, without what is not kept."""
    found = {}
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = Counter(tuple(_kept(row).values()) for row in reader)
        if rows:
            found[tuple(reader.fieldnames or ())] = rows
    return found


def _kept(row: dict[str, str]) -> dict[str, str]:
    has_misuse = row.get("SUBSTANCE_MISUSE") == "1"
    return {
        name: ""
        if name in NOT_KEPT
        or (name in ONLY_YES and value == "0")
        or (name == "INTERVENTION_RECEIVED" and not has_misuse)
        or (name == "DATE_PERM" and value.startswith("zz"))
        else value
        for name, value in row.items()
    }


def difference(came_in: Path, went_out: Path) -> dict[str, list[str]]:
    """Return the columns in which rows of a table are not the same in two returns."""
    before, after = tables(came_in), tables(went_out)
    assert set(after) == set(before)
    return {
        f"{len(rows - before[header])} rows of {' '.join(header[:4])}": [
            " | ".join(row) for row in ((rows - before[header]) + (before[header] - rows))
        ][:4]
        for header, rows in after.items()
        if rows != before[header]
    }


def remarks(written: Written) -> dict[str, str]:
    """Return the remarks by their place."""
    return {each.place: each.message for each in written.remarks}


def test_return_comes_out_as_it_was_loaded(came_in: Mapping[str, Path], tmp_path: Path) -> None:
    written = write_ssda903(INVENTED, 2018, tmp_path / "out")
    assert difference(came_in[INVENTED], tmp_path / "out") == {}
    found = remarks(written)
    assert found["oc3, IN_TOUCH"] == (
        "The code is unknown, so it is written as it was sent. Correct the record."
    )
    assert found["episodes, HOME_POST"] == (
        "The records have no home on the day before care began, so it is blank."
    )
    assert "oc2, INTERVENTION_OFFERED" in found
    assert "oc2, HEALTH_CHECK" in found
    assert "could not be read" in found["cla_previous_permanence, order_date"]
    assert "MAYBE" not in str(written.remarks)
    assert {stat.S_IMODE(path.stat().st_mode) for path in written.files} == {0o600}
    with pytest.raises(CarepathError, match=r"already a file \w+\.csv"):
        write_ssda903(INVENTED, 2018, tmp_path / "out")
    (deed,) = read_audit(limit=1)
    assert (deed.what, deed.authority) == ("exported the return ssda903", INVENTED)
    assert deed.detail.startswith("2018 ")
    assert "ASH00" not in deed.detail


def test_published_sample_comes_out_as_it_was_loaded(
    came_in: Mapping[str, Path], tmp_path: Path
) -> None:
    write_ssda903(SAMPLE, 2018, tmp_path / "out")
    assert difference(came_in[SAMPLE], tmp_path / "out") == {}


def test_home_postcode_is_that_of_the_day_before_care_began(
    came_in: Mapping[str, Path], tmp_path: Path
) -> None:
    """Another source delivers the addresses: the placement counts as a home from its first day."""
    path = tmp_path / "addresses.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "create table ssd_address (addr_person_id text, addr_address_type text,"
            " addr_address_start_date text, addr_address_postcode text)"
        )
        connection.executemany(
            "insert into ssd_address values ('ASH003', 'Home', ?, ?)",
            [("2012-01-01", "ZZ1 9ZZ"), ("2017-02-03", "ZZ2 2BB")],
        )
    spec = SourceSpec("addresses", INVENTED, "Invented", f"sqlite:///{path}", is_partial=True)
    returned_records.load(spec, NIGHT)
    write_ssda903(INVENTED, 2018, tmp_path / "out")
    with (tmp_path / "out" / "episodes.csv").open(encoding="utf-8-sig", newline="") as file:
        homes = {(row["CHILD"], row["HOME_POST"]) for row in csv.DictReader(file)}
    assert homes == {("ASH003", "ZZ1 9ZZ")}
