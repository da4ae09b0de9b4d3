"""What a rule is, and the checks that it can make.

One `Rule` is the only definition of a rule. From it follow the Great Expectations expectation
(carepath.quality.expectation), the SQL that stores every failing key (carepath.quality.judge), the
page of the rule book (carepath.quality.rule_book) and the tests (tests/test_rules_register.py).

A rule judges the rows of a subject (expectations/subjects.py): a staging table of one authority,
or a named query over several. SQL in a rule is a PostgreSQL condition over the subject's columns;
a condition that is null counts as false.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from expectations.sql import listed, literal

Severity = Literal["critical", "warning", "info"]
Row = Mapping[str, Any]

RULE_ID = re.compile(r"^[A-Z]{2,6}-\d{2,3}$")

# Who is asked to act: the people of design.md's table of users.
BI_TEAM = "BI team"
LEAVING_CARE = "leaving care team manager"
LOOKED_AFTER = "looked-after children team manager"
SAFEGUARDING = "safeguarding team manager"
STEWARD = "data steward"


@dataclass(frozen=True)
class Fails:
    """A record fails where `condition` is true: for what no built-in expectation says."""

    condition: str

    def predicate(self) -> str:
        """Return the SQL condition that is true for a failing row."""
        return self.condition


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
        """The column that the judged rows gain, and its SQL."""
        return f"rows_of_{self.column}", f"count(*) over (partition by {self.column})"

    def predicate(self) -> str:
        """Return the SQL condition that is true for a failing row."""
        return f"{self.column} is not null and {self.window[0]} > 1"


@dataclass(frozen=True)
class OutOfOrder:
    """A record fails where `later` lies before `earlier`; null on either side passes."""

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


Check = Fails | Missing | NotIn | Repeated | OutOfOrder | Unlike


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of the gate.

    Attributes:
        rule_id: stable for ever (EET-01); never given to another rule.
        subject: names of the subjects whose rows are judged, each on its own.
        says: what is wrong with a record that fails, in one plain sentence.
        todo: what the owner does about it.
        reference: the statute, guide, return rule or page that the rule follows.
        severity: critical (one failing record holds the refresh), warning (more than `threshold`
            does) or info (never does).
        threshold: share of the judged rows, 0 to 1, that may fail; warnings only.
        because: why this severity and threshold.
        owner: who puts a record right.
        judged: SQL condition: the rows that the rule is about, the denominator of its share.
        check: how a judged row fails.
        needs: optional tables (entities) without which the rule is not applicable.
        falsifies: measures that leave a failing record out and count it.
        catches: the row (or rows) over the subject's columns that fails; unnamed columns are null.
        passes: the row (or rows) that does not.
    """

    rule_id: str
    subject: str | tuple[str, ...]
    says: str
    todo: str
    reference: str
    severity: Severity
    because: str
    owner: str
    check: Check
    catches: Row | tuple[Row, ...]
    passes: Row | tuple[Row, ...]
    threshold: float = 0.0
    judged: str = "true"
    needs: tuple[str, ...] = ()
    falsifies: tuple[str, ...] = ()

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects judged, in order."""
        return (self.subject,) if isinstance(self.subject, str) else self.subject

    @property
    def failing(self) -> str:
        """The SQL condition that is true for a row that is judged and fails."""
        return f"({self.judged}) and ({self.check.predicate()})"

    @property
    def caught_rows(self) -> tuple[Row, ...]:
        """The rows that the rule must catch."""
        return _rows(self.catches)

    @property
    def passed_rows(self) -> tuple[Row, ...]:
        """The rows that the rule must let pass."""
        return _rows(self.passes)


def problems(rule: Rule, subjects: Sequence[str]) -> list[str]:
    """Return what is wrong with a rule's definition; empty if nothing is."""
    found = []
    if not RULE_ID.match(rule.rule_id):
        found.append("the id is not letters, hyphen, two or three digits")
    if rule.severity not in ("critical", "warning", "info"):
        found.append(f"unknown severity {rule.severity}")
    if rule.severity == "warning" and not 0 < rule.threshold < 1:
        found.append("a warning needs a threshold between 0 and 1")
    if rule.severity != "warning" and rule.threshold:
        found.append("only a warning has a threshold")
    for name in ("says", "todo", "reference", "because", "owner"):
        if not getattr(rule, name).strip():
            found.append(f"{name} is empty")
    if unknown := [name for name in rule.subjects if name not in subjects]:
        found.append(f"unknown subject {unknown[0]}")
    if not rule.subjects:
        found.append("it judges no subject")
    if rule.judged != "true" and not isinstance(rule.check, Fails):
        found.append("only a rule with its own condition can narrow whom it judges")
    if not rule.caught_rows or not rule.passed_rows:
        found.append("it lacks a row that it catches or one that it lets pass")
    return found


def _rows(rows: Row | tuple[Row, ...]) -> tuple[Row, ...]:
    return rows if isinstance(rows, tuple) else (rows,)
