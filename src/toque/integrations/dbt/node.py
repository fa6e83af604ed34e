"""The code of the node that runs dbt: one process for all of its members that are to be done, told of as they end."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from toque.engine.assets import AnyAssetEvent
from toque.errors import ToqueError, TransientError
from toque.integrations.dbt import commands, docs, kept, parsing, results
from toque.integrations.dbt.build import Build
from toque.integrations.dbt.looking import Lookup, looking
from toque.integrations.dbt.manifest import Manifest
from toque.integrations.dbt.process import Process, started
from toque.integrations.dbt.profiles import Profile, profile_of
from toque.integrations.dbt.telling import Teller
from toque.settings import Connection, find_project
from toque.worker.code import BUNDLE_MANIFEST
from toque.worker.context import Context, context
from toque.worker.hosting import members

_DONE = (0, 1)
"""dbt ends so when it has run what it could; 1 says that something failed, and what did was told."""


class DbtFailed(ToqueError):
    """dbt ended before it got to its nodes, or said of one neither that it was done nor that it failed."""


def run(
    build: Mapping[str, Any], connection: Connection, full_refresh: bool = False, variables: Any = None
) -> dict[str, Any]:
    """Build what is pending. Returns how many ended in which way.

    Raises `TransientError` when dbt was killed: what it had finished stays finished, and another attempt does the rest.
    """
    told = msgspec.convert(build, Build)
    settings = told.settings
    here, hosted = context(), members()
    if not hosted.pending:
        return {}  # what they wait for has failed: a start of dbt takes seconds
    root = root_of()
    project = root / settings.path
    # The project is a snapshot of its code; its data, and what is kept, is where people work.
    profile = None
    if not settings.profile:
        profile = profile_of(
            connection, project=kept.project_of(root), schema=settings.schema, threads=settings.threads
        )
    commands.require_dbt(
        profile.adapter if profile is not None else ""
    )  # a manifest may be older than this environment
    found = _parsed(root, project, told, profile)
    manifest = found.manifest
    home = kept.home_of(root)
    with kept.workplace(home, f"{here.run_id}-{here.attempt}-{os.getpid()}") as scratch:
        place = parsing.place_of(project, scratch, profile, settings.question())
        place.target.mkdir()
        _spare_a_parse(found.directory, place.target, project)
        data_version = f"{here.run_id}.{here.task}.{here.attempt}"
        teller = Teller(told, manifest, here, hosted, place.target, data_version)
        values = {**settings.vars, **(variables or {}), **_partition(here)}
        words = _words(told, manifest, hosted.pending, scratch, bool(full_refresh or settings.full_refresh))
        with started(commands.command("build", place, *words, *commands.variables(values)), place) as process:
            for event in process.events():
                teller.hear(event)
        for ended in results.results(place.target):
            if ended.unique_id not in teller.ends:
                teller.hear(ended)
        _keep(home, settings.path, place.target)
        _look_up(told, teller, connection, here)
        _judge(process, teller, hosted.pending)
        if settings.docs:
            docs.generate(home, settings.path, place, values, here)
    return _summary(teller)


def root_of() -> Path:
    """The root of the code that runs: the snapshot of the project, or the project where there is none."""
    bundles = (Path(entry) for entry in sys.path if entry and (Path(entry) / BUNDLE_MANIFEST).exists())
    return next(bundles, find_project(Path.cwd()))


def _parsed(root: Path, project: Path, build: Build, profile: Profile | None) -> parsing.Parsed:
    settings = build.settings
    if settings.manifest:
        return parsing.given(root / settings.manifest, shown=settings.manifest)
    return parsing.parsed(project, kept.home_of(root), profile, settings.question(), shown=settings.path)


def _words(build: Build, manifest: Manifest, pending: tuple[str, ...], scratch: Path, full_refresh: bool) -> list[str]:
    """The options of the build."""
    settings = build.settings
    left = set(pending)
    chosen = {member.unique_id for member in build.members if member.node in left}
    if settings.retry_model_of_failed_test:
        chosen |= {
            tested
            for name in chosen
            if name in manifest.entries
            for tested in manifest.entries[name].tests
            if tested in manifest.entries
        }
    words = ["--threads", str(settings.threads), *(["--full-refresh"] if full_refresh else [])]
    if settings.question().selects or chosen != set(manifest.entries):
        schema = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"}
        results.write_chosen(scratch / "chosen", sorted(chosen), schema)
        words += ["--select", "result:error", "--state", str(scratch / "chosen"), "--indirect-selection", "empty"]
    return words


def _spare_a_parse(directory: Path, target: Path, project: Path) -> None:
    """dbt goes on from what it understood before, where nothing changed.

    It remembers where the files of seeds lay, and would read them there: in a snapshot that may be gone.
    """
    try:
        text = (directory / kept.PARTIAL).read_bytes()
    except FileNotFoundError:
        return
    known = msgspec.msgpack.decode(text)
    seeds = [node for node in known.get("nodes", {}).values() if node.get("root_path")]
    if any(seed["root_path"] != str(project) for seed in seeds):
        for seed in seeds:
            seed["root_path"] = str(project)
        text = msgspec.msgpack.encode(known)
    (target / kept.PARTIAL).write_bytes(text)


def _partition(here: Context) -> dict[str, str]:
    """What a run of a partition says of it."""
    if not here.partition_key:
        return {}
    start, end = here.interval
    times = {"partition_start": start.isoformat(), "partition_end": end.isoformat()} if start < end else {}
    return {"partition_key": here.partition_key, **times}


def _keep(home: Path, path: str, target: Path) -> None:
    try:
        kept.remember(home, path, (target / "manifest.json").read_bytes())
    except FileNotFoundError:
        pass  # dbt ended before it wrote one


def _look_up(build: Build, teller: Teller, connection: Connection, here: Context) -> None:
    """Tell what needs the database, now that dbt has let go of it."""
    assets = {member.unique_id: member.asset for member in build.members if member.asset}
    partition = here.partition_key if build.is_cut else ""
    entries = teller.manifest.entries
    tests = [
        ended
        for ended in teller.ends.values()
        if ended.unique_id in assets and entries[ended.unique_id].is_test and ended.status in ("fail", "warn", "error")
    ]
    if not teller.ends:
        return
    sql = results.compiled_by(teller.target)
    told: list[AnyAssetEvent] = []
    try:
        with looking(connection, teller.manifest) as lookup:
            told += [_found(lookup, ended, sql, assets, partition, here) for ended in tests]
            told += lookup.shapes(teller.ends.values(), assets, partition)
    except Exception as error:
        here.log.line("log", f"the warehouse could not be looked at after the build: {error}", level="warning")
    for event in told:
        here.tell(event)


def _found(
    lookup: Lookup, ended: Any, sql: Mapping[str, str], assets: Mapping[str, str], partition: str, here: Context
) -> AnyAssetEvent:
    entry, query = lookup.manifest.entries[ended.unique_id], sql.get(ended.unique_id, "")
    asset = assets[ended.unique_id]
    try:
        return lookup.failures(entry, ended, query, asset, partition)
    except Exception as error:
        here.log.line("log", f"no rows to show of {entry.name}: {error}", level="warning")
        return lookup.failures(entry, ended, "", asset, partition)


def _judge(process: Process, teller: Teller, left: tuple[str, ...]) -> None:
    """Raise where dbt did not do what it was asked for."""
    if process.code is not None and process.code < 0:
        raise TransientError(f"dbt was killed by signal {-process.code}: what it had finished stays finished")
    if process.code not in _DONE:
        raise DbtFailed(teller.complaint or f"dbt ended with code {process.code} and did not say why")
    if process.code == 1 and left and not any(each.status in ("fail", "error") for each in teller.ends.values()):
        raise DbtFailed(teller.complaint or "dbt failed and did not say why")


def _summary(teller: Teller) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for ended in teller.ends.values():
        counts[ended.status] = counts.get(ended.status, 0) + 1
    return counts
