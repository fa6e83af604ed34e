"""Files of bundles, and the logs of attempts: what a page shows of a machine's disk, and nothing else of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from toque.api.wire.versions import VersionFile
from toque.engine.values import TaskKey
from toque.errors import NotFound
from toque.store import bundles
from toque.worker.log import log_path

MAX_FILE_BYTES = 2 * 1024 * 1024


class CodeFiles:
    """A `Code` (see `toque.api.services`)."""

    def __init__(self, project: Path, logs: Path) -> None:
        self._project = project
        self._logs = logs

    def files(self, bundle: str) -> list[VersionFile]:
        """See `Code.files`."""
        found = self._bundle(bundle)
        return [
            VersionFile(path=path, size=(found.path / path).stat().st_size, digest=digest)
            for path, digest in sorted(found.files.items())
        ]

    def text(self, bundle: str, path: str) -> str:
        """See `Code.text`. Only what the manifest names is read, so that no path leads out of the bundle."""
        found = self._bundle(bundle)
        if path not in found.files:
            raise NotFound(f"the bundle {bundle} has no file {path!r}", fix="its files are listed beside it")
        data = (found.path / path).read_bytes()
        if len(data) > MAX_FILE_BYTES:
            return f"({len(data):,} bytes: too large to be shown)"
        try:
            return data.decode()
        except UnicodeDecodeError:
            return f"({len(data):,} bytes of binary content)"

    def log_file(self, run_id: str, key: TaskKey, attempt: int) -> str:
        """See `Code.log_file`."""
        return log_path(str(self._logs), run_id, key, attempt)

    def traceback(self, run_id: str, key: TaskKey, attempt: int) -> str:
        """See `Code.traceback`."""
        try:
            with open(self.log_file(run_id, key, attempt), "rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - MAX_FILE_BYTES))
                raw = file.read().splitlines()
        except OSError:
            return ""
        found = []
        for line in raw:
            if b'"traceback"' in line:
                try:
                    decoded = msgspec.json.decode(line)
                except msgspec.DecodeError:
                    continue
                if isinstance(decoded, dict) and decoded.get("stream") == "traceback":
                    found.append(str(decoded.get("msg", "")))
        return "\n".join(found)

    def _bundle(self, digest: str) -> bundles.Bundle:
        found = bundles.opened(self._project, digest) if digest else None
        if found is None:
            raise NotFound(
                f"the code of bundle {digest or '(none)'} is not on this machine",
                fix="it was pruned, made elsewhere, or run in process",
            )
        return found
