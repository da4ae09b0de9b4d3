"""Copy the rules of both gates to `quality.rules`, for people who read the warehouse."""

from __future__ import annotations

from typing import Any

import psycopg

from carepath.quality.figures.rules import FIGURE_RULES
from carepath.quality.waivers import LOST_ROWS
from carepath.site import with_thresholds
from expectations.register import domain_of
from expectations.register import rules as register
from expectations.rule import BI_TEAM


def mirror(connection: psycopg.Connection[Any]) -> None:
    """Make `quality.rules` equal to the rules of both gates. Removed rules are marked retired."""
    rows = [
        (
            rule.rule_id,
            domain_of(rule),
            ", ".join(rule.subjects) if len(rule.subjects) < 6 else "many tables",
            rule.severity,
            rule.owner,
            rule.says,
            rule.todo,
            rule.reference,
            rule.threshold if rule.severity == "warning" else None,
            rule.allowed_count if rule.severity == "warning" else None,
            list(rule.falsifies),
        )
        for rule in with_thresholds(register())
    ]
    rows += [
        (c.rule_id, "Figures", "marts_build", c.severity, c.owner, c.says, c.todo, c.reference,
         c.threshold if c.severity == "warning" else None,
         0 if c.severity == "warning" else None, [])
        for c in FIGURE_RULES
    ]  # fmt: skip
    rows.append(
        (
            LOST_ROWS,
            "Deliveries",
            "every table",
            "critical",
            BI_TEAM,
            "A table lost many rows, or a column, since the last delivery.",
            "Find out what happened at the source. If the rows or the column were removed on "
            "purpose, ask for a waiver of the table.",
            "docs/runbooks/source_late.md",
            None,
            None,
            [],
        )
    )
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into quality.rules as r (rule_id, domain, entity, severity, owner, plain_words,
                what_to_do, reference, threshold, threshold_count, falsifies, retired_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, null)
            on conflict (rule_id) do update set
                (domain, entity, severity, owner, plain_words, what_to_do, reference, threshold,
                    threshold_count, falsifies, retired_at)
                = (excluded.domain, excluded.entity, excluded.severity, excluded.owner,
                    excluded.plain_words, excluded.what_to_do, excluded.reference,
                    excluded.threshold, excluded.threshold_count, excluded.falsifies, null)
            where (r.domain, r.entity, r.severity, r.owner, r.plain_words, r.what_to_do,
                    r.reference, r.threshold, r.threshold_count, r.falsifies, r.retired_at)
                is distinct from (excluded.domain, excluded.entity, excluded.severity,
                    excluded.owner, excluded.plain_words, excluded.what_to_do,
                    excluded.reference, excluded.threshold, excluded.threshold_count,
                    excluded.falsifies,
                    null::timestamptz)
            """,
            rows,
        )
        cursor.execute(
            "update quality.rules set retired_at = now()"
            " where retired_at is null and rule_id <> all(%s)",
            ([row[0] for row in rows],),
        )
