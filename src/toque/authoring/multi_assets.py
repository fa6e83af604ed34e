"""One function that makes several assets at once.

```python
@assets("raw.orders", "raw.lines")
def shop() -> tuple[pa.Table, pa.Table]: ...


lines = shop["raw.lines"]


@asset
def revenue(lines: pa.Table) -> pa.Table: ...
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar, Unpack, cast

import msgspec

from toque.authoring import sites
from toque.authoring.asset_keys import check_key
from toque.authoring.assets import Asset, Source, checked_options
from toque.authoring.data_checks import listed
from toque.authoring.option_types import AssetsOptions
from toque.authoring.tasks import check_function
from toque.graph import assets as ir
from toque.graph.ir import CodeRef

P = ParamSpec("P")
R = TypeVar("R")


class Assets(Asset[P, R]):
    """A function that makes several data objects. Made by `@assets`. `shop["raw.lines"]` is one of them."""

    def __init__(
        self, function: Callable[P, Any], settings: Mapping[str, Any], upstream: tuple[object, ...] = ()
    ) -> None:
        super().__init__(function, {**settings, "key": settings["keys"][0]}, upstream)
        self.keys: tuple[str, ...] = settings["keys"]
        self.__toque_checks__ = settings.get("checks", {})

    def __getitem__(self, key: str) -> Source[Any]:
        """One of them, to be read: assign it to a name at the top level of the module."""
        if key not in self.keys:
            raise sites.refuse(f"{self.name} makes no {key}.", fix=f"one of {', '.join(self.keys)}")
        return Source(key, {**self.settings, "key": key})

    def described(self) -> tuple[ir.Asset, ...]:
        """All of them, each made from the same."""
        (first,) = super().described()
        return tuple(msgspec.structs.replace(first, key=key, checks=self._checked(key)) for key in self.keys)

    def known(self) -> ir.Asset:
        """It is not one."""
        raise sites.refuse(
            f"{self.name} makes several assets: which one is read?", fix=f'{self.name}["{self.keys[0]}"]'
        )

    def made_by(self, code: CodeRef) -> None:  # type: ignore[override]
        """Nothing stands for all of them as an argument."""

    def options(self, **options: Unpack[AssetsOptions]) -> Assets[P, R]:  # type: ignore[override]
        """The same assets with other options, for the next call."""
        settings = {**self.settings, **_checked(self.keys, cast("dict[str, Any]", options))}
        return Assets(self.__toque_function__, {**settings, "keys": self.keys}, self.upstream)

    def after(self, *upstream: object) -> Assets[P, R]:
        """The same assets, made after results that they are not passed."""
        return Assets(self.__toque_function__, self.settings, super().after(*upstream).upstream)


class _AssetsDecorator(Protocol):
    def __call__(self, function: Callable[P, R], /) -> Assets[P, R]: ...


def assets(*keys: str, **options: Unpack[AssetsOptions]) -> _AssetsDecorator:
    """Make a function that makes several assets: `@assets("raw.orders", "raw.lines", group="raw")`.

    It returns a tuple in the order of the keys, or a dict by key. They are cut, kept and made together: a check of one
    that blocks keeps none of them.
    """
    for key in keys:
        check_key(key)
    if len(set(keys)) < 2:
        raise sites.refuse("@assets() is of several assets.", fix='@assets("raw.orders", "raw.lines"), or @asset')
    settings = _checked(keys, cast("dict[str, Any]", options))

    def decorate(function: Callable[..., Any]) -> Assets[Any, Any]:
        check_function(function, "a maker of assets")
        return Assets(function, {**settings, "keys": keys})

    return decorate


def _checked(keys: tuple[str, ...], options: Mapping[str, Any]) -> dict[str, Any]:
    if "key" in options:
        raise sites.refuse(f"key= is about one asset, and these are {len(keys)}.", fix="an @asset for each")
    rest = {name: value for name, value in options.items() if name != "checks"}
    if len(rest) == len(options):
        return checked_options(rest)
    checks = options["checks"]
    if not isinstance(checks, Mapping):
        raise sites.refuse(
            f"checks= of {len(keys)} assets is by key.", fix=f'checks={{"{keys[0]}": [row_count(min=1)]}}'
        )
    for key in checks:
        if key not in keys:
            raise sites.refuse(f"checks= is of {key!r}, which is not made here.", fix=f"one of {', '.join(keys)}")
    return {**checked_options(rest), "checks": {key: listed(each) for key, each in checks.items()}}
