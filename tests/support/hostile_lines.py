"""Lines that go wrong in every way, seeded: mutated events, random bytes, random JSON, letters of all planes."""

import json
import random
import zlib
from collections.abc import Callable
from typing import Any

_PLANES = ((0x00, 0x20), (0x20, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF))
_PIECES = (
    *(
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\x00",
        "\x1b[2J",
        "\r",
        "\ufeff",
        "NaN",
        "-Infinity",
        "1e999",
        "\\u0000",
    ),
    *("\\ud800", "\\ud83d\\ude00", "{{ 1 / 0 }}", "{% raw %}", "'; drop table raw.events; --", "%s%n", "{0.__class__}"),
    *("../../etc/passwd", "$(reboot)", "\u202e", "\u2028", "0" * 400, "[" * 210, '{"a":' * 210),
)
_NAMES = (
    "event_id",
    "conversation_id",
    "session_id",
    "user_id",
    "customer_id",
    "event_type",
    "timestamp",
    "properties",
)
_TYPES = ("user_message", "agent_message", "message_received", "tool_called", "conversion", "something new", "'; --")


def letters(random_source: random.Random, longest: int = 12) -> str:
    """Return letters of any plane, control characters and NUL among them, no half surrogates."""
    chosen = (random_source.choice(_PLANES) for _ in range(random_source.randint(0, longest)))
    return "".join(chr(random_source.randint(*plane)) for plane in chosen)


def value(random_source: random.Random, depth: int = 0) -> Any:
    """Return any JSON value, at most a few levels deep."""
    makers: tuple[Callable[[], Any], ...] = (
        lambda: None,
        lambda: random_source.random() < 0.5,
        lambda: random_source.randint(-(10**3), 10**3),
        lambda: random_source.randint(-(10**40), 10**40),
        lambda: random_source.uniform(-1e6, 1e6) * 10.0 ** random_source.randint(-300, 300),
        lambda: letters(random_source),
        lambda: random_source.choice(_PIECES),
        lambda: [value(random_source, depth + 1) for _ in range(random_source.randint(0, 3))],
        lambda: {
            letters(random_source, 5): value(random_source, depth + 1) for _ in range(random_source.randint(0, 3))
        },
    )
    return random_source.choice(makers if depth < 4 else makers[:7])()


def event(random_source: random.Random) -> dict[str, Any]:
    """Return an event that is good but for what a field of it may hold; ids repeat now and then."""
    made: dict[str, Any] = {
        "event_id": f"e{random_source.randint(0, 6000)}{letters(random_source, 2)}",
        "conversation_id": letters(random_source, 4) or "c",
        "user_id": letters(random_source, 4),
        "event_type": random_source.choice(_TYPES),
        "timestamp": f"2026-02-{random_source.randint(1, 28):02}T{random_source.randint(0, 23):02}:30:15Z",
        "channel": letters(random_source, 3),
        "properties": {
            "role": "user",
            "content": letters(random_source),
            letters(random_source, 4): value(random_source),
        },
    }
    if random_source.random() < 0.3:
        name = random_source.choice((*_NAMES, "value", "tokens_in", "cost_usd", "seq", "environment"))
        place = made if random_source.random() < 0.5 else made["properties"]
        place[name] = value(random_source)
    return made


def _written(random_source: random.Random) -> bytes:
    ascii_only = random_source.random() < 0.5
    return json.dumps(event(random_source), ensure_ascii=ascii_only, indent=None).encode()


def _mutated(random_source: random.Random) -> bytes:
    line = bytearray(_written(random_source))
    for _ in range(random_source.randint(1, 3)):
        place = random_source.randint(0, len(line))
        kind = random_source.random()
        if kind < 0.4:
            line[place:place] = random_source.choice(_PIECES).encode()
        elif kind < 0.7:
            del line[place : place + random_source.randint(1, 3)]
        else:
            line[place : place + 1] = bytes([random_source.randint(0, 255)])
    return bytes(line)


def _doubled_name(random_source: random.Random) -> bytes:
    return _written(random_source)[:-1] + f', "{random_source.choice(_NAMES)}": "again"}}'.encode()


def _extreme_number(random_source: random.Random) -> bytes:
    number = random_source.choice(
        ("NaN", "-Infinity", "1e999999999", "-1e-999999999", "9" * 5000, "0." + "1" * 5000, "1E400", "-0", "1e19")
    )
    name = random_source.choice(("value", "cost_usd", "tokens_in", "seq", "rating", "intent_confidence", "other"))
    return _written(random_source).replace(b'"role"', f'"{name}": {number}, "role"'.encode(), 1)


def _deep(random_source: random.Random) -> bytes:
    levels = random_source.randint(196, 204)
    return _written(random_source)[:-1] + b', "deep": ' + b"[" * levels + b"]" * levels + b"}"


def line(random_source: random.Random) -> bytes:
    """Return one line without its end, which may be blank."""
    makers: tuple[tuple[int, Callable[[], bytes]], ...] = (
        (8, lambda: _written(random_source)),
        (5, lambda: _mutated(random_source)),
        (1, lambda: _written(random_source)[: random_source.randint(0, 200)]),
        (1, lambda: random_source.randbytes(random_source.randint(0, 60))),
        (2, lambda: json.dumps(value(random_source)).encode()),
        (1, lambda: _doubled_name(random_source)),
        (1, lambda: _extreme_number(random_source)),
        (1, lambda: _deep(random_source)),
        (
            1,
            lambda: random_source.choice(
                (b"", b"  ", b"\t", "\u00a0\u2003".encode(), b"\x1c", b"\xef\xbb\xbf{}", b"null")
            ),
        ),
    )
    weights = [weight for weight, _ in makers]
    made = random_source.choices([maker for _, maker in makers], weights)[0]()
    return made.replace(b"\n", b" ")


def content(random_source: random.Random, line_count: int) -> bytes:
    """Return a text file: line ends mixed, lines sent again, a byte order mark or no last newline now and then."""
    # A block of whole UTF-8 lines without carriage returns is read in one go, any other line by line.
    is_tidy = random_source.random() < 0.4
    ends = random_source.choice(((b"\n",), (b"\r\n",), (b"\n", b"\r\n"))) if not is_tidy else (b"\n",)
    lines: list[bytes] = []
    for _ in range(line_count):
        is_again = bool(lines) and random_source.random() < 0.05
        lines.append(random_source.choice(lines) if is_again else line(random_source))
    if is_tidy:
        lines = [
            text.encode() for text in (one.decode(errors="ignore").replace("\r", "") for one in lines) if text.strip()
        ]
    text = b"".join(one + random_source.choice(ends) for one in lines)
    if random_source.random() < 0.2:
        text = b"\xef\xbb\xbf" + text
    return text.rstrip(b"\r\n") if random_source.random() < 0.3 else text


def gzipped(random_source: random.Random, text: bytes) -> tuple[bytes, bytes, bool]:
    """Return (file, the text that can be read from it, whether it is cut): one member or several, padded or cut."""
    cut = random_source.randint(0, len(text))
    members = [text] if random_source.random() < 0.5 else [text[:cut], b"", text[cut:]]
    packed = b"".join(_member(member) for member in members)
    kind = random_source.random()
    if kind < 0.2:
        return packed + b"\0" * random_source.randint(1, 700), text, False
    if kind < 0.4:
        last = _member(members[-1])
        shortened = last[: random_source.randint(11, len(last) - 1)]
        before = b"".join(members[:-1])
        return packed[: -len(last)] + shortened, before + zlib.decompressobj(wbits=31).decompress(shortened), True
    return packed, text, False


def _member(text: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(text) + packer.flush()
