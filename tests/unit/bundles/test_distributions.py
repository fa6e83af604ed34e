"""What is installed, told from the names of metadata directories."""

from __future__ import annotations

import json
from pathlib import Path

from toque.store.distributions import installed, python_version


def metadata(directory: Path, name: str, *, editable: Path | None = None) -> None:
    info = directory / f"{name}.dist-info"
    info.mkdir(parents=True)
    if editable is not None:
        origin = {"url": editable.as_uri(), "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(origin))


def test_distributions_are_listed_by_normalised_name_and_version(tmp_path: Path) -> None:
    metadata(tmp_path, "Zope.Interface-1.0")
    metadata(tmp_path, "a_b-2.1.post1")
    assert installed([str(tmp_path)]).versions == ("a-b==2.1.post1", "zope-interface==1.0")


def test_the_first_on_the_path_wins(tmp_path: Path) -> None:
    metadata(tmp_path / "one", "x-1")
    metadata(tmp_path / "two", "x-2")
    found = installed([str(tmp_path / "missing"), str(tmp_path / "one"), str(tmp_path / "two")])
    assert found.versions == ("x==1",)


def test_what_is_installed_in_place_counts_by_its_code(tmp_path: Path) -> None:
    code = tmp_path / "my code"
    (code / "src").mkdir(parents=True)
    metadata(tmp_path / "site", "mine-1.0", editable=code)
    by_path = installed([str(tmp_path / "site"), str(code / "src")])
    by_hook = installed([str(tmp_path / "site")])
    for found in (by_path, by_hook):
        assert found.versions == ()
        assert [(each.name, each.roots) for each in found.editables] == [("mine", (code / "src",))]


def test_a_flat_layout_is_imported_from_its_root(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    metadata(tmp_path / "site", "flat-1.0", editable=tmp_path / "flat")
    assert installed([str(tmp_path / "site")]).editables[0].roots == (tmp_path / "flat",)


def test_toque_itself_counts_by_its_version(tmp_path: Path) -> None:
    metadata(tmp_path, "toque-0.1.0", editable=tmp_path)
    assert installed([str(tmp_path)]).versions == ("toque==0.1.0",)


def test_this_environment_is_listed() -> None:
    assert any(version.startswith("msgspec==") for version in installed().versions)
    assert python_version().startswith("cpython 3.")
