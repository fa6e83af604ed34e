"""Parameters: what a pipeline can be started with. Pydantic says what fits; its JSON Schema makes forms."""

from __future__ import annotations

import datetime
import inspect
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from toque.authoring import sites, types
from toque.authoring.wiring import Marker
from toque.errors import UserError
from toque.graph import constants

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def declared(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a run: all but those that a worker supplies. Raises `UserError` for `*args`."""
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            raise sites.definition(function).error(
                f"{function.__name__} takes *{name}, and the parameters of a run have names.",
                fix=f"{name}: list[str] = []",
            )
        if not isinstance(parameter.default, Marker):
            found[name] = parameter
    return found


def schema(function: Callable[..., Any]) -> dict[str, Any]:
    """JSON Schema of the parameters as one object; `{}` when there are none."""
    parameters = declared(function)
    if not parameters:
        return {}
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for name, parameter in parameters.items():
        described = _described(function, name, parameter)
        definitions.update(described.pop("$defs", {}))
        properties[name] = described
    required = [name for name, parameter in parameters.items() if parameter.default is inspect.Parameter.empty]
    whole: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        whole["required"] = required
    if definitions:
        whole["$defs"] = definitions
    return whole


def validate(function: Callable[..., Any], name: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a run, defaults included, in tagged JSON.

    Strings are read as what the parameter's type says, so `-p year=2013` gives a number. Raises `UserError` that
    names the parameter.
    """
    parameters = declared(function)
    for key in raw:
        if key not in parameters:
            known = ", ".join(parameters) or "none"
            raise UserError(f"{name} has no parameter {key!r}.", fix=f"its parameters are: {known}")
    found: dict[str, Any] = {}
    for key, parameter in parameters.items():
        if key in raw:
            value = _value(function, name, key, raw[key])
        elif parameter.default is inspect.Parameter.empty:
            raise UserError(f"{name} needs the parameter {key!r}.", fix=f"-p {key}=…")
        else:
            value = parameter.default
        try:
            found[key] = constants.encode(value)
        except constants.NotTagged as error:
            raise UserError(
                f"{error} cannot be a parameter of {name} ({key}).",
                fix="JSON, dates, Decimal, Path, Enum and pydantic models can",
            ) from None
    return found


def _value(function: Callable[..., Any], name: str, key: str, raw: Any) -> Any:
    annotation = types.hints(function, extras=True).get(key, types.UNKNOWN)
    if annotation is types.UNKNOWN or annotation is Any:
        return raw
    if _is_exactly(annotation, raw):
        return raw  # the common case needs no pydantic, which takes longer to import than a run to start
    from pydantic import ValidationError

    adapter = _adapter(annotation)
    try:
        return _with_own_zones(adapter.validate_python(raw))
    except ValidationError as error:
        problem = error
    if isinstance(raw, str):
        try:
            return _with_own_zones(adapter.validate_python(json.loads(raw)))
        except (ValueError, ValidationError):
            pass
    first = problem.errors(include_url=False, include_context=False)[0]
    where = "".join(f"[{part!r}]" for part in first["loc"])
    raise UserError(
        f"{name}: {key}{where}={_shown(raw)} is not {types.show(_bare(annotation))}: {first['msg']}.",
        fix=f"-p {key}=… with {_example(annotation)}",
    )


def _with_own_zones(value: Any) -> Any:
    """Times with the zones of the standard library instead of pydantic's, which cannot be written down."""
    if isinstance(value, datetime.datetime) and type(value.tzinfo).__module__.startswith("pydantic"):
        return value.replace(tzinfo=datetime.timezone(value.utcoffset() or datetime.timedelta()))
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_with_own_zones(item) for item in value)
    if type(value) is dict:
        return {key: _with_own_zones(item) for key, item in value.items()}
    return value


def _is_exactly(annotation: Any, raw: Any) -> bool:
    return annotation in (int, str, float, bool) and type(raw) is annotation


def _described(function: Callable[..., Any], name: str, parameter: inspect.Parameter) -> dict[str, Any]:
    annotation = types.hints(function, extras=True).get(name, types.UNKNOWN)
    plain = {int: "integer", str: "string", float: "number", bool: "boolean"}
    if annotation in plain:
        described: dict[str, Any] = {"type": plain[annotation]}
    elif annotation is types.UNKNOWN or annotation is Any:
        described = {}
    else:
        described = _adapter_schema(function, name, annotation)
    if parameter.default is not inspect.Parameter.empty:
        described["default"] = _json_default(function, name, parameter.default)
    return described


def _adapter_schema(function: Callable[..., Any], name: str, annotation: Any) -> dict[str, Any]:
    from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

    try:
        return _adapter(annotation).json_schema()
    except (PydanticUserError, PydanticInvalidForJsonSchema):
        raise sites.definition(function).error(
            f"{name}: {types.show(annotation)} cannot be a parameter of a run: it has no JSON form.",
            fix="JSON types, dates, Decimal, Path, Enum or a pydantic model",
        ) from None


def _json_default(function: Callable[..., Any], name: str, default: Any) -> Any:
    if default is None or type(default) in (bool, int, float, str):
        return default
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        return to_jsonable_python(default)
    except PydanticSerializationError:
        raise sites.definition(function).error(
            f"the default of {name} has no JSON form: {default!r}.", fix="a default that can be written as JSON"
        ) from None


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(annotation)


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _shown(raw: Any) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else text[:57] + "..."


def _example(annotation: Any) -> str:
    if annotation in (int, float):
        return "a number"
    if annotation is bool:
        return "true or false"
    if annotation is datetime.date:
        return "a date such as 2026-03-29"
    if annotation is datetime.datetime:
        return "a time such as 2026-03-29T00:30Z"
    known = types.cases(annotation)
    if known:
        return "one of " + ", ".join(str(getattr(item, "value", item)) for item in known)
    return 'JSON, as in -p names=\'["a", "b"]\''
