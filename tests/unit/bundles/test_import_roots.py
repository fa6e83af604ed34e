"""Where modules of a bundle or a project are imported from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from toque.store import bundles
from toque.store.bundles import snapshot
from toque.store.distributions import Editable, Installed
from toque.worker import code


def test_a_bundle_leads_with_itself_and_its_source_directory(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "src").mkdir()
    (project / "src" / "own.py").write_text("")
    found = Installed((), (Editable("own", (project / "src",)),))
    monkeypatch.setattr(bundles, "installed", lambda: found)
    bundle = snapshot(project)
    assert code.import_roots(str(bundle.path)) == [str(bundle.path), str(bundle.path / "src")]


def test_a_project_as_it_stands_leads_with_what_python_looks_into(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(project / "src"), "/usr/lib/python3", str(project.parent / "other")])
    assert code.import_roots(str(project)) == [str(project), str(project / "src")]


def test_roots_come_first_and_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = snapshot(project)
    monkeypatch.setattr(sys, "path", ["", "/usr/lib/python3", str(bundle.path)])
    code.lead_with(str(bundle.path))
    assert sys.path == [str(bundle.path), "/usr/lib/python3"]
