"""Column lineage of SQL by sqlglot: exact where the catalog says enough, and "unknown" where it would be a guess."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

import msgspec

from toque.data.lineage.catalog import Catalog
from toque.data.lineage.changes import queries_of
from toque.data.lineage.excerpts import excerpt, joined
from toque.data.lineage.steps import HOW, ColumnLineage, ColumnSource, How, Step
from toque.errors import UserError

if TYPE_CHECKING:
    from sqlglot import exp

_DIALECTS = {"postgresql": "postgres"}
Cache = MutableMapping[tuple[str, str], tuple[Step, ...]]
"""By the hash of the SQL and that of the tables it may name: parsing costs milliseconds, and neither changes often."""


def lineage_of(
    sql: str, catalog: Catalog, *, dialect: str = "duckdb", target: str = "", cache: Cache | None = None
) -> tuple[Step, ...]:
    """A step for each statement of `sql` that reads or writes tables. Later ones know the tables of earlier ones.

    `target` is what a query writes whose SQL does not say so, such as a dbt model. Never raises for what it cannot
    read: that is a step with a `problem`. Raises `UserError` when sqlglot is not installed.
    """
    text = f"{dialect}\0{target}\0{sql}"
    key = (hashlib.sha256(text.encode()).hexdigest(), catalog.digest_for(text))
    if cache is not None and key in cache:
        return cache[key]
    steps = tuple(_steps(sql, catalog, dialect, target))
    if cache is not None:
        cache[key] = steps
    return steps


def _steps(sql: str, catalog: Catalog, dialect: str, target: str) -> Iterator[Step]:
    try:
        import sqlglot
        from sqlglot.errors import SqlglotError
    except ImportError:
        raise UserError("Lineage of SQL needs sqlglot.", fix="pip install 'toque[lineage]'") from None
    try:
        statements = sqlglot.parse(sql, dialect=_DIALECTS.get(dialect, dialect))
    except (SqlglotError, RecursionError) as error:
        yield Step(target=target, problem=f"the SQL cannot be read: {_first_line(error)}")
        return
    for statement in statements:
        step = None if statement is None else _step(statement, catalog, _DIALECTS.get(dialect, dialect), target)
        if step is not None:
            yield step
            if step.target and step.columns and catalog.columns(step.target) is None and not step.unknown:
                catalog = catalog.with_table(step.target, [column.name for column in step.columns])


def _step(statement: exp.Expr, catalog: Catalog, dialect: str, target: str) -> Step | None:
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    written, names, query = _written(statement)
    if query is None and not isinstance(statement, exp.Query | exp.Merge | exp.Update):
        return None  # settings, DDL without rows, deletes: nothing flows
    into = target if written is None else catalog.resolved(_parts(written))
    if isinstance(statement, exp.Merge | exp.Update):
        return _changing(statement, into, catalog, dialect)
    found = query if query is not None else statement
    inputs = _tables(found, catalog)
    try:
        columns = _columns(found, catalog, dialect)
    except (SqlglotError, RecursionError, ValueError, KeyError) as error:
        return Step(target=into, inputs=inputs, problem=f"its columns cannot be followed: {_first_line(error)}")
    if isinstance(statement, exp.Insert) or names:
        names = names or list(catalog.columns(into) or ())
        if len(names) != len(columns) or any(column.name == "*" for column in columns):
            problem = f"which columns of {into} the values go into cannot be told"
            return Step(target=into, inputs=inputs, problem=problem)
        columns = [msgspec.structs.replace(column, name=name) for column, name in zip(columns, names, strict=True)]
    named = (
        msgspec.structs.replace(column, name=catalog.column(into, column.name) or column.name) for column in columns
    )
    return Step(target=into, inputs=inputs, columns=tuple(named))


def _changing(statement: exp.Merge | exp.Update, into: str, catalog: Catalog, dialect: str) -> Step:
    """A MERGE or UPDATE: a column that several of its branches change is made of what all of them put there."""
    from sqlglot.errors import SqlglotError

    inputs: dict[str, None] = {}
    found: dict[str, ColumnLineage] = {}
    try:
        for query in queries_of(statement):
            inputs |= dict.fromkeys(_tables(query, catalog))
            for column in _columns(query, catalog, dialect):
                name = catalog.column(into, column.name) or column.name
                known = found.get(name, ColumnLineage(name))
                sources = [each for each in column.sources if (each.table, each.column) != (into, name)]
                unknown = "; ".join(dict.fromkeys(filter(None, (known.unknown, column.unknown))))
                done = joined(filter(None, (known.expression, column.expression)))
                found[name] = ColumnLineage(name, tuple(sorted({*known.sources, *sources})), unknown, done)
    except (SqlglotError, RecursionError, ValueError, KeyError) as error:
        problem = f"{statement.key.upper()} cannot be followed: {_first_line(error)}"
        return Step(target=into, inputs=tuple(inputs), problem=problem)
    return Step(target=into, inputs=tuple(name for name in inputs if name != into), columns=tuple(found.values()))


def _written(statement: exp.Expr) -> tuple[exp.Table | None, list[str], exp.Expr | None]:
    """The table that a statement writes, the columns that it names, and the query behind it."""
    from sqlglot import exp

    if isinstance(statement, exp.Create | exp.Insert):
        place = statement.this
        names = [item.name for item in place.expressions] if isinstance(place, exp.Schema) else []
        table = place.find(exp.Table)
        query = statement.expression
        if isinstance(query, exp.Subquery):
            query = query.unnest()
        if isinstance(query, exp.Query) and statement.args.get("with_") is not None and not query.args.get("with_"):
            query.set("with_", statement.args["with_"].copy())
        return table, names, query if isinstance(query, exp.Query) else None
    if isinstance(statement, exp.Merge | exp.Update):
        return statement.this if isinstance(statement.this, exp.Table) else None, [], None
    return None, [], None


def _columns(query: exp.Expr, catalog: Catalog, dialect: str) -> list[ColumnLineage]:
    from sqlglot import exp
    from sqlglot.lineage import lineage

    query = query.copy()
    names = _flattened(query, catalog)
    schema = {flat: columns for flat, table in names.items() if (columns := catalog.columns(table)) is not None}
    roots = lineage(None, query, _typed(schema), dialect=dialect, trim_selects=False)
    found = [_column(name, root, names, catalog, dialect) for name, root in roots.items()]
    if query.find(exp.Pivot) is None:
        return found
    why = "PIVOT makes columns of values"
    return [column if column.sources else msgspec.structs.replace(column, unknown=why) for column in found]


def _typed(schema: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """sqlglot wants a type for each column; which one does not matter here."""
    return {table: dict.fromkeys(columns, "text") for table, columns in schema.items()}


def _flattened(query: exp.Expr, catalog: Catalog) -> dict[str, str]:
    """Gives each real table of the query a name of one part, so that all are of one depth; which is which."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    flat: dict[str, str] = {}
    said: set[tuple[str, ...]] = set()
    for table in _real_tables(traverse_scope(query)):
        parts = _parts(table)
        name = f"toque_{len(flat)}"
        flat[name] = catalog.resolved(parts)
        said |= {tuple(part.casefold() for part in parts[at:-1]) for at in range(len(parts))}
        alias = table.args.get("alias") or exp.TableAlias(this=table.this.copy())
        table.set("alias", alias)
        table.set("this", exp.to_identifier(name))
        table.set("db", None)
        table.set("catalog", None)
    for column in query.find_all(exp.Column):
        above = tuple(part.casefold() for part in (column.catalog, column.db) if part)
        if above and above in said:
            column.set("db", None)
            column.set("catalog", None)
    return flat


