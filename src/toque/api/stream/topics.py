"""Topics: what a stream can be about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from toque.engine.values import TaskKey

LIMIT = 50
"""Topics of one stream."""


@dataclass(frozen=True)
class Home:
    """All runs, ticks, what needs attention."""


@dataclass(frozen=True)
class PipelineTopic:
    """The runs of a pipeline."""

    name: str


@dataclass(frozen=True)
class RunTopic:
    """A run: itself, its node counters, its task runs outside of maps, its flow steps, signals."""

    run_id: str


@dataclass(frozen=True)
class TasksTopic:
    """The indexes of one mapped task."""

    run_id: str
    task: str


@dataclass(frozen=True)
class LogsTopic:
    """The log of one attempt."""

    run_id: str
    key: TaskKey
    attempt: int


@dataclass(frozen=True)
class AssetsTopic:
    """All assets, as lists and the graph show them."""


@dataclass(frozen=True)
class AssetTopic:
    """One asset: itself, its slices, what is told of it."""

    key: str


Topic: TypeAlias = Home | PipelineTopic | RunTopic | TasksTopic | LogsTopic | AssetsTopic | AssetTopic


@dataclass(frozen=True)
class Wanted:
    """A topic as a client asks for it."""

    name: str
    """As it stands in patches."""
    topic: Topic
    start: int | None = None
    """Where it begins, if the client says so."""


class UnknownTopic(ValueError):
    """There is no such topic."""


def parse(names: list[str]) -> list[Wanted]:
    """The topics of a query, each once. Raises `UnknownTopic`."""
    found: dict[str, Wanted] = {}
    for text in (part for name in names for part in name.split(",") if part):
        wanted = _parsed(text)
        found.setdefault(wanted.name, wanted)
    if not found:
        raise UnknownTopic("no topics: ask for ?topics=home, pipeline:NAME, run:ID, …")
    if len(found) > LIMIT:
        raise UnknownTopic(f"{len(found)} topics; one stream carries at most {LIMIT}")
    return list(found.values())


def _parsed(text: str) -> Wanted:
    name, start = text, None
    before, at, number = text.rpartition("@")
    if at and number.isascii() and number.isdigit() and len(number) < 17:
        name, start = before, int(number)
    return Wanted(name, _topic(name), start)


def _topic(name: str) -> Topic:
    kind, _, rest = name.partition(":")
    if name == "home":
        return Home()
    if name == "assets":
        return AssetsTopic()
    if kind == "asset" and rest:
        return AssetTopic(rest)
    if kind == "pipeline" and rest:
        return PipelineTopic(rest)
    if kind == "run" and rest:
        return RunTopic(rest)
    run_id, _, rest = rest.partition(":")
    if kind == "tasks" and run_id and rest:
        return TasksTopic(run_id, rest)
    if kind == "logs" and run_id and rest.count(":") >= 2:
        task, index, attempt = rest.rsplit(":", 2)
        if task and attempt.isascii() and attempt.isdigit() and len(attempt) < 9:
            return LogsTopic(run_id, TaskKey(task, _index(index, name)), int(attempt))
    raise UnknownTopic(f"there is no topic {name!r}")


def _index(text: str, name: str) -> tuple[int, ...]:
    parts = text.split(".") if text else []
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise UnknownTopic(f"there is no topic {name!r}: {text!r} is no map index")
    return tuple(map(int, parts))
