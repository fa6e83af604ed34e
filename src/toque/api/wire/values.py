"""Values, shown: read without running user code."""

from __future__ import annotations

from typing import Any, Literal

from toque.api.wire.model import Wire

PreviewKind = Literal["table", "json", "text", "markdown", "image", "plot", "opaque", "none"]


class Preview(Wire):
    """A sample of a value."""

    kind: PreviewKind
    size_bytes: int
    type: str
    """Of the value, for people."""
    columns: list[str] | None = None
    rows: list[list[Any]] | None = None
    total_rows: int | None = None
    """Of a table or list, when known."""
    offset: int = 0
    """Of the first row."""
    text: str | None = None
    """Text, Markdown, or JSON indented."""
    data_url: str | None = None
    note: str | None = None
    """What is not shown, and why."""
