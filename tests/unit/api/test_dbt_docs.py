"""The docs of dbt: for those who are let in, in an origin that reaches nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from toque.api.dbt_docs import router
from toque.api.guard import API


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "shop.html").write_text("<h1>shop</h1>")
    (tmp_path / "secret.html").write_text("secret")
    app = FastAPI()
    app.include_router(router(tmp_path / "docs"))
    return TestClient(app)


def test_the_page_is_served_in_a_sandbox(client: TestClient) -> None:
    answer = client.get("/api/v1/dbt/shop/docs")
    assert (answer.status_code, answer.text) == (200, "<h1>shop</h1>")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy


def test_it_lies_where_only_those_who_are_signed_in_get(client: TestClient) -> None:
    assert str(client.get("/api/v1/dbt/shop/docs").request.url.path).startswith(API)


def test_docs_that_nobody_has_made_are_asked_for(client: TestClient) -> None:
    answer = client.get("/api/v1/dbt/other/docs")
    assert answer.status_code == 404
    assert "docs=True" in answer.json()["fix"]


@pytest.mark.parametrize("name", ["..%2Fsecret", "..", "%2e%2e%2fsecret", ".hidden"])
def test_no_name_leads_out_of_the_folder(client: TestClient, name: str) -> None:
    assert client.get(f"/api/v1/dbt/{name}/docs").status_code in (404, 422)
