"""Requests and answers of the sandbox, and the errors of the API as exceptions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """One request, with its path split at slashes."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    """By lower-case name."""
    body: bytes = b""

    @property
    def path(self) -> str:
        """Without the query."""
        return urlsplit(self.target).path

    @property
    def parts(self) -> list[str]:
        """The segments of the path."""
        return [unquote(part) for part in self.path.split("/") if part]

    @property
    def query(self) -> dict[str, str]:
        """What follows the question mark."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json(self) -> Any:
        """The body. Raises `ApiError`."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError as problem:
            raise ApiError(400, "JSON_PARSER_ERROR", str(problem)) from problem


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int = 200
    content: bytes = b""
    kind: str = "application/json;charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """An error as the API words it."""

    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def row(self) -> dict[str, Any]:
        """As it stands in the results of a collection."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}

    def answer(self) -> Answer:
        """As the answer of a whole request."""
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields:
            error["fields"] = list(self.fields)
        return said([error], self.status)


def said(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(value).encode(), headers={k.replace("_", "-"): v for k, v in headers.items()})


def nothing() -> Answer:
    """204."""
    return Answer(204)
