"""What attempts share in one process: blobs, settings, secrets, resources, plans of nodes."""

from __future__ import annotations

import inspect
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from toque.engine.inputs import AnyReport
from toque.engine.values import Token
from toque.graph.expr import AnyExpr, Gather
from toque.graph.ir import Inject, TaskNode
from toque.ports.blobs import Blobs
from toque.ports.executor import Artifact, AttemptSpec, Signal
from toque.worker import arguments, code, values
from toque.worker.context import ArtifactKind, Channel, Context
from toque.worker.failures import Failures
from toque.worker.injection import Known, Supplier
from toque.worker.items import Items
from toque.worker.lease import Lease
from toque.worker.masking import Masker
from toque.worker.pickles import MAX_PICKLE_BYTES
from toque.worker.rawoutput import RawOutput
from toque.worker.replacements import Replacements, in_place

if TYPE_CHECKING:
    from toque.worker.hosting import Members

MAX_PLANS = 4096


@dataclass(frozen=True, slots=True)
class Plan:
    """All about a node that is the same for each of its attempts."""

    node: TaskNode
    function: Callable[..., Any]
    is_async: bool
    args: tuple[tuple[AnyExpr, bool], ...]
    """Expressions, and whether gathered results are wanted as a list."""
    kwargs: tuple[tuple[str, AnyExpr, bool], ...]
    inject: tuple[tuple[str, Inject], ...]
    mapped: bool
    """The result is what a map iterates."""


def plan(node: TaskNode, replacements: Replacements | None = None) -> Plan:
    """Resolve the code of `node` (which imports it). Raises whatever the import raises."""
    function = replacements.function_for(node) if replacements is not None else None
    if function is None:
        function = code.resolve(node.code)
    gathers = any(isinstance(expr, Gather) for expr in (*node.args, *node.kwargs.values()))
    listed = arguments.list_parameters(function) if gathers else frozenset()
    names = arguments.positional_names(function) if listed else ()
    return Plan(
        node=node,
        function=function,
        is_async=inspect.iscoroutinefunction(function),
        args=tuple((expr, n < len(names) and names[n] in listed) for n, expr in enumerate(node.args)),
        kwargs=tuple((name, expr, name in listed) for name, expr in node.kwargs.items()),
        inject=tuple(node.inject.items()) if getattr(function, "needs_supplies", True) else (),
        mapped=() in node.lengths,
    )


class LazyBlobs:
    """A blob store that is opened at its first use: most attempts need none."""

    url = ""

    def __init__(self, open_blobs: Callable[[], Blobs]) -> None:
        self._open = open_blobs

    @cached_property
    def _store(self) -> Blobs:
        return self._open()

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        return self._store.put(key, chunks)

    def get(self, key: str) -> bytes:
        return self._store.get(key)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        return self._store.get_range(key, start, length)

    def local_path(self, key: str) -> str | None:
        return self._store.local_path(key)

    def delete_prefix(self, prefix: str) -> int:
        return self._store.delete_prefix(prefix)


@dataclass
class Environment:
    """The process around the attempts. `blobs` and `settings` are opened at their first use."""

    open_blobs: Callable[[], Blobs]
    load_settings: Callable[[], Known]
    signal: Callable[[Signal], None]
    report: Callable[[AnyReport], None] = lambda report: None
    """Where what a host says of the tasks that it runs goes: nowhere, unless there is a server."""
    bundle: str = ""
    project: str = ""
    masker: Masker = field(default_factory=Masker)
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000
    max_pickle_bytes: int = MAX_PICKLE_BYTES
    echo: dict[str, TextIO] = field(default_factory=dict)
    """Streams that see what tasks print, too."""
    raw: RawOutput | None = None
    """Where this process runs one attempt at a time: what bypasses `sys.stdout` is that attempt's."""
    lease: Lease = field(default_factory=Lease)

    def __post_init__(self) -> None:
        self.failures = Failures((self.bundle, self.project), self.masker)
        self.channel = Channel(self.signal, self._artifact, self._members)
        self.items = Items()
        self.blobs: Blobs = LazyBlobs(self.open_blobs)
        self._settings: Known | None = None
        self.running: dict[Token, tuple[Context, int]] = {}
        """Contexts of the attempts that run here, and the thread of each."""
        self._plans: dict[int, Plan] = {}
        self._modules = 0
        """How many modules had been imported when they were last looked at."""
        self.replacements = in_place.get()
        self.supplier = Supplier(self.settings, self.masker.add, self.replacements)

    def settings(self) -> Known:
        """The project's settings."""
        if self._settings is None:
            self._settings = self.load_settings()
        return self._settings

    def plan(self, node: TaskNode) -> Plan:
        """The plan of `node`, made once."""
        found = self._plans.get(id(node))
        if found is not None and found.node is node:
            return found
        made = plan(node, self.replacements)
        if len(sys.modules) != self._modules:
            # Only after an import: with a thousand modules a look costs a third of a hop.
            code.require_bundled(self.bundle, self.project)
            self._modules = len(sys.modules)
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()
        self._plans[id(node)] = made
        return made

    def _members(self, spec: AttemptSpec) -> Members:
        from toque.worker.hosting import Members  # few attempts are hosts

        return Members(spec, self)

    def _artifact(self, spec: AttemptSpec, name: str, value: Any, kind: ArtifactKind | None) -> None:
        kind = kind or _kind_of(value)
        value = self.masker.mask_data(value)
        place = values.Place(self.blobs, lambda: f"{result_key(spec)}.artifacts/{safe(name)}")
        ref = values.encode(value, place, max_pickle_bytes=self.max_pickle_bytes)
        self.signal(
            Artifact(
                run_id=spec.run_id,
                task=spec.task,
                map_index=spec.map_index,
                attempt=spec.attempt,
                name=name,
                kind=kind,
                value=ref,
            )
        )


def _kind_of(value: Any) -> ArtifactKind:
    name = f"{type(value).__module__.partition('.')[0]}.{type(value).__qualname__}"
    if name in ("pyarrow.Table", "pyarrow.RecordBatch", "pandas.DataFrame", "polars.DataFrame"):
        return "table"
    if isinstance(value, bytes):
        return "image"
    return "text" if isinstance(value, str) else "json"


def safe(name: str) -> str:
    """A name as one part of a blob key: letters, digits, `-`, `_` and `.` stay, the rest is percent-encoded.

    >>> safe("a/b[1]")
    'a%2Fb%5B1%5D'
    """
    return "".join(
        char
        if char.isascii() and (char.isalnum() or char in "-_.")
        else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in name
    )


def run_prefix(run_id: str) -> str:
    """Prefix of the keys of all blobs of a run."""
    return f"runs/{safe(run_id)}/"


def result_key(spec: AttemptSpec) -> str:
    """Key of the result of an attempt, without ending. The token is part of it: a zombie overwrites nobody's result."""
    token: Token = spec.token
    index = ".".join(map(str, spec.map_index)) or "-"
    return f"{run_prefix(spec.run_id)}{safe(spec.task)}/{index}/{spec.attempt}-{token.boot}.{token.n}"
