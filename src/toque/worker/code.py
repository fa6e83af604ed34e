"""Finds the callable behind a `CodeRef`, and holds project modules to the bundle."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from toque.errors import UserError
from toque.graph.ir import CodeRef

BUNDLE_MANIFEST = ".toque-bundle.json"
"""In the root of a bundle; `roots` lists its import roots."""


def resolve(ref: CodeRef) -> Any:
    """What `ref` names. An authoring object (a `Task`, …) gives its raw function as `__toque_function__`.

    Whatever the import itself raises is passed on: it is an error of the user's code, with its traceback.
    """
    found = locate(ref)
    return getattr(found, "__toque_function__", found)


def locate(ref: CodeRef) -> Any:
    """The object that `ref` names, as it stands in its module."""
    module = sys.modules.get(ref.module)
    if module is None or getattr(getattr(module, "__spec__", None), "_initializing", False):
        module = importlib.import_module(ref.module)
    found: Any = module
    for part in ref.qualname.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise UserError(
                f"{ref.module} has no {ref.qualname!r}: the code was changed since the pipeline was loaded",
                file=getattr(module, "__file__", None) or ref.module,
                fix="run the pipeline again, so that it is loaded from the code as it is now",
            ) from None
    return found


def import_roots(root: str) -> list[str]:
    """Where modules of a bundle or project are imported from: `root`, then its `src/` and the like.

    A bundle's manifest says what was on `sys.path` when the snapshot was taken, code installed in place included;
    for a project as it stands, that is what `sys.path` says now.
    """
    try:
        manifest = json.loads(Path(root, BUNDLE_MANIFEST).read_bytes())
        return [os.path.normpath(os.path.join(root, each)) for each in manifest["roots"]]
    except FileNotFoundError:
        inside = [each for each in sys.path if each.startswith(root + os.sep) and not each.startswith(sys.prefix)]
        return [root, *inside]


def lead_with(root: str) -> None:
    """Put the import roots of a bundle in front of `sys.path`."""
    leading = import_roots(root)
    sys.path[:] = leading + [entry for entry in sys.path if entry not in leading and entry != ""]
    importlib.invalidate_caches()


def require_bundled(bundle: str, project: str) -> None:
    """Raise `UserError` if a module was imported from the project's own files instead of their snapshot.

    Such a module is not part of the version that the run is pinned to: an edit would change a run in flight.
    """
    if not bundle or not project or Path(bundle).resolve() == Path(project).resolve():
        return
    stray = strays(list(sys.modules.values()), bundle, project)
    if stray is not None:
        raise UserError(
            f"module {stray.__name__!r} was imported from the project instead of the run's snapshot of it",
            file=str(stray.__file__),
            fix="do not ignore the file in git, or name it in [bundle] include of toque.toml",
        )


def strays(modules: Iterable[ModuleType], bundle: str, project: str) -> ModuleType | None:
    """The first module whose file is in the project, but neither in the bundle nor in an installed environment."""
    inside = str(Path(project).resolve()) + "/"
    snapshots = (str(Path(bundle).resolve()) + "/", bundle.rstrip("/") + "/")
    for module in modules:
        file = getattr(module, "__file__", None)
        if (
            isinstance(file, str)
            and file.startswith(inside)
            and not file.startswith(snapshots)
            and "/site-packages/" not in file
            and "/.toque/" not in file
        ):
            return module
    return None
