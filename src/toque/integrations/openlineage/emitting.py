"""Sends events of OpenLineage beside the work: a bounded queue and one thread, and no task ever fails or waits for it.

Delivery is at most once: what does not fit into the queue, or is refused three times, is dropped and counted.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

_LOG = logging.getLogger(__name__)
_TRIES = 3
_END = None


class Transport(Protocol):
    """Where events go."""

    def send(self, event: Mapping[str, Any]) -> None:
        """Returns when it was taken. Raises anything when it was not."""
        ...

    def close(self) -> None:
        """Nothing more will be sent."""
        ...


class FileTransport:
    """Appends each event as a line of JSON."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def send(self, event: Mapping[str, Any]) -> None:
        """One write of a whole line, so that several processes may share the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Each event closes the file."""


class HttpTransport:
    """Posts each event to a collector such as Marquez or DataHub: `<url>/api/v1/lineage`."""

    def __init__(
        self,
        url: str,
        *,
        endpoint: str = "api/v1/lineage",
        api_key: str = "",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        import httpx

        bearer = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._url = f"{url.rstrip('/')}/{endpoint.lstrip('/')}"
        self._client = httpx.Client(headers={**bearer, **(headers or {})}, timeout=timeout_s)

    def send(self, event: Mapping[str, Any]) -> None:
        """Raises for any answer but success."""
        self._client.post(self._url, json=event).raise_for_status()

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()


class Emitter:
    """Takes events and sends them in order, from a thread of its own. Use it as a context, or `close` it."""

    def __init__(self, transport: Transport, *, capacity: int = 1000, delay_s: float = 1.0) -> None:
        self._transport = transport
        self._queue: queue.Queue[Mapping[str, Any] | None] = queue.Queue(capacity)
        self._delay_s = delay_s
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self.dropped = 0
        """Events that did not fit, or were refused each time."""
        self._thread = threading.Thread(target=self._run, name="openlineage", daemon=True)
        self._thread.start()

    def emit(self, make: Mapping[str, Any] | Callable[[], Mapping[str, Any]]) -> bool:
        """Queue an event, or what makes one. Never raises and never waits; False when it was dropped."""
        try:
            self._queue.put_nowait(make() if callable(make) else make)
        except Exception as error:  # whatever goes wrong with lineage is no reason for work to fail
            self._drop("the queue is full" if isinstance(error, queue.Full) else repr(error))
            return False
        return True

    def close(self, timeout_s: float = 5.0) -> None:
        """Send what is queued, for at most so long."""
        self._ending.set()
        try:
            self._queue.put(_END, timeout=timeout_s)
        except queue.Full:
            return  # the thread is stuck in a call, and ends with the process
        self._thread.join(timeout_s)

    def __enter__(self) -> Emitter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _run(self) -> None:
        while (event := self._queue.get()) is not _END:
            self._deliver(event)
        self._transport.close()

    def _deliver(self, event: Mapping[str, Any]) -> None:
        for number in range(1, _TRIES + 1):
            try:
                self._transport.send(event)
                return
            except Exception as error:
                if number == _TRIES:
                    self._drop(repr(error))
                elif not self._ending.is_set():  # who closes does not wait for a collector to come back
                    self._ending.wait(self._delay_s * number)

    def _drop(self, why: str) -> None:
        with self._lock:
            self.dropped += 1
            is_first = self.dropped == 1
        if is_first:  # once: a collector that is down is not a line for each task
            _LOG.warning("an event of OpenLineage was dropped (%s); further ones are only counted", why)
