"""The semantic model as TMDL: one file a table, tabs for indentation, no comments."""

from __future__ import annotations

import textwrap
import uuid
from collections.abc import Iterator, Mapping
from typing import Final

from carepath.errors import SettingsError
from carepath.powerbi.catalogue import Mart, MartColumn
from carepath.powerbi.dax import DaxMeasure
from carepath.powerbi.sources import (
    BY_NAME,
    RELATIONSHIPS,
    RESTRICTED_TOO,
    ROLE,
    SOURCES,
    Relationship,
    Source,
    column_name,
    is_hidden,
)

READERS: Final = "Readers"
CULTURE: Final = "en-GB"
# every tag comes from the name of what it tags, so that a project written again is the same
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://carepath.invalid/powerbi")
_TYPES: Final = {
    "text": "string",
    "integer": "int64",
    "bigint": "int64",
    "numeric": "double",
    "boolean": "boolean",
    "date": "dateTime",
    "timestamp with time zone": "dateTime",
}
_FORMATS: Final = {"int64": "0", "dateTime": "dd mmm yyyy"}


def tag(*names: str) -> str:
    """Return the lineage tag of an object: the same for the same names."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(names)))


def data_type(type_: str) -> str:
    """Return the type in the model of a type of PostgreSQL.

    Raises:
        SettingsError: the model does not know the type.
    """
    try:
        return _TYPES[type_.split("(")[0].strip()]
    except KeyError:
        raise SettingsError(
            f"The Power BI model has no type for {type_}.",
            where="plugins/carepath/powerbi/tmdl.py",
            todo="add it to _TYPES.",
        ) from None


def quoted(name: str) -> str:
    """Return a name in single quotes, as TMDL and DAX read it."""
    return "'" + name.replace("'", "''") + "'"


def model_files(
    catalogue: Mapping[str, Mart], measures: list[DaxMeasure], server: str, database: str
) -> dict[str, str]:
    """Return the files of the folder `definition` by their path in it."""
    tables = [source.name for source in SOURCES]
    files = {
        "database.tmdl": "database Carepath\n\tcompatibilityLevel: 1601\n"
        "\tcompatibilityMode: powerBI\n",
        "model.tmdl": _model([*tables, READERS]),
        "expressions.tmdl": _expressions(server, database),
        "relationships.tmdl": "\n".join(map(_relationship, RELATIONSHIPS)),
        f"roles/{ROLE}.tmdl": _role(),
        f"tables/{READERS}.tmdl": _readers(),
    }
    for source in SOURCES:
        own = [measure for measure in measures if measure.table == source.name]
        files[f"tables/{source.name}.tmdl"] = _table(source, catalogue[source.mart], own)
    return files


def _model(tables: list[str]) -> str:
    lines = [
        "model Model",
        f"\tculture: {CULTURE}",
        "\tdefaultPowerBIDataSourceVersion: powerBI_V3",
        "\tdiscourageImplicitMeasures",
        f"\tsourceQueryCulture: {CULTURE}",
        "\tdataAccessOptions",
        "\t\tlegacyRedirects",
        "\t\treturnErrorValuesAsNull",
        "",
        "annotation __PBI_TimeIntelligenceEnabled = 0",
        "",
        *(f"ref table {quoted(table)}" for table in tables),
        "",
        f"ref role {quoted(ROLE)}",
        "",
    ]
    return "\n".join(lines)


def _expressions(server: str, database: str) -> str:
    parameters = (
        ("Server", f'"{server}"', "Text", "Server and port of the warehouse, as host:port"),
        ("Database", f'"{database}"', "Text", "Database of the warehouse"),
        (
            "RangeStart",
            "#datetime(2010, 1, 1, 0, 0, 0)",
            "DateTime",
            "Where the range of an incremental refresh begins; Power BI sets it",
        ),
        (
            "RangeEnd",
            "#datetime(2040, 1, 1, 0, 0, 0)",
            "DateTime",
            "Where the range ends; the day itself does not belong to it",
        ),
        (
            "ReaderList",
            '""',
            "Text",
            "Who reads which authority, for the role: user=code, separated by semicolons",
        ),
    )
    blocks = [
        f"/// {about}\n"
        f'expression {name} = {value} meta [IsParameterQuery=true, Type="{type_}", '
        "IsParameterQueryRequired=true]\n"
        f"\tlineageTag: {tag('expression', name)}\n\n"
        f"\tannotation PBI_ResultType = {type_}\n"
        for name, value, type_, about in parameters
    ]
    return "\n".join(blocks)


def _relationship(relationship: Relationship) -> str:
    def column(table: str, name: str) -> str:
        return f"{quoted(table)}.{quoted(column_name(BY_NAME[table], name))}"

    return (
        f"relationship {tag('relationship', relationship.table, relationship.column)}\n"
        f"\tfromColumn: {column(relationship.table, relationship.column)}\n"
        f"\ttoColumn: {column(relationship.to_table, relationship.to_column)}\n"
    )


def _role() -> str:
    permitted = (
        "IN SELECTCOLUMNS ( FILTER ( 'Readers', 'Readers'[User] = USERPRINCIPALNAME () ), "
        "\"Permitted\", 'Readers'[Authority code] )"
    )
    lines = [f"role {quoted(ROLE)}", "\tmodelPermission: read", ""]
    for table in ("Authorities", *RESTRICTED_TOO):
        lines += [
            f"\ttablePermission {quoted(table)} = {quoted(table)}[Authority code] {permitted}",
            "",
        ]
    # readers do not see who else reads
    lines += ["\ttablePermission 'Readers' = 'Readers'[User] = USERPRINCIPALNAME ()", ""]
    return "\n".join(lines)


def _readers() -> str:
    query = """\
