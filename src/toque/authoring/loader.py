"""The loader: imports files of a project and returns the pipelines that they define.

A file is imported as its module, named by its path from the root, as workers will. One that is broken is reported
with the line, and the others are loaded all the same.
"""

from __future__ import annotations

import importlib
import linecache
import os
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from toque.authoring import sites
from toque.authoring.assets import Source
from toque.authoring.externals import Observed
from toque.authoring.flows import Flow
from toque.authoring.pipelines import Pipeline
from toque.authoring.producers import Producer, producers_among
from toque.authoring.trace import loading
from toque.errors import ToqueError, UserError
from toque.worker import code

Runnable: TypeAlias = Pipeline[Any, Any] | Flow[Any, Any]
"""What can be run by name."""

_MARK = "__toque_loaded_from__"
_YOUNG_NS = 2_000_000_000


@dataclass(frozen=True)
class Loaded:
    """One file: its pipelines, or why there are none."""

    file: Path
    pipelines: tuple[Runnable, ...] = ()
    error: UserError | None = None


def load_file(path: Path, project: Path) -> list[Runnable]:
    """The pipelines and flows that a file defines, traced, in the order of the file. Raises `UserError`."""
    _forget(project.resolve())
    return _load(path.resolve(), project.resolve(), {})


def load_files(paths: Iterable[Path], project: Path) -> list[Loaded]:
    """Each file with its pipelines or its error. A name that two files use is an error of the second one."""
    root = project.resolve()
    _forget(root)
    taken: dict[str, Path] = {}
    loaded = []
    for path in paths:
        try:
            loaded.append(Loaded(path, tuple(_load(path.resolve(), root, taken))))
        except UserError as error:
            loaded.append(Loaded(path, error=error))
    return loaded


def producers_in(path: Path, project: Path) -> list[Producer]:
    """What makes assets in a file that `load_file` has imported."""
    module = sys.modules.get(module_name(path.resolve(), project.resolve()))
    found = producers_among(vars(module).values()) if module is not None else []
    return [each for each in found if module is not None and each.__module__ == module.__name__]


def externals_in(path: Path, project: Path) -> list[Source[Any]]:
    """The data that something else makes and that a file names, which `load_file` has imported."""
    module = sys.modules.get(module_name(path.resolve(), project.resolve()))
    values = vars(module).values() if module is not None else ()
    return [each for each in values if isinstance(each, Source) and not isinstance(each, Producer)]


