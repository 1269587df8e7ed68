"""Every way a file may hold a string, as bytes: what the proof of an erasure looks for.

Written apart from landing/fixed_strings, which replaces: a form that one of them forgets is found by the other.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# What encoders of URLs leave as it is: nothing more, a path, an address, a path with an address.
_LEFT_IN_URLS = ("", "/", "@", "/@:+", "!'()*")
_JSON_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_HTML_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
# Shorter pieces of base64 stand in other texts by chance.
_SHORTEST_BASE64 = 6


@dataclass(frozen=True, slots=True)
class WrittenForm:
    """Bytes; `is_text` when the letters around them stand in the same encoding, so that they can be looked at.

    Of base64 they are the letters that hold no bits of what stands around; `base64_before` of them, as many letters
    before, the group of four begins in which the string begins.
    """

    data: bytes
    is_text: bool
    base64_before: int | None = None


def written_forms(text: str) -> Iterator[WrittenForm]:
    """Yield UTF-8, JSON, URL and HTML escapes, base64 at its three alignments, and UTF-16; some of them are equal."""
    for written in (*_in_json(text), *_in_urls(text), *_in_html(text), text):
        yield WrittenForm(_utf8(written), is_text=True)
    for encoding in ("utf-16-le", "utf-16-be"):
        yield WrittenForm(text.encode(encoding, errors="surrogatepass"), is_text=False)
    yield from _in_base64(_utf8(text))


def _utf8(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _in_json(text: str) -> Iterator[str]:
    """Yield JSON with letters beyond ASCII as they are and as escapes, a slash with and without a backslash."""
    for slash in ("/", "\\/"):
        for form in (None, "\\u{:04x}", "\\u{:04X}"):
            yield "".join(_json_letter(letter, slash, form) for letter in text)


def _json_letter(letter: str, slash: str, form: str | None) -> str:
    if letter == "/":
        return slash
    if letter in _JSON_SHORT:
        return _JSON_SHORT[letter]
    if " " <= letter <= "~" or (letter > "\x7f" and form is None):
        return letter
    units = letter.encode("utf-16-be", errors="surrogatepass")
    return "".join(
        (form or "\\u{:04x}").format(int.from_bytes(units[at : at + 2], "big")) for at in range(0, len(units), 2)
    )


def _in_urls(text: str) -> Iterator[str]:
    """Yield percent encodings, in capitals and small letters, once and twice, a blank also as a plus."""
    for left in _LEFT_IN_URLS:
        for form in ("%{:02X}", "%{:02x}"):
            once = "".join(_url_letter(letter, left, form) for letter in text)
            yield once
            yield once.replace("%20", "+")
            yield once.replace("%", "%25")


def _url_letter(letter: str, left: str, form: str) -> str:
    if letter in _UNRESERVED or letter in left:
        return letter
    return "".join(form.format(byte) for byte in _utf8(letter))


def _in_html(text: str) -> Iterator[str]:
    quoted = "".join(_HTML_NAMED.get(letter, letter) for letter in text)
    yield quoted
    yield quoted.replace("&#39;", "&#x27;")
    yield quoted.replace("&#39;", "'")
    yield quoted.replace("&#39;", "'").replace("&quot;", '"')
    numbered: tuple[Callable[[str], str], ...] = (
        lambda letter: f"&#{ord(letter)};",
        lambda letter: f"&#x{ord(letter):x};",
        lambda letter: f"&#x{ord(letter):X};",
    )
    for number in numbered:
        yield "".join(letter if letter.isascii() and letter.isalnum() else number(letter) for letter in text)
        for named in (quoted, text):
            yield "".join(letter if letter.isascii() else number(letter) for letter in named)


def _in_base64(data: bytes) -> Iterator[WrittenForm]:
    for before in range(3):
        for alphabet in (None, b"-_"):
            encoded = base64.b64encode(bytes(before) + data + bytes(3), altchars=alphabet)
            first, last = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
            if last - first >= _SHORTEST_BASE64:
                yield WrittenForm(encoded[first:last], is_text=False, base64_before=first)
