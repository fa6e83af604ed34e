"""Branches: `when`, `branch` and `one_of`. Which way a run goes is decided at run time, by a task's value."""

from __future__ import annotations

import difflib
import enum
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Generic, LiteralString, TypeVar, cast, overload

from toque.authoring import sites, types, wiring
from toque.authoring.placeholders import Placeholder, Wired, describe, subject, wired
from toque.authoring.trace import Trace, required
from toque.authoring.wiring import whole
from toque.graph.expr import Access, Gather, Ref
from toque.graph.ir import Guard, Meta

T = TypeVar("T")
L = TypeVar("L", bound=LiteralString)
"""With this bound pyright keeps the literals of a `Literal["small", "big"]`, and so refuses an unknown case."""


class Block(Generic[T]):
    """A `with` block whose nodes stand under a condition. Gives what `as` binds."""

    def __init__(self, trace: Trace, guard: Guard, gives: T) -> None:
        self._trace = trace
        self._guard = guard
        self._gives = gives
        self._stack = ExitStack()

    def __enter__(self) -> T:
        _refuse_elsewhere(self._trace, self._guard)
        self._stack.enter_context(self._trace.within(guards=(*self._trace.frame.guards, self._guard)))
        return self._gives

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()


class When:
    """A condition that was asked for; `otherwise()` is its other side."""

    def __init__(self, trace: Trace, node: str, export: int) -> None:
        self._trace = trace
        self._guard = Guard(node=node, export=export, test="equals", values=(True,))

    def otherwise(self) -> Block[None]:
        """The nodes that run when the condition does not hold."""
        other = Guard(node=self._guard.node, export=self._guard.export, test="differs", values=(True,))
        return Block(self._trace, other, None)


class Branch(Generic[T]):
    """A value that decides between cases."""

    def __init__(self, trace: Trace, node: str, export: int, known: list[Any] | None, label: str) -> None:
        self._trace = trace
        self._node = node
        self._export = export
        self._known = known
        self._label = label
        self._seen: list[Any] = []
        self._closed = False

    def case(self, value: T) -> Block[None]:
        """The nodes that run when the value equals `value`."""
        if self._closed:
            raise sites.refuse("case() after otherwise(): the other cases are taken already.", fix="otherwise() last")
        if self._known is not None and value not in self._known:
            raise self._unknown(value)
        scalar = _scalar(value)
        if scalar in self._seen:
            raise sites.refuse(f"The case {value!r} stands here twice.", fix="one block for each case")
        self._seen.append(scalar)
        return Block(self._trace, self._guard("equals", (scalar,)), None)

    def otherwise(self) -> Block[None]:
        """The nodes that run when no case before this one fits."""
        self._closed = True
        return Block(self._trace, self._guard("differs", tuple(self._seen)), None)

    def _guard(self, test: Any, values: tuple[Any, ...]) -> Guard:
        return Guard(node=self._node, export=self._export, test=test, values=values)

    def _unknown(self, value: object) -> Exception:
        known = self._known or []
        near = difflib.get_close_matches(str(value), [str(item) for item in known], n=1)
        shown = ", ".join(repr(item) for item in known)
        return sites.refuse(
            f"{self._label[0].upper() + self._label[1:]} never gives {value!r}; its cases are {shown}.",
            fix=f"case({near[0]!r})" if near else "one of these cases",
        )


def when(condition: bool, /) -> Block[When]:
    """Run the nodes of the block only if a task's result is `True`.

    ```python
    with when(is_late(summary)) as late:
        escalate(summary)
    with late.otherwise():
        publish(summary)
    ```
    """
    trace = required("when()", otherwise="in a flow or a task: if condition: …")
    annotation = _annotation(condition)
    if types.is_concrete(annotation) and annotation is not bool and types.cases(annotation) != [True, False]:
        raise sites.refuse(
            f"when() needs a bool, and {describe(cast('Placeholder', condition))} is {types.show(annotation)}.",
            fix="let the task return a bool, or decide with branch(value).case(…)",
        )
    node, export = _exported(trace, condition, ())
    asked = When(trace, node, export)
    return Block(trace, asked._guard, asked)


