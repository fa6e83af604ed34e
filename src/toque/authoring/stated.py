"""What is stated in a call, by name: what is misspelt or missing is told where it was written, with what was meant."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

from toque.authoring import sites

P = ParamSpec("P")
R = TypeVar("R")

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def stated(what: str, options: type, **needed: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """For a function that makes `what`: its keywords are its own and those of `options`, and it cannot do without
    the `needed` ones, each with an example."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        parameters = inspect.signature(function).parameters.values()
        own = [each.name for each in parameters if each.kind in _NAMED and each.name != "self"]
        known = (*own, *options.__annotations__)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            _check(what, known, needed, kwargs)
            return function(*args, **kwargs)

        return call

    return decorate


def _check(what: str, known: tuple[str, ...], needed: Mapping[str, str], given: Mapping[str, object]) -> None:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, [each for each in known if each not in given], n=1)
            fix = needed.get(near[0], f"{near[0]}=…") if near else "one of " + ", ".join(sorted(known))
            raise sites.refuse(f"{what} has no option {name!r}.", fix=fix)
    for name, example in needed.items():
        if name not in given:
            raise sites.refuse(f"{what} needs {name}=.", fix=example)
