"""The read side for pages, in memory: everything is counted when it is asked for, from the rows.

It is the reference that the differential test holds the databases against, which have written sums and indexes.
"""

from __future__ import annotations

from toque.store.memory.history.runs import RunPages
from toque.store.memory.history.system import SystemPages
from toque.store.memory.history.tasks import TaskPages


class MemoryHistory(RunPages, TaskPages, SystemPages):
    """See `History`."""
