"""Read one file of published statistics whole, or refuse it with file, line and column.

The layouts are those of the Department for Education's open statistics, its statistical-neighbour
model, and the population tables of the Office for National Statistics (docs/statistics.md).
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from carepath.errors import StatisticsError
from carepath.statistics.data_sets import (
    NEIGHBOURS,
    POPULATION_BY_AGE,
    POPULATION_BY_ETHNICITY,
    POPULATION_CHILDREN,
    PublishedMeasure,
    measures_by_data_set,
)

ENGLAND: Final = "E92000001"
NATIONAL: Final = "National"
REGIONAL: Final = "Regional"
AUTHORITY: Final = "Local authority"
# The Department's standard columns of time and place, without which a file is none of its data.
STANDARD: Final = (
    "time_period", "geographic_level", "country_code", "region_code", "region_name",
    "old_la_code", "new_la_code", "la_name",
)  # fmt: skip
# What stands for a figure that is not given: confidential, not applicable, not available, low,
# rounds to zero (k in older files), suppressed, and unreliable.
SYMBOLS: Final = frozenset({"c", "z", "x", "low", "k", ":", "u", "~", "w", "..", ".", "-"})
NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
AUTHORITY_CODE: Final = re.compile(r"E(06|08|09|10)\d{6}")
# two authorities that sent one return: neither of them has a figure of its own
JOINT_CODE: Final = re.compile(r"E\d{7,8} ?/ ?E\d{7,8}")
DISTRICT_CODE: Final = re.compile(r"(E07|[WSN]\d\d)\d{6}")
REGION_CODE: Final = re.compile(r"E1[23]\d{6}")
BANDS: Final = ((0, 0), (1, 4), (5, 9), (10, 15), (16, 17), (0, 17))
ALL: Final = "all"
OLDEST: Final = 120
CENSUS_YEAR: Final = 2021

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Row:
    """A line of a data set of the Department."""

    line: int
    period: int
    level: str
    area: str
    cells: Cells


@dataclass(frozen=True)
class Area:
    """A place as a file last describes it."""

    code: str
    period: int
    level: str
    name: str
    old_code: str | None
    region_code: str | None
    region_name: str | None


@dataclass(frozen=True)
class Neighbour:
    """One of the ten statistical neighbours of an authority, by the three-digit codes."""

    old_code: str
    position: int
    neighbour_old_code: str
    closeness: str | None


@dataclass(frozen=True)
class Population:
    """How many people live in an area; sex and ethnic group are `all` for everybody."""

    year: int
    area: str
    sex: str
    ethnic_group: str
    age_from: int
    age_to: int
    people: int


@dataclass(frozen=True)
class Statistics:
    """What one file says of one data set.

    Attributes:
        data_set: as docs/statistics.md names it.
        file: the file's name.
        content_hash: of the file.
        left_out: what was understood and is not kept, in words; empty for nothing.
    """

    data_set: str
    file: str
    content_hash: str
    rows: Sequence[Row] = ()
    areas: Sequence[Area] = ()
    neighbours: Sequence[Neighbour] = ()
    populations: Sequence[Population] = ()
    left_out: str = ""

    @property
    def periods(self) -> list[int]:
        """The years that the file is about, in order; none for the neighbours."""
        return sorted({row.period for row in self.rows} | {p.year for p in self.populations})

    @property
    def row_count(self) -> int:
        """How many rows are kept."""
        return len(self.rows) + len(self.neighbours) + len(self.populations)


@dataclass
class _File:
    """The lines of a file, with what a refusal must name."""

    path: Path
    columns: list[str]
    lines: list[tuple[int, dict[str, str]]]
    problems: list[str] = field(default_factory=list)
    joint: set[str] = field(default_factory=set)

    def refuse(self, line: int, column: str, what: str) -> None:
        self.problems.append(f"line {line}, column {column}: {what}")

    def number(self, line: int, column: str, text: str) -> int | None:
        """Return a whole number; None for a symbol that stands for no figure."""
        plain = text.replace(",", "")
        if plain in SYMBOLS:
            return None
        if not re.fullmatch(r"\d+(\.0+)?", plain):
            self.refuse(line, column, f"'{text[:20]}' is not a whole number.")
            return None
        return int(float(plain))

    def finish(self) -> None:
        if self.problems:
            shown = " ".join(self.problems[:5])
            more = len(self.problems) - 5
            raise StatisticsError(
                f"The file cannot be understood: {shown}"
                + (f" There are {more:,} more problems." if more > 0 else ""),
                where=self.path.name,
                todo="download the file again, do not save it from a spreadsheet program, and "
                "add it again. Nothing was changed.",
            )


def read_statistics(path: Path) -> list[Statistics]:
    """Read a file, and return what it says of each data set that is in it.

    Raises:
        StatisticsError: the file cannot be understood as a whole.
    """
    file, content_hash = _open(path)
    columns = set(file.columns)
    if columns >= set(STANDARD):
        found = _read_department(file)
    elif {"old_la_code", *(f"SN_{n}" for n in range(1, 11))} <= columns:
        found = [_read_neighbours(file)]
    elif (code_column := _by_age_columns(file.columns)) is not None:
        found = [_read_population_by_age(file, code_column)]
    elif any(name.startswith("Ethnic group (") for name in columns) and "Observation" in columns:
        found = [_read_population_by_ethnicity(file)]
    else:
        raise _unknown(file)
    file.finish()
    return [
        Statistics(
            data_set=each.data_set, file=path.name, content_hash=content_hash, rows=each.rows,
            areas=each.areas, neighbours=each.neighbours, populations=each.populations,
            left_out=each.left_out or _joint(file),
        )
        for each in found
    ]  # fmt: skip


def _joint(file: _File) -> str:
    if not file.joint:
        return ""
    return f"rows that two authorities share: {', '.join(sorted(file.joint))}."


def _open(path: Path) -> tuple[_File, str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StatisticsError(
            f"The file cannot be read: {error.strerror}.", where=str(path), todo="check the path."
        ) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise StatisticsError(
            "The file is not a CSV file.", where=path.name, todo="download the CSV file itself, "
            "not a workbook, and unpack it if it is in a ZIP file."
        )  # fmt: skip
    reader = csv.reader(text.splitlines(keepends=True))
    header = [name.strip() for name in next(reader, [])]
    file = _File(path, header, [])
    if twice := sorted({name for name in header if name and header.count(name) > 1}):
        file.refuse(1, twice[0], "Two columns have this name.")
        file.finish()
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            file.refuse(
                reader.line_num,
                header[min(len(cells), len(header) - 1)],
                f"The line has {len(cells)} cells, and the header has {len(header)}.",
            )
            continue
        named = zip(header, (cell.strip() for cell in cells), strict=True)
        file.lines.append((reader.line_num, dict(named)))
    file.finish()
    if not file.lines:
        raise StatisticsError("The file has no rows.", where=path.name, todo="download it again.")
    return file, hashlib.sha256(content).hexdigest()


def _unknown(file: _File) -> StatisticsError:
    return StatisticsError(
        f"Carepath does not know these columns: {', '.join(file.columns[:12])}.",
        where=file.path.name,
        todo="add one of the files that docs/statistics.md lists.",
    )


# the Department's open statistics


def _read_department(file: _File) -> list[Statistics]:
    rows, areas = _rows_and_areas(file)
    known = set(file.columns)
    if {"age_group", "population_estimate"} <= known:
        return [
            Statistics(
                POPULATION_CHILDREN, "", "", areas=areas, populations=_children(file, rows)
            )
        ]  # fmt: skip
    found = []
    for data_set, measures in measures_by_data_set().items():
        if not all({*m.columns, *m.filters} <= known for m in measures):
            continue
        own = [row for row in rows if any(m.is_on(row.cells) for m in measures)]
        if own:
            found.append(Statistics(data_set, "", "", _checked(file, own, measures), areas))
    if not found and not file.problems:
        raise _unknown(file)
    return found


def _rows_and_areas(file: _File) -> tuple[list[Row], list[Area]]:
    rows: list[Row] = []
    areas: dict[str, Area] = {}
    for line, cells in file.lines:
        period = _period(file, line, cells["time_period"])
        area = _area(file, line, cells, period)
        if area is None:
            continue
        if area.code not in areas or areas[area.code].period <= period:
            areas[area.code] = area
        rows.append(Row(line, period, area.level, area.code, cells))
    return rows, list(areas.values())


def _period(file: _File, line: int, text: str) -> int:
    """Return the year in which a period ends: 2025 for 2025, and for 202425."""
    if re.fullmatch(r"(19|20)\d\d", text):
        return int(text)
    if re.fullmatch(r"(19|20)\d{4}", text) and int(text[4:]) == (int(text[:4]) + 1) % 100:
        return int(text[:4]) + 1
    file.refuse(line, "time_period", f"'{text[:20]}' is not a year such as 2025 or 202425.")
    return 0


def _area(file: _File, line: int, cells: Cells, period: int) -> Area | None:
    level = cells["geographic_level"]
    region = cells["region_code"] if REGION_CODE.fullmatch(cells["region_code"]) else None
    region_name = cells["region_name"] if region else None
    if level == NATIONAL:
        if cells["country_code"] == ENGLAND:
            return Area(ENGLAND, period, level, "England", None, None, None)
        file.refuse(line, "country_code", f"'{cells['country_code'][:20]}' is not {ENGLAND}.")
    elif level == REGIONAL:
        if region:
            return Area(region, period, level, cells["region_name"], None, None, None)
        file.refuse(line, "region_code", f"'{cells['region_code'][:20]}' is not a region's code.")
    elif level == AUTHORITY:
        code = cells["new_la_code"]
        if AUTHORITY_CODE.fullmatch(code):
            old = cells["old_la_code"] if re.fullmatch(r"\d{3}", cells["old_la_code"]) else None
            return Area(code, period, level, cells["la_name"], old, region, region_name)
        if JOINT_CODE.fullmatch(code):
            file.joint.add(cells["la_name"])
            return None
        file.refuse(
            line, "new_la_code",
            f"'{code[:20]}' is not an authority's code: E06, E08, E09 or E10 and six digits.",
        )  # fmt: skip
    else:
        file.refuse(
            line, "geographic_level",
            f"'{level[:30]}' is not {NATIONAL}, {REGIONAL} or {AUTHORITY}.",
        )  # fmt: skip
    return None


def _checked(file: _File, rows: list[Row], measures: Sequence[PublishedMeasure]) -> list[Row]:
    """Check every cell that is a figure, and that no figure is there twice."""
    seen: dict[tuple[str, int, str], int] = {}
    columns = {column for measure in measures for column in measure.columns}
    found = []
    for row in rows:
        cells = dict(row.cells)
        for column in columns:
            text = cells[column]
            plain = text.replace(",", "")
            if NUMBER.fullmatch(plain):
                cells[column] = plain
            elif text and text not in SYMBOLS:
                file.refuse(
                    row.line, column,
                    f"'{text[:20]}' is neither a number nor a symbol of the Department "
                    f"({', '.join(sorted(SYMBOLS))}).",
                )  # fmt: skip
        for measure in measures:
            if not measure.is_on(row.cells):
                continue
            key = (measure.figure_code, row.period, row.area)
            first = seen.setdefault(key, row.line)
            if first != row.line:
                file.refuse(
                    row.line, "time_period",
                    f"Line {first} has the same figure for the same year and area. The file has "
                    "a breakdown that Carepath does not know.",
                )  # fmt: skip
        found.append(Row(row.line, row.period, row.level, row.area, cells))
    return found


# populations


def _children(file: _File, rows: Sequence[Row]) -> list[Population]:
    found: dict[tuple[int, str], Population] = {}
    for row in rows:
        group = row.cells["age_group"]
        if group != "Children aged 0 to 17 years":
            file.refuse(row.line, "age_group", f"'{group[:40]}' is not children aged 0 to 17.")
            continue
        people = file.number(row.line, "population_estimate", row.cells["population_estimate"])
        if people is None:
            continue
        key = (row.period, row.area)
        if key in found:
            file.refuse(row.line, "time_period", "An earlier line has the same year and area.")
        found[key] = Population(row.period, row.area, ALL, ALL, 0, 17, people)
    return list(found.values())


def _by_age_columns(columns: Sequence[str]) -> str | None:
    """Return the column of the area's code in the series by single year of age."""
    code = next((name for name in columns if re.fullmatch(r"ladcode\d\d", name)), None)
    has_years = any(re.fullmatch(r"population_\d{4}", name) for name in columns)
    return code if code and has_years and {"sex", "age"} <= set(columns) else None


