"""The FastAPI application: all routes under `/api/v1`, behind the guard, with every error as a problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from toque import __version__
from toque.api import errors
from toque.api.access import COOKIE
from toque.api.described import describe_fields
from toque.api.routes import (
    actions,
    assets,
    automation,
    backfills,
    charts,
    connections,
    dbt,
    graphs,
    lineage,
    logs,
    partitions,
    pipelines,
    runs,
    schedules,
    sessions,
    syncs,
    system,
    tasks,
    versions,
)
from toque.api.services import Services
from toque.api.stream import routes as stream
from toque.api.wire.model import FieldProblem, Problem

PREFIX = "/api/v1"
ROUTERS = (
    sessions.router,
    pipelines.router,
    assets.router,
    automation.router,
    lineage.router,
    connections.router,
    syncs.router,
    graphs.router,
    charts.router,
    versions.router,
    schedules.router,
    backfills.router,
    partitions.router,
    runs.router,
    tasks.router,
    dbt.router,
    logs.router,
    actions.router,
    system.router,
    stream.router,
)
OPEN = frozenset({"sign_in", "healthz", "readyz"})
"""Operations that need no session."""


def create_app(services: Services | None = None, *, more: tuple[APIRouter, ...] = ()) -> FastAPI:
    """The application; without `services` it can only describe itself. `more`: routers of other parts."""
    app = FastAPI(
        title="Toque",
        version=__version__,
        description="Runs, pipelines, schedules and everything else that the command line and the web UI do.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.state.services = services
    errors.install(app)
    app.include_router(sessions.health)
    app.include_router(sessions.pages)
    routers = (*ROUTERS, *more)
    for router in routers:
        app.include_router(router, prefix=PREFIX)
    describe = app.openapi
    app.openapi = lambda: app.openapi_schema or _completed(app, routers, describe())  # type: ignore[method-assign]
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _completed(app: FastAPI, routers: Sequence[APIRouter], document: dict[str, Any]) -> dict[str, Any]:
    """The document with what FastAPI does not know: problems, sessions, the headers of writes."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in (Problem, FieldProblem):
        described = model.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
        described.pop("$defs", None)
        schemas[model.__name__] = described
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    describe_fields(document, routers)
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "The token of the project."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": COOKIE,
            "description": "What signing in gives a browser; the name ends in eight digits that stand for the project.",
        },
    }
    for path in document["paths"].values():
        for method, operation in path.items():
            _complete(method, operation)
    app.openapi_schema = document
    return document


def _complete(method: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    if operation["operationId"] not in OPEN:
        operation["security"] = [{"token": []}, {"session": []}]
        answers |= errors.documented(401, 403)
    if "422" in answers or operation.get("parameters") or "requestBody" in operation:
        answers["422"] = errors.documented(422)[422]
    answers |= {str(status): each for status, each in errors.documented(400, 503).items()}
    operation["responses"] = {str(status): answers[status] for status in sorted(answers, key=str)}
    if method in ("post", "delete") and operation["operationId"] != "sign_in":
        operation.setdefault("parameters", []).extend(
            [
                {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "required": False,
                    "description": "The same key again has no second effect, and gets the first answer.",
                    "schema": {"type": "string", "maxLength": 200},
                },
                {
                    "name": "X-Toque",
                    "in": "header",
                    "required": False,
                    "description": "`1`; required when the session cookie is what signs in.",
                    "schema": {"type": "string"},
                },
            ]
        )
