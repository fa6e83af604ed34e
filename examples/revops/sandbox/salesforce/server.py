"""The sandbox on a port: HTTPS on 127.0.0.1, with connections that break when they are told to."""

from __future__ import annotations

import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sandbox.salesforce.answers import Answer, Request
from sandbox.salesforce.application import Sandbox
from sandbox.salesforce.faults import refusal


class SandboxServer:
    """Serves a sandbox from `start()` to `close()`. The certificate lies in `folder` and is kept over restarts."""

    def __init__(self, sandbox: Sandbox, folder: str | Path, port: int = 0) -> None:
        self.sandbox = sandbox
        self.authority = Path(folder) / "authority.pem"
        """Whom a client must trust."""
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.sandbox = sandbox
        self._server.tls = _tls(Path(folder), self.authority)
        self.url = f"https://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def start(self) -> SandboxServer:
        """In a thread."""
        self._thread.start()
        return self

    def serve(self) -> None:
        """In this thread, until the process ends."""
        self._server.serve_forever()

    def close(self) -> None:
        """Stop, if it was started, and let go of the state."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self.sandbox.state.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64
    sandbox: Sandbox
    tls: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        # Here, in the thread of the connection: a slow handshake holds nobody up.
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().finish_request(self.tls.wrap_socket(request, server_side=True), client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        sandbox = self.server.sandbox
        fault = None if self.path.startswith("/admin/") else sandbox.faults.due(f"{self.command} {self.path}")
        kind = fault.kind if fault else ""
        if kind == "expire":
            sandbox.expire()
        if kind == "cut_before":
            self._cut()
        elif fault and kind == "status":
            self._send(refusal(fault))
        else:
            answer = sandbox.answer(request)
            if kind == "cut_after":
                self._cut()
            else:
                self._send(answer, cut=kind == "cut_body")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _send(self, answer: Answer, *, cut: bool = False) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.content)))
        if answer.content:
            self.send_header("Content-Type", answer.kind)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content[: len(answer.content) // 2] if cut else answer.content)
        if cut:
            self._cut()

    def _cut(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args: Any) -> None:
        """Silent."""


def _tls(folder: Path, authority: Path) -> ssl.SSLContext:
    import trustme

    chain = folder / "server.pem"
    if not (authority.exists() and chain.exists()):
        made = trustme.CA()
        folder.mkdir(parents=True, exist_ok=True)
        made.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(chain)
        made.cert_pem.write_to_path(authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context
