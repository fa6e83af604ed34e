"""The documentation is current: generated pages, links, keys and words."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from toque.engine.states import RunState, TaskState
from toque.settings import Environment, Retention
from toque.settings import load as settings_load
from toque.settings.bundle import BundleTable

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["states.md", "commands.md", "python.md", "http-api.md"])
def test_generated_pages_are_current(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text()
    assert written == generator().PAGES[name](), "run python docs/generate.py"


def test_every_name_of_the_package_says_what_it_is() -> None:
    page = generator().PAGES["python.md"]()
    silent = re.findall(r"^\| `(\w+)` \|  \|$", page, re.MULTILINE)
    assert not silent


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing


def test_every_key_of_the_settings_is_explained() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    loader = importlib.import_module("toque.settings.load")
    top = {field.encode_name for field in msgspec.structs.fields(loader._File)}
    nested = {
        "retention": {"age", "keep_last"},
        "bundle": {field.name for field in msgspec.structs.fields(BundleTable)},
        "environments.NAME": {field.name for field in msgspec.structs.fields(Environment)},
    }
    assert {field.name for field in msgspec.structs.fields(Retention)} == {"age_s", "keep_last"}
    for key in top:
        assert re.search(rf"^\| `{key}[`.]", page, re.MULTILINE), key
    for table, keys in nested.items():
        for key in keys:
            assert f"`{table}.{key}`" in page


def test_the_documented_defaults_are_the_defaults(tmp_path: Path) -> None:
    settings = settings_load(tmp_path, environ={})
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    assert f"`{settings.retention.keep_last}`" in page
    assert settings.retention.age_s == 90 * 86_400
    assert str(settings.project / ".toque/toque.db") in settings.store_url


def test_the_glossary_names_every_state() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text()
    assert not [state for state in (*TaskState, *RunState) if f"`{state}`" not in page]


def test_the_architecture_page_points_at_files_that_exist() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]*(?:\.py)?)`", page)
    roots = (ROOT, ROOT / "src" / "toque")
    assert named
    assert not [name for name in named if not any((root / name).exists() for root in roots)]


def test_every_decision_is_listed_and_numbered_once() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text()
    pages = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert not [name for name in pages if f"({name})" not in listed]
    assert len({name[:4] for name in pages}) == len(pages)


def test_every_decision_that_the_code_cites_exists() -> None:
    numbers = {path.name[:4] for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")}
    cited = {
        number for path in (ROOT / "src").rglob("*.py") for number in re.findall(r"\bADR (\d{4})\b", path.read_text())
    }
    assert cited <= numbers
