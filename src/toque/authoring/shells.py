"""Shell: any executable as a task."""

from __future__ import annotations

import inspect
import string
from collections.abc import Mapping, Sequence
from typing import Any, Unpack, cast

from toque.authoring import sites
from toque.authoring.options import TaskOptions, check_name, checked
from toque.authoring.tasks import Task, checked_upstream
from toque.worker.shell import Ending, run_shell


class Shell(Task[..., str]):
    """A command as a task: called with the values of its `{fields}`, it gives the last line that it printed."""

    def __init__(
        self,
        command: str | tuple[str, ...],
        surroundings: tuple[Any, ...],
        settings: Mapping[str, Any],
        upstream: tuple[object, ...] = (),
    ) -> None:
        super().__init__(run_shell, settings, upstream)
        self.command = command
        self.surroundings = surroundings
        """Exit codes, environment and working directory."""
        shown = command if isinstance(command, str) else " ".join(command)
        self.__doc__ = f"`{shown}`"
        self.signature = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in _fields(command)]
        )

    @property
    def fixed(self) -> tuple[Any, ...]:
        """What is passed before the arguments of a call."""
        command = self.command if isinstance(self.command, str) else list(self.command)
        return (command, *self.surroundings)

    def options(self, **options: Unpack[TaskOptions]) -> Shell:
        """The same command with other options, for the next call."""
        settings = {**self.settings, **checked("task", cast("dict[str, Any]", options))}
        return Shell(self.command, self.surroundings, settings, self.upstream)

    def after(self, *upstream: object) -> Shell:
        """The same command, waiting for results that it is not passed."""
        awaited = (*self.upstream, *checked_upstream(self.name, upstream))
        return Shell(self.command, self.surroundings, self.settings, awaited)

    def __repr__(self) -> str:
        return f"<shell {self.__doc__}>"


def shell(
    command: str | Sequence[str],
    /,
    *,
    exits: Mapping[int, Ending] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str = "",
    **options: Unpack[TaskOptions],
) -> Shell:
    """Make a command a task: `dump = shell("pg_dump {db} | gzip > {path}")`, then `dump(db="shop", path=target)`.

    `{fields}` are quoted for the shell (`bash -o pipefail` where there is one); a list is run without a shell.
    `exits` maps exit codes to `"success"`, `"skip"`, `"retry"` (worth one) or `"fail"` (whatever `retries` says); 0 is
    success and every other code fails. What the command prints is streamed into the log.
    """
    name = options.get("name") or _name(command)
    check_name(name, "a shell task")
    for code, ending in (exits or {}).items():
        if ending not in ("success", "skip", "retry", "fail") or not isinstance(code, int):
            raise sites.refuse(
                f"exits={{{code!r}: {ending!r}}} maps no exit code.", fix='exits={99: "skip", 75: "retry"}'
            )
    kept = command if isinstance(command, str) else tuple(command)
    surroundings = (dict(exits or {}), dict(env or {}), cwd)
    return Shell(kept, surroundings, {**checked("shell", cast("dict[str, Any]", options)), "name": name})


def _fields(command: str | tuple[str, ...]) -> list[str]:
    parts = (command,) if isinstance(command, str) else command
    found: dict[str, None] = {}
    for part in parts:
        try:
            names = [name for _, name, _, _ in string.Formatter().parse(part) if name is not None]
        except ValueError as error:
            raise sites.refuse(f"{part!r}: {error}.", fix="{{ and }} for braces that are no fields") from None
        for name in names:
            if not name.isidentifier():
                raise sites.refuse(
                    f"{{{name}}} is no field of a command.", fix="{{ and }} for braces that are no fields"
                )
            found[name] = None
    return list(found)


def _name(command: str | Sequence[str]) -> str:
    """The executable's own name."""
    words = command.split() if isinstance(command, str) else list(command)
    word = next((word for word in words if "=" not in word), "")
    name = word.rpartition("/")[2].replace(".", "_")
    if not name.replace("-", "_").isidentifier():
        raise sites.refuse(f"No name can be made of the command {command!r}.", fix='shell("…", name="…")')
    return name
