"""Rules as Great Expectations: a suite per subject, built-in expectations where one says it.

Importing this module imports Great Expectations (5 s, 240 MB): only the gate does, when it runs.

A condition of a rule's own becomes `ExpectNoFailingRecords`, whose two metrics are aggregates:
Great Expectations puts those of all rules of a subject into one query, so that three hundred rules
are still one pass over the table.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

os.environ["GX_ANALYTICS_ENABLED"] = "False"

import great_expectations as gx
import great_expectations.expectations as gxe
import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.expectations.row_conditions import Column

from expectations.rule import Fails, Missing, NotIn, OutOfOrder, Repeated, Rule, Unlike

# Its log lines and tracebacks quote rows.
_log = logging.getLogger("great_expectations")
_log.addHandler(logging.NullHandler())
_log.propagate = False

# The counts, and no value of a record.
COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}

_count = metric_partial(
    engine=SqlAlchemyExecutionEngine,
    partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
    domain_type=MetricDomainTypes.TABLE,
)


def _counted(condition: str) -> sa.ColumnElement[int]:
    """Return how many rows meet a condition. A literal column: colons bind no parameter."""
    return sa.literal_column(f"count(*) filter (where {condition})", sa.BigInteger)


class JudgedRecords(TableMetricProvider):  # type: ignore[misc]
    """How many rows a rule is about."""

    metric_name = "carepath.judged_records"
    value_keys = ("judged",)

    @_count  # type: ignore[untyped-decorator]
    def _sqlalchemy(
        cls,  # noqa: N805
        execution_engine: Any,  # noqa: ARG002
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> tuple[sa.ColumnElement[int], dict[str, Any], dict[str, Any]]:
        return _counted(metric_value_kwargs["judged"]), metric_domain_kwargs, {}


class FailingRecords(TableMetricProvider):  # type: ignore[misc]
    """How many rows fail a rule."""

    metric_name = "carepath.failing_records"
    value_keys = ("failing",)

    @_count  # type: ignore[untyped-decorator]
    def _sqlalchemy(
        cls,  # noqa: N805
        execution_engine: Any,  # noqa: ARG002
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> tuple[sa.ColumnElement[int], dict[str, Any], dict[str, Any]]:
        return _counted(metric_value_kwargs["failing"]), metric_domain_kwargs, {}


class ExpectNoFailingRecords(BatchExpectation):  # type: ignore[misc]
    """Expect no row that meets the SQL condition `failing`, of the rows that meet `judged`."""

    judged: str
    failing: str

    metric_dependencies: ClassVar[tuple[str, ...]] = (
        JudgedRecords.metric_name,
        FailingRecords.metric_name,
    )
    success_keys: ClassVar[tuple[str, ...]] = ("judged", "failing")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        failing = metrics[FailingRecords.metric_name]
        return {
            "success": failing == 0,
            "result": {
                "element_count": metrics[JudgedRecords.metric_name],
                "unexpected_count": failing,
            },
        }


@dataclass(frozen=True)
class Count:
    """What Great Expectations counted for a rule; both None where it could not."""

    judged: int | None
    failing: int | None
    seconds: float = 0.0


def expectation(rule: Rule) -> Any:
    """Return the expectation that says what a rule says."""
    about = {"meta": {"rule_id": rule.rule_id}, "severity": rule.severity}
    match rule.check:
        case Fails():
            return ExpectNoFailingRecords(judged=rule.judged, failing=rule.failing, **about)
        case Missing(column, when):
            only = {"row_condition": Column(when).is_not_null()} if when else {}
            return gxe.ExpectColumnValuesToNotBeNull(column=column, **only, **about)
        case NotIn(column, values):
            return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values), **about)
        case Repeated(column):
            return gxe.ExpectColumnValuesToBeUnique(column=column, **about)
        case OutOfOrder(earlier, later):
            return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=later,
                column_B=earlier,
                or_equal=True,
                ignore_row_if="either_value_is_missing",
                **about,
            )
        case Unlike(column, pattern):
            return gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern, **about)


class Counter:
    """Counts judged and failing rows of the tables of one schema by validating suites.

    Args:
        url: SQLAlchemy URL of the warehouse.
        schema: where the tables are.
    """

    def __init__(self, url: str, schema: str) -> None:
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = ProgressBarsConfig(
            globally=False, metric_calculations=False
        )
        self._source = self._context.data_sources.add_postgres(
            name="warehouse", connection_string=url
        )
        self._schema = schema
        self._asset: Any = None

    def close(self) -> None:
        """Close the connections to the warehouse."""
        self._source.get_engine().dispose()

    def count(self, table: str, rules: Sequence[Rule]) -> Mapping[str, Count]:
        """Validate the rules of one table; one that breaks does not hide the others.

        Returns:
            rule id to counts; None counts for a rule that could not be evaluated.
        """
        counts = self._validate(table, rules)
        if len(rules) > 1 and any(count.failing is None for count in counts.values()):
            # aggregates of all rules share a query, so that one broken rule breaks them all
            for rule in rules:
                counts |= self._validate(table, [rule])
        return counts

    def _validate(self, table: str, rules: Sequence[Rule]) -> dict[str, Count]:
        started = time.perf_counter()
        suite = gx.ExpectationSuite(name=table, expectations=[expectation(rule) for rule in rules])
        try:
            found = self._batch(table).validate(suite, result_format=COUNTS_ONLY)
        except Exception:
            # whatever it was, these rules were not evaluated; the caller's own SQL says why
            return {rule.rule_id: Count(None, None) for rule in rules}
        seconds = (time.perf_counter() - started) / len(rules)
        counts = {rule.rule_id: Count(None, None, seconds) for rule in rules}
        for result in found.results:
            counts[result.expectation_config.meta["rule_id"]] = _read(result, seconds)
        return counts

    def _batch(self, table: str) -> Any:
        """Return the whole of a table as a batch.

        One asset serves all tables in turn: adding one to the context costs 0.04 s, for it writes
        its configuration as YAML each time.
        """
        if self._asset is None:
            with warnings.catch_warnings():
                # deprecated for a schema of the data source, which PostgreSQL's does not have
                warnings.simplefilter("ignore", DeprecationWarning)
                self._asset = self._source.add_table_asset(
                    name="judged", table_name=table, schema_name=self._schema
                )
            self._definition = self._asset.add_batch_definition_whole_table("whole table")
        self._asset.table_name = table
        return self._definition.get_batch()


def _read(result: Any, seconds: float) -> Count:
    """Return the counts of one expectation's result."""
    values = result.result or {}
    rows, failing = values.get("element_count"), values.get("unexpected_count")
    if rows == 0:
        failing = failing or 0  # the sum over no rows is null
    if rows is None or failing is None:
        return Count(None, None, seconds)
    return Count(int(rows) - int(values.get("missing_count") or 0), int(failing), seconds)
