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
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import httpx

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
        api_key: str | Callable[[], str] = "",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        self._url = f"{url.rstrip('/')}/{endpoint.lstrip('/')}"
        self._api_key = api_key
        self._headers = dict(headers or {})
        self._timeout_s = timeout_s
        self._client: httpx.Client | None = None

    def send(self, event: Mapping[str, Any]) -> None:
        """Raises for any answer but success."""
        if self._client is None:
            self._client = self._opened()
        self._client.post(self._url, json=event).raise_for_status()

    def close(self) -> None:
        """Closes its connections."""
        if self._client is not None:
            self._client.close()

    def _opened(self) -> httpx.Client:
        """In the thread that sends: neither the import nor a key that is missing is a matter of the work."""
        import httpx

        key = self._api_key() if callable(self._api_key) else self._api_key
        bearer = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(headers={**bearer, **self._headers}, timeout=self._timeout_s)


Made: TypeAlias = Mapping[str, Any] | Callable[[], Mapping[str, Any]]
"""An event, or what makes it, in the thread that sends it."""


class Emitter:
    """Takes events and sends them in order, from a thread of its own. Use it as a context, or `close` it."""

    def __init__(self, transport: Transport, *, capacity: int = 1000, delay_s: float = 1.0) -> None:
        self._transport = transport
        self._queue: queue.Queue[Made | None] = queue.Queue(capacity)
        self._delay_s = delay_s
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self.dropped = 0
        """Events that did not fit, or were refused each time."""
        self._thread = threading.Thread(target=self._run, name="openlineage", daemon=True)
        self._thread.start()

    def emit(self, event: Made) -> bool:
        """Queue an event. Never raises and never waits; False when it was dropped."""
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self._drop("the queue is full")
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
        while (made := self._queue.get()) is not _END:
            try:
                event = made() if callable(made) else made
            except Exception as error:  # whatever goes wrong with lineage is no reason for work to fail
                self._drop(repr(error))
                continue
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
