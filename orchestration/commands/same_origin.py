"""Lets a web application on this machine answer its own pages only: ASGI middleware that knows nothing of Dagster.

A page of any other site that is open in the same browser can send requests to 127.0.0.1, and so can a name that its
owner points there (DNS rebinding). The UI has no password, and its requests launch and delete runs.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_NAMES = ("127.0.0.1", "localhost", "[::1]")
# What a browser sends with a request that a page of another site or port has caused.
_FOREIGN_SITES = {"cross-site", "same-site"}
_QUERIES = "/graphql"
_HTTP_PORT = 80
_POLICY_VIOLATION = 1008


def own_hosts(port: int) -> frozenset[str]:
    """Return what a Host header may be when the browser was pointed at this machine."""
    names = {f"{name}:{port}" for name in _NAMES}
    return frozenset(names | set(_NAMES) if port == _HTTP_PORT else names)


class SameOrigin:
    """Hands on requests of the application's own pages and of programs; all others are answered 403."""

    def __init__(self, app: App, *, port: int) -> None:
        self._app = app
        self._hosts = own_hosts(port)
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        reason = refusal(scope, self._hosts)
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason})
        else:
            body = f"{reason}. Open http://127.0.0.1:{self._port} in a browser on this machine.\n".encode()
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": body})


def refusal(scope: Scope, hosts: frozenset[str]) -> str | None:
    """Return why a request is refused, None when it is the application's own page or no browser's."""
    headers = _Headers(scope["headers"])
    if len(headers["host"]) != 1 or headers["host"][0].lower() not in hosts:
        return "The Host of the request is not this machine"
    if any(origin.lower() not in {f"http://{host}" for host in hosts} for origin in headers["origin"]):
        return "The request comes from a page of another site"
    if scope["type"] == "websocket":
        return None
    is_navigation = headers["sec-fetch-mode"] == ["navigate"] and headers["sec-fetch-dest"] == ["document"]
    is_page = scope["method"] == "GET" and not _is_query(scope)
    if not _FOREIGN_SITES.isdisjoint(headers["sec-fetch-site"]) and not (is_navigation and is_page):
        return "The request comes from a page of another site"
    if _is_query(scope):
        return _refused_query(scope["method"], headers)
    return None


def _refused_query(method: str, headers: "_Headers") -> str | None:
    """Return why a query is refused: what a link or a form of any page can send, which is no JSON."""
    if method != "POST":
        return "Queries are sent by POST"
    kinds = [kind.partition(";")[0].strip().lower() for kind in headers["content-type"]]
    return None if kinds == ["application/json"] else "Queries are sent as application/json"


def _is_query(scope: Scope) -> bool:
    return str(scope["path"]).rstrip("/").lower().endswith(_QUERIES)


class _Headers:
    """The values of each header, by its name in small letters."""

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip())

    def __getitem__(self, name: str) -> list[str]:
        return self._values.get(name, [])
