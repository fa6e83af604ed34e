"""Pipelines without a body: what they make is said, and the graph follows from what that is made from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from types import FrameType
from typing import TYPE_CHECKING, Any

from toque.authoring import sites
from toque.authoring.assets import Asset, Source
from toque.authoring.sites import Site
from toque.errors import UserError
from toque.graph.selection import Selectable
from toque.graph.selection import select as select_keys

if TYPE_CHECKING:
    from toque.authoring.pipelines import Pipeline


class Selection:
    """What `select()` makes: resolved when the module that it stands in has been read."""

    def __init__(self, text: str, scope: Mapping[str, Any], site: Site) -> None:
        self.text = text
        self._scope = scope
        self._site = site

    def assets(self) -> list[Asset[..., Any]]:
        """Those that it selects among the assets of its module, imported ones included."""
        known = assets_of(self._scope.values())
        try:
            chosen = select_keys(self.text, map(selectable, known))
        except UserError as error:
            raise self._site.error(error.message, fix=error.fix) from None
        return [each for each in known if each.key in chosen]


def select(text: str) -> Selection:
    """A selection of this module's assets: `pipeline("nightly", assets=select("marts.*+"))`."""
    return Selection(text, _caller().f_globals, sites.here())


def stages_of(name: str, selection: str, known: Sequence[Asset[..., Any]]) -> list[Pipeline[[], None]]:
    """Pipelines that make the selected ones of a project's assets. A run is of one partition, so assets that are cut
    in different ways are made by different runs, each after those that it reads from. Raises `UserError`."""
    from toque.authoring.pipelines import Pipeline

    keys = select_keys(selection, map(selectable, known))
    chosen = ordered(_checked([each for each in known if each.key in keys], Site("", 0)), Site("", 0))
    cuts = {each.key: each.__toque_partitions__ for each in chosen}
    stage: dict[str, int] = {}
    groups: dict[tuple[int, Any], list[Asset[..., Any]]] = {}
    for each in chosen:
        before = [source.key for source, _ in each.reads if source.key in stage]
        stage[each.key] = max((stage[key] + (cuts[key] != cuts[each.key]) for key in before), default=0)
        groups.setdefault((stage[each.key], cuts[each.key]), []).append(each)
    return [Pipeline(body_of(name, groups[key], {}), {}) for key in sorted(groups, key=lambda key: key[0])]


def body_of(name: str, assets: Selection | Sequence[Any], scope: Mapping[str, Any] | None = None) -> Callable[[], None]:
    """The body that a pipeline of these assets would have: each is called, after those that it is made from."""
    site = sites.here()

    def body() -> None:
        chosen = assets.assets() if isinstance(assets, Selection) else list(assets)
        for each in ordered(_checked(chosen, site), site):
            each()

    where = scope if scope is not None else _caller().f_globals
    body.__name__ = name
    body.__qualname__ = f"<locals>.{name}"  # nobody finds it by its name, and nobody needs to
    body.__module__ = str(where.get("__name__", ""))
    body.__doc__ = ""
    body.__toque_site__ = site  # type: ignore[attr-defined]
    return body


def ordered(assets: Iterable[Asset[..., Any]], site: Site) -> list[Asset[..., Any]]:
    """Those that others are made from come first; else as they are given."""
    by_key = {each.key: each for each in assets}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for key, each in by_key.items():
        sorter.add(key, *(source.key for source, _ in each.reads if source.key in by_key))
    try:
        return [by_key[key] for key in sorter.static_order()]
    except CycleError as error:
        raise site.error(f"A cycle of assets: {' → '.join(reversed(error.args[1]))}.") from None


def assets_of(values: Iterable[Any]) -> list[Asset[..., Any]]:
    """The assets among some values, each once."""
    return list({id(each): each for each in values if isinstance(each, Asset)}.values())


def selectable(each: Asset[..., Any]) -> Selectable:
    """As a selection sees it."""
    return Selectable.of(each.described())


def _checked(assets: Iterable[Any], site: Site) -> list[Asset[..., Any]]:
    found: dict[str, Asset[..., Any]] = {}
    for each in assets:
        if not isinstance(each, Asset):
            what = f"{each.key} is made by something else" if isinstance(each, Source) else f"{each!r} is no asset"
            raise site.error(f"{what}: a pipeline cannot make it.", fix="assets=[…] of functions with @asset")
        if found.setdefault(each.key, each) is not each:
            raise site.error(f"Two assets have the key {each.key}.", fix=f'@asset(key="{each.key}_2")')
    if not found:
        raise site.error("assets is empty: the pipeline would make nothing.", fix='assets=[orders], or select("*")')
    return list(found.values())


def _caller() -> FrameType:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("toque."):
        frame = frame.f_back
    return frame
