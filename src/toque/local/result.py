"""What a finished run looks like to Python code: states, results, errors, by task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from toque.engine.rows import RunRow, TaskRow
from toque.engine.values import ErrorInfo, MapIndex, ValueRef
from toque.errors import ToqueError

R = TypeVar("R")
T = TypeVar("T")
Reader = Callable[[ValueRef], Any]


class RunFailed(ToqueError):
    """The run did not succeed. `run` holds its states, results and errors."""

    def __init__(self, run: Run[Any]) -> None:
        self.run = run
        lines = [f"run {run.id} of {run.pipeline} {run.state}"]
        for failed in run.failed:
            error = failed.error
            lines.append(f"  {failed.name}: {error.said}" if error else f"  {failed.name}")
        super().__init__("\n".join(lines))


class TaskRun(Generic[T]):
    """One task run of a finished run."""

    def __init__(self, row: TaskRow, read: Reader) -> None:
        self._row = row
        self._read = read

    @property
    def name(self) -> str:
        """`task` or `task[index]`."""
        index = ".".join(map(str, self._row.map_index))
        return f"{self._row.task}[{index}]" if index else self._row.task

    @property
    def state(self) -> str:
        """A terminal task run state."""
        return str(self._row.state)

    @property
    def map_index(self) -> MapIndex:
        """Position in (nested) maps; () outside of any."""
        return self._row.map_index

    @property
    def attempts(self) -> int:
        """How often the body was tried."""
        return self._row.attempt

    @property
    def error(self) -> ErrorInfo | None:
        """Why it failed."""
        return self._row.error

    @property
    def reason(self) -> str:
        """Why it was skipped or not run."""
        return self._row.reason

    @property
    def result(self) -> T:
        """The value that it returned. Raises `LookupError` when it did not succeed."""
        if self._row.result is None:
            raise LookupError(f"{self.name} has no result: it is {self.state}")
        return self._read(self._row.result)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<TaskRun {self.name} {self.state}>"


class Mapped(Generic[T]):
    """The task runs of a mapped task, in index order."""

    def __init__(self, rows: list[TaskRow], read: Reader) -> None:
        self._runs: list[TaskRun[T]] = [TaskRun(row, read) for row in rows]

    @property
    def state(self) -> str:
        """`succeeded` if all did, else the first other state."""
        return next((run.state for run in self._runs if run.state != "succeeded"), "succeeded")

    @property
    def result(self) -> list[T]:
        """All values. Raises `LookupError` when one is missing."""
        return [run.result for run in self._runs]

    def __len__(self) -> int:
        return len(self._runs)

    def __getitem__(self, index: int) -> TaskRun[T]:
        return self._runs[index]

    def __iter__(self) -> Iterator[TaskRun[T]]:
        return iter(self._runs)


class Run(Generic[R]):
    """A finished run."""

    def __init__(self, row: RunRow, tasks: list[TaskRow], read: Reader, result: R | None = None) -> None:
        self._row = row
        self._tasks = tasks
        self._read = read
        self._result = result

    @property
    def id(self) -> str:
        """The run's id."""
        return self._row.run_id

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""
        return self._row.pipeline

    @property
    def state(self) -> str:
        """`succeeded`, `failed` or `cancelled`."""
        return str(self._row.state)

    @property
    def error(self) -> ErrorInfo | None:
        """Why the run failed."""
        return self._row.error

    @property
    def result(self) -> R:
        """What the pipeline returned; None when it returns nothing or its source did not succeed."""
        return self._result  # type: ignore[return-value]

    @property
    def failed(self) -> list[TaskRun[Any]]:
        """Task runs that failed."""
        return [TaskRun(row, self._read) for row in self._tasks if row.state == "failed" and row.size < 0]

    @property
    def states(self) -> dict[str, str]:
        """State by task run name, map and join nodes left out."""
        runs = [TaskRun[Any](row, self._read) for row in self._tasks if not row.task.endswith("[]")]
        return {run.name: run.state for run in runs}

    def __getitem__(self, task: Any) -> Any:
        """The task run of `task` (a task, or its name in the pipeline); `Mapped` when it was mapped."""
        name = task if isinstance(task, str) else task.name
        rows = [row for row in self._tasks if row.task == name]
        if not rows:
            known = ", ".join(sorted({row.task for row in self._tasks}))
            raise KeyError(f"no task run of {name!r} in run {self.id}; it has {known}")
        if any(row.map_index for row in rows):
            return Mapped[Any](sorted(rows, key=lambda row: row.map_index), self._read)
        return TaskRun[Any](rows[0], self._read)

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.pipeline}: {self.state}>"
