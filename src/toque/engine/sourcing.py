"""Sourcing: what an attempt is given from the state of its run."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

from toque.engine.codes import FIRST_TERMINAL, STATES, SUCCEEDED
from toque.engine.joining import chosen
from toque.engine.lanes import Frame, Lane
from toque.engine.sizes import frame_of
from toque.engine.state import Run
from toque.engine.steps import NOTHING
from toque.engine.values import Entry, Hole, MapIndex, TaskKey, Value, ValueRef, Values
from toque.graph.expr import AnyExpr, Const, Gather, Item, OutcomeOf, Param, Ref, RunReportOf, walk
from toque.graph.ir import Axis, JoinNode, MapNode


class ItemInput(NamedTuple):
    """Where the item of one axis is: the fields of `ports.executor.ItemSource` (its `index` is `position`)."""

    position: int
    entry: Entry | None = None
    source: AnyExpr | None = None
    is_item: bool = False


class AttemptInputs(NamedTuple):
    """What an `AttemptSpec` takes from the state of the run."""

    sources: dict[str, Entry]
    items: dict[str, tuple[ItemInput, ...]]
    payload: ValueRef | None
    handle: Any
    deferrals: int
    deadline_us: int
    run_report: dict[str, Any] | None


def attempt_inputs(run: Run, key: TaskKey) -> AttemptInputs:
    """Everything that the arguments of a task run name."""
    state = run.nodes[key.task]
    row = run.task_run(key)
    sources: dict[str, Entry] = {}
    items: dict[str, tuple[ItemInput, ...]] = {}
    report = None
    for expr in state.plan.reads:
        match expr:
            case Item(map=name):
                if name not in items:
                    items[name] = _items(run, name, key.map_index, sources)
            case RunReportOf():
                report = run_report(run)
            case _:
                _add_source(run, expr, key.map_index, sources)
    return AttemptInputs(
        sources=sources,
        items=items,
        payload=row.payload if row is not None else None,
        handle=row.handle if row is not None else None,
        deferrals=row.deferrals if row is not None else 0,
        deadline_us=row.deadline_us if row is not None else 0,
        run_report=report,
    )


def idempotency_key(run: Run, key: TaskKey) -> str:
    """Stable across attempts, resumes and recoveries of the run; another one in a rerun."""
    return idempotency_key_of(run.row.run_id, key)


def idempotency_key_of(run_id: str, key: TaskKey) -> str:
    """The same for a run that is not in memory."""
    name = f"{run_id}/{key.task}/{'.'.join(map(str, key.map_index))}"
    return blake2b(name.encode(), digest_size=16).hexdigest()


def result_sources(run: Run, expr: AnyExpr) -> dict[str, Entry]:
    """What an expression outside of all scopes (a pipeline's result) reads."""
    sources: dict[str, Entry] = {}
    for part in walk(expr):
        _add_source(run, part, (), sources)
    return sources


def run_report(run: Run) -> dict[str, Any]:
    """What a hook is told (`toque.worker.outcomes.RunReport`)."""
    row = run.row
    return {
        "run_id": row.run_id,
        "pipeline": row.pipeline,
        "state": row.outcome.value if row.outcome is not None else row.state.value,
        "logical_us": row.logical_us,
        "failed": [
            {"task": key.task, "map_index": list(key.map_index), "type": kind, "message": message}
            for key, kind, message in run.failed
        ],
        "failed_count": run.failed_count,
        "message": row.error.message if row.error is not None else "",
    }


def entry_of(run: Run, name: str, reader: MapIndex) -> Entry:
    """The result of node `name` for a reader at map index `reader`: a value, or the hole in its place."""
    state = run.nodes[name]
    node = state.plan.node
    if isinstance(node, MapNode):
        return _gathered(run, name, node, reader)
    found = state.lane_of(reader[: state.plan.depth])
    if found is None:
        return Hole(state=STATES[0].value)
    lane, index = found
    if lane.state[index] == SUCCEEDED and isinstance(node, JoinNode):
        source = chosen(run, node, reader)
        if isinstance(source, Gather):
            return entry_of(run, source.map, reader)
    return _entry(lane, index)


def _entry(lane: Lane, index: int, position: int | None = None) -> Entry:
    code = lane.state[index]
    if code == SUCCEEDED:
        return Value(ref=lane.result(index) or NOTHING)
    return Hole(state=STATES[code].value, error=lane.errors.get(index), index=position)


def _add_source(run: Run, expr: AnyExpr, reader: MapIndex, sources: dict[str, Entry]) -> None:
    match expr:
        case Ref(node=name) | OutcomeOf(node=name) | Gather(map=name):
            if name not in sources:
                sources[name] = entry_of(run, name, reader)
        case _:
            pass


def _gathered(run: Run, name: str, node: MapNode, reader: MapIndex) -> Entry:
    frame = frame_of(run, name, reader)
    if frame is not None:
        return Values(items=[_element(run, frame, node, index) for index in range(frame.size)])
    found = run.nodes[name].lane_of(reader[: run.nodes[name].plan.depth])
    return Hole(state=STATES[0].value) if found is None else _entry(*found)


def _element(run: Run, frame: Frame, node: MapNode, index: int) -> Entry:
    """What one index of a map stands for."""
    code = frame.outcomes[index]
    lane = _result_lane(frame, node)
    if code == SUCCEEDED:
        match node.result:
            case None:
                return Value(ref=NOTHING)
            case Ref(node=name) if lane is not None and lane.node.plan.id == name:
                if not isinstance(lane.node.plan.node, JoinNode):
                    return _entry(lane, index, index)
                return entry_of(run, name, (*frame.path, index))
            case Ref(node=name) | Gather(map=name):
                return entry_of(run, name, (*frame.path, index))
            case _:
                return Value(ref=NOTHING)
    error = None
    for member in frame.lanes:
        if member.state[index] == code and index in member.errors:
            error = member.errors[index]
            break
    state = STATES[code] if code >= FIRST_TERMINAL else STATES[0]
    return Hole(state=state.value, error=error, index=index)


def _result_lane(frame: Frame, node: MapNode) -> Lane | None:
    if isinstance(node.result, Ref):
        for lane in frame.lanes:
            if lane.node.plan.id == node.result.node:
                return lane
    return None


# -- items of maps


def _items(run: Run, name: str, reader: MapIndex, sources: dict[str, Entry]) -> tuple[ItemInput, ...]:
    state = run.nodes[name]
    node = state.plan.node
    assert isinstance(node, MapNode)
    outer, index = reader[: state.plan.depth], reader[state.plan.depth]
    frame = frame_of(run, name, outer)
    assert frame is not None
    positions = _unravelled(index, frame.shape) if node.mode == "product" else (index,) * len(node.axes)
    return tuple(
        _item(run, axis, position, (*outer, index), sources)
        for axis, position in zip(node.axes, positions, strict=True)
    )


def _unravelled(index: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The position on each axis of a product; the last axis runs fastest."""
    positions = []
    for length in reversed(shape):
        index, position = divmod(index, length)
        positions.append(position)
    return tuple(reversed(positions))


def _item(run: Run, axis: Axis, position: int, reader: MapIndex, sources: dict[str, Entry]) -> ItemInput:
    source = axis.source
    outer = reader[:-1]
    match source:
        case Const(value=data):
            return ItemInput(position, source=Const(value=_element_of_data(data, position)), is_item=True)
        case Param():
            return ItemInput(position, source=source)
        case Ref(node=name) if axis.chained:
            _add_source(run, source, reader, sources)
            return ItemInput(position, source=source, is_item=True)
        case Ref(node=name):
            return _item_of_result(run, source, name, position, outer)
        case Gather(map=name, holes=holes):
            return _item_of_map(run, source, name, holes, position, outer)
        case _:
            for part in walk(source):
                _add_source(run, part, outer, sources)
            return ItemInput(position, source=source)


def _item_of_result(run: Run, source: Ref, name: str, position: int, outer: MapIndex) -> ItemInput:
    node = run.nodes[name].plan.node
    if isinstance(node, JoinNode):
        taken = chosen(run, node, outer)
        if isinstance(taken, Gather):
            return _item_of_map(run, taken, taken.map, taken.holes, position, outer)
    return ItemInput(position, entry_of(run, name, outer), source)


def _item_of_map(run: Run, source: Gather, name: str, holes: str, position: int, outer: MapIndex) -> ItemInput:
    """The one element that the reader iterates, as a gathered list of one: the whole would be sent once per index."""
    frame = frame_of(run, name, outer)
    node = run.nodes[name].plan.node
    assert frame is not None
    assert isinstance(node, MapNode)
    if holes == "ok":
        position = frame.usable_indexes()[position]
    elif holes == "failures":
        position = frame.failed_indexes()[position]
    return ItemInput(0, Values(items=[_element(run, frame, node, position)]), source)


def _element_of_data(data: Any, position: int) -> Any:
    """One element of a list in tagged JSON."""
    if isinstance(data, dict) and "$" in data:
        match data["$"]:
            case "range":
                return range(*data["v"])[position]
            case "dict":
                return data["v"][position][0]
            case _:
                return data["v"][position]
    return list(data)[position] if isinstance(data, dict) else data[position]
