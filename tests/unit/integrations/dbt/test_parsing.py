"""What is kept of a parse, and what is said when there is none."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.unit.integrations.dbt.manifests import document, model
from toque.errors import UserError
from toque.integrations.dbt import commands, kept, parsing, results
from toque.integrations.dbt.parsing import Question


def said(message: str) -> str:
    """A line of dbt's log about an error."""
    return json.dumps({"info": {"level": "error", "msg": f"Encountered an error:\n{message}"}, "data": {}})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dbt" / "models" / "marts").mkdir(parents=True)
    (tmp_path / "dbt" / "dbt_project.yml").write_text("name: shop\nprofile: 'till'\n")
    (tmp_path / "dbt" / "models" / "marts" / "shop.yml").write_text("")
    return tmp_path / "dbt"


def test_an_error_of_dbt_names_the_file_and_line_of_the_project(project: Path) -> None:
    text = said("Compilation Error in model a (models/a.sql)\n  unexpected '}'\n\n    line 3\n      select {{ }")
    error = parsing._problem(text, project, "dbt")
    assert (error.file, error.line) == ("dbt/models/a.sql", 3)
    assert error.message.startswith("Compilation Error in model a")
    error = parsing._problem(
        said("Parsing Error\n  Error reading shop: shop.yml\n  Syntax error near line 2"), project, "dbt"
    )
    assert (error.file, error.line) == ("dbt/models/marts/shop.yml", 2)
    kinds = [said("Parsing Error\n  Validation failed."), said("Invalid name `day`"), said("Validation failed.")]
    error = parsing._problem("\n".join(reversed(kinds)), project, "dbt")
    assert error.message == "Parsing Error\n  Validation failed.\nInvalid name `day`"
    error = parsing._problem("Traceback\nKeyError", project, "dbt")
    assert (error.file, error.message) == ("dbt/dbt_project.yml", "KeyError")


def test_missing_packages_say_how_they_get_there(project: Path) -> None:
    error = parsing._problem(said('2 packages specified, but only 0 installed. Run "dbt deps"'), project, "dbt")
    assert "[bundle] include" in error.fix


def test_the_profile_of_a_project_is_called_as_it_says(project: Path) -> None:
    assert parsing.project_name(project) == "till"
    (project / "dbt_project.yml").write_text("name: shop\n")
    assert parsing.project_name(project) == "shop"


def test_without_dbt_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="dbt is not installed") as refused:
        commands.require_dbt("duckdb")
    assert refused.value.fix == "pip install 'toque[dbt]'"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "dbt.cli" or None)
    with pytest.raises(UserError, match="adapter for postgres is not installed"):
        commands.require_dbt("postgres")
    commands.require_dbt("")  # a profile of its own names an adapter that dbt itself complains about


def test_the_digest_is_of_what_dbt_reads_and_of_the_question(project: Path) -> None:
    first = kept.digest(project, Question())
    (project / "target").mkdir()
    (project / "target" / "manifest.json").write_text("{}")
    assert kept.digest(project, Question()) == first
    assert kept.digest(project, Question(select=("a",))) != first
    (project / "models" / "a.sql").write_text("select 1")
    assert kept.digest(project, Question()) != first


def test_a_manifest_is_read_again_only_when_its_project_changed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parses = []

    def parse(project: Path, directory: Path, *rest: object) -> None:
        parses.append(project)
        directory.mkdir()
        (directory / "manifest.json").write_bytes(document(model("a"), model("b", "a")))
        (directory / "selected.json").write_bytes(b'["model.shop.b"]')

    monkeypatch.setattr(parsing, "_parse", parse)
    home = project.parent / ".toque" / "dbt"
    for _ in range(3):
        found = parsing.parsed(project, home, None, Question(), shown="dbt")
    assert (len(parses), len(found.manifest.entries)) == (1, 2)
    (project / "models" / "a.sql").write_text("select 2")
    parsing.parsed(project, home, None, Question(), shown="dbt")
    some = parsing.parsed(project, home, None, Question(select=("b",)), shown="dbt")
    assert (len(parses), list(some.manifest.entries)) == (3, ["model.shop.b"])
    assert kept.manifests(home) == {"dbt": home / "dbt.json"}


