"""The example of the README does what the README says."""

from __future__ import annotations

from pathlib import Path

from tests.examples.conftest import ROOT, Shell, blocks


def test_the_example_runs_from_the_shell_and_in_a_test(shell: Shell, tmp_path: Path) -> None:
    (example,) = blocks(ROOT / "README.md", "python")
    project = tmp_path / "survey"
    project.mkdir()
    (project / "survey.py").write_text(example)
    assert "6 words on 3 pages" in shell("toque run survey.py -p site=example.com", project).stdout
    in_a_test = "from survey import survey; print(survey.run(site='example.com').result)"
    assert "6 words on 3 pages" in shell(f'python -c "{in_a_test}"', project).stdout


def test_the_example_is_short() -> None:
    (example,) = blocks(ROOT / "README.md", "python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 20
