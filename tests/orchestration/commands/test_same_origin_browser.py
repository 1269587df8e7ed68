"""A real browser with a page of another port open: no request that the page causes reaches the application."""

import asyncio
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from orchestration.commands.same_origin import App, SameOrigin

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((path for name in _NAMES if (path := shutil.which(name))), None)
LIMIT_SECONDS = 60
# What a page can do without being asked, each of them against the query and against a page.
ACTS = """
<iframe name=there></iframe><iframe src="{there}/frame"></iframe><img src="{there}/image">
<script src="{there}/graphql?query=mutation%7Bx%7D"></script>
<form id=form method=POST enctype=text/plain target=there action="{there}/graphql">
<input name='{{"query":"' value='"}}'></form>
<pre id=log>running</pre>
<script>
const body = '{{"query": "mutation {{ x }}"}}', tries = [
  () => fetch('{there}/graphql?query=mutation{{x}}'),
  () => fetch('{there}/graphql?query=mutation{{x}}', {{mode: 'no-cors'}}),
  () => fetch('{there}/graphql', {{method: 'POST', mode: 'no-cors', body}}),
  () => fetch('{there}/graphql', {{method: 'POST', body, headers: {{'content-type': 'application/json'}}}}),
  () => fetch('{there}/graphql', {{method: 'POST', body, mode: 'no-cors', referrerPolicy: 'no-referrer'}}),
  () => new Promise((good, bad) => {{
    const socket = new WebSocket('{socket}/graphql', 'graphql-ws');
    socket.onopen = good; socket.onerror = bad;
  }}),
];
document.getElementById('form').submit();
navigator.sendBeacon('{there}/graphql', body);
Promise.allSettled(tries.map(one => one())).then(ends => {{
  document.getElementById('log').textContent = ends.map(one => one.status).join(' ');
}});
</script>
"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"needs a browser: none of {', '.join(_NAMES)} is installed")


class Victim:
    """A server behind the guard, which notes what reaches it; its own page does the same as a foreign one."""

    def __init__(self, guard: Any) -> None:
        self.reached: list[str] = []
        self.page = ""
        self._server = uvicorn.Server(
            uvicorn.Config(self._app, port=0, log_level="error", lifespan="off", interface="asgi3")
        )
        self._guard = guard
        self._guarded: App | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        serving = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self._guarded = self._guard(self._note, port=self.port)
        self._started.set()
        await serving

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        assert self._guarded is not None
        await self._guarded(scope, receive, send)

    async def _note(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached.append(f"{scope.get('method', scope['type'])} {scope['path']}")
        await receive()
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept", "subprotocol": "graphql-ws"})
            return
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        # In a frame it would open itself again and again.
        body = self.page if scope["path"] == "/" else ""
        await send({"type": "http.response.body", "body": body.encode()})

    def __enter__(self) -> "Victim":
        self._thread.start()
        assert self._started.wait(LIMIT_SECONDS)
        self.page = acts(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(LIMIT_SECONDS)


def acts(port: int) -> str:
    return ACTS.format(there=f"http://127.0.0.1:{port}", socket=f"ws://127.0.0.1:{port}")


@pytest.fixture
def foreign_page() -> Iterator[Any]:
    """Serve a page on a port of its own: on 127.0.0.1 it is of the same site, by another name of another one."""
    pages = {"html": ""}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(pages["html"].encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pages["port"] = str(server.server_address[1])
    yield pages
    server.shutdown()
    server.server_close()


def opened(url: str, folder: Path) -> str:
    """Return the page as it stands when its scripts have ended."""
    assert BROWSER is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}", "--no-first-run"]
    resolve = "--host-resolver-rules=MAP evil.test 127.0.0.1"
    command = [BROWSER, *options, resolve, "--virtual-time-budget=5000", "--dump-dom", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=True).stdout


def unguarded(app: App, *, port: int) -> App:
    del port
    return app


@pytest.mark.parametrize("host", ["127.0.0.1", "evil.test"])
def test_nothing_of_a_foreign_page_reaches_it(foreign_page: Any, host: str, tmp_path: Path) -> None:
    with Victim(SameOrigin) as victim:
        foreign_page["html"] = acts(victim.port)
        page = opened(f"http://{host}:{foreign_page['port']}/", tmp_path)
        # Answers that the page may not read are no failures of these two.
        assert "rejected fulfilled fulfilled rejected fulfilled rejected" in page
        assert victim.reached == []


def test_without_the_guard_it_would(foreign_page: Any, tmp_path: Path) -> None:
    with Victim(unguarded) as victim:
        foreign_page["html"] = acts(victim.port)
        opened(f"http://evil.test:{foreign_page['port']}/", tmp_path)
        assert {"GET /graphql", "POST /graphql", "websocket /graphql", "GET /frame"} <= set(victim.reached)


def test_a_foreign_name_of_this_machine_reaches_nothing(foreign_page: Any, tmp_path: Path) -> None:
    """DNS rebinding: the page and the application have the same origin to the browser."""
    del foreign_page
    with Victim(SameOrigin) as victim:
        page = opened(f"http://evil.test:{victim.port}/", tmp_path)
        assert "The Host of the request is not this machine" in page
        assert victim.reached == []


def test_its_own_page_works(tmp_path: Path) -> None:
    with Victim(SameOrigin) as victim:
        opened(f"http://127.0.0.1:{victim.port}/", tmp_path)
        assert {"GET /", "POST /graphql", "websocket /graphql", "GET /image", "GET /frame"} <= set(victim.reached)
        assert "GET /graphql" not in victim.reached
