"""One pipeline, one sequence of bytes, one hash."""

from __future__ import annotations

import hashlib

import msgspec

from toque.graph.ir import Pipeline

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Pipeline)


_VALUES = ("meta", "policy", "concurrency")
"""Fields that hold a value of the IR, left out when that is the default. msgspec compares them by identity only."""


def encode(pipeline: Pipeline) -> bytes:
    """Canonical JSON, with origins: equal pipelines, equal bytes."""
    data = msgspec.to_builtins(pipeline)
    for holder in (data, *data.get("nodes", ())):
        for name in _VALUES:
            if holder.get(name) == {}:
                del holder[name]
    return _encoder.encode(data)


def decode(data: bytes) -> Pipeline:
    """The pipeline that `encode` was given. Raises `msgspec.ValidationError` with the JSON path."""
    return _decoder.decode(data)


def without_origin(pipeline: Pipeline) -> Pipeline:
    """The same pipeline with no trace of where it was written."""
    nodes = tuple(msgspec.structs.replace(node, origin=None) for node in pipeline.nodes)
    return msgspec.structs.replace(pipeline, nodes=nodes, origin=None)


def content_hash(pipeline: Pipeline) -> str:
    """First 16 hex digits of the SHA-256 of the canonical JSON without origins."""
    return hashlib.sha256(encode(without_origin(pipeline))).hexdigest()[:16]