def _real_tables(scopes: Any) -> list[exp.Table]:
    """Tables of the database: neither the name of a WITH nor a function that gives rows."""
    from sqlglot import exp

    found: dict[int, exp.Table] = {}
    for scope in scopes:
        for node, source in scope.selected_sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                found[id(source)] = source if source is node else node
    return list(found.values())


def _tables(statement: exp.Expr, catalog: Catalog) -> tuple[str, ...]:
    """The full names of all tables that a statement reads."""
    from sqlglot.optimizer.scope import traverse_scope

    try:
        tables = _real_tables(traverse_scope(statement))
    except Exception:  # whatever it cannot take apart: then nothing is known of its inputs
        return ()
    return tuple(dict.fromkeys(catalog.resolved(_parts(table)) for table in tables))


def _column(name: str, root: Any, names: dict[str, str], catalog: Catalog, dialect: str) -> ColumnLineage:
    sources: dict[tuple[str, str], int] = {}
    unknown: list[str] = []
    done: list[str] = []
    constants: list[str] = []
    stack, seen = [(root, 0)], set()
    while stack:
        node, rank = stack.pop()
        if (id(node), rank) in seen:
            continue
        seen.add((id(node), rank))
        if node.downstream or not _is_leaf(node):
            if _rank(node):
                said = constants if _is_constant(node) else done
                said.append(excerpt(node.expression, dialect, names))
            # sqlglot collects them in sets: by name, the order is the same each time.
            below = sorted(node.downstream, key=lambda each: each.name)[::-1]
            stack += [(each, max(rank, _rank(node))) for each in below]
            continue
        table = names.get(_flat_name(node.expression))
        column = node.name.rpartition(".")[2].strip('"`').removesuffix("*")
        real = catalog.column(table, column) if table and column else None
        if table is None or not column:
            unknown.append(_why(node, table))
        elif real is None:
            unknown.append(f"{table} has no column {column}")
        else:
            sources[table, real] = max(rank, sources.get((table, real), 0))
    found = tuple(sorted(ColumnSource(table, column, HOW[rank]) for (table, column), rank in sources.items()))
    return ColumnLineage(name, found, "; ".join(dict.fromkeys(unknown)), joined(done if found else done + constants))


def _flat_name(source: exp.Expr) -> str:
    """The name that `_flattened` gave to a table; "" for other sources. A dialect may have folded it."""
    inner = source.this
    return str(inner.name).casefold() if hasattr(inner, "name") else ""


def _is_leaf(node: Any) -> bool:
    from sqlglot import exp

    return isinstance(node.expression, exp.Table | exp.Placeholder)


def _is_constant(node: Any) -> bool:
    from sqlglot import exp

    return isinstance(node.expression.unalias(), exp.Literal | exp.Null | exp.Boolean)


def _why(node: Any, table: str | None = None) -> str:
    from sqlglot import exp

    if node.name.endswith("*"):
        return f"the columns of {table or node.expression.sql()} are not known"
    if isinstance(node.expression, exp.Placeholder):
        return f"{node.name} may be a column of several tables"
    return f"it comes from {node.expression.sql()}"


def _rank(node: Any) -> int:
    from sqlglot import exp

    if isinstance(node.source, exp.SetOperation):
        return 0
    inner = node.expression.unalias()
    if isinstance(inner, exp.Column | exp.Star):
        return HOW.index("identity")
    how: How = "aggregation" if isinstance(inner, exp.Expr) and inner.find(exp.AggFunc) else "transformation"
    return HOW.index(how)


def _parts(table: exp.Table) -> list[str]:
    return [part.name for part in table.parts]


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
