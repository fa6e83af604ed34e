"""Supplies: what a worker hands to a task as an argument: resources, connections, variables, secrets, times."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, Self, TypeVar, cast, overload

from toque.authoring import sites, types
from toque.authoring.references import code_ref
from toque.authoring.wiring import Marker
from toque.graph.ir import CodeRef, Inject
from toque.worker.context import Context, Interval
from toque.worker.partitions import Partition, Span

if TYPE_CHECKING:
    from toque.authoring.assets import Source
    from toque.authoring.cutting import Mapping

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Injectable(Protocol[T_co]):
    """What `use()` takes."""

    def __toque_open__(self, **supplied: Any) -> T_co: ...


@overload
def use(source: Injectable[T], /) -> T: ...
@overload
def use(source: type[T], /) -> T: ...
@overload
def use(source: Source[T], slices: Mapping, /) -> T: ...
def use(source: Any, slices: Mapping | None = None, /) -> Any:
    """The default of a parameter that the worker fills.

    `def pull(day: date, api: httpx.Client = use(shop), window: Interval = use(Interval)) -> pl.DataFrame: …`
    """
    if isinstance(source, Resource):
        return source._marker()
    if isinstance(source, Connection):
        return source._marker()
    if isinstance(source, Variable | Secret):
        return source._marker()
    if getattr(source, "__toque_kind__", "") in ("source", "asset"):
        from toque.authoring.assets import read

        return read(source, slices)
    if source in (Interval, Context, Partition, Span):
        inject = Inject(kind="context", name=source.__name__)
        return Marker(inject, lasting=False, annotation=lambda: source)
    raise sites.refuse(
        f"use() cannot supply {source!r}.",
        fix="a @resource, a Connection, an asset, a Variable, a Secret, Interval, Partition or Span",
    )


class Resource(Generic[T]):
    """Something that a worker opens before a task and closes after it. Made by `@resource`."""

    __toque_kind__ = "resource"

    def __init__(self, function: Callable[..., Any], scope: Literal["worker", "attempt"]) -> None:
        self._function = function
        self.__toque_scope__ = scope
        self.name = function.__name__
        self.__doc__ = function.__doc__
        self._needs = {
            name: parameter.default
            for name, parameter in inspect.signature(function).parameters.items()
            if isinstance(parameter.default, Marker)
        }
        self.__toque_inject__ = {name: marker.inject for name, marker in self._needs.items()}
        self._code = code_ref(function, "a resource")

    def __toque_open__(self, **supplied: Any) -> T:
        """The generator of the author's function; the worker takes what it yields and closes it."""
        return cast("T", self._function(**supplied))

    def __repr__(self) -> str:
        return f"<resource {self._code.module}.{self._code.qualname}>"

    def _marker(self) -> Marker:
        return Marker(
            Inject(kind="resource", name="", code=self._code),
            connections=tuple(name for need in self._needs.values() for name in need.connections),
            lasting=self.__toque_scope__ == "worker",
            annotation=lambda: types.item_type(types.return_type(self._function)),
        )


class _ResourceDecorator(Protocol):
    def __call__(self, function: Callable[..., Iterator[T]], /) -> Resource[T]: ...


@overload
def resource(function: Callable[..., Iterator[T]], /) -> Resource[T]: ...
@overload
def resource(*, scope: Literal["worker", "attempt"] = "worker") -> _ResourceDecorator: ...
def resource(function: Any = None, /, *, scope: Literal["worker", "attempt"] = "worker") -> Any:
    """Make a generator function a resource: what it yields is opened once for a worker (or for each attempt).

    ```python
    @resource
    def shop(settings: Shop = use(shop_connection)) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=settings.url) as client:
            yield client
    ```
    """
    if scope not in ("worker", "attempt"):
        raise sites.refuse(f"scope={scope!r} does not exist.", fix='"worker" or "attempt"')

    def decorate(function: Callable[..., Any]) -> Resource[Any]:
        if not inspect.isgeneratorfunction(function):
            name = getattr(function, "__name__", repr(function))
            raise sites.refuse(
                f"{name} cannot be a resource: it does not yield what it opens.",
                fix="open it, `yield` it once, and close it after the yield",
            )
        made: Resource[Any] = Resource(function, scope)
        for name, marker in made._needs.items():
            if scope == "worker" and not marker.lasting:
                raise sites.refuse(
                    f"{made.name} lives as long as its worker, and {name} only for one attempt.",
                    fix='@resource(scope="attempt")',
                )
        return made

    return decorate if function is None else decorate(function)


