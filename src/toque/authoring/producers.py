"""Producers: whatever makes data objects as nodes of a pipeline: `@asset`, `load(…)`, `sync(…)`, a dbt project.

A producer stands in `pipeline("revops", assets=[…])`, is chosen by `select()` and `toque materialize`, and is called in
the body of a `@pipeline`. What it makes, and what that is made from, is what `described()` says: everything else
follows. An own one is a subclass; `.options(…)` is its own, since each has its own options.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from toque.authoring.sites import Site
from toque.graph import assets as ir
from toque.graph.ir import TaskNode


class Producer(ABC):
    """Something that makes data objects."""

    __toque_kind__ = "asset"

    @property
    @abstractmethod
    def name(self) -> str:
        """What its node is called, or the group of its nodes."""

    @property
    @abstractmethod
    def site(self) -> Site:
        """Where its author wrote it."""

    @abstractmethod
    def described(self) -> tuple[ir.Asset, ...]:
        """What it makes, and what each of that is made from. `node` is filled in by whoever has one.

        A dependency that is only observed orders nothing: see `ir.AssetDependency`.
        """

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """In the body of a pipeline: add its nodes, after those that make what it reads."""

    @abstractmethod
    def after(self, *upstream: object) -> Producer:
        """The same, after results that it is not passed."""

    def chosen(self, keys: frozenset[str]) -> Producer:
        """What makes these of its assets (at least one is its own) and as little else as it can."""
        return self

    def split(self, others: Sequence[ir.Asset]) -> Sequence[Producer]:
        """The producers that it comes to beside those of `others`: a dbt project is several where something else is
        made from one of its models and another model is made from that."""
        return (self,)

    def lines(self) -> Mapping[str, int]:
        """Line of each of its assets in the file that its module was made from, as far as that is known."""
        return {asset.key: self.site.line for asset in self.described()}


class Node(Producer):
    """A producer that is written as a call: it knows its line and its module."""

    def __init__(self, name: str, settings: Mapping[str, Any], site: Site, module: str) -> None:
        self.settings = settings
        self.upstream: tuple[object, ...] = ()
        self.__module__ = module
        self._name = name
        self._site = site

    @property
    def name(self) -> str:
        """As stated, else after what it makes."""
        return str(self.settings.get("name") or self._name)

    @property
    def site(self) -> Site:
        """Of the call that made it."""
        return self._site

    @abstractmethod
    def is_run_by(self, node: TaskNode) -> bool:
        """Whether a node does its work, of those that a call of it adds: a test puts something in its place."""

    def _changed(self, **changes: Any) -> Self:
        """A copy with other settings or more to wait for."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.__dict__.update(changes)
        return made


def written_by(producer: Producer) -> tuple[str, ...]:
    """The keys of what it makes."""
    return tuple(asset.key for asset in producer.described())


def read_by(producer: Producer) -> tuple[str, ...]:
    """The keys of what it waits for, its own left out."""
    own = frozenset(written_by(producer))
    found = (each.asset for asset in producer.described() for each in asset.upstream if not each.observed)
    return tuple(dict.fromkeys(key for key in found if key not in own))


def producers_among(values: Iterable[Any]) -> list[Producer]:
    """The producers among some values, each once."""
    return list({id(each): each for each in values if isinstance(each, Producer)}.values())
