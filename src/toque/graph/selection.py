"""What a text selects of a graph of assets.

| text | selects |
|---|---|
| `marts.revenue` | the asset of this key |
| `marts.*` | those whose keys fit |
| `+revenue`, `2+revenue` | it with all it is made from, or that of two steps |
| `revenue+`, `revenue+1` | it with all that is made from it, or that of one step |
| `group:marts`, `tag:daily`, `owner:ana` | those with this group, tag or owner |
| `a, b` | both |
| `!raw.*` | not those: taken away from the rest, or from all when it comes alone |

The grammar is that of dbt where dbt has one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from toque.errors import UserError
from toque.graph.assets import Asset

_TERM: Final = re.compile(r"(?P<before>\d*\+)?(?P<core>[^+]+)(?P<after>\+\d*)?")
_METHODS: Final = ("group", "tag", "owner", "key")


class Selectable(NamedTuple):
    """An asset as a selection sees it."""

    key: str
    upstream: tuple[str, ...] = ()
    group: str = ""
    tags: tuple[str, ...] = ()
    owner: str = ""

    @classmethod
    def of(cls, asset: Asset) -> Selectable:
        """What it sees of one."""
        upstream = tuple(each.asset for each in asset.sources)
        return cls(asset.key, upstream, asset.group, asset.tags, asset.owner)


def select(text: str, assets: Iterable[Selectable]) -> tuple[str, ...]:
    """The keys that `text` selects, in the order of `assets`. Raises `UserError` for what selects nothing."""
    known = {asset.key: asset for asset in assets}
    wanted: set[str] = set()
    terms = [term for term in re.split(r"[,\s]+", text.strip()) if term]
    if not terms:
        raise UserError("The selection is empty.", fix="the key of an asset, or * for all")
    if all(term.startswith("!") for term in terms):
        wanted.update(known)
    for term in terms:
        if term.startswith("!"):
            wanted -= _term(term[1:], known)
        else:
            wanted |= _term(term, known)
    if not wanted:
        raise UserError(f"{text!r} selects nothing.", fix="toque assets lists what there is")
    return tuple(key for key in known if key in wanted)


def _term(term: str, known: Mapping[str, Selectable]) -> set[str]:
    parsed = _TERM.fullmatch(term)
    if parsed is None:
        raise UserError(f"{term!r} is no selection.", fix="marts.*, +revenue, revenue+1, group:marts or !raw.*")
    found = _core(parsed["core"], known)
    before, after = parsed["before"], parsed["after"]
    chosen = set(found)
    if before:
        upstream = {key: [each for each in asset.upstream if each in known] for key, asset in known.items()}
        chosen |= _reached(found, upstream, before.rstrip("+"))
    if after:
        downstream: dict[str, list[str]] = {key: [] for key in known}
        for asset in known.values():
            for each in asset.upstream:
                downstream.setdefault(each, []).append(asset.key)
        chosen |= _reached(found, downstream, after.lstrip("+"))
    return chosen


def _core(core: str, known: Mapping[str, Selectable]) -> set[str]:
    method, colon, pattern = core.partition(":")
    if colon and method not in _METHODS:
        near = difflib.get_close_matches(method, _METHODS, n=1)
        raise UserError(f"{method!r} is no way to select.", fix=f"{(near or ['group'])[0]}:{pattern}")
    match method if colon else "":
        case "group":
            found = {key for key, asset in known.items() if fnmatchcase(asset.group, pattern)}
        case "tag":
            found = {key for key, asset in known.items() if any(fnmatchcase(tag, pattern) for tag in asset.tags)}
        case "owner":
            found = {key for key, asset in known.items() if fnmatchcase(asset.owner, pattern)}
        case _:
            pattern = pattern if colon else core
            # The last part of a key is enough where only one asset has it.
            found = {key for key in known if fnmatchcase(key, pattern)} or _by_last_part(pattern, known)
    if not found:
        near = difflib.get_close_matches(pattern, known, n=1)
        fix = near[0] if near else "toque assets lists what there is"
        raise UserError(f"No asset is selected by {core!r}.", fix=fix)
    return found


def _by_last_part(name: str, known: Mapping[str, Selectable]) -> set[str]:
    found = {key for key in known if key.rpartition(".")[2] == name}
    if len(found) > 1:
        raise UserError(f"{name!r} is the end of {len(found)} keys.", fix=", ".join(sorted(found)))
    return found


def _reached(start: Iterable[str], edges: Mapping[str, list[str]], depth: str) -> set[str]:
    found: set[str] = set()
    front, left = set(start), int(depth) if depth else len(edges)
    while front and left > 0:
        front = {each for key in front for each in edges.get(key, ())} - found
        found |= front
        left -= 1
    return found
