"""Read and validate a council's settings. Messages name file, row, column and what to do."""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from carepath.errors import SettingsError
from carepath.settings import get_settings
from carepath.site.decisions import DECISIONS, Decisions, read_decisions
from carepath.site.desk import DESK, read_desk
from carepath.site.directory import DIRECTORY, read_directory
from carepath.site.disclosure import DISCLOSURE, read_disclosure
from carepath.site.files import FILES, SITE_DEFAULTS, Row, Rows, SiteFile
from carepath.site.power_bi import POWER_BI, read_power_bi
from carepath.site.readers import READERS, Readers, read_readers
from carepath.site.retention import RETENTION, read_retention
from carepath.site.target_codes import EARLIER, what_to_write

RULES: Final = "rules.yml"
SOURCES: Final = "sources.yml"
# pydantic's error types in plain words; the value comes first where there is one
PLAIN: Final = {
    "missing": "It is missing.",
    "extra_forbidden": "Carepath does not know it.",
    "string_type": "is not a text.",
    "string_too_short": "is blank.",
    "string_too_long": "is too long.",
    "date_from_datetime_parsing": "is not a date.",
    "date_parsing": "is not a date.",
    "date_type": "is not a date.",
    "int_parsing": "is not a whole number.",
    "int_from_float": "is not a whole number.",
    "int_type": "is not a whole number.",
    "decimal_parsing": "is not a number.",
    "decimal_type": "is not a number.",
    "float_parsing": "is not a number.",
    "float_type": "is not a number.",
    "bool_parsing": "is not true or false.",
    "bool_type": "is not true or false.",
}
WHAT_TO_DO: Final = {
    "date": "write the date as 2019-06-30 or 30/06/2019.",
    "number": "write the number with digits only, such as 1701.50.",
    "blank": "fill it in.",
}


class ThresholdOverride(BaseModel):
    """A council's own threshold of a warning rule.

    Attributes:
        threshold: share of the judged records, above 0 and below 1, that may fail; None for the
            default.
        threshold_count: number of records that may fail, whatever their share; None for the
            default.
        because: why the council uses another threshold than the default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float | None = Field(default=None, gt=0, lt=1)
    threshold_count: int | None = Field(default=None, ge=0)
    because: str = Field(min_length=1)

    @model_validator(mode="after")
    def _sets_something(self) -> Self:
        if self.threshold is None and self.threshold_count is None:
            raise ValueError("It sets neither threshold nor threshold_count.")
        return self


@dataclass(frozen=True)
class SiteTable:
    """One file's rows, and where they come from.

    Attributes:
        path: the file that was read.
        is_default: whether it is the project's default, because the council has no such file.
    """

    file: SiteFile
    path: Path
    is_default: bool
    rows: Rows

    def text(self) -> str:
        """Return the rows as CSV text for dbt to load."""
        lines = [",".join(self.file.columns)]
        for _, row in self.rows:
            lines.append(",".join(_cell(value) for value in row.model_dump().values()))
        return "\n".join([*lines, ""])


@dataclass(frozen=True)
class Site:
    """All settings of a council, valid unless `problems` says otherwise."""

    tables: Mapping[str, SiteTable]
    thresholds: Mapping[str, ThresholdOverride]
    decisions: Decisions = field(default_factory=Decisions)
    readers: Readers = field(default_factory=Readers)
    problems: tuple[SettingsError, ...] = field(default=())

    def require_valid(self) -> Site:
        """Return the settings themselves.

        Raises:
            SettingsError: the first problem, with how many others there are.
        """
        if not self.problems:
            return self
        first, others = self.problems[0], len(self.problems) - 1
        more = f" `carepath site check` shows {others} more." if others else ""
        raise SettingsError(first.what + more, where=first.where, todo=first.todo)


def site_folder() -> Path:
    """Return the folder for a council's own files. It may not exist."""
    return get_settings().home / "site"


