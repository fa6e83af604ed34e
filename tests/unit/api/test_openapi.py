"""The OpenAPI document in the repository is the one that the code makes."""

from __future__ import annotations

import json
from pathlib import Path

from toque.api.app import PREFIX, create_app
from toque.api.openapi import document

ROOT = Path(__file__).parents[3]


def test_the_file_is_what_the_code_says() -> None:
    written = (ROOT / "ui" / "openapi.json").read_text()
    assert written == document(), "python -m toque.api.openapi > ui/openapi.json"


def test_every_operation_has_a_name_of_its_own_a_tag_and_a_description() -> None:
    described = json.loads(document())
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert described["openapi"].startswith("3.1")
    assert len(set(names)) == len(names)
    assert all(operation["tags"] and operation["description"] for operation in operations)


def test_everything_but_health_stands_below_the_prefix() -> None:
    outside = {path for path in create_app().openapi()["paths"] if not path.startswith(PREFIX)}
    assert outside == {"/healthz", "/readyz"}


def test_every_answer_of_an_error_is_a_problem() -> None:
    described = json.loads(document())
    for path in described["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], operation["operationId"]
