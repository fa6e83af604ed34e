"""The documentation that dbt has generated of a project: one page, served to whoever is signed in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, Response

from toque.api.errors import problem

CSP: Final = "; ".join(
    (
        "sandbox allow-scripts allow-popups",
        "default-src 'none'",
        "script-src 'unsafe-inline' 'unsafe-eval'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "font-src data:",
        "frame-ancestors 'none'",
    )
)
"""The page is dbt's and holds texts of the project: its scripts run in an origin of its own, which reaches nothing."""


def router(folder: Path) -> APIRouter:
    """Serves `<name>.html` of `folder` below the API, so that only those get it who are let in there."""
    docs = APIRouter(include_in_schema=False)

    @docs.get("/api/v1/dbt/{name}/docs")
    async def page(name: Annotated[str, PathParameter(pattern=r"^[\w-][\w.-]*$")]) -> Response:
        found = folder / f"{name}.html"
        if not found.is_file():
            return problem(
                404, f"there are no docs of {name}", fix=f'DbtProject("{name}", …, docs=True), and a run of it'
            )
        return FileResponse(found, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": CSP})

    return docs
