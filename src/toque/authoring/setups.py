"""Setup and teardown: something made before other tasks and removed after them, however they end."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Generic, TypeVar

from toque.authoring import calls, sites, wiring
from toque.authoring.placeholders import Placeholder, describe
from toque.authoring.tasks import Task
from toque.authoring.trace import SetupBlock, Trace, required
from toque.graph.expr import Ref

T = TypeVar("T")


class Setup(Generic[T]):
    """The `with` block between a setup and its teardown."""

    def __init__(self, trace: Trace, made: T, node: str, teardown: Task[[T], Any]) -> None:
        self._trace = trace
        self._made = made
        self._teardown = teardown
        self._block = SetupBlock(node, trace.frame.scope)
        self._stack = ExitStack()

    def __enter__(self) -> T:
        self._stack.enter_context(self._trace.within(setups=(*self._trace.frame.setups, self._block)))
        return self._made

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()
        if kind is None:
            _tear_down(self._trace, self._teardown, self._made, self._block)


def setup(made: T, /, *, teardown: Task[[T], Any]) -> Setup[T]:
    """Everything in the block waits for `made`, and `teardown(made)` runs at its end, cancel included.

    ```python
    with setup(make_cluster(4), teardown=drop_cluster) as cluster:
        train(cluster)
    ```
    """
    trace = required("setup()", otherwise="in a flow: try: … finally: …")
    held = wiring.own(trace, made).held if isinstance(made, Placeholder) else None
    is_task = isinstance(held, Ref) and not held.path and trace.drafts[held.node].kind == "task"
    if not is_task or trace.drafts[held.node].scope != trace.frame.scope:  # type: ignore[union-attr]
        what = describe(made) if isinstance(made, Placeholder) else repr(made)
        raise sites.refuse(f"setup() needs the result of a task called here; {what} is none.", fix="setup(make(), …)")
    if getattr(teardown, "__toque_kind__", "") != "task":
        shown = getattr(teardown, "__name__", None) or repr(teardown)
        raise sites.refuse(f"teardown={shown} is not a task.", fix="teardown=some_task, without calling it")
    assert isinstance(held, Ref)
    return Setup(trace, made, held.node, teardown)


def _tear_down(trace: Trace, teardown: Task[[T], Any], made: T, block: SetupBlock) -> None:
    with trace.within(guards=(), setups=_enclosing(trace, block)):
        node = calls.call_task(trace, teardown.options(), (made,), {})
    draft = trace.drafts[wiring.nodes_of(trace, node)[0]]
    draft.rule = "teardown"
    draft.fields["teardown_of"] = block.node
    edges = dict.fromkeys([block.node, *block.members, *draft.edges], "order")
    draft.edges = {**edges, block.node: "data"}  # type: ignore[dict-item]


def _enclosing(trace: Trace, block: SetupBlock) -> tuple[SetupBlock, ...]:
    return tuple(other for other in trace.frame.setups if other is not block)
