"""Ordering: edges that follow from data. Whoever reads an asset comes after the node that writes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from toque.authoring import sites
from toque.authoring.trace import Draft, Trace
from toque.graph import assets as ir


def write(trace: Trace, draft: Draft, assets: Sequence[ir.Asset]) -> None:
    """`draft` makes these. Raises `UserError` for what is made already, and for what was read before."""
    node = _seen_from_outside(draft)
    for asset in assets:
        first = trace.writers.setdefault(asset.key, node)
        if first != node:
            raise sites.refuse(f"{asset.key} is made by {first} already: a run makes an asset once.")
        late = next((reader for key, reader in trace.readers if key == asset.key and reader != draft.id), None)
        if late is not None:
            raise sites.refuse(f"{late} reads {asset.key}, which is made only here.", fix=f"call {draft.id} before it")
        trace.assets[asset.key] = msgspec.structs.replace(asset, node=node)
    before = draft.fields.get("writes", ())
    draft.fields["writes"] = tuple(dict.fromkeys((*before, *(asset.key for asset in assets))))


def read(trace: Trace, draft: Draft, sources: Iterable[ir.Asset]) -> None:
    """`draft` reads these: it waits for what is made in this pipeline, the others are known to it."""
    keys = []
    for source in sources:
        trace.assets.setdefault(source.key, source)
        keys.append(source.key)
        trace.readers.append((source.key, draft.id))
        if source.key in trace.writers:
            trace.connect(draft, trace.writers[source.key], "order")
        for voucher in trace.vouchers.get(source.key, ()):
            trace.connect(draft, voucher, "order")
    before = draft.fields.get("reads", ())
    if keys or before:
        draft.fields["reads"] = tuple(dict.fromkeys((*before, *keys)))


def observe(trace: Trace, keys: Iterable[str]) -> None:
    """These are looked at and not waited for: the graph knows of them, and no edge follows."""
    for key in keys:
        trace.assets.setdefault(key, ir.Asset(key=key))


def make(trace: Trace, draft: Draft, assets: Sequence[ir.Asset]) -> None:
    """`draft` makes these from what they say that they are made from."""
    own = frozenset(asset.key for asset in assets)
    needed = [each for asset in assets for each in asset.upstream if each.asset not in own]
    read(trace, draft, (ir.Asset(key=each.asset) for each in needed if not each.observed))
    observe(trace, (each.asset for each in needed if each.observed))
    write(trace, draft, assets)


def _seen_from_outside(draft: Draft) -> str:
    """A task that is mapped has written when all its indexes have."""
    return draft.scope if draft.scope == f"{draft.id}[]" else draft.id
