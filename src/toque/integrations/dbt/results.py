"""`run_results.json`: what dbt leaves at its end, for whatever its stream did not say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from toque.integrations.dbt.events import Ended, instant_us, rows_of, status_of


def results(target: Path) -> Iterator[Ended]:
    """How each node ended, in that order; nothing if dbt did not get so far as to write it down."""
    try:
        raw = msgspec.json.decode((target / "run_results.json").read_bytes())
    except (OSError, msgspec.DecodeError):
        return
    for result in raw.get("results", ()):
        yield Ended(
            unique_id=result["unique_id"],
            at_us=_end_us(result.get("timing") or []),
            status=status_of(str(result.get("status") or "")),
            message=str(result.get("message") or "").strip(),
            rows=rows_of(result.get("adapter_response")),
            failures=result.get("failures"),
        )


def compiled_by(target: Path) -> dict[str, str]:
    """The SQL of each node that ran, by unique id."""
    try:
        raw = msgspec.json.decode((target / "run_results.json").read_bytes())
    except (OSError, msgspec.DecodeError):
        return {}
    return {each["unique_id"]: each.get("compiled_code") or "" for each in raw.get("results", ())}


def write_chosen(directory: Path, ids: list[str], schema: dict[str, Any]) -> None:
    """Leave results by which `--select result:error` chooses exactly these nodes.

    dbt's grammar has no other way to name a node by its unique id: names and paths may fit others.
    """
    directory.mkdir(parents=True, exist_ok=True)
    blank = {
        "status": "error",
        "timing": [],
        "thread_id": "",
        "execution_time": 0,
        "adapter_response": {},
        "message": None,
        "failures": None,
        "compiled": None,
        "compiled_code": None,
        "relation_name": None,
        "batch_results": None,
    }
    rows = [{**blank, "unique_id": name} for name in ids]
    document = {"metadata": schema, "results": rows, "elapsed_time": 0, "args": {}}
    (directory / "run_results.json").write_bytes(msgspec.json.encode(document))


def _end_us(timing: list[dict[str, Any]]) -> int:
    return max((instant_us(each["completed_at"]) for each in timing if each.get("completed_at")), default=0)
