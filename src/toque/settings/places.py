"""Where the store and the blobs are, unless the settings say otherwise: in `.toque` of the project."""

from __future__ import annotations

from pathlib import Path


def store_url(project: Path, url: str) -> str:
    """`url` with a relative SQLite path made absolute."""
    path = url.removeprefix("sqlite:///")
    if url and path == url:
        return url
    return f"sqlite:///{project / (path or '.toque/toque.db')}"


def blobs_url(project: Path, url: str) -> str:
    """`url` with a relative directory made absolute."""
    if "://" in url:
        return url
    return f"file://{project / (url or '.toque/blobs')}"
