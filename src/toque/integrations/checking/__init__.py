"""Checks run where the data is: counts, samples, quarantine and its replay, and publishing only what passed.

```python
with desk_of(warehouse) as desk:
    report = audit(desk, look_at("raw.contact"), [not_null("id").quarantine()], batch_id="2026-03-29")
```
"""

from __future__ import annotations

from toque.integrations.checking.auditing import ChecksFailed, audit, check_table
from toque.integrations.checking.publishing import publish
from toque.integrations.checking.replaying import Replayed, batches, replay
from toque.integrations.checking.running import Look, look_at, run_checks
from toque.integrations.checking.sessions import Desk, desk_of
from toque.integrations.checking.values import Checked, check_value

__all__ = [
    "Checked",
    "ChecksFailed",
    "Desk",
    "Look",
    "Replayed",
    "audit",
    "batches",
    "check_table",
    "check_value",
    "desk_of",
    "look_at",
    "publish",
    "replay",
    "run_checks",
]
