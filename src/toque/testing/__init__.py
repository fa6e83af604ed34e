"""Testing: pipelines run in a test, in milliseconds, with no server and no database.

```python
from toque.testing import clock, stub


def test_a_slow_source_is_retried() -> None:
    with clock("2026-03-29T00:30Z"), stub(train, raises=TimeoutError()):
        ...
```
"""

from __future__ import annotations

from toque.testing.clocks import VirtualClock, clock
from toque.testing.comparison import Mismatch, compare
from toque.testing.idempotency import NotIdempotent, verify_idempotent
from toque.testing.replay import FlowFailed, verify_replay
from toque.testing.stubs import replace, stub
from toque.worker.flow_errors import FlowDiverged

__all__ = [
    "FlowDiverged",
    "FlowFailed",
    "Mismatch",
    "NotIdempotent",
    "VirtualClock",
    "clock",
    "compare",
    "replace",
    "stub",
    "verify_idempotent",
    "verify_replay",
]
