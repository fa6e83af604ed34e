"""Faults on demand: what a network and a busy vendor do, told beforehand, for tests and demonstrations."""

from __future__ import annotations

import re
import threading
from typing import Literal

import msgspec

from sandbox.salesforce.answers import Answer, ApiError


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """What happens to the next requests that match."""

    kind: Literal["status", "cut_before", "cut_after", "cut_body", "expire"]
    """`cut_before`: the connection breaks before anything is done; `cut_after`: when all is done, without an answer;
    `cut_body`: in the middle of the answer; `expire`: every session ends."""
    match: str = ""
    """A regular expression over `METHOD /path?query`; "" matches all."""
    status: int = 503
    retry_after: str = ""
    times: int = 1
    skip: int = 0
    """So many matching requests go through before."""


class Faults:
    """The faults that are armed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []

    def arm(self, fault: Fault) -> None:
        """From now on."""
        with self._lock:
            self._armed.append(fault)

    def clear(self) -> None:
        """None any more."""
        with self._lock:
            self._armed.clear()

    def due(self, text: str) -> Fault | None:
        """The fault of this request."""
        with self._lock:
            for fault in self._armed:
                if not re.search(fault.match, text):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if not fault.times:
                    self._armed.remove(fault)
                return fault
        return None


def refusal(fault: Fault) -> Answer:
    """The answer that a fault of kind `status` gives."""
    codes = {429: "REQUEST_LIMIT_EXCEEDED", 403: "REQUEST_LIMIT_EXCEEDED", 503: "SERVER_UNAVAILABLE"}
    answer = ApiError(fault.status, codes.get(fault.status, "UNKNOWN_EXCEPTION"), "told to refuse").answer()
    headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    return Answer(answer.status, answer.content, answer.kind, headers)
