"""How long a server takes for the questions that pages asked it: one kept connection, in turns."""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from benchmarks.peers.protocol import percentile


@dataclass(frozen=True)
class Answers:
    """Of one kind of question."""

    question: str
    median_ms: float
    p95_ms: float
    size_kb: float
    """Of the largest answer, as it was sent."""


def ask(
    addresses: Sequence[str], headers: Mapping[str, str], *, rounds: int, name: Callable[[str], str]
) -> list[Answers]:
    """All questions `rounds` times in turns; those of one name are counted together. Slowest first."""
    where = urlsplit(addresses[0])
    link = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=60)
    sent = {"Accept": "application/json", "Accept-Encoding": "gzip", "Host": where.netloc, **headers}
    taken: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}
    for _ in range(rounds):
        for address in addresses:
            split = urlsplit(address)
            target = f"{split.path}?{split.query}" if split.query else split.path
            began = time.perf_counter()
            link.request("GET", target, headers=sent)
            answer = link.getresponse()
            data = answer.read()
            took_ms = 1e3 * (time.perf_counter() - began)
            if answer.status >= 400:
                raise RuntimeError(f"{target} was answered with {answer.status}: {data[:200]!r}")
            key = name(address)
            taken.setdefault(key, []).append(took_ms)
            sizes[key] = max(sizes.get(key, 0), len(data))
    link.close()
    found = [
        Answers(key, statistics.median(times), percentile(times, 95), sizes[key] / 1000) for key, times in taken.items()
    ]
    return sorted(found, key=lambda answers: -answers.p95_ms)


def named(address: str, words: Mapping[str, str], prefix: str = "") -> str:
    """The question without what it is about: `words` replaces ids in its path; of its query the names stay.

    >>> named("http://h/api/v1/runs/01ab/tasks?limit=200&cursor=", {"01ab": "RUN"}, "/api/v1")
    '/runs/RUN/tasks?limit=200'
    """
    split = urlsplit(address)
    parts = [words.get(part, part) for part in split.path.removeprefix(prefix).split("/")]
    query = [f"{key}={value if value.isdigit() and len(value) < 6 else '…'}" for key, value in parse_qsl(split.query)]
    return "/".join(parts) + ("?" + "&".join(query) if query else "")
