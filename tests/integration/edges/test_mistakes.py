"""What a user gets wrong: exit code 2, the file and the line, what is wrong, what to write instead; nothing has run."""

from __future__ import annotations

from tests.integration.edges.project import Project

TYPED = """
from datetime import date
from enum import Enum

class Size(Enum):
    SMALL = "small"
    LARGE = "large"

@task
def keep(n: int, day: date, size: Size) -> str:
    note("ran")
    return f"{n} {day!r} {size}"

@pipeline
def typed(n: int, day: date = date(2024, 2, 29), size: Size = Size.SMALL) -> str:
    return keep(n, day, size)
"""


WRONG = {
    "n=many": ("typed: n='many' is not int", "-p n=…"),
    "n=1 day=2023-02-29": ("day='2023-02-29' is not date", "-p day=…"),
    "n=1 size=tiny": ("size='tiny' is not Size", "-p size=…"),
    "": ("typed needs the parameter 'n'", "-p n=…"),
    "n=1 sice=small": ("typed has no parameter 'sice'", "its parameters are: n, day, size"),
}


def test_a_parameter_of_the_wrong_type_is_refused_before_a_run_exists(project: Project) -> None:
    project.pipeline(TYPED)
    commands = [["run"], ["trigger"], ["run", "--dry-run"], ["run"], ["run"]]
    for command, (given, expected) in zip(commands, WRONG.items(), strict=True):
        options = [part for each in given.split() for part in ("-p", each)]
        refused = project.toque(*command, "flow.py", *options, code=2).out
        for part in expected:
            assert part in refused
        assert "Traceback" not in refused
    assert project.notes() == []
    assert project.toque("runs", code=None).out.startswith(("there is no run", "no runs", "nothing ran"))


def test_parameters_arrive_as_their_types(project: Project) -> None:
    project.pipeline(TYPED)
    options = ["-p", "n=7", "-p", "day=2024-03-01", "-p", "size=large"]
    assert project.run("flow.py", *options)["result"] == "7 datetime.date(2024, 3, 1) Size.LARGE"
    shown = project.toque("run", "flow.py", "--dry-run", *options).out
    assert "keep" in shown
    assert "2024-03-01" in shown


BROKEN = {
    "cycle_of_pipelines": (
        """
        @pipeline
        def inner() -> None:
            outer()

        @pipeline
        def outer() -> None:
            inner()
        """,
        ["cycle_of_pipelines.py:10  inner()", "contains itself: ", "inner → outer → inner", "Fix: a @flow"],
    ),
    "cycle_of_tasks": (
        """
        @task
        def first(x): ...

        @task
        def second(x): ...

        @pipeline
        def circle() -> None:
            a = first(b)
            b = second(a)
        """,
        ["cycle_of_tasks.py:12  a = first(b)", "call what makes b first; two tasks cannot wait for each other"],
    ),
    "duplicate_task": (
        """
        @task
        def load(x): ...

        @pipeline
        def twice() -> None:
            load(1)
            load(2)
        """,
        [
            "duplicate_task.py:10",
            "load is called a second time in twice (first at line 9)",
            'load.options(name="load_2")(2)',
        ],
    ),
    "syntax": ("def broken(:\n    ...\n", ["syntax.py:3", "SyntaxError"]),
    "unknown_option": (
        """
        @task(retires=3)
        def load(): ...
        """,
        ["unknown_option.py:4", "no option 'retires'", "Fix: retries=…"],
    ),
    "truth_of_a_result": (
        """
        @task
        def ready() -> bool: ...

        @pipeline
        def asks() -> None:
            if ready():
                pass
        """,
        ["truth_of_a_result.py:9", "when("],
    ),
}


def test_broken_files_are_named_with_their_lines_and_fixes(project: Project) -> None:
    for name, (text, _) in BROKEN.items():
        project.pipeline(text, f"{name}.py")
    said = project.toque("check", code=2).out
    for _, expected in BROKEN.values():
        for part in expected:
            assert part in said
    assert "Traceback" not in said
    for name in ("cycle_of_pipelines", "cycle_of_tasks"):
        refused = project.toque("run", f"{name}.py:outer" if name == "cycle_of_pipelines" else f"{name}.py", code=2).out
        assert refused.strip() in said


def test_a_name_that_two_files_use_is_a_problem_of_the_second_and_the_rest_keeps_working(project: Project) -> None:
    one = """
        @task
        def one() -> int:
            return 1

        @pipeline
        def {name}() -> int:
            return one()
        """
    project.pipeline(one.format(name="same"), "a.py")
    project.pipeline(one.format(name="same"), "b.py")
    project.pipeline(one.format(name="other"), "c.py")
    project.pipeline("import never_installed_anywhere", "d.py")
    said = project.toque("check", code=2).out
    assert "b.py:8" in said
    assert "the name same is taken by another pipeline in a.py" in said
    assert "No module named 'never_installed_anywhere'" in said
    listed = project.toque("list", code=2).out
    assert "other" in listed
    assert "taken by another pipeline" in listed
    assert project.run("c.py")["result"] == 1


def test_an_import_that_hangs_is_cut_off_at_its_line(project: Project) -> None:
    project.pipeline("import signal\nsignal.pause()\n", "hangs.py")
    project.pipeline("@pipeline\ndef fine() -> None: ...\n", "fine.py")
    said = project.toque("check", "--timeout", "2", code=2).out
    assert "hangs.py:4  signal.pause()" in said
    assert "the import did not end within 2 s" in said
    assert "1 pipeline" in said


def test_names_that_toque_toml_does_not_have_are_refused(project: Project) -> None:
    project.pipeline(
        """
        @task(pool="nowhere")
        def pooled() -> int:
            return 1

        @pipeline
        def asks() -> int:
            return pooled()
        """
    )
    for command in (["run", "flow.py"], ["check"]):
        said = project.toque(*command, code=2).out
        assert "'nowhere'" in said
        assert "[pools]" in said
    project.settings("[pools]\nnowhere = 1\n")
    assert project.run()["result"] == 1
    project.settings("[pool]\nnowhere = 1\n")
    assert "toque.toml has no key 'pool'" in project.toque("run", "flow.py", code=2).out


def test_what_is_not_there_is_not_found(project: Project) -> None:
    project.pipeline("@pipeline\ndef fine() -> None: ...\n")
    project.toque("run", "flow.py")
    for command in (["runs", "zzz"], ["retry", "zzz"], ["trigger", "unknown"]):
        ended = project.toque(*command, code=None)
        assert ended.code in (2, 4), command
        assert "Fix:" in ended.out, command
    assert "there is no file" in project.toque("run", "nope.py", code=4).out
    assert "it has: fine" in project.toque("run", "flow.py:nope", code=None).out
