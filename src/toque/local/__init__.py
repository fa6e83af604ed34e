"""Local: the composition root that wires stores, executors and the runtime into one process.

`run_pipeline` is what `pipeline.run()` calls; the commands of `toque` use `toque.local.project`.
"""

from __future__ import annotations

from toque.local.inprocess import run_pipeline
from toque.local.result import Mapped, Run, RunFailed, TaskRun

__all__ = ["Mapped", "Run", "RunFailed", "TaskRun", "run_pipeline"]
