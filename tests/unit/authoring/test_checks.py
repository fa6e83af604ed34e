"""What `toque check` finds in files that can be loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from toque.authoring import checks, loader
from toque.authoring.loader import Runnable

Found = Callable[[str], list[str]]


def test_a_type_that_does_not_fit(found: Found) -> None:
    assert found(
        """
        from toque import pipeline, task
        @task
        def extract(table: str) -> str: ...
        @task
        def double(x: int) -> int: ...
        @pipeline
        def flights(name: str = "a"):
            double(extract(name))
        """
    ) == [
        "error flows.py:8  double(extract(name))\n"
        "  x of double takes int, and the result of extract is str.\n"
        "  Fix: pass int, or change the annotation"
    ]


def test_types_are_followed_through_maps_joins_and_parts(found: Found) -> None:
    assert found(
        """
        from toque import each, ok, one_of, pipeline, task, when
        @task
        def pair(x: int) -> tuple[int, str]: ...
        @task
        def double(x: int) -> int: ...
        @task
        def names(parts: list[str]) -> bool: ...
        @pipeline
        def flights():
            number, text = pair(1)
            double(text)
            many = double.options(name="many", tolerate=1).map(each(["a"]))
            with when(names(ok(many))) as ready:
                one = pair.options(name="one")(2)
            with ready.otherwise():
                other = pair.options(name="other")(3)
            double.options(name="last")(one_of(one, other))
        """
    ) == [
        "error flows.py:11  double(text)\n  x of double takes int, and [1] of the result of pair is str.\n"
        "  Fix: pass int, or change the annotation",
        'error flows.py:12  many = double.options(name="many", tolerate=1).map(each(["a"]))\n'
        "  x of many takes int, and one item of x is str.\n  Fix: pass int, or change the annotation",
        "error flows.py:13  with when(names(ok(many))) as ready:\n"
        "  parts of names takes list[str], and the mapped result of many is list[int].\n"
        "  Fix: pass list[str], or change the annotation",
        'error flows.py:17  double.options(name="last")(one_of(one, other))\n'
        "  x of last takes int, and the result of one+other is tuple[int, str].\n"
        "  Fix: pass int, or change the annotation",
    ]


def test_a_field_that_is_not_there(found: Found) -> None:
    assert found(
        """
        from dataclasses import dataclass
        from typing import TypedDict
        from toque import pipeline, task
        @dataclass
        class Page:
            title: str
        class Row(TypedDict):
            name: str
        @task
        def page() -> Page: ...
        @task
        def row() -> Row: ...
        @task
        def show(text: str): ...
        @pipeline
        def flights():
            show(page().titel)
            show.options(name="show_name")(row()["first"])
        """
    ) == [
        "error flows.py:17  show(page().titel)\n  the result of page has no 'titel'.\n  Fix: did you mean 'title'?",
        'error flows.py:18  show.options(name="show_name")(row()["first"])\n'
        "  the result of row has no 'first'.\n  Fix: one of name",
    ]


def test_a_name_that_nothing_defines(found: Found) -> None:
    assert found(
        """
        from toque import pipeline, task
        separator = ","
        @task
        def extract(table: str) -> str:
            def inner():
                return separatr.join(table)
            return inner()
        @pipeline
        def flights():
            extract("a")
        """
    ) == [
        "error flows.py:6  return separatr.join(table)\n"
        "  separatr is not defined; extract would fail when it runs.\n  Fix: did you mean separator?"
    ]


def test_a_result_compared_with_none(found: Found) -> None:
    assert found(
        """
        from toque import pipeline, task
        @task
        def extract(table: str) -> str: ...
        @pipeline
        def flights(table: str | None = None):
            page = extract("a")
            if page is None:
                raise ValueError
        """
    ) == [
        "error flows.py:7  if page is None:\n"
        "  page is None is decided when the file is loaded: a result is never None there.\n"
        "  Fix: decide in a task that is passed the result; branch on a bool with when()"
    ]


def test_one_name_for_the_results_of_two_branches(found: Found) -> None:
    text = """
        from toque import pipeline, task, when
        @task
        def is_late(x: int) -> bool: ...
        @task
        def say(text: str) -> str: ...
        @pipeline
        def flights():
            with when(is_late(1)) as late:
                done = say("late")
            with late.otherwise():
                done = say.options(name="on_time")("on time")
            {use}
        """
    assert found(text.replace("{use}", "pass")) == []
    assert found(text.replace("{use}", 'say.options(name="last")(done)')) == [
        'error flows.py:11  done = say.options(name="on_time")("on time")\n'
        "  done is assigned in two branches (first at line 9): whoever reads it later waits for this one only.\n"
        "  Fix: give the results two names, then done = one_of(a, b)"
    ]


def test_what_does_not_repeat_itself_in_a_flow(found: Found) -> None:
    lines = found(
        """
        import random, time, uuid
        from datetime import datetime, date
        import toque
        from toque import flow, task
        @task
        def say(text: str) -> str: ...
        @flow
        def flights(n: int):
            say(str(datetime.now()))
            say(str(date.today()))
            say(str(uuid.uuid4()))
            if random.random() > 0.5:
                time.sleep(1)
            say(random.choice("ab"))
            say(str(toque.now()))
        """
    )
    assert [line.splitlines()[0].split()[0:2] for line in lines] == [
        ["warning", f"flows.py:{number}"] for number in (9, 10, 11, 12, 13, 14)
    ]
    assert lines[0] == (
        "warning flows.py:9  say(str(datetime.now()))\n"
        "  datetime.now() gives another answer when the flow is replayed after a crash.\n  Fix: toque.now()"
    )


def test_clocks_are_free_in_tasks(found: Found) -> None:
    assert (
        found(
            """
            import time
            from toque import flow, task
            @task
            def stamp() -> float:
                return time.time()
            @flow
            def flights():
                stamp()
            """
        )
        == []
    )


def test_a_sound_pipeline_has_no_findings(load: Callable[[str], list[Runnable]]) -> None:
    source = Path(__file__).parent.joinpath("examples.py").read_text()
    for runnable in load(source):
        assert checks.check(runnable) == []


def test_the_example_of_the_repository_has_no_findings() -> None:
    examples = Path(__file__).parents[3] / "examples"
    for file in sorted(examples.glob("*/*.py")):
        for loaded in loader.load_files([file], file.parent):
            assert loaded.error is None
            for runnable in loaded.pipelines:
                assert [str(finding) for finding in checks.check(runnable)] == []