@overload
def branch(value: L, /) -> Branch[L]: ...
@overload
def branch(value: T, /) -> Branch[T]: ...
def branch(value: Any, /) -> Branch[Any]:
    """Decide between cases by a task's result (a string, number, bool or Enum).

    ```python
    size = branch(kind(table))
    with size.case("small"):
        ...
    with size.case("big"):
        ...
    ```
    """
    trace = required("branch()", otherwise="in a flow or a task: match value: …")
    annotation = _annotation(value)
    known = types.cases(annotation)
    is_enum = isinstance(annotation, type) and issubclass(annotation, enum.Enum)
    path: tuple[Access, ...] = (("attr", "value"),) if is_enum else ()
    node, export = _exported(trace, value, path)
    label = describe(value) if isinstance(value, Placeholder) else "the value"
    return Branch(trace, node, export, known, label)


def one_of(*results: T) -> T:
    """The first of several results, in this order, that exists: joins branches."""
    trace = required("one_of()", otherwise="in a flow or a task: use the variable")
    sources: list[Ref | Gather] = []
    joined: list[Any] = []
    if len(results) < 2:
        raise sites.refuse("one_of() joins the results of branches, and there is one at most.", fix="one_of(a, b)")
    for result in cast("tuple[Any, ...]", results):
        held = wiring.own(trace, result).held if isinstance(result, Placeholder) else None
        if not isinstance(held, Ref | Gather) or trace.drafts[_node(held)].scope != trace.frame.scope:
            what = describe(result) if isinstance(result, Placeholder) else repr(result)
            raise sites.refuse(
                f"one_of() joins results of tasks of this pipeline or group; {what} is none.",
                fix="one_of(result_of_one_branch, result_of_the_other)",
            )
        if held != whole(held):
            # The server hands the result of a branch on as it is: a part of one needs a task run of its own.
            result = wiring.materialized(trace, "part", result)
            held = wiring.own(trace, result).held
            assert isinstance(held, Ref)
        joined.append(result)
        sources.append(held)
    name = "+".join(_local_name(trace, source) for source in sources)
    existing = trace.drafts.get(trace.frame.prefix + name)
    if existing is not None and existing.fields.get("sources") == tuple(sources):
        return cast("T", _joined(trace, existing.id, results))
    draft = trace.open("join", name, sites.here(), Meta())
    draft.rule = "none_failed_min_one_success"
    draft.fields = {"sources": tuple(wiring.expression(trace, draft, result) for result in joined)}
    trace.close(draft)
    return cast("T", _joined(trace, draft.id, results))


def _joined(trace: Trace, node: str, results: tuple[Any, ...]) -> Placeholder:
    annotation = wired(results[0]).annotation
    return Placeholder(Wired(trace, Ref(node=node), node, annotation))


def _exported(trace: Trace, value: object, path: tuple[Access, ...]) -> tuple[str, int]:
    """The node in this scope, and the number of its export, that carries a scalar."""
    if isinstance(value, Placeholder):
        held = wiring.own(trace, value).held
        if isinstance(held, Ref):
            draft = trace.drafts[held.node]
            if draft.kind == "task" and trace.sees(draft.scope):
                return draft.id, draft.export((*held.path, *path))
        elif isinstance(held, Gather):
            raise sites.refuse(
                f"{subject(value)} is a list: it cannot decide a branch.", fix="decide in a task, and pass it the list"
            )
    shown = wired(wiring.materialized(trace, "when", value))
    assert isinstance(shown.held, Ref)
    draft = trace.drafts[shown.held.node]
    return draft.id, draft.export(path)


def _annotation(value: object) -> Any:
    if isinstance(value, Placeholder):
        annotation = wired(value).annotation
        return annotation() if annotation is not None else types.UNKNOWN
    return type(value)


def _scalar(value: object) -> bool | int | str | None:
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    raise sites.refuse(f"{value!r} cannot be a case.", fix="a string, an int, a bool, None or an Enum of these")


def _node(held: Ref | Gather) -> str:
    return held.node if isinstance(held, Ref) else held.map


def _local_name(trace: Trace, held: Ref | Gather) -> str:
    return _node(held).removesuffix("[]").removeprefix(trace.frame.prefix)


def _refuse_elsewhere(trace: Trace, guard: Guard) -> None:
    if not trace.sees(trace.drafts[guard.node].scope):
        raise sites.refuse("The condition was asked in another scope than this block.", fix="when(…) where it is used")
