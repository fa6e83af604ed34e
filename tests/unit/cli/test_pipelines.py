"""`list`, `show`, `check` and `run --dry-run`: what a project defines, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Toque

GOOD = '''\
from toque import each, pipeline, task

@task
def extract(n: int) -> list[int]:
    return list(range(n))

@task(pool="heavy")
def square(x: int) -> int:
    return x * x

@pipeline(owner="data-team")
def numbers(n: int = 3):
    """Squares of numbers."""
    return square.map(x=each(extract(n)))
'''


@pytest.fixture
def flow(project: Path) -> Path:
    (project / "flow.py").write_text(GOOD)
    (project / "toque.toml").write_text("[pools]\nheavy = 2\n")
    return project


def test_pipelines_are_listed_with_their_place(toque: Toque, flow: Path) -> None:
    text = toque("list").out
    assert "numbers" in text
    assert "flow.py:11" in text
    assert "Squares of numbers." in text


def test_a_broken_file_is_shown_as_broken_and_the_rest_is_listed(toque: Toque, flow: Path) -> None:
    (flow / "broken.py").write_text("import toque\n1 / 0\n")
    answer = toque("list")
    assert answer.code == 2
    assert "broken.py:2  1 / 0" in answer.out
    assert "numbers" in answer.out


@pytest.mark.parametrize("target", ["numbers", "flow.py", "flow.py:numbers"])
def test_a_pipeline_is_shown_as_a_tree(toque: Toque, flow: Path, target: str) -> None:
    text = toque("show", target).out
    assert "extract" in text
    assert "square" in text


def test_a_pipeline_is_shown_as_mermaid_and_as_json(toque: Toque, flow: Path) -> None:
    assert toque("show", "numbers", "--mermaid").out.startswith("flowchart")
    data = toque("show", "numbers", "--json").json
    assert (data["name"], data["owner"]) == ("numbers", "data-team")
    assert [node["id"] for node in data["ir"]["nodes"]] == ["extract", "square[]", "square"]


@pytest.mark.parametrize("target", ["nothing", "nothing.py", "flow.py:nothing"])
def test_what_is_not_there_cannot_be_shown(toque: Toque, flow: Path, target: str) -> None:
    assert toque("show", target).code == 4


def test_a_good_project_has_no_problems(toque: Toque, flow: Path) -> None:
    answer = toque("check")
    assert (answer.code, answer.out.strip()) == (0, "✓ 1 file, 1 pipeline: no problems")


def test_two_assets_of_one_key_are_found_before_a_run_of_either(toque: Toque, flow: Path) -> None:
    one = "from toque import asset\n\n@asset(key='raw.orders')\ndef orders() -> int:\n    return 1\n"
    (flow / "one.py").write_text(one)
    (flow / "two.py").write_text(one)
    answer = toque("check")
    assert answer.code == 2
    assert "two.py:3\n  Two assets have the key raw.orders; the other one is in one.py." in answer.out
    (flow / "two.py").write_text("from one import orders\n")
    assert toque("check").code == 0  # one that is imported is the same


def test_what_is_missing_because_of_a_broken_file_is_named(toque: Toque, flow: Path) -> None:
    (flow / "more.py").write_text(GOOD.replace("numbers", "more") + "\n@pipeline\ndef others():\n    return (\n")
    answer = toque("check")
    assert answer.code == 2
    assert "more.py cannot be loaded as it is: missing because of it: more, others" in answer.out
    assert toque("check", "--json").json["missing"] == {"more.py": ["more", "others"]}


def test_a_project_inside_of_the_project_is_left_out_and_named(toque: Toque, flow: Path) -> None:
    (flow / "inner").mkdir()
    (flow / "inner" / "toque.toml").write_text("")
    (flow / "inner" / "flow.py").write_text(GOOD)
    answer = toque("check")
    assert answer.code == 0
    assert "inner/ is a project of its own" in answer.out
    assert answer.out.strip().endswith("✓ 1 file, 1 pipeline: no problems")


def test_a_map_is_one_task_in_the_list(toque: Toque, flow: Path) -> None:
    (line,) = [line for line in toque("list").out.splitlines() if line.startswith("numbers")]
    assert line.split()[2] == "2"
    assert toque("list", "--json").json["pipelines"][0]["tasks"] == 2


def test_names_that_the_settings_do_not_know_are_problems(toque: Toque, flow: Path) -> None:
    (flow / "toque.toml").write_text("[pools]\nheavi = 2\n")
    answer = toque("check", "--json")
    (problem,) = answer.json["problems"]
    assert answer.code == 2
    assert (problem["file"], problem["fix"]) == ("flow.py", "did you mean 'heavi'?")
    assert problem["line"] == 14
    assert toque("run", "flow.py", "--dry-run").code == 2


def test_a_problem_has_file_line_and_fix(toque: Toque, flow: Path) -> None:
    (flow / "flow.py").write_text(GOOD.replace("x=each(extract(n))", "x=extract(n)"))
    answer = toque("check")
    assert answer.code == 2
    assert "flow.py:14" in answer.out
    assert "each(" in answer.out


def test_types_that_do_not_fit_are_problems(toque: Toque, flow: Path) -> None:
    (flow / "flow.py").write_text(GOOD.replace("def square(x: int)", "def square(x: dict[str, int])"))
    answer = toque("check")
    assert answer.code == 2
    assert "flow.py:14" in answer.out
    assert "x of square takes dict[str, int]" in answer.out
    assert "1 file, 1 pipeline: 1 error" in answer.out


def test_a_warning_is_an_error_only_when_asked(toque: Toque, flow: Path) -> None:
    body = "@flow\nasync def f() -> str:\n    return str(datetime.datetime.now())\n"
    (flow / "clock.py").write_text(f"import datetime\nfrom toque import flow\n\n{body}")
    answer = toque("check", "--json")
    assert [problem["severity"] for problem in answer.json["problems"]] == ["warning"]
    assert answer.code == 0
    assert toque("check", "--strict").code == 2
    assert "1 warning" in toque("check").out


def test_a_file_that_is_not_there_cannot_be_checked(toque: Toque, flow: Path) -> None:
    assert toque("check", "nothing.py").code == 4


def test_a_dry_run_shows_parameters_and_tasks_and_writes_nothing(toque: Toque, flow: Path) -> None:
    data = toque("run", "flow.py", "--dry-run", "-p", "n=5", "--json").json
    assert (data["pipeline"], data["parameters"]) == ("numbers", {"n": 5})
    assert [(task["id"], task["mapped"]) for task in data["tasks"]] == [("extract", False), ("square", True)]
    assert "n = 3" in toque("run", "flow.py:numbers", "--dry-run").out
    assert not (flow / ".toque" / "toque.db").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("-p", "n=x"), "n='x'"), (("-p", "m=1"), "no parameter 'm'"), (("-p", "n"), "KEY=VALUE")],
)
def test_parameters_that_do_not_fit_are_refused(
    toque: Toque, flow: Path, arguments: tuple[str, ...], message: str
) -> None:
    answer = toque("run", "flow.py", "--dry-run", *arguments)
    assert (answer.code, message in answer.err) == (2, True)
