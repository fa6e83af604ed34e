"""Every page of the router, and by what one sees that it shows what it is for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.browsing import Place

PAGES = Path(__file__).resolve().parent.parent / "ui" / "src" / "app" / "pages.json"


@dataclass(frozen=True)
class Subjects:
    """What the pages are about."""

    pipeline: str
    """A wide pipeline with hundreds of runs."""
    live: str
    """The pipeline whose run is live."""
    run_id: str
    """The live run, of 10,000 tasks."""
    earlier: str
    """Two ended runs of the wide pipeline, to compare."""
    later: str
    large: str
    """An ended run of 10,000 tasks."""
    mapped: str
    """An ended run that maps one task over 100,000 items."""
    speaker: str
    """The task of the live run with a long log."""


ASSET = "doubled"
"""Of `pipelines/assets.py`: a year of daily slices."""
SYNC = "drop.people"
"""Of the same file."""
_A_RUN = 'a[href^="/runs/"]'
_BOX = ".react-flow__node"
_ROW = '[role="list"] [role="listitem"]'
READY: Mapping[str, str] = {
    "/": _A_RUN,
    "/pipelines": 'a[href^="/pipelines/arrivals"]',
    "/pipelines/$name": "canvas",
    "/pipelines/$name/grid": "canvas",
    "/pipelines/$name/graph": _BOX,
    "/pipelines/$name/calendar": "table button[data-outcome]",
    "/pipelines/$name/durations": '[role="img"][aria-label^="Durations of"]',
    "/pipelines/$name/schedules": "section ol li",
    "/pipelines/$name/start": "form label",
    "/pipelines/$name/code": "ol[aria-label^=Versions] button",
    "/pipelines/$name/docs": "section dl",
    "/runs": '[role="row"][aria-rowindex="2"]',
    "/runs/$runId": _BOX,
    "/runs/$runId/graph": _BOX,
    "/runs/$runId/timeline": _ROW,
    "/runs/$runId/tasks": _ROW,
    "/runs/$runId/dbt": "h1",
    "/runs/$runId/details": "dl dd",
    "/compare": "table tr",
    "/day": '[aria-label="Timeline"] li',
    "/backfills": "h1",
    "/assets": 'a[href^="/assets/"]',
    "/assets/$key": "canvas",
    "/syncs": 'a[href^="/syncs/"]',
    "/syncs/$key": 'a[href^="/assets/"]',
    "/connections": "main section",
    "/pools": "section li",
    "/system": "dl dd",
}
"""By the path of the router and the view in it."""


def places(about: Subjects, pages: Path = PAGES) -> list[Place]:
    """Each page and each of its views, then those of other runs and pipelines than the first visit was about."""
    found = [_place(path, about) for path in _paths(json.loads(pages.read_text()))]
    live = f"/runs/{about.run_id}"
    return [
        *found,
        Place("a run: a task's log of 20,000 lines", f"{live}?task={about.speaker}&panel=logs", '[role="log"] > * > *'),
        Place("the live pipeline: grid", f"/pipelines/{about.live}/grid", "canvas"),
        Place("the live pipeline: graph", f"/pipelines/{about.live}/graph", _BOX),
        Place("an ended run of 10,000 tasks: graph", f"/runs/{about.large}/graph", _BOX),
        Place("an ended run of 10,000 tasks: timeline", f"/runs/{about.large}/timeline", _ROW),
        Place("a map of 100,000: graph", f"/runs/{about.mapped}/graph", _BOX),
        Place("a map of 100,000: its indexes", f"/runs/{about.mapped}/tasks?task=convert", _ROW),
    ]


def _paths(pages: list[dict[str, Any]]) -> Iterator[str]:
    for page in pages:
        views = page.get("views")
        if views:
            yield from (page["path"].replace("$view", view) for view in views)
        else:
            yield page["path"]


def _place(path: str, about: Subjects) -> Place:
    if path not in READY:
        raise RuntimeError(f"nothing says when {path} of the router is ready: add it to READY in {__name__}")
    name = about.live if path.endswith("/schedules") else about.pipeline
    address = (
        path.replace("$key", SYNC if path.startswith("/syncs") else ASSET)
        .replace("$name", name)
        .replace("$runId", about.run_id)
    )
    if path == "/compare":
        address += f"?a={about.earlier}&b={about.later}"
    return Place(path, address, READY[path])