class Connection:
    """Named access to something outside; where and with which secrets stands in `toque.toml`.

    ```python
    class Shop(Connection):
        url: str
        token: str


    shop = Shop("shop")  # [connections.shop] in toque.toml
    ```

    A task is given a `Shop` with its fields filled and checked. Without a class of its own, `Connection("shop")` gives
    the options as they stand in the file.
    """

    __toque_scope__ = "attempt"

    def __init__(self, name: str) -> None:
        self.name = name
        self.type = ""
        """As `toque.toml` says under the profile of the run; of an opened one."""
        self.options: dict[str, Any] = {}

    @property
    def __toque_inject__(self) -> dict[str, Inject]:
        return {"settings": Inject(kind="connection", name=self.name)}

    def __toque_open__(self, **supplied: Any) -> Self:
        """A copy of this connection with the fields of the settings."""
        opened = type(self)(self.name)
        opened.type = supplied["settings"].type
        opened.options = supplied["settings"].revealed()
        for field, value in _fields(type(self), self.name, opened.options).items():
            setattr(opened, field, value)
        return opened

    def __repr__(self) -> str:
        return f"<connection {self.name}>"  # never its options: they hold secrets

    def __toque_supply__(self) -> Inject:
        """What supplies it to a node. It is found by its class and its name: it needs no name in a module."""
        kind = type(self)
        place = code_ref(kind, f"the class of the connection {self.name}")
        return Inject(kind="connection", name=self.name, code=CodeRef(module=place.module, qualname=place.qualname))

    def _marker(self) -> Marker:
        kind = type(self)
        return Marker(self.__toque_supply__(), connections=(self.name,), annotation=lambda: kind)


class Variable(Generic[T]):
    """A named value of `[variables]` in `toque.toml` or the environment: `limit: int = use(Variable("limit", int))`."""

    @overload
    def __init__(self: Variable[Any], name: str) -> None: ...
    @overload
    def __init__(self, name: str, kind: type[T]) -> None: ...
    def __init__(self, name: str, kind: Any = None) -> None:
        self.name = name
        self.kind = kind

    def __toque_open__(self, **supplied: Any) -> T:
        """For type checkers: the worker reads variables itself."""
        raise NotImplementedError

    def _marker(self) -> Marker:
        kind = self.kind
        return Marker(Inject(kind="variable", name=self.name), annotation=(lambda: kind) if kind else None)


class Secret:
    """A named secret: the task is given its text; it is masked in everything that the task prints."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __toque_open__(self, **supplied: Any) -> str:
        """For type checkers: the worker reads secrets itself."""
        raise NotImplementedError

    def _marker(self) -> Marker:
        return Marker(Inject(kind="secret", name=self.name), annotation=lambda: str)


def _fields(kind: type[Connection], name: str, options: dict[str, Any]) -> dict[str, Any]:
    declared = {
        key: hint
        for key, hint in types.hints_of_class(kind).items()
        if key not in ("name", "options") and not key.startswith("_")
    }
    missing = [key for key in declared if key not in options and not hasattr(kind, key)]
    if missing:
        from toque.errors import UserError

        raise UserError(
            f"The connection {name!r} has no {', '.join(missing)}, which {kind.__name__} needs.",
            fix=f"{missing[0]} = … in [connections.{name}] of toque.toml",
        )
    found = {key: options[key] for key in declared if key in options}
    if not found:
        return found
    from pydantic import TypeAdapter, ValidationError

    from toque.errors import UserError

    for key, value in found.items():
        try:
            found[key] = TypeAdapter(declared[key]).validate_python(value)
        except ValidationError:
            # The value may be a secret: it is not shown.
            raise UserError(
                f"The connection {name!r} has a {key} that is not {types.show(declared[key])}.",
                fix=f"{key} = … in [connections.{name}] of toque.toml",
            ) from None
    return found
