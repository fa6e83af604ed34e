"""The `[openlineage]` of `toque.toml`: who is told, in whose name, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from toque.errors import UserError
from toque.settings import load
from toque.settings.tree import OpenLineage, Settings


def loaded(tmp_path: Path, text: str, **environ: str) -> Settings:
    (tmp_path / "toque.toml").write_text('name = "shop"\n' + text)
    return load(tmp_path, environ=environ)


def test_nobody_is_told_unless_it_is_said(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").openlineage is None


def test_a_file_stands_in_the_project_and_the_project_names_the_jobs(tmp_path: Path) -> None:
    assert loaded(tmp_path, '[openlineage]\nfile = "out/lineage.jsonl"').openlineage == OpenLineage(
        endpoint="api/v1/lineage", file=str(tmp_path / "out/lineage.jsonl"), namespace="shop"
    )


def test_a_collector_has_a_key_that_is_a_secret_and_names_for_connections(tmp_path: Path) -> None:
    text = """
        [openlineage]
        url = "http://${HOST}:5000"
        api_key = { secret = "env:KEY" }
        namespace = "sales"
        [openlineage.namespaces]
        app = "postgres://db:5432"
    """
    settings = loaded(tmp_path, text, HOST="marquez", KEY="k3y")
    said = settings.openlineage
    assert said is not None
    assert (said.url, said.namespace, said.namespaces) == (
        "http://marquez:5000",
        "sales",
        {"app": "postgres://db:5432"},
    )
    assert said.api_key is not None
    assert said.api_key.reveal() == "k3y"
    assert said.api_key in settings.all_secrets()


def test_a_key_that_is_written_out_is_a_secret_all_the_same(tmp_path: Path) -> None:
    said = loaded(tmp_path, '[openlineage]\nurl = "http://x"\napi_key = "k3y"').openlineage
    assert "k3y" not in repr(said)


def test_a_profile_may_tell_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "toque.toml").write_text(
        '[openlineage]\nfile = "a.jsonl"\n[profiles.prod.openlineage]\nfile = ""\nurl = "http://x"'
    )
    said = load(tmp_path, "prod", environ={}).openlineage
    assert said is not None
    assert (said.url, said.file) == ("http://x", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('namespace = "x"', "says nobody to tell"),
        ('url = "http://x"\nfile = "y"', "both url and file"),
        ('uri = "http://x"', "no key 'uri'"),
        ("url = 3", "openlineage.url"),
    ],
)
def test_what_tells_nobody_or_is_misspelt_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, f"[openlineage]\n{text}")
    assert message in caught.value.message
    assert caught.value.file.endswith("toque.toml")
