"""Topics: what a client may ask for, as it is written in the query."""

from __future__ import annotations

import pytest

from toque.api.stream.topics import (
    LIMIT,
    AssetsTopic,
    AssetTopic,
    Home,
    LogsTopic,
    PipelineTopic,
    RunTopic,
    TasksTopic,
    UnknownTopic,
    parse,
)
from toque.engine.values import TaskKey


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("home", Home()),
        ("pipeline:flights", PipelineTopic("flights")),
        ("run:r1", RunTopic("r1")),
        ("tasks:r1:clean", TasksTopic("r1", "clean")),
        ("tasks:r1:group/a:b", TasksTopic("r1", "group/a:b")),
        ("logs:r1:fetch::1", LogsTopic("r1", TaskKey("fetch"), 1)),
        ("logs:r1:clean:3.1:2", LogsTopic("r1", TaskKey("clean", (3, 1)), 2)),
        ("assets", AssetsTopic()),
        ("asset:lake.marts.scores", AssetTopic("lake.marts.scores")),
        ("logs:r1:a:b:0:1", LogsTopic("r1", TaskKey("a:b", (0,)), 1)),
    ],
)
def test_each_kind_of_topic_is_understood(text: str, topic: object) -> None:
    [wanted] = parse([text])
    assert (wanted.name, wanted.topic, wanted.start) == (text, topic, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kitchen",
        "run:",
        "pipeline:",
        "asset:",
        "tasks:r1",
        "tasks:r1:",
        "logs:r1",
        "logs:r1:a:1",
        "logs:r1:a:x:1",
        "logs:r1:a::x",
    ],
)
def test_what_is_no_topic_is_refused(text: str) -> None:
    with pytest.raises(UnknownTopic):
        parse([text])


def test_a_topic_may_begin_where_the_client_says() -> None:
    [run, log] = parse(["run:r1@12,logs:r1:a::1@300"])
    assert (run.name, run.start) == ("run:r1", 12)
    assert (log.name, log.start) == ("logs:r1:a::1", 300)


def test_a_topic_that_is_asked_for_twice_is_sent_once() -> None:
    assert [wanted.name for wanted in parse(["home,run:r1", "home"])] == ["home", "run:r1"]


def test_a_stream_has_a_bounded_number_of_topics() -> None:
    parse([",".join(f"run:{n}" for n in range(LIMIT))])
    with pytest.raises(UnknownTopic, match="at most"):
        parse([",".join(f"run:{n}" for n in range(LIMIT + 1))])
