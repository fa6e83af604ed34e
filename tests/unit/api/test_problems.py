"""Every error is a problem that says what happened and what to do."""

from __future__ import annotations

import logging
from typing import Annotated

import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel

from tests.unit.api.asgi import Said, ask
from toque.api import errors
from toque.api.errors import MEDIA_TYPE
from toque.errors import Conflict, NotFound, ToqueBug, UserError
from toque.ports.store import OwnershipLost, StoreUnavailable

RAISED: dict[str, tuple[Exception, int]] = {
    "missing": (NotFound("there is no run x", fix="look at the list"), 404),
    "conflict": (Conflict("it has ended"), 409),
    "user": (UserError("wrong rule", file="a.py", line=3, fix="write another"), 422),
    "store": (StoreUnavailable("disk full"), 503),
    "owner": (OwnershipLost(["r1"]), 409),
    "bug": (ToqueBug("an invariant"), 500),
    "other": (ZeroDivisionError("division by zero"), 500),
}


class Body(BaseModel):
    count: int


def application() -> FastAPI:
    app = FastAPI()
    errors.install(app)

    @app.get("/raises/{name}")
    async def raises(name: str) -> None:
        raise RAISED[name][0]

    @app.post("/body")
    async def body(body: Body, limit: Annotated[int, Query(ge=1)] = 1) -> None: ...

    return app


async def get(path: str, **fields: object) -> Said:
    try:
        return await ask(application(), path=path, **fields)  # type: ignore[arg-type]
    except ZeroDivisionError:
        raise AssertionError("the handler must answer before the error goes on") from None


@pytest.mark.parametrize("name", [name for name in RAISED if name != "other"])
async def test_each_kind_of_error_has_its_status(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    said = await get(f"/raises/{name}")
    assert (said.status, said.headers["content-type"]) == (RAISED[name][1], MEDIA_TYPE)
    assert said.json["status"] == said.status
    assert said.json["title"]


async def test_the_fix_and_the_place_come_along() -> None:
    assert (await get("/raises/missing")).json["fix"] == "look at the list"
    user = (await get("/raises/user")).json
    assert (user["detail"], user["fix"]) == ("a.py:3  wrong rule", "write another")


async def test_a_defect_tells_the_log_everything_and_the_client_nothing(caplog: pytest.LogCaptureFixture) -> None:
    said = await get("/raises/bug")
    assert "an invariant" not in said.json["detail"]
    assert "an invariant" in caplog.text


async def test_wrong_fields_are_named() -> None:
    said = await ask(
        application(),
        "POST",
        "/body",
        query="limit=0",
        headers={"Content-Type": "application/json"},
        body=b'{"count": "x"}',
    )
    assert said.status == 422
    assert {error["field"] for error in said.json["errors"]} == {"query.limit", "body.count"}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("PUT", "/body", 405)])
async def test_what_the_framework_refuses_is_a_problem_too(method: str, path: str, status: int) -> None:
    said = await ask(application(), method, path)
    assert (said.status, said.headers["content-type"]) == (status, MEDIA_TYPE)
