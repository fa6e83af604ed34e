"""What an action would touch, worked out by the engine's own rules and without doing it."""

from __future__ import annotations

from collections.abc import Sequence

from toque.api.asking import map_index
from toque.api.lookups import find_run, version_graph
from toque.api.services import Again, Services
from toque.api.timeline import upstream_tasks
from toque.api.wire.actions import ActionPreview, Effect, RunAction
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import TaskState
from toque.graph.hosting import hosted
from toque.graph.ir import MapNode, Pipeline
from toque.ports.pages import TaskQuery

MOST = 500
ACTIVE = (TaskState.RUNNING, TaskState.DISPATCHED)
OPEN = (*ACTIVE, TaskState.READY, TaskState.DEFERRED, TaskState.RETRYING, TaskState.WAITING)
STOPPED = "is told to stop, and killed if it does not"


async def cancel_effects(asked: Services, run: RunRow, act: RunAction) -> ActionPreview:
    """Of cancelling a run or one task run."""
    if act.task:
        effect = Effect(task=act.task, index=list(map_index(act.index)), what=STOPPED)
        behind = await _behind(asked, run, act.task)
        effects = [
            effect,
            *(Effect(task=task, index=[], what="does not start, unless its rule allows") for task in behind),
        ]
        return ActionPreview(
            effects=effects[:MOST], summary=f"{act.task} is cancelled; {_tasks(len(behind))} behind it"
        )
    found = await _open(asked, run, OPEN)
    waiting = await _not_begun(asked, run)
    active = sum(row.state in ACTIVE for row in found)
    effects = [_effect(row, STOPPED if row.state in ACTIVE else "is cancelled") for row in found]
    effects += [Effect(task=task, index=[], what="never starts") for task in waiting]
    held = len(found) - active + len(waiting)
    return ActionPreview(
        effects=effects[:MOST],
        summary=f"{active} running {'attempt is' if active == 1 else 'attempts are'} stopped, "
        f"{held} that {'waits never starts' if held == 1 else 'wait never start'}",
    )


async def pause_effects(asked: Services, run: RunRow, *, resumes: bool) -> ActionPreview:
    """Of suspending or resuming a run."""
    found = await _open(asked, run, OPEN)
    active = [row for row in found if row.state in ACTIVE]
    held = [row for row in found if row.state not in ACTIVE]
    what = "may start" if resumes else "does not start until the run is resumed"
    effects = [_effect(row, "goes on to its end") for row in active] + [_effect(row, what) for row in held]
    words = "ready task runs may start" if resumes else f"{len(active)} running go on to their end, nothing new starts"
    return ActionPreview(effects=effects[:MOST], summary=words)


async def mark_effects(asked: Services, run: RunRow, act: RunAction) -> ActionPreview:
    """Of declaring an outcome."""
    index = list(map_index(act.index))
    row = await asked.store.history.task_run(run.run_id, act.task, tuple(index))
    stops = row is not None and row.state in ACTIVE
    behind = await _behind(asked, run, act.task)
    effects = [Effect(task=act.task, index=index, what=f"{'is stopped and ' if stops else ''}counts as {act.state}")]
    inside = {node.id for node in hosted((await _graph(asked, run)).nodes).get(act.task, ())}
    effects += [
        Effect(
            task=task,
            index=[],
            what=f"counts as {act.state}, unless it has ended"
            if task in inside
            else f"is decided as if {act.task} had {act.state}",
        )
        for task in behind
    ]
    return ActionPreview(
        effects=effects[:MOST], summary=f"{act.task} counts as {act.state}; {_tasks(len(behind))} behind it"
    )


async def again_effects(asked: Services, again: Again) -> ActionPreview:
    """Of a retry or rerun: what runs again, and what keeps its result. Raises as `Starts.again`."""
    planned = await asked.starts.plan_again(again)
    kept = {(row.task, row.map_index) for row in planned.kept}
    rerun = [row for row in planned.origin if (row.task, row.map_index) not in kept and not row.task.endswith("[]")]
    begun = {row.task for row in planned.origin}
    new = [node.id for node in planned.pipeline.nodes if node.id not in begun and not isinstance(node, MapNode)]
    effects = [_effect(row, f"runs again ({_how(row.state)})") for row in rerun]
    effects += [Effect(task=task, index=[], what="runs, if its rule allows") for task in new]
    effects += [_effect(row, "keeps its result") for row in planned.kept]
    return ActionPreview(
        effects=effects[:MOST],
        summary=f"a new run {await _code(asked, again)}: {_runs(len(rerun) + len(new))} again, "
        f"{len(kept)} {'keeps its result' if len(kept) == 1 else 'keep their results'}",
    )


async def _code(asked: Services, again: Again) -> str:
    """Which code it runs: whoever has just corrected a mistake must see when a retry would repeat it."""
    if again.new_code:
        return "with the current code"
    run = await find_run(asked, again.run_id)
    current = await asked.store.current_version(run.pipeline)
    since = "" if current is None or current.version == run.version else ", not the current one"
    return f"with the code it ran with{since}"


def _how(state: TaskState) -> str:
    words = {TaskState.UPSTREAM_FAILED: "something before it failed", TaskState.FAILED: "it failed"}
    return words.get(state, f"it was {state}")


async def _open(asked: Services, run: RunRow, states: Sequence[TaskState]) -> list[TaskRow]:
    page = await asked.store.history.task_runs(TaskQuery(run_id=run.run_id, states=tuple(states), limit=MOST))
    return [row for row in page.tasks if not row.task.endswith("[]")]


async def _not_begun(asked: Services, run: RunRow) -> list[str]:
    """Nodes without any task run yet."""
    begun = {each.task for each in await asked.store.history.nodes(run.run_id)}
    return [
        node.id for node in (await _graph(asked, run)).nodes if node.id not in begun and not isinstance(node, MapNode)
    ]


async def _behind(asked: Services, run: RunRow, task: str) -> list[str]:
    """Everything that depends on a task or is run by it, in the order of the graph."""
    graph = await _graph(asked, run)
    upstream = upstream_tasks(graph)
    hosts = {member.id: host for host, members in hosted(graph.nodes).items() for member in members}
    reached = {task}
    for name, sources in upstream.items():  # topological: one pass is enough
        if sources & reached or hosts.get(name) in reached:
            reached.add(name)
    return [name for name in upstream if name in reached and name != task]


async def _graph(asked: Services, run: RunRow) -> Pipeline:
    return await version_graph(asked, run.version)


def _effect(row: TaskRow, what: str) -> Effect:
    return Effect(task=row.task, index=list(row.map_index), what=what)


def _tasks(count: int) -> str:
    return f"{count} task{'' if count == 1 else 's'}"


def _runs(count: int) -> str:
    return f"{count} task run{'' if count == 1 else 's'} execute{'s' if count == 1 else ''}"
