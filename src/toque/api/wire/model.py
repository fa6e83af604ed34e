"""What all wire types share: times are integer microseconds since 1970-01-01 UTC (`…_us`, 0 = not yet)."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")
MAX_US = 2**53 - 1
"""Of a time that is asked for: what a JavaScript number holds exactly, in the year 2255."""
TimeUs = Annotated[int, Field(ge=0, le=MAX_US)]
Text = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=4000)]
"""Of a request: no database of ours holds a NUL, and nobody means one."""


class Wire(BaseModel):
    """A value that the API answers: each field is always there."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        json_schema_serialization_defaults_required=True,
    )


class Page(Wire, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = None
    """Opaque: hand it back as `cursor` for the following page; null at the end."""


class Problem(Wire):
    """Why a request was refused (RFC 9457), with what to do about it."""

    type: str
    """`about:blank`, or a path of this API's error classes."""
    title: str
    status: int
    detail: str = ""
    fix: str = ""
    errors: list[FieldProblem] = []


class FieldProblem(Wire):
    """One field that is wrong."""

    field: str
    message: str


Problem.model_rebuild()