def test_dbt_is_asked_in_its_own_words_what_is_selected(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def answer(command: list[str], place: commands.Place, shown: str) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        place.target.mkdir()
        (place.target / "manifest.json").write_bytes(document(model("a"), model("b", "a"), model("c", "b")))
        ids = ("model.shop.b", "source.shop.crm.contact", "semantic_model.shop.c", "exposure.shop.weekly")
        lines = [json.dumps({"info": {"level": "info", "msg": json.dumps({"unique_id": each})}}) for each in ids]
        return subprocess.CompletedProcess(command, 0, "\n".join(["no log", *lines]), "")

    monkeypatch.setattr(parsing, "_run", answer)
    question = Question(
        select=("tag:nightly+", "b"), exclude=("c",), indirect_selection="cautious", profile="mine", vars={"day": 1}
    )
    found = parsing.parsed(project, project.parent / ".toque" / "dbt", None, question, shown="dbt")
    assert list(found.manifest.entries) == ["model.shop.b"], "sources, exposures and metrics are not run"
    (words,) = asked
    said = " ".join(words[words.index("ls") :])
    for part in (
        "--profile mine",
        "--select tag:nightly+ b",
        "--exclude c",
        "--indirect-selection cautious",
        '--vars {"day":1}',
    ):
        assert part in said
    assert "--profiles-dir" not in said, "dbt finds the profile of the project by itself"


def test_a_profile_of_its_own_is_part_of_what_a_project_comes_to(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And relative paths in it are meant from where people work, not from a snapshot that nobody sees."""
    snapshot = project.parent / ".toque" / "bundles" / "abc"
    (snapshot / "dbt").mkdir(parents=True)
    (snapshot / ".toque-bundle.json").write_text("{}")
    assert kept.workdir_of(snapshot / "dbt") == kept.workdir_of(project) == project
    assert kept.workdir_of(snapshot / "gone") == snapshot / "gone"
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    (project / "profiles.yml").write_text("mine: {}")
    assert kept.profiles_of(project) == "mine: {}"
    monkeypatch.setenv("DBT_PROFILES_DIR", str(snapshot))
    assert kept.profiles_of(project) == ""
    place = parsing.place_of(snapshot / "dbt", project.parent, None, Question(profile="mine", target="prod"))
    assert (place.project, place.workdir, place.profile, place.target_name) == (
        snapshot / "dbt",
        project,
        "mine",
        "prod",
    )


def test_the_latest_manifest_keeps_the_sql_of_what_did_not_change(tmp_path: Path) -> None:
    def compiled(name: str, sql: str = "", **more: object) -> tuple[str, dict[str, object]]:
        unique_id, node = model(name, **more)
        return unique_id, {**node, "compiled_code": sql}

    kept.remember(tmp_path, "dbt", document(compiled("a", "select 1"), compiled("b", "select 2")))
    kept.remember(tmp_path, "dbt", document(compiled("a"), compiled("b", checksum={"checksum": "another"})))
    nodes = json.loads(kept.latest(tmp_path, "dbt").read_bytes())["nodes"]
    assert [nodes[f"model.shop.{name}"]["compiled_code"] for name in "ab"] == ["select 1", ""]


def test_a_snapshot_keeps_its_manifests_in_the_project_that_it_is_of(tmp_path: Path) -> None:
    snapshot = tmp_path / ".toque" / "bundles" / "abc"
    snapshot.mkdir(parents=True)
    assert kept.home_of(tmp_path) == tmp_path / ".toque" / "dbt"
    (snapshot / ".toque-bundle.json").write_text("{}")
    assert kept.home_of(snapshot) == tmp_path / ".toque" / "dbt"


def test_a_workplace_is_gone_at_its_end(tmp_path: Path) -> None:
    with kept.workplace(tmp_path, "one") as place:
        (place / "file").write_text("x")
    assert list((tmp_path / "builds").iterdir()) == []


def test_what_is_chosen_is_written_as_results_of_a_build(tmp_path: Path) -> None:
    results.write_chosen(tmp_path, ["model.shop.a", "test.shop.b.1"], {})
    raw = msgspec.json.decode((tmp_path / "run_results.json").read_bytes())
    assert [(each["unique_id"], each["status"]) for each in raw["results"]] == [
        ("model.shop.a", "error"),
        ("test.shop.b.1", "error"),
    ]
    assert [each.unique_id for each in results.results(tmp_path)] == ["model.shop.a", "test.shop.b.1"]
    assert list(results.results(tmp_path / "nowhere")) == []
