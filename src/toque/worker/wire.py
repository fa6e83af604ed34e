"""The messages between an executor, its zygote and its workers. All of one release: no version is negotiated."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Literal, TypeAlias, cast

import msgspec

from toque.engine.effects import AnswerStep
from toque.engine.inputs import AnyReport, Cancel, FlowEvicted, StepRequested
from toque.engine.values import Token
from toque.graph.ir import TaskNode
from toque.ports.executor import AttemptSpec, Signal

Lane: TypeAlias = Literal["sync", "async", "thread", "flow"]
"""How a worker runs attempts: one at a time in its main thread, as tasks of one loop, in threads, as flow bodies."""


def _fields() -> list[tuple[str, Any] | tuple[str, Any, Any]]:
    required: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    optional: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(AttemptSpec):
        kind = field.type if field.name != "node" else TaskNode | int
        if field.default is not msgspec.NODEFAULT:
            optional.append((field.name, kind, field.default))
        elif field.default_factory is not msgspec.NODEFAULT:
            optional.append((field.name, kind, msgspec.field(default_factory=field.default_factory)))
        else:
            required.append((field.name, kind))
    return required + optional


_FIELDS = _fields()
WireSpec: Any = msgspec.defstruct("WireSpec", _FIELDS, array_like=True, omit_defaults=True)
"""`AttemptSpec`, made from it so that it never lacks a field: its node is a number that was defined before, since the
attempts of one node share it. The receiver puts the node in and has what counts as an `AttemptSpec`."""

_values = attrgetter(*(field[0] for field in _FIELDS))


def to_wire(spec: AttemptSpec, node: int) -> Any:
    """`spec` with the number of its node."""
    wired = WireSpec(*_values(spec))
    wired.node = node
    return wired


def from_wire(wired: Any, nodes: dict[int, TaskNode]) -> AttemptSpec:
    """The way back."""
    wired.node = nodes[wired.node]
    return cast(AttemptSpec, wired)


class Setup(msgspec.Struct, frozen=True, tag="setup", kw_only=True):
    """The first message to a worker: what it serves for the rest of its life."""

    lane: Lane
    bundle: str
    project: str
    blobs_url: str
    name: str = ""
    """`host:no`, for people; the pid is added."""
    preload: tuple[str, ...] = ()
    """Modules to import before the first attempt."""
    limit: int = 1
    """Attempts at once, for the lanes that share."""
    lease: str = ""
    """See `toque.worker.lease`."""


class Run(msgspec.Struct, frozen=True, tag="run"):
    """Attempts to make, in order. In the sync lane each needs a permit beside it."""

    attempts: list[WireSpec]
    nodes: dict[int, TaskNode] = {}
    """Definitions that the worker does not have yet."""
    forget: bool = False
    """Those before are not used again."""


class Drop(msgspec.Struct, frozen=True, tag="drop"):
    """The last `count` attempts that were sent are taken back: their permits are gone."""

    count: int


class CancelAttempt(msgspec.Struct, frozen=True, tag="cancel"):
    """End it, cooperatively."""

    token: Token


class StepsEnded(msgspec.Struct, frozen=True, tag="steps_ended"):
    """To a flow host: steps of its bodies have ended."""

    answers: list[AnswerStep]


class DropBody(msgspec.Struct, frozen=True, tag="drop_body"):
    """To a flow host: let go of a body that does not heed its cancel. Answered by `AttemptCancelled` if it waits."""

    token: Token


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """A question that the composition root of the worker has an answer to (loading, validating)."""

    id: int
    kind: str
    payload: bytes


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Close resources and exit, when what is held has ended."""


Down: TypeAlias = Setup | Run | Drop | CancelAttempt | StepsEnded | DropBody | Ask | Stop


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """To an `Ask`. `error` is what was raised, encoded by whoever answers."""

    id: int
    payload: bytes = b""
    error: str = ""


class Up(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """From a worker: whatever it has to say, in one frame."""

    reports: list[AnyReport] = []
    signals: list[Signal] = []
    answers: list[Answer] = []
    asks: list[StepRequested | FlowEvicted | Cancel] = []
    """Of bodies of flows, in their order: after the reports of beginnings, before those of ends."""
    waiting: list[Token] = []
    """Bodies of flows that wait: if the process ends now, that is not their doing."""


class Spawn(msgspec.Struct, frozen=True, tag="spawn", kw_only=True):
    """To the zygote: make worker `no`. Two file descriptors come with it: its socket and the reading end of its
    permits."""

    no: int
    files: str
    """Path without ending of its raw output and its state."""
    python: str = ""
    """Interpreter of another environment; "" forks the zygote."""


class Send(msgspec.Struct, frozen=True, tag="signal"):
    """To the zygote: signal worker `no`, or all of its session."""

    no: int
    signal: int
    everybody: bool = False


class Kill(msgspec.Struct, frozen=True, tag="kill"):
    """To the zygote: SIGKILL all of the session of worker `no`."""

    no: int


class Fold(msgspec.Struct, frozen=True, tag="fold"):
    """To the zygote: fold what the dead process with these `files` left into its last log."""

    files: str


ToZygote: TypeAlias = Spawn | Send | Kill | Fold


class Spawned(msgspec.Struct, frozen=True, tag="spawned"):
    """Worker `no` exists. `started` identifies it beside its pid."""

    no: int
    pid: int
    started: str


class Died(msgspec.Struct, frozen=True, tag="died"):
    """Worker `no` was reaped and nothing of its session is left. `status` is negative for a signal."""

    no: int
    pid: int
    status: int
    said: str = ""
    """The end of its stderr, if it died outside of any attempt."""


FromZygote: TypeAlias = Spawned | Died

encode = msgspec.msgpack.Encoder().encode
decode_down = msgspec.msgpack.Decoder(Down).decode
decode_up = msgspec.msgpack.Decoder(Up).decode
decode_to_zygote = msgspec.msgpack.Decoder(ToZygote).decode
decode_from_zygote = msgspec.msgpack.Decoder(FromZygote).decode
