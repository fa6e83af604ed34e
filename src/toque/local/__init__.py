"""Local: the composition root that wires stores, executors and the runtime into one process.

`run_pipeline` is what `pipeline.run()` calls; the others are what the commands of `toque` call. Each is imported at its
first use: a test that runs a pipeline in memory pays for no server.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toque.local.debugging import debug as debug
    from toque.local.inprocess import run_pipeline as run_pipeline
    from toque.local.result import Mapped as Mapped
    from toque.local.result import Run as Run
    from toque.local.result import RunFailed as RunFailed
    from toque.local.result import TaskRun as TaskRun
    from toque.local.running import rerun as rerun
    from toque.local.running import resume as resume
    from toque.local.running import retry as retry
    from toque.local.running import run_file as run_file
    from toque.local.serving import serve as serve
    from toque.local.serving import trigger as trigger

_HOME = {
    "debug": "debugging",
    "run_pipeline": "inprocess",
    "Mapped": "result",
    "Run": "result",
    "RunFailed": "result",
    "TaskRun": "result",
    "rerun": "running",
    "resume": "running",
    "retry": "running",
    "run_file": "running",
    "serve": "serving",
    "trigger": "serving",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'toque.local' has no attribute {name!r}")
    return getattr(importlib.import_module(f"toque.local.{_HOME[name]}"), name)
