"""The project as a server sees it: the pipelines that its files define now, and the files that are broken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from toque.graph.assets import Asset
from toque.graph.ir import Pipeline


class FileProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a file, in the words of a `UserError`."""

    message: str
    file: str = ""
    """Where it is, when that is another file than the broken one: a module that it imports."""
    line: int = 0
    source: str = ""
    fix: str = ""


class BrokenFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that defines pipelines, or should, and cannot be loaded as a whole."""

    file: str
    """Relative to the project."""
    problems: tuple[FileProblem, ...]
    since_us: int
    """When it was first seen broken by this server."""
    kept: tuple[str, ...] = ()
    """Its pipelines that run as they were when it last loaded."""
    missing: tuple[str, ...] = ()
    """Pipelines that it seems to define, and that are not there until it loads."""


class IndexedPipeline(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline of the project."""

    name: str
    file: str
    """Relative to the project."""
    version: str
    """The current one: what new runs take. Another one than `file_version` after a rollback."""
    file_version: str
    """What the file last said without error."""
    ir: Pipeline
    """Of `version`."""
    broken: bool = False
    """Its file cannot be loaded: this is how it was before."""

    @property
    def doc(self) -> str:
        """Docstring of the pipeline."""
        return self.ir.meta.doc

    @property
    def owner(self) -> str:
        """Who looks after it."""
        return self.ir.meta.owner

    @property
    def tags(self) -> tuple[str, ...]:
        """For searching."""
        return self.ir.meta.tags


class IndexedAsset(msgspec.Struct, frozen=True, kw_only=True):
    """An asset that the project makes, or only knows of."""

    asset: Asset
    file: str = ""
    """Where it is defined, relative to the project; "" for one that is only named."""
    line: int = 0
    """0: not known."""
    pipelines: tuple[str, ...] = ()
    """Those that make it, by name."""
    external: bool = False
    """Something else makes it."""
    broken: bool = False
    """Its file cannot be loaded: this is how it was before."""


class ProjectState(msgspec.Struct, frozen=True, kw_only=True):
    """What the last look at the files found. Replaced as a whole, never changed."""

    pipelines: Mapping[str, IndexedPipeline] = {}
    """By name, sorted."""
    assets: Mapping[str, IndexedAsset] = {}
    """By key, sorted."""
    broken: tuple[BrokenFile, ...] = ()
    """By file, sorted."""
    bundle: str = ""
    """Hash of the bundle that was loaded."""
    indexed_us: int = 0
    """When; 0 before the first time."""
    fault: str = ""
    """Why the project as a whole could not be looked at (too large, not readable), or ""."""


class ProjectChange(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a look at the files found changed."""

    kind: Literal["added", "changed", "removed", "broken", "mended", "fault"]
    pipeline: str = ""
    file: str = ""
    words: str = ""
    """For people: `task clean changed, 1 new task`."""
    problems: tuple[FileProblem, ...] = ()


ProjectListener: TypeAlias = Callable[[ProjectState, Sequence[ProjectChange]], None]
"""Called on the loop's thread after each look at the files, the first one included, even if nothing changed."""
Sync: TypeAlias = Callable[[ProjectState], Awaitable[None]]
"""Awaited with each new state before listeners hear of it: schedules follow the pipelines that declare them."""


class ProjectIndex(Protocol):
    """What `toque.local.project.Project` offers to the API."""

    @property
    def state(self) -> ProjectState:
        """As of the last look."""
        ...

    async def reload(self) -> ProjectState:
        """Look at the files now; returns when what they say is in the store."""
        ...

    async def refresh(self, pipeline: str) -> None:
        """The current version of `pipeline` was changed in the store (a rollback): take it over."""
        ...

    def listen(self, listener: ProjectListener) -> Callable[[], None]:
        """Call `listener` from now on; returns what ends that."""
        ...
