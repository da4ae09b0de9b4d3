"""The SSDA903 return (looked-after children) as CSV files, of the records of a collection year."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from carepath.returns.records import CollectionYear, Records, open_records
from carepath.returns.remarks import Remarks, Row, flag
from carepath.returns.written import Written, write_files
from carepath.sources.ssda903.layout import ReturnTable, load_layout
from carepath.spreadsheets import inert

Fields = dict[str, str | None]  # a row of the return, by column
SEXES: Final = {"M": "1", "F": "2"}  # up to 2024; from 2025 the return has the letters
FIRST_YEAR_OF_LETTERS: Final = 2025
# what a placement of adoption of the return is called in the contract
_AD1, _PLACED = "AD1", "PLACED"
_CHECKS: Final = {
    "Health Assessment": "HEALTH_ASSESSMENT",
    "Dental Check": "TEETH_CHECK",
    "Health surveillance check": "HEALTH_CHECK",
}
_ISO: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
# views that are not limited to the children who were in care in the year
_FOR_ALL: Final = frozenset({"int_return_episodes", "stg_care_leavers", "stg_permanence"})
# columns of the return that the contract does not have
_NOT_KEPT: Final = (("oc2", "INTERVENTION_OFFERED"),)


def write_ssda903(authority: str | None, number: int, folder: Path) -> Written:
    """Write the return of a collection year, one CSV file for each table with rows.

    Args:
        authority: ONS code; None if there is only one.
        number: the collection year.
        folder: where the files go; none of them may exist.

    Raises:
        CarepathError: there are no records of that year, or a file exists.
    """
    year = CollectionYear(number)
    remarks = Remarks()
    with open_records(authority, year) as records:
        tables = _Return(records, year, remarks).tables()
        code = records.authority
    contents = {}
    for name, rows in tables.items():
        table = load_layout()[name]
        if number in table.years and (rows or table.required):
            _remark_blanks(table, rows, remarks)
            contents[folder / f"{name}.csv"] = (_csv(table.header_in(number), rows), len(rows))
    for name, column in _NOT_KEPT:
        remarks.add(
            f"{name}, {column}", "The records do not have it, so it is blank.", len(tables[name])
        )
    files = write_files("ssda903", code, number, contents)
    return Written(files, remarks.all())


def _csv(header: Iterable[str], rows: Iterable[Fields]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    names = list(header)
    writer.writerow(names)
    for row in rows:
        writer.writerow([inert(row.get(name) or "") for name in names])
    return file.getvalue().encode()


def _remark_blanks(table: ReturnTable, rows: Iterable[Fields], remarks: Remarks) -> None:
    """Count the blanks of the columns that the return needs."""
    for row in rows:
        for column in table.columns:
            if column.required and not row.get(column.name):
                remarks.add(
                    f"{table.name}, {column.name}",
                    "The return needs a value, and the record has none.",
                )


def _day(value: Any) -> str | None:
    """Return a day as dd/mm/yyyy; another text, such as a partial date, as it is."""
    if isinstance(value, dt.date):
        return f"{value:%d/%m/%Y}"
    found = _ISO.fullmatch(value) if isinstance(value, str) else None
    return "/".join(reversed(found.groups())) if found else value


class _Return:
    """The records of a year, and the rows of each table of the return."""

    def __init__(self, records: Records, year: CollectionYear, remarks: Remarks) -> None:
        self.records, self.year, self.remarks = records, year, remarks
        self.ids = records.sent_ids()
        self.in_care: set[str | None] = set()
        self.people = {
            row["person_id"]: row
            for row in records.of("stg_person", "person_id known_from record_key")
            if row["person_id"]
        }
        self.births: dict[str, list[dt.date]] = defaultdict(list)
        for row in records.of("stg_mother", "person_id record_key"):
            if row["person_id"] and row["childs_birth_date"]:
                self.births[row["person_id"]].append(row["childs_birth_date"])

    def tables(self) -> dict[str, list[Fields]]:
        """Return the rows of every table of the return, in order of child and day.

        In a recording system, the other tables are of children with an episode in the year, and of
        care leavers.
        """
        episodes = list(self._episodes())
        self.in_care = {row["CHILD"] for row in episodes}
        found = {
            "episodes": episodes,
            "reviews": list(self._reviews()),
            "oc2": list(self._oc2()),
            "oc3": list(self._oc3()),
            "ad1": list(self._ad1()),
            "placed_adoption": list(self._placed()),
            "previous_permanence": list(self._previous_permanence()),
            "missing": list(self._missing()),
            "sw_episodes": list(self._workers()),
        }
        sent = {person for person, row in self.people.items() if self.year.was_sent(row)}
        named = {row["CHILD"] for rows in found.values() for row in rows}
        children = [
            row
            for person, row in self.people.items()
            if person in sent or self._id(person) in named
        ]
        header = [self._header(row) for row in children]
        uasc = list(self._uasc({row["person_id"] for row in children}))
        return {"header": header, "uasc": uasc, **found}

    def _read(self, view: str, order: str, begin: str = "", end: str = "") -> Iterator[Row]:
        """Yield the rows of a staging view that the year has, by their first and last day."""
        rows = [
            row
            for row in self.records.of(view, f"person_id {order}")
            if row["person_id"]
            and self.year.has(row, row[begin] if begin else None, row[end] if end else None)
            and (
                self.year.was_sent(row)
                or view in _FOR_ALL
                or self._id(row["person_id"]) in self.in_care
            )
        ]
        self.remarks.unreadable(rows, view.removeprefix("stg_"))
        yield from rows

    def _id(self, person: str) -> str:
        return self.ids.get(person, person)

    def _child(self, row: Row) -> Fields:
        person = self.people.get(row["person_id"])
        return {
            "CHILD": self._id(row["person_id"]),
            "DOB": _day(person["birth_date"]) if person else None,
        }

    def _code(self, row: Row, name: str, place: str) -> str | None:
        return self.remarks.code(row, name, place, as_sent=True)

    def _known(self, row: Row, column: str) -> str | None:
        return _day(self.year.known(row, row[column]))

    def _sex(self, row: Row, table: str) -> str | None:
        sex = self._code(row, "sex", f"{table}, SEX")
        if self.year.number >= FIRST_YEAR_OF_LETTERS or sex is None:
            return sex
        return SEXES.get(sex, None if sex == "U" else sex)

    def _header(self, row: Row) -> Fields:
        person = row["person_id"]
        births = self.births.get(person, [])
        return {
            **self._child(row),
            "SEX": self._sex(row, "header"),
            "ETHNIC": self._code(row, "ethnicity", "header, ETHNIC"),
            "UPN": row["upn"] or self._code(row, "upn_unknown", "header, UPN"),
            "MOTHER": flag(row["is_mother"]),
            "MC_DOB": _day(min(births)) if births else None,
        }

    def _uasc(self, children: set[str]) -> Iterator[Fields]:
        for row in self._read("stg_immigration_status", "record_key", "start_date", "end_date"):
            if row["immigration_status_code"] == "UASC" and row["person_id"] in children:
                person = self.people[row["person_id"]]
                sex = self._sex(person, "uasc")
                yield {**self._child(row), "SEX": sex, "DUC": self._known(row, "end_date")}

    def _episodes(self) -> Iterator[Fields]:
        for row in self._read(
            "int_return_episodes", "start_date end_date record_key", "start_date", "end_date"
        ):
            end = self._known(row, "end_date")
            is_ended = end is not None or row["end_date"] is None
            fields = {
                "DECOM": _day(row["start_date"]),
                "RNE": self._code(row, "start_reason", "episodes, RNE"),
                "LS": self._code(row, "legal_status", "episodes, LS"),
                "CIN": self._code(row, "primary_need", "episodes, CIN"),
                "PLACE": self._code(row, "placement_type", "episodes, PLACE"),
                "PLACE_PROVIDER": self._code(row, "provider", "episodes, PLACE_PROVIDER"),
                "DEC": end,
                "HOME_POST": self._home(row),
                "PL_POST": row["postcode"],
                "URN": row["provider_urn"],
            }
            if is_ended:
                fields["REC"] = self._code(row, "end_reason", "episodes, REC")
                fields["REASON_PLACE_CHANGE"] = self._code(
                    row, "change_reason", "episodes, REASON_PLACE_CHANGE"
                )
            yield {**self._child(row), **fields}

    def _home(self, row: Row) -> str | None:
        """Return the postcode of the home from which the child came into care."""
        if row["is_short_break"] or row["is_uasc"]:  # the return has none
            return None
        if row["home_postcode"] is None:
            self.remarks.add(
                "episodes, HOME_POST",
                "The records have no home on the day before care began, so it is blank.",
            )
        return None if row["home_postcode"] is None else str(row["home_postcode"])

    def _reviews(self) -> Iterator[Fields]:
        # some vendors' reviews name no child: the period of care does
        periods = {
            row["cla_id"]: row["person_id"]
            for row in self.records.of("stg_cla_episodes", "start_date record_key")
            if row["cla_id"] and row["person_id"]
        }
        for row in self.records.of("stg_cla_reviews", "review_date record_key"):
            day = row["review_date"]
            child = row["person_id"] or periods.get(row["cla_id"])
            if row["is_cancelled"] or not self.year.has(row, day, day):
                continue
            if not self.year.was_sent(row) and (day is None or day > self.records.night):
                continue  # it is planned
            if child is None:
                self.remarks.add("reviews", "The review names no child. It is left out.")
                continue
            yield {
                **self._child({"person_id": child}),
                "REVIEW": _day(day),
                "REVIEW_CODE": self._code(row, "participation", "reviews, REVIEW_CODE"),
            }

    def _oc2(self) -> Iterator[Fields]:
        """Yield a row for each child with a record. What no record says stays blank."""
        found: dict[str, Fields] = {}

        def of(row: Row) -> Fields:
            return found.setdefault(row["person_id"], self._child(row))

        for row in self._read("stg_cla_health", "record_key", "check_date", "check_date"):
            if (name := _CHECKS.get(row["check_type"])) and row["check_status_code"] == "COMPLETED":
                of(row)[name] = "1"
        for row in self._read("stg_cla_immunisations", "record_key"):
            of(row)["IMMUNISATIONS"] = flag(row["is_up_to_date"])
        for row in self._read(
            "stg_cla_substance_misuse", "record_key", "misuse_date", "misuse_date"
        ):
            of(row)["SUBSTANCE_MISUSE"] = "1"
            of(row)["INTERVENTION_RECEIVED"] = flag(row["has_received_intervention"])
        for row in self._read("stg_cla_convictions", "record_key", "offence_date", "offence_date"):
            of(row)["CONVICTED"] = "1"
        for row in self._read("stg_sdq_scores", "record_key", "completed_date", "completed_date"):
            score = row["sdq_score"]
            of(row)["SDQ_SCORE"] = None if score is None else str(score)
            of(row)["SDQ_REASON"] = self._code(row, "sdq_reason", "oc2, SDQ_REASON")
        for name in (*_CHECKS.values(), "CONVICTED", "SUBSTANCE_MISUSE"):
            self.remarks.add(
                f"oc2, {name}",
                "No record says yes, so it is blank. Write 0 where that is so.",
                sum(1 for fields in found.values() if name not in fields),
            )
        self.remarks.add(
            "oc2, INTERVENTION_RECEIVED",
            "The records have it only with a substance misuse, so it is blank.",
            sum(1 for fields in found.values() if "SUBSTANCE_MISUSE" not in fields),
        )
        for person in sorted(found):
            yield found[person]

    def _oc3(self) -> Iterator[Fields]:
        """Yield the care leavers who became 17 to 21 in the year, or whom its return had."""
        for row in self._read("stg_care_leavers", "record_key"):
            person = self.people.get(row["person_id"])
            birth = person["birth_date"] if person else None
            if self.year.was_sent(row) or (birth and 17 <= self._age(birth) <= 21):
                accommodation = self._code(row, "accommodation", "oc3, ACCOM")
                suitability = self._code(row, "suitability", "oc3, ACCOM")
                yield {
                    **self._child(row),
                    "IN_TOUCH": self._code(row, "in_touch", "oc3, IN_TOUCH"),
                    "ACTIV": self._code(row, "activity", "oc3, ACTIV"),
                    "ACCOM": f"{accommodation or ''}{suitability or ''}" or None,
                }

    def _age(self, birth: dt.date) -> int:
        """Return the age on the last day of the year, in whole years."""
        end = self.year.end
        return end.year - birth.year - ((birth.month, birth.day) > (end.month, end.day))

    def _adoptions(self) -> Iterator[Row]:
        yield from self._read("stg_permanence", "record_key")

    def _ad1(self) -> Iterator[Fields]:
        """Yield the children who were adopted in the year, or whom its return had in AD1."""
        for row in self._adoptions():
            order = row["permanence_order_date"]
            if row["cla_id"] != _AD1 and not (
                row["period"] is None and order and self.year.start <= order <= self.year.end
            ):
                continue
            count = row["adopter_count"]
            yield {
                **self._child(row),
                "DATE_INT": _day(row["adm_decision_date"]),
                "DATE_MATCH": _day(row["matched_date"]),
                "FOSTER_CARE": flag(row["is_adopted_by_carer"]),
                "NB_ADOPTR": None if count is None else str(count),
                "SEX_ADOPTR": self._code(row, "adopter_sex", "ad1, SEX_ADOPTR"),
                "LS_ADOPTR": self._code(row, "adopter_legal_status", "ad1, LS_ADOPTR"),
            }

    def _placed(self) -> Iterator[Fields]:
        """Yield the children who were placed for adoption, or whom the return had there."""
        for row in self._adoptions():
            placed, ended = row["placed_for_adoption_date"], row["decision_reversed_date"]
            is_sent = str(row["cla_id"] or "").startswith(_PLACED)
            if not is_sent and not (
                row["period"] is None
                and placed
                and placed <= self.year.end
                and (row["permanence_order_date"] or ended or self.year.end) >= self.year.start
            ):
                continue
            yield {
                **self._child(row),
                "DATE_PLACED": _day(placed),
                "DATE_PLACED_CEASED": self._known(row, "decision_reversed_date"),
                "REASON_PLACED_CEASED": self._code(
                    row, "decision_reversed_reason", "placed_adoption, REASON_PLACED_CEASED"
                ),
            }

    def _previous_permanence(self) -> Iterator[Fields]:
        for row in self._read("stg_cla_previous_permanence", "record_key"):
            yield {
                **self._child(row),
                "PREV_PERM": self._code(row, "permanence_option", "previous_permanence, PREV_PERM"),
                "LA_PERM": row["arranged_by"],
                "DATE_PERM": _day(row["order_date"]),
            }

    def _missing(self) -> Iterator[Fields]:
        for row in self._read("stg_missing", "start_date record_key", "start_date", "end_date"):
            yield {
                **self._child(row),
                "MISSING": self._code(row, "missing_type", "missing, MISSING"),
                "MIS_START": _day(row["start_date"]),
                "MIS_END": self._known(row, "end_date"),
            }

    def _workers(self) -> Iterator[Fields]:
        numbers = {
            row["professional_id"]: row["registration_number"]
            for row in self.records.of("stg_professionals", "professional_id known_from")
        }
        for row in self._read(
            "stg_involvements", "start_date record_key", "start_date", "end_date"
        ):
            if str(row["professional_role"] or "").strip().lower() == "social worker":
                number = numbers.get(row["professional_id"])
                yield {
                    **self._child(row),
                    "SW_ID": number or row["professional_id"],
                    "SW_DECOM": _day(row["start_date"]),
                    "SW_DEC": self._known(row, "end_date"),
                    "SW_REASON": self._code(row, "worker_change_reason", "sw_episodes, SW_REASON"),
                }
