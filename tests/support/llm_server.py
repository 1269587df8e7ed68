"""An OpenAI-compatible server on this machine whose behaviour a test writes down, request by request."""

import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from orchestration.classification.labelled import LABEL_TARGETS
from orchestration.classification.llm.schema import NO_MESSAGE
from tests.support.llm_batches import BatchStore


@dataclass(frozen=True)
class Request:
    """One request as it arrived; `number` counts from 1."""

    number: int
    headers: Mapping[str, str]
    body: str

    @property
    def content(self) -> dict[str, Any]:
        """The JSON of the body."""
        content: dict[str, Any] = json.loads(self.body)
        return content

    @property
    def user_text(self) -> str:
        """The text of the last message of the chat, which is the conversation."""
        return str(self.content["messages"][-1]["content"])

    @property
    def is_probe(self) -> bool:
        """Whether this is the startup probe."""
        return "pong" in self.content["messages"][0]["content"]

    @property
    def conversation(self) -> list[dict[str, Any]]:
        """The messages of the conversation."""
        rows: list[dict[str, Any]] = json.loads(self.user_text)
        return rows


@dataclass(frozen=True)
class Answer:
    """A chat completion with this text."""

    text: str
    finish_reason: str = "stop"
    usage: Mapping[str, int] | None = field(
        default_factory=lambda: {"prompt_tokens": 800, "completion_tokens": 90, "total_tokens": 890}
    )


@dataclass(frozen=True)
class Status:
    """A status other than 200."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "no", "code": null}}'


@dataclass(frozen=True)
class Body:
    """A response of 200 with this body, whatever it is."""

    text: str


@dataclass(frozen=True)
class Raw:
    """A response whose bytes a test makes: headers as given, the parts until they end or the client hangs up."""

    parts: Iterable[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)
    code: int = 200


@dataclass(frozen=True)
class Drip:
    """The beginning of a response, then a blank now and then until the server is closed or the client hangs up."""

    beginning: bytes


class Hang:
    """No answer until the server is closed."""


class Cut:
    """Half a response, then the connection is reset."""


Action = Answer | Status | Body | Raw | Drip | Hang | Cut
Behaviour = Callable[[Request], Action]


def answer_text(**labels: str | tuple[str, str]) -> str:
    """Return an answer of the schema: `resolved="no"` or `resolved=("yes", "m2")`; labels not named are no."""
    content: dict[str, str] = {}
    for target in LABEL_TARGETS:
        said = labels.get(target, "no")
        reached, reference = (said, NO_MESSAGE) if isinstance(said, str) else said
        content |= {f"{target}_evidence": reference, target: reached}
    return json.dumps(content)


_DRIP_SECONDS = 0.02


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing about a client that is gone: tests cut connections and kill clients."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class LlmServer:
    """The server, as a context; `requests` holds everything that arrived, headers and bodies."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.requests: list[Request] = []
        self.batches = BatchStore()
        # What a test does in the middle of a submission: before the batch exists, or before it is reported.
        self.on_submitting: Callable[[], None] = lambda: None
        self.on_submitted: Callable[[], None] = lambda: None
        self._behaviour = behaviour
        self._lock = threading.Lock()
        self._closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                server._serve(self)

            def do_GET(self) -> None:
                found = server.batches.get(self.path.partition("/v1")[2])
                _send(self, 404 if found is None else 200, found or "{}", {})

            def log_message(self, format: str, *args: Any) -> None:
                """Print nothing: requests are kept."""

        self._http = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def base_url(self) -> str:
        """The address for COLLOQUY_LLM_BASE_URL."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    @property
    def labelling_requests(self) -> list[Request]:
        """The requests that were about a conversation."""
        return [request for request in self.requests if not request.is_probe]

    def log(self) -> str:
        """Everything that arrived, as text."""
        return "\n".join(f"{dict(request.headers)}\n{request.body}" for request in self.requests)

    def __enter__(self) -> "LlmServer":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers["content-length"])
        sent = handler.rfile.read(length)
        if len(sent) < length:
            # A client that is killed during its request has not sent it.
            handler.close_connection = True
            return
        if handler.path.endswith("/files"):
            _send(handler, 200, json.dumps(self.batches.upload(handler.headers["content-type"], sent)), {})
            return
        if handler.path.endswith("/batches"):
            try:
                self.on_submitting()
            except ConnectionAbortedError:
                handler.close_connection = True
                return
            made = self.batches.submit(json.loads(sent))
            self.on_submitted()
            _send(handler, 200, json.dumps(made), {})
            return
        body = sent.decode()
        with self._lock:
            request = Request(len(self.requests) + 1, dict(handler.headers.items()), body)
            self.requests.append(request)
            action = self._behaviour(request)
        if isinstance(action, Hang):
            self._closing.wait()
            handler.close_connection = True
        elif isinstance(action, Cut):
            _cut(handler)
        elif isinstance(action, Raw):
            _send_parts(handler, action)
        elif isinstance(action, Drip):
            _drip(handler, action, self._closing)
        elif isinstance(action, Status):
            _send(handler, action.code, action.body, action.headers)
        elif isinstance(action, Body):
            _send(handler, 200, action.text, {})
        else:
            _send(handler, 200, completion_text(request, action), {})


def completion_text(request: Request, answer: Answer) -> str:
    """Return the body of a chat completion with this answer."""
    return json.dumps(_completion(request, answer))


def _completion(request: Request, answer: Answer) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer.text}
    return {
        **{"id": f"call-{request.number}", "object": "chat.completion", "created": 0},
        "model": request.content["model"],
        "choices": [{"index": 0, "finish_reason": answer.finish_reason, "message": message}],
        **({"usage": dict(answer.usage)} if answer.usage is not None else {}),
    }


def _send(handler: BaseHTTPRequestHandler, code: int, body: str, headers: Mapping[str, str]) -> None:
    content = body.encode()
    handler.send_response(code)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)


def _send_parts(handler: BaseHTTPRequestHandler, action: Raw) -> None:
    handler.send_response(action.code)
    for name, value in {"Content-Type": "application/json", "Connection": "close", **action.headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.close_connection = True
    for part in action.parts:
        handler.wfile.write(part)


def _drip(handler: BaseHTTPRequestHandler, action: Drip, closing: threading.Event) -> None:
    handler.close_connection = True
    handler.wfile.write(action.beginning)
    while not closing.wait(_DRIP_SECONDS):
        handler.wfile.write(b" ")


def _cut(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n" + b'{"choices"'
    )
    handler.wfile.flush()
    # Closing with this option resets the connection.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
