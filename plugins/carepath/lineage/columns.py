"""Which columns each column of a mart comes from, by sqlglot from the SQL that dbt compiles.

A column comes from the columns in the expression that makes it, and in the subqueries of that
expression. What a join, a filter or a grouping reads is not followed: it decides which rows there
are, not what a column says.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope, traverse_scope
from sqlglot.schema import MappingSchema

from carepath.contract import load_contract
from carepath.contract.model import RESERVED
from carepath.lineage.reading import CONTRACT, CORE, FIELDS, MART, OWN, SETTING, STAGING, kind_of
from carepath.publish.tables import BUILD_SCHEMA
from carepath.warehouse.dbt import compile_models, own_project

DIALECT: Final = "postgres"


class Column(NamedTuple):
    """A column of a table of the warehouse."""

    schema: str
    table: str
    name: str


# what a column comes from; None stands for something that could not be followed
Origins = frozenset[Column | None]
UNKNOWN: Final[Origins] = frozenset({None})
NOTHING: Final[Origins] = frozenset()


class Model:
    """The SQL of one model, in which each column can be followed to the tables that it reads."""

    def __init__(self, sql: str, schema: MappingSchema) -> None:
        parsed = sqlglot.parse_one(sql, dialect=DIALECT)
        try:
            found = qualify(
                parsed.copy(),
                schema=schema,
                dialect=DIALECT,
                validate_qualify_columns=False,
                quote_identifiers=False,
            )
        except OptimizeError:  # a column of a function in `from`: followed as far as it is named
            found = parsed
        root = build_scope(found)
        if root is None:
            raise ValueError("The SQL of a model is a query.")
        self._root = root
        self._schema = schema
        self._scopes = {id(each.expression): each for each in root.traverse()}
        self._known: dict[tuple[int, str], Origins] = {}

    def origins(self, column: str) -> Origins:
        """Return the columns of other tables that a column comes from."""
        return self._of_output(self._root, column)

    def _of_output(self, scope: Scope, name: str) -> Origins:
        """Return what a column that a query gives comes from."""
        place = (id(scope), name)
        if place not in self._known:
            self._known[place] = NOTHING  # a recursive query reads itself
            self._known[place] = self._of_query(scope, name)
        return self._known[place]

    def _of_query(self, scope: Scope, name: str) -> Origins:
        query = scope.expression
        if isinstance(query, exp.SetOperation):
            parts = scope.set_operation_scopes
            names = [_selects(part) for part in parts]
            if name not in names[0] or len({len(each) for each in names}) != 1:
                return UNKNOWN
            at = names[0].index(name)
            found = [
                self._of_output(part, each[at]) for part, each in zip(parts, names, strict=True)
            ]
            return NOTHING.union(*found)
        if not isinstance(query, exp.Query):
            return self._of_rows(scope, query, name)
        made = next((each for each in query.selects if each.alias_or_name == name), None)
        if made is not None:
            return self._of_expression(scope, made)
        if any(each.is_star for each in query.selects):
            return self._of_column(scope, exp.column(name))
        return UNKNOWN

    def _of_rows(self, scope: Scope, rows: exp.Expr, name: str) -> Origins:
        """Return what a column of `values` or of a function in `from` comes from."""
        names, query, values = _alias_columns(rows), _lateral_query(rows), rows.find(exp.Values)
        inner = self._scopes.get(id(query))
        if inner is not None and name in names:
            return self._of_output(inner, _selects(inner)[names.index(name)])
        if values is None or name not in names:
            return self._of_expression(scope, rows)
        at = names.index(name)
        cells = [each.expressions[at] for each in values.expressions]
        return NOTHING.union(*(self._of_expression(scope, each) for each in cells))

    def _of_expression(self, scope: Scope, expression: exp.Expr) -> Origins:
        found: set[Column | None] = set()
        for column in expression.find_all(exp.Column):
            found |= self._of_column(self._scopes.get(id(column.parent_select), scope), column)
        return frozenset(found)

    def _of_column(self, scope: Scope | None, column: exp.Column) -> Origins:
        """Return what a column that an expression names is, in a query or in one around it."""
        while scope is not None:
            if column.table in scope.sources:
                return self._of_source(scope, column.table, column.name)
            if not column.table:
                having = [each for each in scope.selected_sources if self._has(scope, each, column)]
                if having:
                    found = [self._of_source(scope, each, column.name) for each in having]
                    return NOTHING.union(*found)
                if column.name in scope.sources:  # a whole row: whether there is one
                    return NOTHING
            scope = scope.parent
        return UNKNOWN

    def _of_source(self, scope: Scope, alias: str, name: str) -> Origins:
        source = scope.sources[alias]
        if isinstance(source, Scope):
            return self._of_output(source, name)
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            return frozenset({Column(source.db, source.name, name)})
        return self._of_expression(scope, source.this)  # a function

    def _has(self, scope: Scope, alias: str, column: exp.Column) -> bool:
        return column.name in self._names(scope.sources[alias])

    def _names(self, source: exp.Expr | Scope) -> Sequence[str]:
        """Return the names of a source's columns, as far as they are known."""
        if isinstance(source, exp.Table):
            is_table = isinstance(source.this, exp.Identifier)
            return self._schema.column_names(source) if is_table else _alias_columns(source)
        if not isinstance(source, Scope):
            return ()
        if not isinstance(source.expression, exp.Query):
            return _alias_columns(source.expression)
        names = _selects(source)
        if "*" in names:
            for each in source.selected_sources:
                names += self._names(source.sources[each])
        return names


