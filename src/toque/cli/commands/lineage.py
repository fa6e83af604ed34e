"""`toque lineage`: from a column back to the columns of the sources, or on to all that is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from toque.cli.exits import Exit
from toque.cli.options import json_option, project_options
from toque.cli.output import Output
from toque.cli.stores import in_store
from toque.errors import NotFound
from toque.settings import Settings

if TYPE_CHECKING:
    from toque.data.lineage.stitching import Lineage, Origin
    from toque.data.lineage.trees import Way


MOST_ENDS = 10
"""Sources that are named; more of them stand in the tree."""


@click.command()
@click.argument("name", default="")
@click.option("--downstream", is_flag=True, help="What is made of it, instead of what it is made of.")
@click.option("--depth", type=click.IntRange(1), metavar="N", help="Only so many steps.  [default: to the ends]")
@project_options
@json_option
def lineage(name: str, downstream: bool, depth: int | None, settings: Settings, output: Output) -> int:
    """Show where a column comes from: crm.Contact.Lead_Score__c; or what an asset is made of: warehouse.marts.scores.

    Without NAME: how much is known, and each column whose origin is not.
    """
    known = _lineage(settings)
    way: Way = "down" if downstream else "up"
    if not name:
        output.result(_counted(known), lambda: _summary(known))
    elif _table(known, name):
        _show_table(known, _table(known, name), way, depth, output)
    else:
        origin = known.downstream(name, depth) if downstream else known.upstream(name, depth)
        output.result(_column_json(origin), lambda: _column_text(origin, way))
    return Exit.OK


def _lineage(settings: Settings) -> Lineage:
    from toque.data.lineage.stitching import Lineage
    from toque.local.lineage import Kept, asked, columns_of, declared_by, keep, read
    from toque.local.lineage_process import answered
    from toque.local.loading import candidates, load

    loaded = load(settings.project, candidates(settings))
    pipelines = [pipeline for each in loaded for pipeline in each.pipelines]
    others = [(asset, each.file, each.lines.get(asset.key, 0)) for each in loaded for asset in each.assets]
    externals = [asset.key for each in loaded for asset in each.externals]
    externals += [asset.key for pipeline in pipelines for asset in pipeline.assets if not asset.node]
    declared = declared_by(pipelines, others, externals)
    keys = [key for each in declared for key in (each.key, *each.inputs)]
    try:
        known = in_store(settings, lambda store: columns_of(store, keys))
    except NotFound:  # nothing ran yet, so no table has columns
        known = {}
    question, key = asked(settings, declared, known)
    kept = read(settings.home)
    if kept is None or kept.key != key:
        kept = Kept(key, tuple(answered(question)))
        if settings.home.is_dir():  # looking makes no state
            keep(settings.home, kept)
    return Lineage(kept.steps)


def _table(known: Lineage, name: str) -> str:
    """The asset of this name, whose last parts are enough where only one has them; "" where there is none."""
    tables = known.tables()
    everything = {*tables, *(source for inputs in tables.values() for source in inputs)}
    exact = [each for each in everything if each.casefold() == name.casefold()]
    found = exact or [each for each in everything if each.casefold().endswith(f".{name}".casefold())]
    return found[0] if len(found) == 1 else ""


def _show_table(known: Lineage, table: str, way: Way, depth: int | None, output: Output) -> None:
    from toque.data.lineage.stitching import ColumnName
    from toque.data.lineage.trees import table_tree

    columns = [each for each in known.columns_of(table) if each.column != "*"]
    unknown = {each.column: why for each in columns if (why := known.why_unknown(each))}
    if problem := known.why_unknown(ColumnName(table, "*")):
        unknown["*"] = problem
    tables = known.tables()
    found = {
        "asset": table,
        "upstream": list(tables.get(table, ())),
        "downstream": sorted(target for target, inputs in tables.items() if table in inputs),
        "columns": [each.column for each in columns],
        "unknown": unknown,
    }

    def text() -> str:
        lines = table_tree(table, tables, way, depth)
        lines += ["", f"{_many(len(columns), 'column')}, {len(unknown)} unknown"]
        lines += [f"  {column}: {why}" for column, why in unknown.items()]
        return "\n".join(lines)

    output.result(found, text)


def _column_text(origin: Origin, way: Way) -> str:
    from toque.data.lineage.trees import column_tree

    word = "from" if way == "up" else "into"
    columns = {name for hop in origin.hops for name in (hop.source, hop.target)} | {origin.column}
    counts = f"{_many(len(columns), 'column')}, {len(origin.unknown)} unknown"
    # What is counted or constant has nothing behind it, and is no source.
    found = [str(end) for end in origin.ends if way == "down" or end not in origin.made]
    more = f" and {len(found) - MOST_ENDS:,} more" if len(found) > MOST_ENDS else ""
    ends = f"; {word} {', '.join(found[:MOST_ENDS])}{more}" if found else ""
    cut = "; there is more behind" if origin.is_cut else ""
    return "\n".join([*column_tree(origin, way), "", counts + ends + cut])


def _column_json(origin: Origin) -> dict[str, Any]:
    return {
        "column": str(origin.column),
        "hops": [
            {"source": str(hop.source), "target": str(hop.target), "how": hop.how, "via": hop.via, "by": hop.by}
            for hop in origin.hops
        ],
        "made": {
            str(column): [
                {"via": each.via, "by": each.by, "file": each.file, "line": each.line, "expression": each.expression}
                for each in made
            ]
            for column, made in origin.made.items()
        },
        "ends": list(map(str, origin.ends)),
        "unknown": {str(column): why for column, why in origin.unknown},
        "is_cut": origin.is_cut,
    }


def _counted(known: Lineage) -> dict[str, Any]:
    return {
        "assets": len(known.tables()),
        "columns": len(known.columns),
        "unknown": {str(column): why for column, why in known.unknown},
    }


def _summary(known: Lineage) -> str:
    if not known.steps:
        return "no assets yet: load(), sync(), DbtProject() and @asset make them"
    found = _counted(known)
    counts = f"{_many(found['assets'], 'asset')}, {_many(found['columns'], 'column')}, {len(found['unknown'])} unknown"
    return "\n".join([counts, *(f"  {column}: {why}" for column, why in found["unknown"].items())])


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
