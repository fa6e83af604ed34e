"""What `toque doctor` looks at. Each check is a function of the settings that returns one finding."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Sized
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from toque.durations import text as duration_text
from toque.settings import Settings

LOW_DISK = 1 * 2**30


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str
    outcome: Literal["ok", "warning", "failed"]
    message: str
    fix: str = ""


def platform(settings: Settings) -> Finding:
    """Linux and macOS are supported."""
    python = ".".join(map(str, sys.version_info[:3]))
    message = f"Toque {version('toque')}, Python {python}, {sys.platform}, {os.cpu_count()} cores"
    if sys.platform not in ("linux", "darwin"):
        return Finding("platform", "failed", message, "use Linux, macOS, or WSL on Windows")
    return Finding("platform", "ok", message)


def project(settings: Settings) -> Finding:
    """A declared project has its own settings and no limits meant for stray files."""
    profile = f", profile {settings.profile}" if settings.profile else ""
    if not settings.declared:
        return Finding("project", "warning", f"{settings.project} has no toque.toml{profile}", "toque init")
    kept = duration_text(settings.retention.age_s)
    return Finding("project", "ok", f"{settings.name} in {settings.project}{profile}; history of {kept}")


def git(settings: Settings) -> Finding:
    """Versions name the commit that they were made from."""
    from toque.store.project_files import list_files

    if shutil.which("git") is None:
        return Finding("git", "warning", "git is not installed: versions will not name their commit")
    listing = list_files(settings.project, declared=settings.declared)
    if not listing.git_commit:
        return Finding("git", "warning", "no commit yet: versions will not name one", "git init && git commit")
    state = "with uncommitted changes" if listing.git_dirty else "clean"
    return Finding("git", "ok", f"at {listing.git_commit[:10]}, {state}")


def disk(settings: Settings) -> Finding:
    """A full disk stops every run."""
    place = settings.home if settings.home.exists() else settings.project
    free = shutil.disk_usage(place).free
    message = f"{free / 2**30:.1f} GB free at {place}"
    if free < LOW_DISK:
        return Finding("disk", "failed" if free < LOW_DISK / 20 else "warning", message, "toque prune, or make room")
    if not os.access(place, os.W_OK):
        return Finding("disk", "failed", f"{place} cannot be written", f"chown or chmod {place}")
    return Finding("disk", "ok", message)


def store(settings: Settings) -> Finding:
    """It opens, with the schema of this Toque."""
    from toque.cli.stores import in_store
    from toque.errors import NotFound
    from toque.ports.store import RunFilter

    shown = without_password(settings.store_url)
    try:
        runs = in_store(settings, lambda store: store.list_runs(RunFilter(limit=1)))
    except NotFound:
        return Finding("store", "ok", f"{shown} will be made by the first run")
    return Finding("store", "ok", f"{shown}, last run {runs[0].run_id}" if runs else f"{shown}, no runs yet")


def bundle(settings: Settings) -> Finding:
    """The code can be snapshotted, and quickly: every run begins with it."""
    from toque.store.bundles import snapshot

    snapshot(settings.project, settings.bundle)
    began = time.perf_counter()
    made = snapshot(settings.project, settings.bundle)
    took_ms = (time.perf_counter() - began) * 1000
    size = sum((made.path / path).stat().st_size for path in made.files)
    message = f"{_files(made.files)}, {size / 2**20:.1f} MB, {took_ms:.0f} ms"
    if took_ms > 500:
        return Finding("bundle", "warning", message, 'keep data out of it: [bundle] exclude = ["data/"]')
    return Finding("bundle", "ok", message)


def _files(found: Sized) -> str:
    return f"{len(found)} file" + ("" if len(found) == 1 else "s")


def code(settings: Settings) -> Finding:
    """Every file with pipelines can be imported."""
    from toque.local.loading import candidates, load

    loaded = load(settings.project, candidates(settings))
    broken = [each.file for each in loaded if each.problems]
    pipelines = sum(len(each.pipelines) for each in loaded)
    if broken:
        return Finding("pipelines", "failed", f"broken: {', '.join(broken)}", "toque check")
    return Finding("pipelines", "ok", f"{pipelines} in {_files(loaded)}")


def secrets(settings: Settings) -> Finding:
    """Every secret that the settings name can be opened."""
    from toque.errors import UserError

    missing = []
    for secret in settings.all_secrets():
        try:
            secret.reveal()
        except UserError as error:
            missing.append(error.message)
    if missing:
        return Finding("secrets", "failed", "; ".join(missing))
    return Finding("secrets", "ok", f"{len(settings.all_secrets())} can be opened")


def environments(settings: Settings) -> Finding:
    """Every environment that names an interpreter has one."""
    missing = [
        f"{name}: {each.python}"
        for name, each in settings.environments.items()
        if each.python and not Path(settings.project, each.python).exists()
    ]
    if missing:
        return Finding("environments", "failed", f"no interpreter at {', '.join(missing)}", "python = the path of one")
    return Finding("environments", "ok", f"{len(settings.environments)} declared")


CHECKS: dict[str, Callable[[Settings], Finding]] = {
    "platform": platform,
    "project": project,
    "git": git,
    "disk": disk,
    "store": store,
    "bundle": bundle,
    "pipelines": code,
    "secrets": secrets,
    "environments": environments,
}


def without_password(url: str) -> str:
    """A store's URL as it may be shown."""
    scheme, separator, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    if not at or ":" not in credentials:
        return url
    return f"{scheme}{separator}{credentials.partition(':')[0]}:***@{host}"
