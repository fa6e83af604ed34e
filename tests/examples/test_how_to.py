"""Every Python block of the how-to pages is loaded, checked, run, and says what the page says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.examples.conftest import ROOT, Shell, blocks
from tests.unit.integrations.dbt.manifests import document, model
from toque.notify.webhook import signature

HOW_TO = ROOT / "docs" / "how-to"

RESULTS: dict[str, object] = {
    "fan-out.md": 15,
    "decide.md": "Ok(value='12 on disk in room-12')",
    "wait.md": "job-17 is done",
    "flows.md": 6,
    "commands.md": 4,
    "schedules.md": "all: 0:00:00",
    "loads.md": {"inserted": 3, "updated": 1, "deleted": 0, "ignored": 0},
    "reverse-etl.md": {"accepted": 1, "rejected": 1, "created": 1},
}


def pages_with_pipelines() -> set[str]:
    """Pages whose first block defines a pipeline or a flow."""
    return {
        page.name
        for page in HOW_TO.glob("*.md")
        if any("@pipeline" in block or "@flow" in block for block in blocks(page, "python")[:1])
    }


def test_every_page_with_a_pipeline_is_run() -> None:
    assert pages_with_pipelines() == {*RESULTS, "notifications.md", "test.md"}


@pytest.mark.parametrize("name", RESULTS)
def test_the_example_of_a_page_is_clean_and_gives_its_result(name: str, shell: Shell, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    needs_settings = isinstance(RESULTS[name], dict)
    (project / "toque.toml").write_text(blocks(HOW_TO / name, "toml")[0] if needs_settings else "")
    (project / "page.py").write_text(blocks(HOW_TO / name, "python")[0])
    shell("toque check --strict", project)
    said = json.loads(shell("toque run page.py --json", project).stdout)
    assert said["state"] == "succeeded"
    expected, result = RESULTS[name], said["result"]
    assert ({key: result[key] for key in expected} if isinstance(expected, dict) else result) == expected


def test_the_page_about_tests_shows_tests_that_pass(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "test_page.py").write_text("".join(blocks(HOW_TO / "test.md", "python")))
    (tmp_path / "dbt").mkdir()
    (tmp_path / "dbt" / "manifest.json").write_bytes(document(model("scores", "source.crm.contact")))
    assert "7 passed" in shell("python -m pytest -q -p no:cacheprovider test_page.py", tmp_path).stdout


def test_the_settings_on_the_page_about_connections_are_valid(shell: Shell, tmp_path: Path) -> None:
    page = HOW_TO / "connections.md"
    (tmp_path / "toque.toml").write_text(blocks(page, "toml")[0])
    (tmp_path / "page.py").write_text(blocks(page, "python")[0])
    for profile in ("", "--profile prod"):
        listed = json.loads(shell(f"toque connections list --json {profile}", tmp_path).stdout)
        assert [(each["name"], each["slots"]) for each in listed] == [("warehouse", 16 if profile else 4)]
    shell("toque check page.py", tmp_path)


@pytest.mark.parametrize("name", ["versions.md", "retention.md"])
def test_settings_shown_on_other_pages_are_valid(name: str, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "toque.toml").write_text(blocks(HOW_TO / name, "toml")[0])
    shell("toque list", tmp_path)


def test_the_preview_on_the_page_about_schedules_is_what_the_command_prints(shell: Shell, tmp_path: Path) -> None:
    page = HOW_TO / "schedules.md"
    (tmp_path / "toque.toml").write_text("")
    (tmp_path / "sales.py").write_text(blocks(page, "python")[0])
    (command,), (printed,) = blocks(page, "sh"), blocks(page, "text")
    assert shell(command, tmp_path).stdout == printed


def test_what_the_page_about_notifications_shows_is_valid(shell: Shell, tmp_path: Path) -> None:
    page = HOW_TO / "notifications.md"
    load = "from toque import pipeline, task\n\n\n@task\ndef load() -> None: ...\n\n\n"
    (tmp_path / "toque.toml").write_text(blocks(page, "toml")[0])
    (tmp_path / "sales.py").write_text(load + blocks(page, "python")[0])
    shell("toque check --strict sales.py", tmp_path)
    said = json.loads(shell("SLACK_URL=http://localhost:9/hook toque run sales.py --json", tmp_path).stdout)
    assert said["state"] == "succeeded"


def test_the_receiver_on_the_page_about_notifications_tells_genuine_messages_from_forged_ones() -> None:
    page: dict[str, object] = {}
    exec(blocks(HOW_TO / "notifications.md", "python")[1], page)
    is_genuine = page["is_genuine"]
    assert callable(is_genuine)
    body, made = b'{"kind": "failure"}', signature("secret", "1795000000", b'{"kind": "failure"}')
    assert is_genuine("secret", "1795000000", body, made)
    assert not is_genuine("secret", "1795000001", body, made)
    assert not is_genuine("other", "1795000000", body, made)
    assert not is_genuine("secret", "1795000000", body + b" ", made)
