"""Files are loaded in a process of their own: broken, hanging and deadly ones are told apart, the rest is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from toque.errors import UserError
from toque.local.loading import LoadedFile, candidates, load, only, prepare
from toque.settings import load as load_settings

GOOD = """\
from toque import pipeline, task

@task
def double(n: int) -> int:
    return 2 * n

@pipeline
def twice(n: int = 1):
    return double(n)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "toque.toml").write_text("")
    (tmp_path / "good.py").write_text(GOOD)
    return tmp_path


def write(project: Path, name: str, text: str) -> Path:
    (project / name).write_text(text)
    return project / name


def test_only_files_that_import_toque_are_looked_at(project: Path) -> None:
    write(project, "plain.py", "import json\n# toque\n")
    write(project, "other.py", "if True:\n    import toque\n")
    assert [path.name for path in candidates(load_settings(project))] == ["good.py", "other.py"]


def test_a_file_gives_its_pipelines(project: Path) -> None:
    (loaded,) = load(project, [project / "good.py"])
    assert loaded.file == "good.py"
    assert [pipeline.name for pipeline in loaded.pipelines] == ["twice"]
    assert loaded.problems == ()


def test_the_importing_process_is_not_this_one(project: Path) -> None:
    write(project, "module_that_nobody_imports_here.py", "import toque\n")
    load(project, [project / "module_that_nobody_imports_here.py"])
    import sys

    assert "module_that_nobody_imports_here" not in sys.modules


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("import toque\n1 / 0\n", 2, "ZeroDivisionError"),
        ("import toque\ndef f(:\n", 2, "SyntaxError"),
        ("import toque\nimport no_such_module_anywhere\n", 2, "no_such_module_anywhere"),
        ("import toque, os\nos._exit(3)\n", 0, "ended the process"),
        ("import toque\nraise SystemExit(1)\n", 2, "ends the process"),
    ],
)
def test_a_broken_file_is_named_with_its_line_and_the_rest_is_loaded(
    project: Path, text: str, line: int, message: str
) -> None:
    bad = write(project, "bad.py", text)
    broken, good = load(project, [bad, project / "good.py"])
    (problem,) = broken.problems
    assert (problem.file, problem.line) == ("bad.py", line)
    assert message in problem.message
    assert [pipeline.name for pipeline in good.pipelines] == ["twice"]


@pytest.mark.parametrize("hang", ["threading.Event().wait()", "re.match('(a+)+$', 'a' * 99 + 'b')"])
def test_an_import_that_hangs_is_cut_off_with_its_line(project: Path, hang: str) -> None:
    stuck = write(project, "stuck.py", f"import re, threading\nimport toque\n\n{hang}\n")
    broken, good = load(project, [stuck, project / "good.py"], timeout_s=1.0)
    (problem,) = broken.problems
    assert (problem.file, problem.line, problem.source) == ("stuck.py", 4, hang)
    assert "did not end within 1 s" in problem.message
    assert good.pipelines


def test_what_a_file_prints_does_not_mix_with_the_answer(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(project, "loud.py", GOOD + "print('hello from the import')\n")
    (loaded,) = load(project, [project / "loud.py"])
    assert loaded.pipelines
    assert "hello" not in capfd.readouterr().out


def test_a_name_that_two_files_use_is_a_problem_of_the_second(project: Path) -> None:
    other = write(project, "other.py", GOOD)
    first, second = load(project, [project / "good.py", other])
    assert not first.problems
    assert not second.pipelines
    assert "good.py" in second.problems[0].message
    assert second.problems[0].line > 0


def test_a_run_is_prepared_with_its_parameters(project: Path) -> None:
    pipeline, parameters = prepare(project, project / "good.py", "", {"n": "7"})
    assert (pipeline.name, parameters) == ("twice", {"n": 7})


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [("", {"n": "x"}, "n='x'"), ("", {"m": 1}, "no parameter 'm'"), ("thrice", {}, "no pipeline 'thrice'")],
)
def test_a_run_that_cannot_be_prepared_says_why(project: Path, name: str, raw: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        prepare(project, project / "good.py", name, raw)


def test_a_run_of_a_file_that_hangs_is_refused(project: Path) -> None:
    stuck = write(project, "stuck.py", "import threading\nimport toque\nthreading.Event().wait()\n")
    with pytest.raises(UserError, match="did not end") as caught:
        prepare(project, stuck, "", {}, timeout_s=1.0)
    assert caught.value.line == 3


def test_one_of_several_pipelines_must_be_named(project: Path) -> None:
    (loaded,) = load(project, [write(project, "two.py", GOOD + GOOD[GOOD.index("@pipeline") :].replace("twice", "b"))])
    assert [pipeline.name for pipeline in loaded.pipelines] == ["twice", "b"]
    with pytest.raises(UserError, match="2 pipelines"):
        only(loaded)
    assert only(loaded, "b").name == "b"
    with pytest.raises(UserError, match="no pipeline in this file"):
        only(LoadedFile(file="x.py"))