let
    Entries = List.Select(Text.Split(ReaderList, ";"), each Text.Contains(_, "=")),
    Pairs = List.Transform(Entries, each List.Transform(Text.Split(_, "="), Text.Trim)),
    Rows = Table.FromRows(Pairs, type table [User = text, Authority code = text])
in
    Rows""".replace("Authority code = text", '#"Authority code" = text')
    lines = [
        "/// Who reads which authority, from the parameter ReaderList. Only the role uses it.",
        f"table {quoted(READERS)}",
        "\tisHidden",
        f"\tlineageTag: {tag('table', READERS)}",
        "",
    ]
    for name in ("User", "Authority code"):
        lines += _column(
            READERS,
            name,
            name,
            MartColumn("text", f"{name} of an entry of ReaderList"),
            hidden=True,
        )
    lines += _partition(READERS, query)
    return "\n".join(lines)


def _table(source: Source, mart: Mart, measures: list[DaxMeasure]) -> str:
    lines = [
        f"/// {mart.description}",
        f"table {quoted(source.name)}",
        f"\tlineageTag: {tag('table', source.name)}",
    ]
    if source.date_key:
        lines.append("\tdataCategory: Time")
    lines.append("")
    query = _query(source, mart)
    if source.range_column:
        lines += [
            "\trefreshPolicy",
            "\t\tpolicyType: basic",
            "\t\trollingWindowGranularity: year",
            "\t\trollingWindowPeriods: 30",
            "\t\tincrementalGranularity: year",
            "\t\tincrementalPeriods: 3",
            "\t\tsourceExpression =",
            textwrap.indent(query, "\t" * 4),
            "",
        ]
    for measure in measures:
        lines += _measure(measure)
    for name, about in mart.columns.items():
        sorting = source.sorted_by.get(name)
        lines += _column(
            source.name,
            column_name(source, name),
            name,
            about,
            hidden=is_hidden(source, name),
            key=name == source.date_key,
            sort_by=column_name(source, sorting) if sorting else None,
        )
    for name, parts in source.keys.items():
        described = f"Joined from {' and '.join(parts)}, because Power BI relates by one column"
        about = MartColumn("text", described)
        lines += _column(source.name, column_name(source, name), name, about, hidden=True)
    lines += _partition(source.name, query)
    return "\n".join(lines)


def _measure(measure: DaxMeasure) -> Iterator[str]:
    yield f"\t/// {measure.description}"
    if "\n" in measure.expression:
        yield f"\tmeasure {quoted(measure.name)} ="
        yield textwrap.indent(measure.expression, "\t" * 3)
    else:
        yield f"\tmeasure {quoted(measure.name)} = {measure.expression}"
    if measure.format_string:
        yield f"\t\tformatString: {measure.format_string}"
    if measure.is_hidden:
        yield "\t\tisHidden"
    yield f"\t\tdisplayFolder: {measure.folder}"
    yield f"\t\tlineageTag: {tag('measure', measure.name)}"
    yield ""
    if measure.format_expression:
        yield f"\t\tformatStringDefinition = {measure.format_expression}"
        yield ""


def _column(
    table: str,
    name: str,
    source_column: str,
    about: MartColumn,
    *,
    hidden: bool,
    key: bool = False,
    sort_by: str | None = None,
) -> Iterator[str]:
    type_ = data_type(about.type)
    yield f"\t/// {about.description}"
    yield f"\tcolumn {quoted(name)}"
    yield f"\t\tdataType: {type_}"
    if key:
        yield "\t\tisKey"
    if hidden:
        yield "\t\tisHidden"
    if type_ in _FORMATS:
        yield f"\t\tformatString: {_FORMATS[type_]}"
    yield f"\t\tlineageTag: {tag('column', table, source_column)}"
    yield "\t\tsummarizeBy: none"
    yield f"\t\tsourceColumn: {source_column}"
    if sort_by:
        yield f"\t\tsortByColumn: {quoted(sort_by)}"
    yield ""
    yield "\t\tannotation SummarizationSetBy = User"
    if about.type == "date":
        yield ""
        yield "\t\tannotation UnderlyingDateTimeDataType = Date"
    yield ""


def _query(source: Source, mart: Mart) -> str:
    """Return the Power Query of a table: steps that PostgreSQL itself can carry out."""
    steps = [
        ("Source", "PostgreSQL.Database(Server, Database)"),
        ("Mart", f'Source{{[Schema="marts", Item="{source.mart}"]}}[Data]'),
        (
            "Columns",
            "Table.SelectColumns(Mart, {" + ", ".join(f'"{name}"' for name in mart.columns) + "})",
        ),
    ]
    if source.range_column:
        steps.append(
            (
                "InRange",
                f"Table.SelectRows(Columns, each [{source.range_column}] >= "
                f"Date.From(RangeStart) and [{source.range_column}] < Date.From(RangeEnd))",
            )
        )
    for name, parts in source.keys.items():
        joined = ' & "|" & '.join(
            f"[{part}]"
            if mart.columns[part].type == "text"
            else f'Date.ToText([{part}], "yyyy-MM-dd", "en-GB")'
            for part in parts
        )
        step = f"With_{name}"
        steps.append((step, f'Table.AddColumn({steps[-1][0]}, "{name}", each {joined}, type text)'))
    body = ",\n".join(f"    {name} = {expression}" for name, expression in steps)
    return f"let\n{body}\nin\n    {steps[-1][0]}"


def _partition(table: str, query: str) -> Iterator[str]:
    yield f"\tpartition {quoted(table)} = m"
    yield "\t\tmode: import"
    yield "\t\tsource ="
    yield textwrap.indent(query, "\t" * 4)
    yield ""
    yield "\tannotation PBI_ResultType = Table"
    yield ""
