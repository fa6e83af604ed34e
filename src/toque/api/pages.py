"""The built UI: files below `/static` for ever, `index.html` for every page that it routes itself."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from toque.api.errors import problem

NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Toque</title>
<h1>The web UI is not built</h1>
<p>This is a checkout without it. Build it once: <code>cd ui &amp;&amp; npm ci &amp;&amp; npm run build</code>,
then reload this page. The HTTP API works: <a href="/api/v1/openapi.json">its description</a>.</p></html>
"""
FOR_EVER = "public, max-age=31536000, immutable"


def router(folder: Path) -> APIRouter:
    """Serves the built UI in `folder`; comes last, since it takes every path that is left."""
    pages = APIRouter(include_in_schema=False)

    @pages.api_route("/api/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    async def unknown(path: str) -> Response:
        return problem(404, f"there is no operation /api/{path}", fix="see /api/v1/openapi.json")

    @pages.get("/{path:path}")
    async def page(path: str, request: Request) -> Response:
        index = folder / "index.html"
        if not index.is_file():
            return HTMLResponse(NOT_BUILT)
        wanted = (folder / path).resolve()
        if path and wanted.is_relative_to(folder.resolve()) and wanted.is_file():
            return _file(wanted, path, request)
        if path.startswith("static/"):
            return problem(404, f"there is no file {path}", fix="reload the page: the server was updated")
        return FileResponse(index, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})

    return pages


def _file(wanted: Path, path: str, request: Request) -> Response:
    headers = {"Cache-Control": FOR_EVER if path.startswith("static/") else "no-cache"}
    kind = mimetypes.guess_type(path)[0]
    packed = wanted.with_name(wanted.name + ".gz")
    if "gzip" in request.headers.get("accept-encoding", "") and packed.is_file():
        return FileResponse(
            packed, media_type=kind, headers={**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        )
    return FileResponse(wanted, media_type=kind, headers=headers)