def _read_population_by_age(file: _File, code_column: str) -> Statistics:
    years = {
        name: int(name[-4:]) for name in file.columns if re.fullmatch(r"population_\d{4}", name)
    }
    sexes = {"1": "M", "2": "F", "M": "M", "F": "F"}
    sums: dict[tuple[int, str, str, int, int], int] = {}
    ages: dict[tuple[str, str], set[int]] = {}
    elsewhere: set[str] = set()
    for line, cells in file.lines:
        code = cells[code_column]
        if not AUTHORITY_CODE.fullmatch(code):
            if DISTRICT_CODE.fullmatch(code):
                elsewhere.add(code)
            else:
                file.refuse(line, code_column, f"'{code[:20]}' is not an authority's code.")
            continue
        sex = sexes.get(cells["sex"])
        if sex is None:
            file.refuse(line, "sex", f"'{cells['sex'][:20]}' is not 1, 2, M or F.")
            continue
        age = file.number(line, "age", cells["age"])
        if age is None or age > 17:
            continue
        if age in ages.setdefault((code, sex), set()):
            file.refuse(line, "age", "An earlier line has the same area, sex and age.")
        ages[code, sex].add(age)
        for column, year in years.items():
            people = file.number(line, column, cells[column])
            for low, high in BANDS:
                if people is not None and low <= age <= high:
                    for one in (sex, ALL):
                        key = (year, code, one, low, high)
                        sums[key] = sums.get(key, 0) + people
    for (code, sex), there in ages.items():
        if len(there) < 18:
            file.refuse(1, "age", f"{code} has only {len(there)} of the ages 0 to 17 ({sex}).")
    return Statistics(
        POPULATION_BY_AGE,
        "",
        "",
        populations=[
            Population(year, code, sex, ALL, low, high, people)
            for (year, code, sex, low, high), people in sums.items()
        ],
        left_out=_districts(elsewhere),
    )


