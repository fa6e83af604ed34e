"""Previews: a page of a value, read without running anybody's code.

JSON, tables (Arrow, Parquet) and pickles of plain data are shown. Any other pickle stays closed: to open it is to run
it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from toque.api.plain import plain
from toque.api.services import Part, RecordedArtifact, RecordedMetric
from toque.api.wire.values import Preview
from toque.engine.values import TaskKey, ValueRef
from toque.graph.expr import Access
from toque.local.artifact_previews import artifact_preview
from toque.local.closed_pickles import Closed, opened_item, opened_value
from toque.local.recording import recorded
from toque.local.table_previews import arrow_preview, parquet_preview
from toque.ports.blobs import Blobs
from toque.worker import chunks

MAX_TEXT = 256 * 1024
"""Characters of a text or of JSON that one preview shows."""
MAX_JSON_BYTES = 16 * 1024 * 1024
"""A larger JSON blob is not parsed for a look at it."""


class Previews:
    """A `Values` (see `toque.api.services`)."""

    def __init__(self, blobs: Blobs, logs: Path) -> None:
        self._blobs = blobs
        self._logs = logs

    def preview(self, ref: ValueRef, part: Part = Part()) -> Preview:  # noqa: B008 - a frozen value
        """See `Values.preview`."""
        try:
            return self._preview(ref, part)
        except KeyError:
            return opaque(ref, "its blob is gone: was it removed by retention?")
        except ImportError:
            return opaque(ref, "to look at tables, the server needs pyarrow: pip install 'toque[arrow]'")
        except (OSError, ValueError, msgspec.MsgspecError) as problem:
            return opaque(ref, f"it cannot be read: {problem}")

    def artifact(self, artifact: RecordedArtifact, part: Part = Part()) -> Preview:  # noqa: B008 - the same
        """See `Values.artifact`."""
        return artifact_preview(artifact, self._blobs, lambda ref: self.preview(ref, part))

    def recorded(self, run_id: str, key: TaskKey) -> tuple[list[RecordedMetric], list[RecordedArtifact]]:
        """See `Values.recorded`."""
        metrics, artifacts = [], []
        for each in recorded(self._logs, run_id):
            if each.task != key.task or each.map_index != key.map_index:
                continue
            if each.signal == "metric":
                if isinstance(each.value, int | float):  # what is infinite or not a number is null in JSON
                    metrics.append(RecordedMetric(name=each.name, at_us=each.t, value=each.value))
            else:
                small = each.inline or msgspec.json.encode(each.value)
                ref = ValueRef(each.codec, None if each.blob else small, each.blob or None, each.size_bytes)
                artifacts.append(RecordedArtifact(name=each.name, kind=each.kind, value=ref))
        return metrics, artifacts

    def _preview(self, ref: ValueRef, part: Part) -> Preview:
        match ref.codec:
            case "json":
                if ref.size_bytes > MAX_JSON_BYTES:
                    return opaque(ref, "too large to be parsed for a look at it")
                return self._of(plain(self._json(ref)), ref, part)
            case "chunks" if part.item is not None or part.path:
                item = self._chunk_items(ref, part.item or 0, 1)[1]
                rest = Part(offset=part.offset, limit=part.limit, path=part.path)
                return self._of(item[0], ref, rest) if item else opaque(ref, "there is no such item")
            case "chunks":
                count, items = self._chunk_items(ref, part.offset, part.limit)
                return rows_preview(items, count, part.offset, ref.size_bytes, "list")
            case "arrow" | "parquet" if part.item is not None or part.path:
                return opaque(ref, "a part of a table is not shown here: see the output of its task")
            case "arrow":
                return arrow_preview(ref, self._blobs, part)
            case "parquet":
                return parquet_preview(ref, self._blobs, part)
            case _:
                return self._of(opened_value(ref, self._blobs), ref, part)

    def _of(self, data: Any, ref: ValueRef, part: Part) -> Preview:
        """Of plain JSON, or `Closed`."""
        if data is Closed:
            return opaque(ref, "no plain data: only workers open it, since to open it is to run code")
        try:
            value = projected(data, part.item, part.path)
        except LookupError:
            return opaque(ref, "this part of it cannot be shown")
        return data_preview(value, ref.size_bytes, part)

    def _json(self, ref: ValueRef) -> Any:
        if ref.inline is not None:
            return msgspec.json.decode(ref.inline)
        return msgspec.json.decode(self._blobs.get(ref.blob or ""))

    def _chunk_items(self, ref: ValueRef, offset: int, limit: int) -> tuple[int, list[Any]]:
        reader = chunks.Reader(self._blobs, ref.blob or "", msgspec.msgpack.decode)
        end = min(len(reader), offset + limit)
        return len(reader), [opened_item(reader.item(position)) for position in range(offset, end)]


def data_preview(value: Any, size_bytes: int, part: Part) -> Preview:
    """Of plain JSON."""
    match value:
        case None:
            return Preview(kind="none", size_bytes=size_bytes, type="None")
        case str():
            return Preview(kind="text", size_bytes=size_bytes, type="str", text=value[:MAX_TEXT])
        case list() if value and all(isinstance(row, dict) for row in value):
            page = value[part.offset : part.offset + part.limit]
            return rows_preview(page, len(value), part.offset, size_bytes, "list")
        case list():
            page = value[part.offset : part.offset + part.limit]
            return rows_preview(page, len(value), part.offset, size_bytes, "list")
        case _:
            return json_preview(value, size_bytes, type(value).__name__)


def rows_preview(page: Sequence[Any], total: int, offset: int, size_bytes: int, kind: str) -> Preview:
    """A page of a list: a table if its items are records, else JSON."""
    if page and all(isinstance(row, dict) for row in page):
        columns = list(dict.fromkeys(key for row in page for key in row))
        rows = [[row.get(column) for column in columns] for row in page]
        return Preview(
            kind="table",
            size_bytes=size_bytes,
            type=f"{kind} of {total:,} records",
            columns=columns,
            rows=rows,
            total_rows=total,
            offset=offset,
        )
    shown = json_preview(["(closed)" if item is Closed else item for item in page], size_bytes, f"{kind} of {total:,}")
    hidden = any(item is Closed for item in page)
    note = "items that are no plain data stay closed" if hidden else shown.note
    return shown.model_copy(update={"total_rows": total, "offset": offset, "note": note})


def json_preview(value: Any, size_bytes: int, kind: str) -> Preview:
    """Indented text."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    cut = len(text) > MAX_TEXT
    return Preview(
        kind="json",
        size_bytes=size_bytes,
        type=kind,
        text=text[:MAX_TEXT],
        note=f"the first {MAX_TEXT:,} of {len(text):,} characters" if cut else None,
    )


def opaque(ref: ValueRef, note: str) -> Preview:
    """What cannot be shown, and why."""
    return Preview(kind="opaque", size_bytes=ref.size_bytes, type=ref.codec, note=note)


def projected(value: Any, item: int | None, path: tuple[Access, ...]) -> Any:
    """A part of plain data. Raises `LookupError`."""
    try:
        if item is not None:
            value = list(value)[item] if isinstance(value, dict) else value[item]
        for _, key in path:
            value = value[key] if isinstance(value, list | str) and isinstance(key, int) else value[str(key)]
    except TypeError:
        raise LookupError(path) from None
    return value
