"""Files as a destination: each batch becomes one file of a folder or a bucket, for whoever collects them there.

A file is named by when the sync began and by what it holds: names are in the order of time, and a batch that is written
again within one sync overwrites itself.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from toque.errors import UserError
from toque.ports.destinations import Operation, Record, Result

OPERATION = "_operation"


class FileDrop:
    """A folder (`/path`, `file:///path`) or a place in an object store (`s3://bucket/prefix`) that takes files."""

    def __init__(
        self,
        url: str,
        *,
        name: str = "",
        format: Literal["jsonl", "csv"] = "jsonl",  # noqa: A002 (as users call it)
        batch_size: int = 10_000,
        options: dict[str, Any] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if format not in ("jsonl", "csv"):
            raise UserError(f"{format!r} is no format of files", fix="'jsonl' or 'csv'")
        self._url = url
        self._format = format
        self._options = options or {}
        self._began = now().astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        self.name = name or url
        self.batch_size = batch_size

    def send(self, operation: Operation, records: Sequence[Record]) -> Sequence[Result]:
        """A new file, which is there as a whole or not at all."""
        rows = [{OPERATION: operation, **record.values} for record in records]
        content = _jsonl(rows) if self._format == "jsonl" else _csv(rows)
        name = f"{self._began}-{operation}-{hashlib.blake2b(content, digest_size=12).hexdigest()}.{self._format}"
        self._put(name, content)
        return [Result(id=name)] * len(records)

    def _put(self, name: str, content: bytes) -> None:
        if "://" in self._url and not self._url.startswith("file://"):
            import obstore

            place = obstore.store.from_url(self._url, **self._options)
            obstore.put(place, name, content)
            return
        folder = Path(self._url.removeprefix("file://"))
        folder.mkdir(parents=True, exist_ok=True)
        # The dot keeps it from those who collect `*.jsonl`.
        handle, partial = tempfile.mkstemp(prefix=f".{name}", dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(folder / name)


def _jsonl(rows: Sequence[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows).encode()


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
