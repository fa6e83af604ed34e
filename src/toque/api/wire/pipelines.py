"""Pipelines as lists and pages show them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from toque.api.wire.model import Text, Wire
from toque.api.wire.schedules import ScheduleSummary
from toque.engine.states import RunState


class RunBar(Wire):
    """A run in a strip of recent runs."""

    run_id: str
    state: RunState
    created_us: int
    started_us: int
    finished_us: int


class PipelineSummary(Wire):
    """A pipeline in a list."""

    name: str
    doc: str
    """First paragraph."""
    owner: str
    tags: list[str]
    file: str
    version: str
    """Its current version."""
    paused: bool
    broken: bool
    """Its file cannot be loaded as it stands now; runs use the version of before."""
    task_count: int
    schedules: list[ScheduleSummary]
    recent: list[RunBar]
    """Newest last, at most 24."""


class PipelineConcurrency(Wire):
    """How many runs may be active, and what becomes of one that comes on top."""

    max_active_runs: int | None
    overlap: str


class PipelineDetail(PipelineSummary):
    """A pipeline on its page."""

    parameters: dict[str, Any]
    """JSON Schema (object) of the parameters of a run."""
    versions_count: int
    running_count: int
    queued_count: int
    concurrency: PipelineConcurrency


class StartRun(Wire):
    """What to start a run with."""

    parameters: dict[str, Any] = Field(default={}, json_schema_extra={"example": {}})
    reason: Text = ""
    key: Text = ""
    """A second start with the same key, by whatever way, starts nothing and answers with the first run."""


class ProblemOfFile(Wire):
    """What is wrong in a file."""

    file: str
    """Where it is: the broken file, or a module that it imports."""
    line: int
    source: str
    """The line itself."""
    message: str
    fix: str


class BrokenFile(Wire):
    """A file of the project that cannot be loaded."""

    file: str
    since_us: int
    problems: list[ProblemOfFile]
