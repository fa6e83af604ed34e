"""Errors as `application/problem+json` (RFC 9457): what happened, and what to do next."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from toque.api.wire.model import FieldProblem, Problem
from toque.errors import Conflict, NotFound, ToqueError, UserError
from toque.ports.store import OwnershipLost, StoreUnavailable

log = logging.getLogger("toque.api")

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Refused",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    421: "Misdirected request",
    422: "Invalid",
    500: "A defect of Toque",
    503: "The store is unavailable",
}


def problem(status: int, detail: str, *, fix: str = "", errors: Sequence[FieldProblem] = ()) -> Response:
    """The answer."""
    body = Problem(
        type="about:blank",
        title=TITLES.get(status, "Error"),
        status=status,
        detail=detail,
        fix=fix,
        errors=list(errors),
    )
    return Response(body.model_dump_json(), status_code=status, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error as a problem."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ToqueError, _toque)
    app.add_exception_handler(Exception, _defect)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldProblem(field=".".join(str(part) for part in found["loc"]), message=str(found["msg"]))
        for found in error.errors()
    ]
    first = f"{errors[0].field}: {errors[0].message}" if errors else "the request is not valid"
    return problem(422, first, fix="see the description of the operation in /api/v1/openapi.json", errors=errors)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = problem(error.status_code, str(error.detail))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def _toque(request: Request, error: Exception) -> Response:
    match error:
        case NotFound():
            return problem(404, error.message, fix=error.fix)
        case Conflict():
            return problem(409, error.message, fix=error.fix)
        case UserError():
            return problem(422, _located(error), fix=error.fix)
        case StoreUnavailable():
            return problem(503, str(error), fix="try again in a moment")
        case OwnershipLost():
            return problem(409, str(error), fix="try again")
        case _:
            return await _defect(request, error)


async def _defect(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(
        500,
        f"{type(error).__name__} in {request.method} {request.url.path}",
        fix="this is a defect of Toque; the server's log has the traceback",
    )


def _located(error: UserError) -> str:
    where = f"{error.file}:{error.line}  " if error.file and error.line else f"{error.file}  " if error.file else ""
    return where + error.message


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: which problems an operation answers."""
    return {
        status: {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": {"$ref": PROBLEM_REF}}}}
        for status in statuses
    }


PROBLEM_REF = "#/components/schemas/Problem"
