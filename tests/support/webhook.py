"""A webhook that alerts are posted to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Part of its address, as chat tools have it: no log may show it.
TOKEN = "hook-a1b2c3"


class Hook:
    """A webhook on loopback: what was posted to it, and how it answers, one after the other; then 200."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, Any]] = []
        self.answers: list[int] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.posted.append((self.headers["Idempotency-Key"], json.loads(body)))
                status = hook.answers.pop(0) if hook.answers else 200
                if status == 0:
                    # Hung up upon before a word.
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/{TOKEN}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Listen no longer."""
        self.server.shutdown()
        self.server.server_close()
