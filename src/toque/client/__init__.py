"""The Python client of the HTTP API.

```python
from toque.client import connect

with connect() as toque:  # the server of this project; or connect("http://…", token="…")
    run = toque.runs.start("flights", {"month": 3})
    print(toque.runs.wait(run.run_id).state)
```

Answers are the models of `toque.api.wire`. A refusal is raised as `Refused`, with the server's words and what to do.
"""

from __future__ import annotations

from toque.client.connecting import connect, running_server
from toque.client.session import Client
from toque.client.transport import Refused, ServerGone, Transport

__all__ = ["Client", "Refused", "ServerGone", "Transport", "connect", "running_server"]
