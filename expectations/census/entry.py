"""An entry of the register for a rule of the census, from the parts in which they differ."""

from __future__ import annotations

from expectations.rule import SAFEGUARDING, Fails, Row, Rule

# the night of the examples, and its census
DAYS: Row = {"night": "2019-06-30", "census_start": "2019-04-01", "census_end": "2020-03-31"}
IN_CENSUS: Row = {**DAYS, "is_in_census": True}
CASES = ("cin_episodes",)
DATES = "Find out which of the two dates is wrong, and correct it."


def census_rule(
    number: str,
    subject: str,
    says: str,
    todo: str,
    fails: str,
    *,
    catches: Row | tuple[Row, ...],
    passes: Row | tuple[Row, ...],
    judged: str = "is_in_census",
    needs: tuple[str, ...] = CASES,
    owner: str = SAFEGUARDING,
    every: Row = IN_CENSUS,
) -> Rule:
    """Return the rule with the Department's `number`, as CEN-<number>.

    Args:
        number: a number that ends in Q is a query, and any other an error.
        subject, says, todo, catches, passes, judged, needs, owner: as in a Rule.
        fails: SQL condition of a judged row that fails.
        every: what all of its example rows have.
    """
    what = "asks the council for a reason" if number.endswith("Q") else "does not accept the census"
    return Rule(
        rule_id=f"CEN-{number}",
        subject=subject,
        says=says,
        todo=todo,
        reference=f"children in need census 2025 to 2026, validation rule {number}",
        severity="info",
        because=f"The Department {what} while such a record is in it. Other rules test what "
        "Carepath's own figures need, so this one never holds the night.",
        owner=owner,
        judged=judged,
        condition=Fails(fails),
        needs=needs,
        department=(f"CIN census {number}",),
        catches=_with(every, catches),
        passes=_with(every, passes),
    )


def _with(every: Row, rows: Row | tuple[Row, ...]) -> tuple[Row, ...]:
    return tuple({**every, **row} for row in (rows if isinstance(rows, tuple) else (rows,)))
