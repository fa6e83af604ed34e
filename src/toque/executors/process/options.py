"""What can be set about the process executor."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ProcessOptions:
    """Defaults suit one machine with one project."""

    project: str
    """Root of the project; its settings are what workers read."""
    state_dir: str
    """Where raw output and the pids of workers are kept while they live."""
    blobs_url: str
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Processes that run one attempt at a time each."""
    async_limit: int = 100
    """Attempts of `async` tasks at once, in one process for each bundle."""
    thread_limit: int = 16
    """Attempts of I/O-bound tasks at once, in the threads of one process for each bundle."""
    environments: Mapping[str, str] = field(default_factory=dict)
    """Interpreter of each named environment."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Environment variables for workers, over those of this process."""
    kill_grace_s: float = 1.0
    """Between SIGTERM and SIGKILL."""
    lease: str = ""
    """File that says until when attempts may begin (see `toque.worker.lease`); "" for no limit."""
    idle_s: float = 60.0
    """How long workers of a bundle that nobody asks for any more are kept."""