def read_site(folder: Path | None = None) -> Site:
    """Read and validate every file. A missing one is replaced by the project's default.

    Args:
        folder: where the council's files are; by default `<home>/site`.
    """
    folder = folder or site_folder()
    problems: list[SettingsError] = _unknown_files(folder)
    tables: dict[str, SiteTable] = {}
    for name, file in FILES.items():
        own = folder / f"{name}.csv"
        path = own if own.is_file() else SITE_DEFAULTS / f"{name}.csv"
        rows, wrong = _read_table(file, path)
        problems += wrong
        tables[name] = SiteTable(file, path, path != own, rows)
    rows_of = {name: table.rows for name, table in tables.items()}
    for table in tables.values():
        problems += _check_together(table, rows_of)
    thresholds, wrong = _read_thresholds(folder / RULES)
    decisions, also_wrong = read_decisions(folder / DECISIONS)
    for read in (read_desk, read_directory, read_disclosure, read_power_bi, read_retention):
        try:
            read(folder)
        except SettingsError as error:
            also_wrong = [*also_wrong, error]
    readers = Readers()
    try:
        readers = read_readers(folder)
    except SettingsError as error:
        also_wrong = [*also_wrong, error]
    return Site(tables, thresholds, decisions, readers, (*problems, *wrong, *also_wrong))


def file_hash(path: Path) -> str:
    """Return a hash that changes whenever the file changes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _unknown_files(folder: Path) -> list[SettingsError]:
    """Report files that nothing reads, because a wrong name would otherwise go unnoticed."""
    known = [
        *(f"{name}.csv" for name in FILES),
        RULES,
        DECISIONS,
        SOURCES,
        DESK,
        DIRECTORY,
        DISCLOSURE,
        POWER_BI,
        READERS,
        RETENTION,
    ]
    return [
        SettingsError(
            "Carepath does not know a settings file of this name.",
            where=f"site/{path.name}",
            todo=f"{_did_you_mean(path.name, known)}move it out of the folder.",
        )
        for path in sorted(folder.glob("*"))
        if path.suffix in (".csv", ".yml", ".yaml")
        and path.name not in known
        and path.name[0] not in ".~"
    ]


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"rename it to {close[0]} if you mean that, or " if close else ""


def _read_table(file: SiteFile, path: Path) -> tuple[Rows, list[SettingsError]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        what = "The file cannot be read as UTF-8 text."
        return (), [_wrong(path, 0, "", what, "save it as 'CSV UTF-8 (comma delimited)'.")]
    lines = [
        (number, cells)
        for number, cells in _cells(text)
        if any(cell.strip() for cell in cells) and not cells[0].lstrip().startswith("#")
    ]
    if not lines:
        return (), [_wrong(path, 0, "", "The file has no header.", _header(file))]
    (head_line, head), *body = lines
    names = [name.strip() for name in head]
    while names and not names[-1]:
        names.pop()
    for name in [*(n for n in names if n not in file.columns), *(set(file.columns) - set(names))]:
        what = "Carepath does not know this column." if name in names else "The column is missing."
        todo = _header(file)
        if set(EARLIER) <= set(names):
            what = "A target names its measure and segment by their codes now."
            todo = what_to_write(names, [cells for _, cells in body])
        return (), [_wrong(path, head_line, name, what, todo)]
    rows: list[tuple[int, Row]] = []
    problems: list[SettingsError] = []
    for line, cells in body:
        if any(cell.strip() for cell in cells[len(names) :]):
            what = f"The row has {len(cells)} cells, but the header has {len(names)}."
            todo = 'put double quotes around a text that has a comma ("a, b").'
            problems.append(_wrong(path, line, "", what, todo))
            continue
        filled = [cell.strip() or None for cell in cells[: len(names)]]
        filled += [None] * (len(names) - len(filled))
        try:
            rows.append((line, file.row.model_validate(dict(zip(names, filled, strict=True)))))
        except ValidationError as error:
            problems += [_plainly(path, line, each) for each in error.errors()]
    return tuple(rows), problems


def _cells(text: str) -> list[tuple[int, list[str]]]:
    """Return each record's cells with the line on which it begins; comments are blank."""
    # remove comments before parsing, because a quotation mark in one would swallow rows
    lines = ["\n" if line.startswith("#") else line for line in text.splitlines(keepends=True)]
    reader = csv.reader(lines)
    found = []
    line = 1
    for cells in reader:
        found.append((line, cells))
        line = reader.line_num + 1
    return found


