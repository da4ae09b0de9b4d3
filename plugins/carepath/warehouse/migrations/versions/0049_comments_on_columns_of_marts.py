"""Power BI shows what each column of the tables beside the figures means, as it does for marts.

Marts get their comments from dbt's YAML at each publication. These tables are made by migrations,
and most of their columns had none.
"""

from __future__ import annotations

from alembic import op
from psycopg import sql

revision = "0049"
down_revision = "0048"

COMMENTS = {
    "publication": {
        "authority": "ONS code of the local authority",
        "published_at": "when the figures were published (UTC)",
    },
    "night_status": {
        "authority": "ONS code of the local authority",
        "night": "the night that ended in this way",
        "is_latest": "whether it is the last night of the authority",
        "state": "published, published with records left out, held, refused (the delivery was not"
        " taken) or failed",
        "is_published": "whether its figures were published",
        "held_rules": "the rules that hold the night; null for a published night",
        "held_reasons": "why it was not published, in sentences; null for a published night",
        "warning_count": "records that fail warnings, counted once for each rule and table",
        "info_count": "records that fail rules for information, counted once for each rule and"
        " table",
        "waived_count": "failing records that a waiver covers",
        "rules_judged": "how many rules were judged, counted once for each table",
        "rules_failed": "how many rules failed, counted once for each table",
        "rules_not_run": "how many rules could not run, counted once for each table",
        "decided_at": "when the night was decided (UTC)",
    },
    "quality_by_rule": {
        "authority": "ONS code of the local authority",
        "night": "the night that was judged",
        "rule_id": "the rule",
        "table_name": "the table or mart that the rule judged",
        "is_latest": "whether it is the last night of the authority",
        "gate": "1 judges records, 2 judges figures",
        "severity": "critical, warning or info",
        "owner": "who puts failing records right",
        "plain_words": "the rule in plain words",
        "what_to_do": "what to do about a failing record",
        "state": "passed, failed, error (it could not run) or not applicable",
        "holds": "whether the result holds the night",
        "population_count": "how many records the rule judged",
        "failing_count": "how many of them fail",
        "waived_count": "how many of the failing records a waiver covers",
        "allowed_count": "of a warning: how many records may fail, as it was that night",
    },
}


def upgrade() -> None:
    """Write the comments, as carepath_owner."""
    for table, columns in COMMENTS.items():
        for column, says in columns.items():
            statement = sql.SQL("comment on column {} is {}").format(
                sql.Identifier("marts", table, column), sql.Literal(says)
            )
            op.get_bind().exec_driver_sql(statement.as_string().replace("%", "%%"))
