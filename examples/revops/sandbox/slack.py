"""Slack as far as an incoming webhook goes: whatever is posted is kept, to be looked at."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class SlackSandbox:
    """Takes messages from `start()` to `close()`; each becomes a line of `file`."""

    def __init__(self, file: Path, port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.file = file
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/revops"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def start(self) -> None:
        """In a thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def messages(file: Path) -> list[dict[str, Any]]:
    """All that were posted, oldest first."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def shown(message: dict[str, Any]) -> str:
    """A message as a person reads it: its title, and what stands in its code blocks."""
    texts = [
        block["text"]["text"] for block in message.get("blocks", []) if block["type"] == "section" and "text" in block
    ]
    quoted = [text.strip("`\n") for text in texts]
    return "\n".join([message["text"], *(f"  {line}" for text in quoted for line in text.splitlines())])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    file: Path


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.file.open("a") as kept:
            kept.write(json.dumps(content) + "\n")
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: Any) -> None:
        """Silent."""