def validate_parameters(pipeline: Runnable, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a run in tagged JSON: checked, defaults filled in, strings read by their type."""
    return pipeline.validate(raw)


def module_name(path: Path, root: Path) -> str:
    """What a file is imported as: its path from the innermost import root (`src/`). Raises `UserError`."""
    holding = [Path(each) for each in code.import_roots(str(root)) if path.is_relative_to(each)]
    try:
        parts = path.relative_to(max(holding, key=lambda each: len(each.parts), default=root)).with_suffix("").parts
    except ValueError:
        raise UserError(f"{path} is not in the project {root}.", fix="run it from its own project") from None
    if parts[-1] == "__init__":
        parts = parts[:-1]
    wrong = [part for part in parts if "." in part]
    if wrong or not parts:
        raise UserError(
            f"{path.name} cannot be imported: a module name has no dots.",
            file=str(path.relative_to(root)),
            fix=f"rename it to {path.stem.replace('.', '_')}.py",
        )
    return ".".join(parts)


def _load(path: Path, root: Path, taken: dict[str, Path]) -> list[Runnable]:
    name = module_name(path, root)
    try:
        module = _imported(name, path, root)
        found = _defined_in(module)
        for runnable in found:
            _ = runnable.ir
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # the user's file may raise anything at import
        raise user_error(error, path, root) from error
    for runnable in found:
        _claim(taken, runnable, path, root)
    return found


def _imported(name: str, path: Path, root: Path) -> ModuleType:
    sys.path[:0] = [each for each in code.import_roots(str(root)) if each not in sys.path]
    known = sys.modules.get(name)
    if known is None:
        importlib.invalidate_caches()
        before = set(sys.modules)
        token = loading.set(str(path))
        try:
            known = importlib.import_module(name)
        finally:
            loading.reset(token)
            _mark_new(before, root)
    file = getattr(known, "__file__", None)
    if file is None or not os.path.samefile(file, path):
        raise UserError(
            f"import {name} finds {file or 'a built-in module'} instead of this file.",
            file=str(path.relative_to(root)),
            fix="rename the file: its name is taken",
        )
    return known


def _mark_new(before: set[str], root: Path) -> None:
    """Remember, on the modules themselves, which ones were imported for this project, and from which text."""
    prefix = str(root) + os.sep
    for name in set(sys.modules) - before:
        module = sys.modules[name]
        file = getattr(module, "__file__", None) or ""
        if file.startswith(prefix):
            version = _version_of(file)
            setattr(module, _MARK, (str(root), version))
            if version is not None and time.time_ns() - version[0] < _YOUNG_NS:
                _drop_bytecode(module)


def _drop_bytecode(module: ModuleType) -> None:
    """Bytecode knows its source by size and whole seconds: it would be taken for that of an edit within the second."""
    kept = module.__spec__.cached if module.__spec__ is not None else None
    if kept is not None:
        with suppress(OSError):
            os.unlink(kept)


def _forget(root: Path) -> None:
    """Drop what an earlier load imported, if it was for another project or any of it was edited since."""
    # Not by getattr: modules that import lazily would do so now.
    marked = {
        name: (module, vars(module)[_MARK])
        for name, module in list(sys.modules.items())
        if _MARK in getattr(module, "__dict__", ())
    }
    if all(mark == (str(root), _version_of(module.__file__ or "")) for module, mark in marked.values()):
        return
    linecache.checkcache()
    for name, (_, (loaded_from, _)) in marked.items():
        del sys.modules[name]
        if loaded_from != str(root):
            stale = code.import_roots(loaded_from)
            sys.path[:] = [each for each in sys.path if each not in stale]


def _version_of(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _defined_in(module: ModuleType) -> list[Runnable]:
    found: dict[int, Runnable] = {}
    for value in vars(module).values():
        if isinstance(value, Pipeline | Flow) and value.__module__ == module.__name__:
            found.setdefault(id(value), value)
        elif isinstance(value, Observed) and value.__module__ == module.__name__:
            found.setdefault(id(value), value.pipeline)
    return list(found.values())


def _claim(taken: dict[str, Path], runnable: Runnable, path: Path, root: Path) -> None:
    owner = taken.get(runnable.name)
    if owner is not None:
        raise sites.definition(runnable.__toque_function__).error(
            f"The name {runnable.name} is taken by another pipeline in {os.path.relpath(owner, root)}.",
            fix=f'@pipeline(name="{runnable.name}_2")',
        )
    taken[runnable.name] = path


def user_error(error: BaseException, path: Path, root: Path) -> UserError:
    """Whatever a file raised, as an error that names the innermost line of the user's."""
    if isinstance(error, SyntaxError) and error.filename:
        return UserError(
            f"{type(error).__name__}: {error.msg}.",
            file=_shown(error.filename, root),
            line=error.lineno or 0,
            source=(error.text or "").strip(),
        )
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename, root)]
    last = frames[-1] if frames else None
    return UserError(
        _message(error),
        file=_shown(last.filename, root) if last else os.path.relpath(path, root),
        line=(last.lineno or 0) if last else 0,
        source=(last.line or "") if last else "",
        fix=_import_fix(error),
    )


def _message(error: BaseException) -> str:
    if isinstance(error, ToqueError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"The file ends the process (sys.exit({error.code!r})) when it is imported."
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _import_fix(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"install {error.name.partition('.')[0]} in this environment, or correct the name"
    if isinstance(error, SystemExit):
        return 'if __name__ == "__main__": around it'
    if isinstance(error, UnboundLocalError):
        # What a cycle comes to: `x = a(y)` below `y = b(x)`.
        return f"call what makes {error.args[0].split(chr(39))[1]} first; two tasks cannot wait for each other"
    return ""


def _is_users(file: str, root: Path) -> bool:
    return os.path.abspath(file).startswith(str(root) + os.sep) and "site-packages" not in file


def _shown(file: str, root: Path) -> str:
    return os.path.relpath(file, root) if os.path.isabs(file) and _is_users(file, root) else file
