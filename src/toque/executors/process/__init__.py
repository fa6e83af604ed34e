"""The process executor: warm worker processes on this machine, forked by a zygote.

| module | role |
|---|---|
| `executor` | the port: submits, cancels, hears reports |
| `fleet` | the processes: the zygote, spawning, signals, confirmed deaths |
| `worker` | one worker as the server sees it: its socket, its permits, what it holds |
| `placement` | what waits, and who gets it |
| `durations` | how long tasks take, and so how many of them one worker may hold |
| `watch` | clocks: timeouts, cancels, memory, work stuck behind a long task |
| `leftovers` | what an earlier server that was killed left behind |
"""

from toque.executors.process.executor import ProcessExecutor
from toque.executors.process.options import ProcessOptions

__all__ = ["ProcessExecutor", "ProcessOptions"]
