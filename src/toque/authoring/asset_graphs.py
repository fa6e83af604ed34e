"""Pipelines without a body: what they make is said, and the graph follows from what that is made from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from types import FrameType
from typing import TYPE_CHECKING, Any

from toque.authoring import sites
from toque.authoring.assets import Asset, Source
from toque.authoring.producers import Producer, producers_among, read_by, written_by
from toque.authoring.sites import Site
from toque.errors import UserError
from toque.graph import assets as ir
from toque.graph.partitions import Matching
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

    def assets(self) -> list[Producer]:
        """What makes those that it selects among the assets of its module, imported ones included."""
        try:
            return chosen_among(self.text, producers_among(self._scope.values()))
        except UserError as error:
            raise self._site.error(error.message, fix=error.fix) from None


def select(text: str) -> Selection:
    """A selection of this module's assets: `pipeline("nightly", assets=select("marts.*+"))`."""
    return Selection(text, _caller().f_globals, sites.here())


def chosen_among(selection: str, known: Sequence[Producer]) -> list[Producer]:
    """What makes the selected ones of the assets that `known` make. Raises `UserError`."""
    described = [asset for each in known for asset in each.described()]
    keys = frozenset(select_keys(selection, map(Selectable.of, described)))
    return [each.chosen(keys) for each in known if not keys.isdisjoint(written_by(each))]


def stages_of(name: str, selection: str, known: Sequence[Producer], *, apart: bool = False) -> list[Pipeline[[], None]]:
    """Pipelines that make the selected ones of a project's assets. A run is of one partition, so assets that are cut
    in different ways are made by different runs, each after those that it reads from; so is one that reads other
    slices than its own of what is cut as it is. `apart`: each has a pipeline of its own. Raises `UserError`."""
    from toque.authoring.pipelines import Pipeline

    nowhere = Site("", 0)
    chosen = ordered(_checked(chosen_among(selection, known), nowhere), nowhere)
    cuts = {key: asset.partitions for each in chosen for asset in each.described() for key in written_by(each)}
    stage: dict[str, int] = {}
    groups: dict[tuple[int, Any], list[Producer]] = {}
    for each in chosen:
        keys = written_by(each)
        cut = cuts[keys[0]]
        before = [source for source in read_by(each) if source in stage]
        others = _reading_other_slices(each)
        number = max((stage[key] + (apart or cuts[key] != cut or key in others) for key in before), default=0)
        stage.update(dict.fromkeys(keys, number))
        groups.setdefault((number, keys if apart else cut), []).append(each)
    return [Pipeline(body_of(name, groups[key], {}), {}) for key in sorted(groups, key=lambda key: key[0])]


def _reading_other_slices(producer: Producer) -> set[str]:
    """The keys of what it reads by a mapping: other slices than the one of the run."""
    return {
        each.asset for asset in producer.described() for each in asset.sources if not isinstance(each.mapping, Matching)
    }


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


def ordered(producers: Iterable[Producer], site: Site) -> list[Producer]:
    """Those that others are made from come first; else as they are given."""
    whole = list(producers)
    parts = [part for each in whole for part in each.split(_others(each, whole))]
    maker = {key: number for number, each in enumerate(parts) for key in written_by(each)}
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for number, each in enumerate(parts):
        sorter.add(number, *(maker[key] for key in read_by(each) if key in maker))
    try:
        return [parts[number] for number in sorter.static_order()]
    except CycleError as error:
        cycle = (written_by(parts[number])[0] for number in reversed(error.args[1]))
        raise site.error(f"A cycle of assets: {' → '.join(cycle)}.") from None


def _others(producer: Producer, all_of_them: Sequence[Producer]) -> tuple[ir.Asset, ...]:
    return tuple(asset for each in all_of_them if each is not producer for asset in each.described())


def _checked(producers: Iterable[Any], site: Site) -> list[Producer]:
    makers: dict[str, Producer] = {}
    found: dict[int, Producer] = {}
    for each in producers:
        if not isinstance(each, Producer):
            what = f"{each.key} is made by something else" if isinstance(each, Source) else f"{each!r} is no asset"
            raise site.error(f"{what}: a pipeline cannot make it.", fix="assets=[…] of functions with @asset, loads, …")
        found[id(each)] = each
        for key in written_by(each):
            if makers.setdefault(key, each) is not each:
                own = f'@asset(key="{key}_2")' if isinstance(each, Asset) else "leave it to one of them"
                raise site.error(f"Two assets have the key {key}. Makers: {makers[key]!r}, {each!r}.", fix=own)
    if not found:
        raise site.error("assets is empty: the pipeline would make nothing.", fix='assets=[orders], or select("*")')
    return list(found.values())


def _caller() -> FrameType:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("toque."):
        frame = frame.f_back
    return frame
