"""The built UI is served as it lies there, and nothing else of the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.unit.api.asgi import Said, ask
from toque.api import errors
from toque.api.pages import router


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = tmp_path / "web"
    (built / "static").mkdir(parents=True)
    (built / "index.html").write_text("<html>the page</html>")
    (built / "static" / "index-1a2b.js").write_text("let x = 1")
    (built / "static" / "index-1a2b.js.gz").write_bytes(b"packed")
    (built / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret").write_text("do not tell")
    return built


async def get(folder: Path, path: str, **headers: str) -> Said:
    app = FastAPI()
    errors.install(app)
    app.include_router(router(folder))
    return await ask(app, path=path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("path", ["/", "/runs/1m82", "/pipelines/flights/grid", "/assets/marts.delays"])
async def test_every_page_of_the_ui_is_its_one_document(folder: Path, path: str) -> None:
    said = await get(folder, path)
    assert (said.status, said.body) == (200, b"<html>the page</html>")
    assert said.headers["cache-control"] == "no-cache"


async def test_assets_are_kept_for_ever_since_their_names_change(folder: Path) -> None:
    said = await get(folder, "/static/index-1a2b.js")
    assert said.body == b"let x = 1"
    assert "immutable" in said.headers["cache-control"]
    assert said.headers["content-type"].startswith("text/javascript")


async def test_packed_assets_are_sent_to_who_can_read_them(folder: Path) -> None:
    said = await get(folder, "/static/index-1a2b.js", Accept_Encoding="br, gzip")
    assert (said.headers["content-encoding"], said.body) == ("gzip", b"packed")


async def test_other_files_are_looked_at_anew(folder: Path) -> None:
    said = await get(folder, "/icon.svg")
    assert (said.headers["content-type"], said.headers["cache-control"]) == ("image/svg+xml", "no-cache")


async def test_an_asset_of_an_older_build_says_to_reload(folder: Path) -> None:
    said = await get(folder, "/static/gone.js")
    assert (said.status, "reload" in said.json["fix"]) == (404, True)


@pytest.mark.parametrize("path", ["/../secret", "/static/../../secret", "//secret", "/./../secret"])
async def test_no_path_leads_out_of_the_folder(folder: Path, path: str) -> None:
    assert b"do not tell" not in (await get(folder, path)).body


async def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder / "link").symlink_to(folder.parent / "secret")
    assert (await get(folder, "/link")).body == b"<html>the page</html>"


async def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    said = await get(tmp_path / "nothing", "/")
    assert (said.status, b"npm run build" in said.body) == (200, True)


async def test_an_operation_that_is_not_there_is_a_problem_not_a_page(folder: Path) -> None:
    said = await get(folder, "/api/v1/nope")
    assert (said.status, said.headers["content-type"]) == (404, "application/problem+json")
