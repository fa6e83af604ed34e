"""What `toque check` finds in a pipeline beyond what loading it refuses."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Iterator
from typing import Any

from toque.authoring import source_checks, types
from toque.authoring.compatibility import fits
from toque.authoring.findings import Finding
from toque.authoring.flows import Flow
from toque.authoring.pipelines import Pipeline
from toque.authoring.trace import Projection, Trace
from toque.errors import UserError
from toque.graph.validate import validate


def check(runnable: Pipeline[Any, Any] | Flow[Any, Any]) -> list[Finding]:
    """All findings about a pipeline or flow, in the order of the file. It is traced if it was not yet."""
    trace = runnable.trace
    found = [*_graph(runnable), *_wires(trace), *_projections(trace)]
    for body in trace.bodies:
        found += source_checks.body_findings(body)
        found += source_checks.unknown_names(body)
    for function in trace.functions:
        found += source_checks.unknown_names(function)
    for flow in trace.flows:
        found += source_checks.unrepeatable_calls(flow)
    unique = {(finding.error.file, finding.error.line, finding.error.message): finding for finding in found}
    return sorted(unique.values(), key=lambda finding: (finding.error.file, finding.error.line))


def _graph(runnable: Pipeline[Any, Any] | Flow[Any, Any]) -> Iterator[Finding]:
    for fault in validate(runnable.ir):
        origin = fault.origin
        yield Finding(
            UserError(
                f"{fault.node}: {fault.message}." if fault.node else f"{fault.message}.",
                file=origin.file if origin else "",
                line=origin.line if origin else 0,
            )
        )


def _wires(trace: Trace) -> Iterator[Finding]:
    for wire in trace.wires:
        given, expected = wire.given(), wire.expected()
        if not fits(given, expected):
            yield Finding.at(
                wire.site,
                f"{wire.parameter} of {wire.reader} takes {types.show(expected)}, and {wire.source} is "
                f"{types.show(given)}.",
                f"pass {types.show(expected)}, or change the annotation",
            )


def _projections(trace: Trace) -> Iterator[Finding]:
    for projection in trace.projections:
        known = _known_parts(projection)
        if known is not None and str(projection.step[1]) not in known:
            part = projection.step[1]
            near = difflib.get_close_matches(str(part), known, n=1)
            yield Finding.at(
                projection.site,
                f"{projection.source} has no {part!r}.",
                f"did you mean {near[0]!r}?" if near else f"one of {', '.join(_shown(known))}",
            )


def _known_parts(projection: Projection) -> set[str] | None:
    """The names that exist, where the type tells all of them."""
    annotation = projection.annotation()
    kind, key = projection.step
    if kind == "item":
        if isinstance(annotation, type) and typing.is_typeddict(annotation):
            return set(types.hints_of_class(annotation))
        return _positions(annotation) if isinstance(key, int) else None
    if not isinstance(annotation, type):
        return None
    is_closed = dataclasses.is_dataclass(annotation) or hasattr(annotation, "model_fields")
    if not is_closed and not (issubclass(annotation, tuple) and hasattr(annotation, "_fields")):
        return None
    return {*types.hints_of_class(annotation), *dir(annotation)}


def _shown(known: set[str]) -> list[str]:
    return sorted(name for name in known if not name.startswith("_"))


def _positions(annotation: Any) -> set[str] | None:
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is not tuple or not arguments or Ellipsis in arguments:
        return None
    return {str(position) for position in range(-len(arguments), len(arguments))}
