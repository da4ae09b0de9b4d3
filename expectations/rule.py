"""What a rule is, and the conditions that it can set.

A `Rule` is the only definition of a rule. Three things come from it: the Great Expectations
expectation (carepath.quality.records.expectation), the SQL that stores every failing key
(carepath.quality.records.judge), and its entry in the rule book.
tests/warehouse/test_rules_register.py tests each rule with the rows that it gives.

A rule judges the rows of a subject (expectations/subjects.py): a staging table, or a named view, of
one authority or of several, each on its own. SQL in a rule is a PostgreSQL condition over the
subject's columns. A condition that is null counts as false.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, with_config

from expectations.sql import listed, literal

Severity = Literal["critical", "warning", "info"]
Row = Mapping[str, Any]

# a rule of the Department keeps its number: LAC-143, LAC-392C, LAC-SW01A, CEN-8770Q
RuleId = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{2,6}-([A-Z]{0,3}\d{2,4}[A-Z]{0,4}|EPI|NOE)$")
]
DepartmentRule = Annotated[str, StringConstraints(pattern=r"^(SSDA903|CIN census) [0-9A-Za-z]+$")]
# The kinds of contradiction; expectations/kinds.py says what each covers.
Kind = Literal[
    "order",
    "age",
    "at once",
    "needs",
    "code",
    "scale",
    "dates",
    "twice",
    "stale",
    "sums",
]
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Rows = Row | Annotated[tuple[Row, ...], Field(min_length=1)]

# The people who correct a record or a model.
BI_TEAM = "BI team"
LEAVING_CARE = "leaving care team manager"
LOOKED_AFTER = "looked-after children team manager"
SAFEGUARDING = "safeguarding team manager"
STEWARD = "data steward"

# A share of a handful is one record: 1 of 2 is 50%. So a warning also allows this many records.
FEW_RECORDS = 3


@dataclass(frozen=True)
class Fails:
    """A record fails where `sql` is true. Use it where no built-in expectation fits."""

    sql: str

    def predicate(self) -> str:
        """Return the SQL condition that is true for a failing row."""
        return self.sql


@dataclass(frozen=True)
class Missing:
    """A record fails where `column` is null, judged only where `when` is present."""

    column: str
    when: str | None = None

    def predicate(self) -> str:
        """Return the SQL condition that is true for a failing row."""
        present = f"{self.when} is not null and " if self.when else ""
        return f"{present}{self.column} is null"


@dataclass(frozen=True)
class NotIn:
    """A record fails where `column` holds something other than `values`; null passes."""

    column: str
    values: tuple[str, ...]

    def predicate(self) -> str:
        """Return the SQL condition that is true for a failing row."""
        return f"{self.column} not in ({listed(self.values)})"


@dataclass(frozen=True)
class Repeated:
    """A record fails where another one has the same `column`; null passes."""

    column: str

    @property
    def window(self) -> tuple[str, str]:
        """The column that is added to the judged rows, and its SQL."""
        return f"rows_of_{self.column}", f"count(*) over (partition by authority, {self.column})"

    @property
    def of_set(self) -> tuple[str, str]:
        """A column with the same value for two rows of one authority only, and its SQL."""
        return f"{self.column}_of_authority", f"authority || ' ' || {self.column}"

    def predicate(self) -> str:
        """Return the SQL condition that is true for a failing row."""
        return f"{self.column} is not null and {self.window[0]} > 1"


@dataclass(frozen=True)
class OutOfOrder:
    """A record fails where `later` is before `earlier`; null on either side passes."""

    earlier: str
    later: str

    def predicate(self) -> str:
        """Return the SQL condition that is true for a failing row."""
        return f"{self.later} < {self.earlier}"


@dataclass(frozen=True)
class Unlike:
    """A record fails where `column` does not match the regular expression; null passes."""

    column: str
    pattern: str

    def predicate(self) -> str:
        """Return the SQL condition that is true for a failing row."""
        return f"{self.column} !~ {literal(self.pattern)}"


Condition = Fails | Missing | NotIn | Repeated | OutOfOrder | Unlike


@with_config(ConfigDict(revalidate_instances="always", strict=True))
@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of the gate.

    Attributes:
        rule_id: stays the same for ever (EET-01), and is never given to another rule.
        subject: names of the subjects to judge, each separately.
        says: what is wrong with a record that fails, in one plain sentence.
        todo: what the owner does about it.
        reference: the statute, guide, return rule or page that the rule follows.
        severity: critical (one failing record holds the night), warning (more than `threshold` and
            more than `threshold_count` hold it) or info (never holds it).
        threshold: share of the judged rows, 0 to 1, that may fail; warnings only.
        threshold_count: number of rows that may fail, whatever their share; warnings only. None is
            FEW_RECORDS.
        because: why this severity, this threshold and, if it has one, this number of rows.
        owner: who puts a record right.
        judged: SQL condition for the rows that the rule is about: the denominator of its share.
        condition: how a judged row fails.
        needs: optional tables (entities) that the rule reads; it does not apply without them.
        department: the Department's rules that this one expresses, by return and number ("SSDA903
            143", "CIN census 8770Q").
        falsifies: measures that leave a failing record out, and count it (measures.py).
        kind: the kind of contradiction that it finds (kinds.py); None for any other rule.
        catches: an example row (or rows) that fails; columns that it does not name are null.
        passes: an example row (or rows) that passes.
    """

    rule_id: RuleId
    subject: str | Annotated[tuple[str, ...], Field(min_length=1)]
    says: Text
    todo: Text
    reference: Text
    severity: Severity
    because: Text
    owner: Text
    condition: Condition
    catches: Rows
    passes: Rows
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.0
    threshold_count: Annotated[int, Field(ge=0)] | None = None
    judged: Text = "true"
    needs: tuple[str, ...] = ()
    falsifies: tuple[str, ...] = ()
    kind: Kind | None = None
    department: tuple[DepartmentRule, ...] = ()

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects judged, in order."""
        return (self.subject,) if isinstance(self.subject, str) else self.subject

    @property
    def allowed_count(self) -> int:
        """How many judged rows may fail, whatever their share."""
        if self.severity != "warning":
            return 0
        return FEW_RECORDS if self.threshold_count is None else self.threshold_count

    @property
    def failing(self) -> str:
        """The SQL condition that is true for a row that is judged and fails."""
        return f"({self.judged}) and ({self.condition.predicate()})"

    @property
    def counted(self) -> str:
        """The SQL condition that is true for a row that is judged: the denominator of its share."""
        match self.condition:
            case Fails():
                return self.judged
            case Missing(_, when):
                return f"{when} is not null" if when else "true"
            case OutOfOrder(earlier, later):
                return f"{earlier} is not null and {later} is not null"
            case NotIn(column) | Repeated(column) | Unlike(column):
                return f"{column} is not null"

    @property
    def caught_rows(self) -> tuple[Row, ...]:
        """The rows that the rule must catch."""
        return _rows(self.catches)

    @property
    def passed_rows(self) -> tuple[Row, ...]:
        """The rows that the rule must let pass."""
        return _rows(self.passes)


def problems(rule: Rule, subjects: Sequence[str], measures: Sequence[str]) -> list[str]:
    """Return the faults of a rule's definition; empty if it has none.

    Args:
        rule: the entry.
        subjects: the names that a rule may judge.
        measures: the names of measures that a rule may falsify.
    """
    found = []
    try:
        _entry().validate_python(rule)
    except ValidationError as error:
        found += [
            f"{'.'.join(map(str, each['loc'])) or 'the entry'}: {each['msg']}"
            for each in error.errors()
        ]
    if rule.severity == "warning" and not rule.threshold:
        found.append("a warning needs a threshold between 0 and 1")
    if rule.severity != "warning" and rule.threshold:
        found.append("only a warning has a threshold")
    if rule.severity != "warning" and rule.threshold_count is not None:
        found.append("only a warning has a threshold_count")
    if unknown := [name for name in rule.subjects if name not in subjects]:
        found.append(f"unknown subject {unknown[0]}")
    if unknown := [name for name in rule.falsifies if name not in measures]:
        found.append(
            f"no measure called {unknown[0]} leaves records out; "
            f"the measures that do are {', '.join(measures)}"
        )
    if rule.judged != "true" and not isinstance(rule.condition, Fails):
        found.append("only a rule with the condition Fails can have `judged`")
    return found


@lru_cache(maxsize=1)
def _entry() -> TypeAdapter[Rule]:
    """Return the adapter that checks each part of an entry against its type above."""
    return TypeAdapter(Rule)


def _rows(rows: Row | tuple[Row, ...]) -> tuple[Row, ...]:
    return rows if isinstance(rows, tuple) else (rows,)