def _selects(scope: Scope) -> list[str]:
    query = scope.expression
    return list(query.named_selects) if isinstance(query, exp.Query) else []


def _alias_columns(rows: exp.Expr) -> list[str]:
    """Return the names of the columns of something in `from`; its own name if it gives none."""
    alias, query = rows.args.get("alias"), _lateral_query(rows)
    names = [each.name for each in alias.columns] if alias else []
    if query is not None:  # the first columns may have other names
        return names + query.named_selects[len(names) :]
    return names or ([alias.name] if alias else [])


def _lateral_query(rows: exp.Expr) -> exp.Query | None:
    """Return the query of a `lateral`; None if it is something else."""
    found = rows.this.unnest() if isinstance(rows.this, exp.Subquery) else None
    return found if isinstance(found, exp.Query) else None


class Warehouse:
    """All models of a manifest with their SQL, and what each of their columns comes from."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        nodes = {**manifest["nodes"], **manifest["sources"]}.values()
        self._nodes: dict[tuple[str, str], Mapping[str, Any]] = {
            (node["schema"], node.get("alias") or node["name"]): node
            for node in nodes
            if node["resource_type"] in ("model", "seed", "source")
        }
        self._delivered = {
            name: frozenset(table.column_names) for name, table in load_contract().tables.items()
        }
        self._schema = self._declared()
        self._models: dict[tuple[str, str], Model | None] = {}
        self._known: dict[Column, Origins] = {}

    def marts(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield the tables of schema `marts` that dbt makes, with their columns."""
        for (_, name), node in sorted(self._nodes.items()):
            if kind_of(node) == MART:
                yield name, list(node["columns"])

    def kind(self, column: Column) -> str:
        """Return which kind of table a column belongs to; what history adds is Carepath's own."""
        node = self._nodes.get(column[:2])
        found = kind_of(node) if node else OWN
        is_delivered = column.name in self._delivered.get(column.table, ())
        return OWN if found == CONTRACT and not is_delivered else found

    def behind(self, column: Column) -> Origins:
        """Return the columns at which the way of a column of core begins."""
        if column not in self._known:
            self._known[column] = NOTHING
            self._known[column] = NOTHING.union(
                *(
                    self.behind(each) if each and self.kind(each) in (CORE, STAGING) else {each}
                    for each in self.direct(column)
                )
            )
        return self._known[column]

    def direct(self, column: Column) -> Origins:
        """Return the columns of the next tables from which a column comes."""
        table = column[:2]
        if table not in self._models:
            sql = self._nodes[table].get("compiled_code") if table in self._nodes else None
            self._models[table] = Model(sql, self._schema) if sql else None
        model = self._models[table]
        return model.origins(column.name) if model else UNKNOWN

    def _declared(self) -> MappingSchema:
        """Return the columns of all tables: as declared, or else as the models name them."""
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for table, node in self._nodes.items():
            found[table].update(node["columns"])
            if node["resource_type"] == "seed":
                found[table].update(_header(own_project() / node["original_file_path"]))
        for name, columns in self._delivered.items():
            found["history", name].update(columns | RESERVED)
        declared = {table for table, columns in found.items() if columns}
        for node in self._nodes.values():
            if sql := node.get("compiled_code"):
                for table, name in _named(sql):
                    if table not in declared:
                        found[table].add(name)
        schema = MappingSchema(dialect=DIALECT)
        for place, names in found.items():
            schema.add_table(".".join(("warehouse", *place)), dict.fromkeys(names, "text"))
        return schema


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def _named(sql: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield each table with a column that a query names, where only that table can have it."""
    for scope in traverse_scope(sqlglot.parse_one(sql, dialect=DIALECT)):
        for column in scope.columns:
            name = column.table or (next(iter(scope.sources)) if len(scope.sources) == 1 else "")
            source = scope.sources.get(name)
            if isinstance(source, exp.Table) and source.db:
                yield (source.db, source.name), column.name


@lru_cache(maxsize=1)
def columns_page() -> str:
    """Return `columns.csv`: what the columns of marts come from, and those of core behind them.

    A column of a mart has the columns of the marts and of core that it comes from; a column of
    core has those at which its way begins. Carepath's own records are behind almost every column
    of core, so they are named only where no delivered column is.
    """
    warehouse = Warehouse(compile_models())
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    found = {
        Column(BUILD_SCHEMA, mart, name): warehouse.direct(Column(BUILD_SCHEMA, mart, name))
        for mart, columns in warehouse.marts()
        for name in columns
    }
    behind = {each for origins in found.values() for each in origins if each is not None}
    for column in sorted(each for each in behind if warehouse.kind(each) == CORE):
        found[column] = warehouse.behind(column)
    for column, origins in found.items():
        writer.writerow(_row(warehouse, column, origins))
    return text.getvalue()


def _row(warehouse: Warehouse, column: Column, origins: Origins) -> dict[str, str]:
    of_kind: dict[str, list[str]] = {kind: [] for kind in (MART, CORE, CONTRACT, SETTING, OWN)}
    for each in sorted(each for each in origins if each is not None):
        of_kind[warehouse.kind(each)].append(_named_by(warehouse, each))
    if of_kind[CONTRACT]:
        of_kind[OWN] = []
    return {
        "column": _named_by(warehouse, column),
        **{kind: " ".join(names) for kind, names in of_kind.items()},
        "is_followed": "no" if None in origins else "yes",
    }


def _named_by(warehouse: Warehouse, column: Column) -> str:
    """Return the name that people know: without the schema for marts and delivered tables."""
    return ".".join(column[1:] if warehouse.kind(column) in (MART, CONTRACT) else column)
