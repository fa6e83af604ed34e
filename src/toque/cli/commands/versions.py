"""`toque versions`, `toque diff`, `toque rollback`: which code and graph a pipeline has, had, and shall have."""

from __future__ import annotations

import time
from typing import Any

import click

from toque.cli.options import json_option, project_options, who
from toque.cli.output import Output, table
from toque.cli.servers import server_of
from toque.cli.stores import in_store
from toque.cli.times import moment
from toque.errors import NotFound
from toque.graph import canonical
from toque.ports.store import Store, VersionRow
from toque.settings import Settings

LIMIT = 1000


@click.command()
@click.argument("pipeline", default="")
@project_options
@json_option
def versions(pipeline: str, settings: Settings, output: Output) -> None:
    """List the versions of PIPELINE (default: of all), newest first. The current one has a star."""

    async def work(store: Store) -> tuple[list[VersionRow], set[str]]:
        rows = await store.list_versions(pipeline, LIMIT)
        if pipeline and not rows:
            raise NotFound(f"there is no version of a pipeline {pipeline!r}", fix="toque versions lists all")
        names = {row.pipeline for row in rows}
        found = [await store.current_version(name) for name in sorted(names)]
        return rows, {row.version for row in found if row is not None}

    rows, current = in_store(settings, work)
    output.result(
        [_summary(row, row.version in current) for row in rows],
        lambda: table(
            ["", "VERSION", "PIPELINE", "MADE", "COMMIT", "BY"],
            [
                (
                    "*" if row.version in current else "",
                    row.version,
                    row.pipeline,
                    moment(row.created_us),
                    (row.git_commit[:10] + ("+" if row.git_dirty else "")),
                    row.actor,
                )
                for row in rows
            ],
        ),
    )


@click.command()
@click.argument("old")
@click.argument("new", required=False)
@click.option("--code/--no-code", default=True, help="Show the changed files.")
@click.option("--graph/--no-graph", default=True, help="Show the changed graph.")
@project_options
@json_option
def diff(old: str, new: str | None, code: bool, graph: bool, settings: Settings, output: Output) -> None:
    """Show what changed from version OLD to NEW (default: the current one of the same pipeline)."""
    before, after = in_store(settings, lambda store: _pair(store, old, new))
    graph_lines = _graph_diff(before, after) if graph else []
    files = _code_diff(settings, before, after) if code else []
    output.result(
        {
            "old": before.version,
            "new": after.version,
            "graph": graph_lines,
            "code": [{"path": path, "change": change, "text": text} for path, change, text in files],
        },
        lambda: _shown(before, after, graph_lines, [text for _, _, text in files]),
    )


@click.command()
@click.argument("pipeline")
@click.argument("version", required=False)
@project_options
@json_option
def rollback(pipeline: str, version: str | None, settings: Settings, output: Output) -> None:
    """Make VERSION (default: the one before the current one) the current version of PIPELINE.

    New runs use it; runs in flight stay with the version that they began with.
    """

    async def work(store: Store) -> tuple[str, str]:
        rows = await store.list_versions(pipeline, LIMIT)
        current = await store.current_version(pipeline)
        if not rows or current is None:
            raise NotFound(f"there is no version of a pipeline {pipeline!r}", fix="toque versions lists all")
        if version:
            chosen = _matching(rows, version)
        else:
            older = [row for row in rows if row.created_us < current.created_us]
            if not older:
                raise NotFound(f"{pipeline} has no version before {current.version}", fix=f"toque versions {pipeline}")
            chosen = older[0]
        return current.version, chosen.version

    before, after = in_store(settings, work)
    via = _roll_back(settings, pipeline, after)
    output.result(
        {"pipeline": pipeline, "before": before, "current": after, "via": via},
        lambda: f"{pipeline}: {after} is current (before: {before})",
    )


def _roll_back(settings: Settings, pipeline: str, version: str) -> str:
    """A running server shows it at once; without one, the next one finds it."""
    with server_of(settings) as server:
        if server is not None:
            server.post("pipelines", pipeline, "rollback", body={"version": version})
            return "server"
    now_us = time.time_ns() // 1000
    in_store(settings, lambda store: store.set_current(pipeline, version, actor=who(), now_us=now_us))
    return "store"


def _summary(row: VersionRow, is_current: bool) -> dict[str, Any]:
    return {
        "version": row.version,
        "pipeline": row.pipeline,
        "current": is_current,
        "bundle": row.bundle,
        "created_us": row.created_us,
        "git_commit": row.git_commit,
        "git_dirty": row.git_dirty,
        "file": row.file,
        "actor": row.actor,
    }


async def _pair(store: Store, old: str, new: str | None) -> tuple[VersionRow, VersionRow]:
    rows = await store.list_versions("", LIMIT)
    before = _matching(rows, old)
    if new:
        after = _matching(rows, new)
    else:
        current = await store.current_version(before.pipeline)
        after = current or before
    found = [await store.get_version(row.version) for row in (before, after)]
    assert found[0] is not None
    assert found[1] is not None
    return found[0], found[1]


def _matching(rows: list[VersionRow], name: str) -> VersionRow:
    matches = [row for row in rows if row.version == name] or [row for row in rows if row.version.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise NotFound(f"there is no version {name!r}", fix="toque versions lists them")
    raise NotFound(f"{name!r} could be any of {len(matches)} versions", fix="write more of it")


def _graph_diff(before: VersionRow, after: VersionRow) -> list[str]:
    from toque.graph import diff as graph_diff

    return graph_diff.lines(graph_diff.diff(canonical.decode(before.ir), canonical.decode(after.ir)))


def _code_diff(settings: Settings, before: VersionRow, after: VersionRow) -> list[tuple[str, str, str]]:
    from toque.store.bundle_diff import diff as bundle_diff
    from toque.store.bundles import opened

    bundles = [opened(settings.project, row.bundle) for row in (before, after)]
    old, new = bundles
    if old is None or new is None:
        gone = before if old is None else after
        raise NotFound(
            f"the code of version {gone.version} is not on this machine any more: it was pruned or made elsewhere",
            fix="toque diff --no-code compares the graphs",
        )
    return [(each.path, each.change, each.text) for each in bundle_diff(old, new)]


def _shown(before: VersionRow, after: VersionRow, graph: list[str], texts: list[str]) -> str:
    if not graph and not texts:
        return f"{before.version} and {after.version}: no difference"
    lines = [f"{before.version} → {after.version}"]
    lines += [f"  {change}" for change in graph]
    for text in texts:
        lines.append("")
        lines += [_coloured(line) for line in text.splitlines()]
    return "\n".join(lines)


def _coloured(line: str) -> str:
    if line.startswith(("---", "+++")):
        return click.style(line, bold=True)
    colours = {"+": "green", "-": "red", "@": "cyan"}
    return click.style(line, fg=colours[line[0]]) if line[:1] in colours else line
