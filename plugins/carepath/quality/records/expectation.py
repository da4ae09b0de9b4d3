"""Rules as Great Expectations: a suite per subject, with built-in expectations where they fit.

Importing this module imports Great Expectations (5 s, 240 MB), so only a running gate imports it.

A rule with the condition `Fails` becomes `ExpectNoFailingRecords`. Its metric is an aggregate.
Great Expectations puts the aggregates of all rules of a subject into one query, so that hundreds of
rules still need one pass over the table.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Mapping, Sequence
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
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies

from carepath.quality.records.judge import Count
from expectations.rule import Fails, Missing, NotIn, OutOfOrder, Repeated, Rule, Unlike

# Its log lines and tracebacks can quote records, so Carepath does not show them.
_log = logging.getLogger("great_expectations")
_log.addHandler(logging.NullHandler())
_log.propagate = False

# Return the counts, but no value of a record.
COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}

_count = metric_partial(
    engine=SqlAlchemyExecutionEngine,
    partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
    domain_type=MetricDomainTypes.TABLE,
)


class CountedRecords(TableMetricProvider):  # type: ignore[misc]
    """How many rows a rule is about, and how many of them fail it: an array of both."""

    metric_name = "carepath.counted_records"
    value_keys = ("judged", "failing")

    @_count  # type: ignore[untyped-decorator]
    def _sqlalchemy(
        cls,  # noqa: N805
        execution_engine: Any,  # noqa: ARG002
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> tuple[sa.ColumnElement[Sequence[int]], dict[str, Any], dict[str, Any]]:
        counts = ", ".join(
            f"count(*) filter (where {metric_value_kwargs[name]})" for name in cls.value_keys
        )
        # a literal column: colons in it are not parameters
        both = sa.literal_column(f"array[{counts}]", sa.ARRAY(sa.BigInteger))
        return both, metric_domain_kwargs, {}


class ExpectNoFailingRecords(BatchExpectation):  # type: ignore[misc]
    """Expect that of the rows that meet `judged`, none meets the SQL condition `failing`."""

    judged: str
    failing: str

    metric_dependencies: ClassVar[tuple[str, ...]] = (CountedRecords.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("judged", "failing")

    def get_validation_dependencies(
        self,
        execution_engine: Any = None,  # noqa: ARG002
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> ValidationDependencies:
        """Return the one metric that the expectation needs.

        Great Expectations' own method finds the same by writing out the configuration a dozen
        times, which made up a third of the gate's time.
        """
        metric = MetricConfiguration(
            metric_name=CountedRecords.metric_name,
            metric_domain_kwargs={"batch_id": self.batch_id, "table": None},
            metric_value_kwargs={"judged": self.judged, "failing": self.failing},
        )
        return ValidationDependencies({CountedRecords.metric_name: metric}, dict(COUNTS_ONLY))

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        judged, failing = metrics[CountedRecords.metric_name]
        return {
            "success": failing == 0,
            "result": {"element_count": judged, "unexpected_count": failing},
        }


def expectation(rule: Rule) -> Any:
    """Return the expectation that tests what a rule tests."""
    about = {"meta": {"rule_id": rule.rule_id}, "severity": rule.severity}
    match rule.condition:
        case Fails():
            return ExpectNoFailingRecords(judged=rule.judged, failing=rule.failing, **about)
        case Missing(column, when):
            only = {"row_condition": Column(when).is_not_null()} if when else {}
            return gxe.ExpectColumnValuesToNotBeNull(column=column, **only, **about)
        case NotIn(column, values):
            return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values), **about)
        case Repeated() as repeated:
            # twice in one authority: the same id in two authorities is no repetition
            return gxe.ExpectColumnValuesToBeUnique(column=repeated.of_set[0], **about)
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
    """Counts the judged and the failing rows of tables by validating suites.

    Args:
        url: SQLAlchemy URL of the warehouse.
    """

    def __init__(self, url: str) -> None:
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = ProgressBarsConfig(
            globally=False, metric_calculations=False
        )
        self._source = self._context.data_sources.add_postgres(
            name="warehouse", connection_string=url
        )
        self._asset: Any = None

    def close(self) -> None:
        """Close the connections to the warehouse."""
        self._source.get_engine().dispose()

    def count(self, schema: str, table: str, rules: Sequence[Rule]) -> Mapping[str, Count]:
        """Validate the rules of one table. A rule that breaks does not hide the others.

        Returns:
            rule id to counts; None counts for a rule that could not be evaluated.
        """
        counts = self._validate(schema, table, rules)
        if len(rules) > 1 and any(count.failing is None for count in counts.values()):
            # the rules share a query, so one broken rule breaks them all: try each separately
            for rule in rules:
                counts |= self._validate(schema, table, [rule])
        return counts

    def _validate(self, schema: str, table: str, rules: Sequence[Rule]) -> dict[str, Count]:
        started = time.perf_counter()
        suite = gx.ExpectationSuite(name=table, expectations=[expectation(rule) for rule in rules])
        try:
            found = self._batch(schema, table).validate(suite, result_format=COUNTS_ONLY)
        except Exception:
            # these rules were not evaluated; the SQL of the caller finds the reason
            return {rule.rule_id: Count(None, None) for rule in rules}
        seconds = (time.perf_counter() - started) / len(rules)
        counts = {rule.rule_id: Count(None, None, seconds) for rule in rules}
        for result in found.results:
            counts[result.expectation_config.meta["rule_id"]] = _read(result, seconds)
        return counts

    def _batch(self, schema: str, table: str) -> Any:
        """Return the whole of a table as a batch.

        All tables use one asset in turn, because adding an asset takes 0.04 s: the context writes
        its configuration as YAML each time.
        """
        if self._asset is None:
            with warnings.catch_warnings():
                # the replacement, a schema of the data source, does not exist for PostgreSQL
                warnings.simplefilter("ignore", DeprecationWarning)
                self._asset = self._source.add_table_asset(
                    name="judged", table_name=table, schema_name=schema
                )
            self._definition = self._asset.add_batch_definition_whole_table("whole table")
        self._asset.schema_name, self._asset.table_name = schema, table
        return self._definition.get_batch()


def _read(result: Any, seconds: float) -> Count:
    """Return the counts of one expectation's result."""
    values = result.result or {}
    rows, failing = values.get("element_count"), values.get("unexpected_count")
    if rows == 0:
        failing = failing or 0  # the sum of no rows is null
    if rows is None or failing is None:
        return Count(None, None, seconds)
    return Count(int(rows) - int(values.get("missing_count") or 0), int(failing), seconds)
