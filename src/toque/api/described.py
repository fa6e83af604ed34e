"""Puts the strings below the fields of the API's types into its OpenAPI document.

Pydantic would do so by itself (`use_attribute_docstrings`), but it reads the source of each type when that is imported:
a third of the time that a server takes to start, for a document that hardly anybody asks for.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import typing
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from fastapi.routing import APIRoute, APIRouter
from pydantic import BaseModel

from toque.api.asking import Parameters
from toque.api.wire.model import Wire


def describe_fields(document: dict[str, Any], routers: Iterable[APIRouter]) -> None:
    """Describe the fields of all types, and the query parameters of all operations."""
    schemas = document["components"]["schemas"]
    for model in _subclasses(Wire):
        schema = schemas.get(re.sub(r"[^\w.-]", "_", model.__name__), {})
        for name, words in _words(model).items():
            schema.get("properties", {}).get(name, {})["description"] = words
    asked = {route.name: _asked(route) for router in routers for route in router.routes if isinstance(route, APIRoute)}
    for path in document["paths"].values():
        for operation in path.values():
            _describe_parameters(operation, asked.get(operation["operationId"], {}))


def _describe_parameters(operation: dict[str, Any], asked: dict[str, str]) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query" and parameter["name"] in asked:
            parameter["description"] = parameter["schema"]["description"] = asked[parameter["name"]]


def _asked(route: APIRoute) -> dict[str, str]:
    """What is said of the query parameters of an operation."""
    found: dict[str, str] = {}
    for hint in typing.get_type_hints(route.endpoint).values():
        if isinstance(hint, type) and issubclass(hint, Parameters):
            found |= _words(hint)
    return found


def _subclasses(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in model.__subclasses__():
        yield each
        yield from _subclasses(each)


def _words(model: type[BaseModel]) -> dict[str, str]:
    """Of the fields of a type that say nothing else, its parents' among them, as they are called on the wire."""
    said: dict[str, str] = {}
    for each in reversed(model.__mro__):
        said |= _of_module(each.__module__).get(each.__qualname__, {}) if issubclass(each, BaseModel) else {}
    fields = model.model_fields
    return {
        fields[name].alias or name: words
        for name, words in said.items()
        if name in fields and fields[name].description is None
    }


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    """Of each class of a module, the strings below its fields."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (OSError, TypeError):  # no source is installed
        return {}
    return {each.name: _of_class(each) for each in tree.body if isinstance(each, ast.ClassDef)}


def _of_class(tree: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = inspect.cleandoc(words)
            case _:
                pass
    return found