def _districts(codes: set[str]) -> str:
    if not codes:
        return ""
    return f"{len(codes):,} areas that are districts or are outside England."


def _group(category: str) -> str | None:
    """Return the ethnic group of a category of the census; None for nobody's category."""
    begins: dict[str, str] = {
        "Asian": "Asian",
        "Black": "Black",
        "Mixed": "Mixed",
        "White: English": "White British",
        "White": "White other",
        "Other ethnic group": "Other",
    }
    return next((group for begin, group in begins.items() if category.startswith(begin)), None)


def _read_population_by_ethnicity(file: _File) -> Statistics:
    def column(wanted: Callable[[str], bool]) -> str | None:
        return next((name for name in file.columns if wanted(name)), None)

    code_column = column(lambda name: "authorities" in name and name.endswith(" Code"))
    group_column = column(lambda n: n.startswith("Ethnic group (") and not n.endswith(" Code"))
    age_column = column(lambda name: name.startswith("Age (") and not name.endswith(" Code"))
    if code_column is None or group_column is None:
        raise _unknown(file)
    known = {code_column, code_column.removesuffix(" Code"), group_column, f"{group_column} Code",
             "Observation", age_column, f"{age_column} Code"}  # fmt: skip
    if other := [name for name in file.columns if name not in known]:
        file.refuse(1, other[0], "Carepath does not know this column. Choose area, ethnic group "
                    "and age only.")  # fmt: skip
        file.finish()
    sums: dict[tuple[str, str], int] = {}
    seen: set[tuple[str, str, str]] = set()
    elsewhere: set[str] = set()
    for line, cells in file.lines:
        code, category = cells[code_column], cells[group_column]
        if not AUTHORITY_CODE.fullmatch(code):
            if DISTRICT_CODE.fullmatch(code):
                elsewhere.add(code)
            else:
                file.refuse(line, code_column, f"'{code[:20]}' is not an authority's code.")
            continue
        if category == "Does not apply":
            continue
        group = _group(category)
        if group is None:
            file.refuse(line, group_column, f"'{category[:40]}' is not a group of the census.")
            continue
        age = cells[age_column] if age_column else ""
        if age_column and not _is_child(file, line, age_column, age):
            continue
        if (code, category, age) in seen:
            file.refuse(line, group_column, "An earlier line has the same area, group and age.")
        seen.add((code, category, age))
        people = file.number(line, "Observation", cells["Observation"])
        if people is not None:
            sums[code, group] = sums.get((code, group), 0) + people
    oldest = 17 if age_column else OLDEST
    return Statistics(
        POPULATION_BY_ETHNICITY,
        "",
        "",
        populations=[
            Population(CENSUS_YEAR, code, ALL, group, 0, oldest, people)
            for (code, group), people in sums.items()
        ],
        left_out=_districts(elsewhere),
    )


