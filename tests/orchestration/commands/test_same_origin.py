"""Requests of other pages never reach the application, whatever they call themselves; its own pages and programs do."""

import asyncio
import random
from typing import Any

import pytest

from orchestration.commands.same_origin import SameOrigin

PORT = 3111
OWN = {"host": f"127.0.0.1:{PORT}"}
# What Chrome 140 and Firefox 140 send, by what caused the request; `fetch` of another port of localhost is same-site.
JSON = {"content-type": "application/json"}
FOREIGN_FETCH = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
OWN_FETCH = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def answer(kind: str, method: str, path: str, headers: dict[str, str]) -> Any:
    """Return the status of an HTTP answer, `open` or `closed` of a WebSocket, as the client would see it."""
    sent: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}
    asyncio.run(SameOrigin(application, port=PORT)(scope | {"method": method}, receive, send))
    if kind == "websocket":
        return {"websocket.accept": "open", "websocket.close": "closed"}[sent[0]["type"]]
    return sent[0]["status"]


@pytest.mark.parametrize(
    ("kind", "method", "path", "headers", "expected"),
    [
        ("http", "GET", "/", OWN, 200),
        ("http", "GET", "/runs", OWN | NAVIGATION | {"sec-fetch-site": "none"}, 200),
        # A link to the UI in a chat or a mail.
        ("http", "GET", "/runs/1", OWN | NAVIGATION | {"sec-fetch-site": "cross-site"}, 200),
        ("http", "POST", "/graphql", OWN | JSON | OWN_FETCH | {"origin": f"http://127.0.0.1:{PORT}"}, 200),
        ("http", "POST", "/graphql", {"host": f"LOCALHOST:{PORT}"} | JSON, 200),
        ("http", "POST", "/graphql", OWN | {"content-type": "application/json; charset=utf-8"}, 200),
        ("websocket", "", "/graphql", OWN | {"origin": f"http://127.0.0.1:{PORT}"}, "open"),
        ("http", "GET", "/graphql", OWN, 403),
        ("http", "GET", "/graphql/", OWN | NAVIGATION, 403),
        ("http", "HEAD", "/GraphQL", OWN, 403),
        ("http", "POST", "/graphql", OWN | {"content-type": "text/plain"}, 403),
        ("http", "POST", "/graphql", OWN, 403),
        ("http", "POST", "/graphql", OWN | JSON | {"origin": "http://evil.test"}, 403),
        ("http", "POST", "/graphql", OWN | JSON | {"origin": "null"}, 403),
        ("http", "POST", "/graphql", OWN | JSON | {"origin": f"http://localhost:{PORT + 1}"}, 403),
        ("http", "POST", "/graphql", OWN | JSON | {"origin": f"https://127.0.0.1:{PORT}"}, 403),
        ("http", "POST", "/graphql", OWN | JSON | FOREIGN_FETCH, 403),
        ("http", "GET", "/download_debug/1", OWN | FOREIGN_FETCH, 403),
        ("http", "GET", "/x", OWN | FOREIGN_FETCH | {"sec-fetch-site": "same-site"}, 403),
        ("http", "GET", "/x", OWN | NAVIGATION | {"sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe"}, 403),
        ("http", "POST", "/x", OWN | NAVIGATION | {"sec-fetch-site": "cross-site"}, 403),
        ("http", "GET", "/", {"host": "evil.test"}, 403),
        ("http", "GET", "/", {"host": f"evil.test:{PORT}"}, 403),
        ("http", "GET", "/", {"host": f"127.0.0.1.evil.test:{PORT}"}, 403),
        ("http", "GET", "/", {"host": "127.0.0.1"}, 403),
        ("http", "GET", "/", {}, 403),
        ("websocket", "", "/graphql", OWN | {"origin": "http://evil.test"}, "closed"),
        ("websocket", "", "/graphql", {"host": "evil.test"}, "closed"),
    ],
)
def test_who_is_answered(kind: str, method: str, path: str, headers: dict[str, str], expected: Any) -> None:
    assert answer(kind, method, path, headers) == expected


def test_drawn_names_of_other_machines_are_refused() -> None:
    draw = random.Random(5)  # noqa: S311 - reproducible, not secret
    own = [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}"]
    for _ in range(500):
        host = list(draw.choice(own))
        for _ in range(draw.randint(1, 3)):
            place = draw.randrange(len(host) + 1)
            host[place : place + draw.randint(0, 1)] = draw.choice("abl.:@/[]0123#%\\ ")
        changed = "".join(host)
        if changed.strip().lower() not in own:
            assert answer("http", "GET", "/", {"host": changed}) == 403, changed
            assert answer("http", "POST", "/x", OWN | {"origin": f"http://{changed}"}) == 403, changed


def test_what_is_no_request_goes_through() -> None:
    seen = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        return None

    asyncio.run(SameOrigin(application, port=PORT)({"type": "lifespan"}, nothing, nothing))
    assert seen == ["lifespan"]