def _check_together(table: SiteTable, rows_of: Mapping[str, Rows]) -> list[SettingsError]:
    path, file = table.path, table.file
    problems = []
    seen: dict[tuple[Any, ...], int] = {}
    for line, row in table.rows:
        key = tuple(getattr(row, name) for name in file.key)
        if (first := seen.setdefault(key, line)) != line:
            what = f"The row has the same {', '.join(file.key)} as row {first}."
            problems.append(_wrong(path, line, file.key[-1], what, "keep one of the two rows."))
    if file.also is not None:
        for line, column, what in file.also(table.rows, rows_of):
            problems.append(_wrong(path, line, column, what, "correct the file."))
    return problems


def _read_thresholds(path: Path) -> tuple[dict[str, ThresholdOverride], list[SettingsError]]:
    if not path.is_file():
        return {}, []
    where = f"site/{path.name}"
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", row {mark.line + 1}" if mark else ""
        todo = "compare it with the example in docs/settings.md."
        return {}, [
            SettingsError("The file cannot be read as YAML.", where=where + line, todo=todo)
        ]
    try:
        found = TypeAdapter(dict[str, ThresholdOverride]).validate_python(raw)
    except ValidationError as error:
        problems = []
        for each in error.errors():
            rule, *rest = [str(part) for part in each["loc"]] or [""]
            place = ", ".join([where, *([f"rule {rule}"] if rule else []), *rest])
            todo = (
                "write because, and threshold (a share such as 0.05), threshold_count (a number of "
                "records) or both, below the rule's id."
            )
            problems.append(SettingsError(_what(each), where=place, todo=todo))
        return {}, problems
    return found, [problem for rule in found if (problem := _wrong_rule(rule, where))]


def _wrong_rule(rule_id: str, where: str) -> SettingsError | None:
    from expectations.register import rules

    register = {rule.rule_id: rule for rule in rules()}
    place = f"{where}, rule {rule_id}"
    if rule_id not in register:
        close = difflib.get_close_matches(rule_id, register, n=1)
        hint = f"write {close[0]} if you mean that. " if close else ""
        return SettingsError(
            "There is no rule with this id.",
            where=place,
            todo=f"{hint}docs/rule_book.md lists all of them.",
        )
    severity = register[rule_id].severity
    if severity == "warning":
        return None
    what = (
        "The rule is critical, so one failing record holds the figures"
        if severity == "critical"
        else "The rule is for information and never holds the figures"
    )
    return SettingsError(
        f"{what}. It cannot have a threshold.",
        where=place,
        todo="remove it. Only a warning rule has a threshold.",
    )


def _plainly(path: Path, line: int, error: Any) -> SettingsError:
    kind, column = error["type"], str(error["loc"][0]) if error["loc"] else ""
    todo = WHAT_TO_DO["blank"] if error.get("input") is None else "correct the cell."
    if kind.startswith("date"):
        todo = WHAT_TO_DO["date"]
    elif kind.startswith(("int", "decimal")):
        todo = WHAT_TO_DO["number"]
    return _wrong(path, line, column, _what(error), todo)


def _what(error: Any) -> str:
    kind, value = error["type"], error.get("input")
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if value is None:
        return "It is blank."
    if kind == "literal_error":
        return f"'{value}' is not one of: {error['ctx']['expected'].replace(' or ', ', ')}."
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        return (
            f"{value} is not allowed. It must be {error['msg'].removeprefix('Input should be ')}."
        )
    plain = PLAIN.get(kind)
    if plain is None:
        return f"'{value}' is not allowed ({error['msg']})."
    return plain if kind in ("missing", "extra_forbidden") else f"'{value}' {plain}"


def _wrong(path: Path, line: int, column: str, what: str, todo: str) -> SettingsError:
    folder = "dbt_project/site" if path.parent == SITE_DEFAULTS else "site"
    place = f"{folder}/{path.name}"
    place += f", row {line}" if line else ""
    place += f", column {column}" if column else ""
    return SettingsError(what, where=place, todo=todo)


def _header(file: SiteFile) -> str:
    return f"make the header {','.join(file.columns)}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date):
        return value.isoformat()
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n\r') else text