def _is_child(file: _File, line: int, column: str, text: str) -> bool:
    """Whether an age or a band of ages is 0 to 17; a band that is only partly so is refused."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if re.fullmatch(r"Aged (under 1 year|\d+ years? and under)", text):
        low, high = 0, (0 if "under 1" in text else numbers[0])
    elif re.fullmatch(r"Aged \d+ years? and over", text):
        low, high = numbers[0], OLDEST
    elif re.fullmatch(r"Aged \d+ to \d+ years", text):
        low, high = numbers
    elif re.fullmatch(r"Aged \d+ years?", text):
        low = high = numbers[0]
    else:
        file.refuse(line, column, f"'{text[:30]}' is not an age.")
        return False
    if low <= 17 < high:
        file.refuse(
            line, column,
            f"'{text[:30]}' is partly over 17. Choose single years of age, or bands that end at "
            "17.",
        )  # fmt: skip
    return high <= 17


# the statistical-neighbour model


def _read_neighbours(file: _File) -> Statistics:
    found: list[Neighbour] = []
    seen: set[str] = set()
    for line, cells in file.lines:
        old = cells["old_la_code"]
        if not re.fullmatch(r"\d{3}", old):
            file.refuse(line, "old_la_code", f"'{old[:20]}' is not a code of three digits.")
            continue
        if old in seen:
            file.refuse(line, "old_la_code", f"An earlier line has the authority {old} too.")
        seen.add(old)
        theirs = [cells[f"SN_{position}"] for position in range(1, 11)]
        for position, neighbour in enumerate(theirs, start=1):
            if not re.fullmatch(r"\d{3}", neighbour) or neighbour == old:
                file.refuse(
                    line, f"SN_{position}", f"'{neighbour[:20]}' is not the code of a neighbour."
                )
            elif theirs.index(neighbour) != position - 1:
                file.refuse(line, f"SN_{position}", f"{neighbour} is named twice.")
            else:
                closeness = cells.get(f"SN_{position}P") or None
                found.append(Neighbour(old, position, neighbour, closeness))
    return Statistics(NEIGHBOURS, "", "", neighbours=found)
