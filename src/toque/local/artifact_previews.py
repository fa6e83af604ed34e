"""Artifacts as the attempt meant them: images as data, Markdown and links as text, the rest as values."""

from __future__ import annotations

import base64
from collections.abc import Callable

import msgspec

from toque.api.services import RecordedArtifact
from toque.api.wire.values import Preview
from toque.engine.values import ValueRef
from toque.local.closed_pickles import opened_bytes
from toque.ports.blobs import Blobs

MAX_IMAGE_BYTES = 4 * 1024 * 1024
KINDS = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
    b"<svg": "image/svg+xml",
    b"<?xml": "image/svg+xml",
}


def artifact_preview(artifact: RecordedArtifact, blobs: Blobs, preview: Callable[[ValueRef], Preview]) -> Preview:
    """`preview` shows what needs no special treatment."""
    ref = artifact.value
    if artifact.kind == "image":
        return _image(ref, blobs)
    shown = preview(ref)
    if artifact.kind == "markdown" and shown.kind == "text":
        return shown.model_copy(update={"kind": "markdown"})
    return shown


def _image(ref: ValueRef, blobs: Blobs) -> Preview:
    try:
        data = _image_bytes(ref, blobs)
    except KeyError:
        data = None
    if data is None or len(data) > MAX_IMAGE_BYTES:
        why = "it is no longer there, or no bytes" if data is None else f"larger than {MAX_IMAGE_BYTES:,} bytes"
        return Preview(kind="opaque", size_bytes=ref.size_bytes, type="image", note=why)
    kind = next((kind for magic, kind in KINDS.items() if data.lstrip().startswith(magic)), "")
    if not kind:
        return Preview(kind="opaque", size_bytes=len(data), type="image", note="neither PNG, JPEG, GIF, WebP nor SVG")
    url = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return Preview(kind="image", size_bytes=len(data), type=kind, data_url=url)


def _image_bytes(ref: ValueRef, blobs: Blobs) -> bytes | None:
    if ref.codec != "json":
        return opened_bytes(ref, blobs)
    tagged = msgspec.json.decode(ref.inline if ref.inline is not None else blobs.get(ref.blob or ""))
    if isinstance(tagged, dict) and tagged.get("$") == "bytes":
        return bytes.fromhex(tagged["v"])
    return tagged.encode() if isinstance(tagged, str) else None
