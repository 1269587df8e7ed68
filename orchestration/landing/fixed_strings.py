"""Finds many fixed strings in a text at once, in time linear in its length: ids are data, never patterns.

The Aho-Corasick automaton is pyahocorasick's.
"""

import html
import json
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

import ahocorasick

_JSON_ESCAPE = re.compile(r"(\\u)([0-9a-f]{4})")
_PERCENT_ESCAPE = re.compile("%[0-9A-F]{2}")
# Digits of an id stand in one of many hashes by chance.
_HASH = re.compile(
    r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9a-f])",
    re.IGNORECASE,
)
_HEXADECIMAL = re.compile(r"[0-9a-f-]+", re.IGNORECASE)
_LONGEST_HASH = 64
_ENTITIES = ("&#{};", "&#x{:x};", "&#x{:X};")
_SHORTEST_IN_BASE64 = 6
_DISTINCTIVE_DIGITS = 4
# Where a string counts; 0 to 2: in base64, after as many bytes, modulo three.
_ALONE, _ANYWHERE, _KEPT = -1, -2, -3
_STANDARD_BASE64 = str.maketrans("-_", "+/")
_SMALL = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


class FixedStrings:
    """Strings to look for, in every spelling that a text or a line of JSON may have.

    Of `alone` those places count that are no part of something longer (`stands_alone`); of `anywhere` all. A string
    with an @ is an address, which counts in capitals and small letters alike. Inside of one of `kept` nothing counts.
    With `is_own_text` the text is known to be a person's: an id is found inside of words too, unless it is a word.
    """

    def __init__(
        self,
        alone: Iterable[str],
        anywhere: Iterable[str] = (),
        kept: Iterable[str] = (),
        *,
        is_own_text: bool = False,
    ) -> None:
        self._is_own_text = is_own_text
        exact: dict[str, list[tuple[str, int]]] = {}
        folded: dict[str, list[tuple[str, int]]] = {}

        def add(written: str, one: str, where: int) -> None:
            # Of two that are written alike the one added last counts.
            exact[written] = [(one, where)]
            if "@" in one:
                folded[written.translate(_SMALL)] = [(one, where)]

        alone, anywhere = tuple(alone), tuple(anywhere)
        for one in alone:
            for spelling in spellings(one):
                add(spelling, one, _ALONE)
        for one in alone:
            add(one, one, _ALONE)
        for one in anywhere:
            for spelling in spellings(one):
                add(spelling, one, _ANYWHERE)
        for one in (*alone, *anywhere):
            for written, before in in_base64(one):
                exact.setdefault(written, []).append((one, before))
        for one in kept:
            exact.setdefault(one, []).append((one, _KEPT))
        self._exact, self._folded = _automaton(exact), _automaton(folded)

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Return (start, end, string) of every place that counts; one may come twice."""
        found = [*_places(self._exact, text), *_places(self._folded, text.translate(_SMALL))]
        kept = [(start, end) for start, end, _, where in found if where == _KEPT]
        return [
            (start, end, one)
            for start, end, one, where in found
            if where != _KEPT
            and self._counts(text, start, end, one, where)
            and not any(first <= start and end <= last for first, last in kept)
        ]

    def _counts(self, text: str, start: int, end: int, one: str, where: int) -> bool:
        if where == _ANYWHERE:
            return True
        if where != _ALONE:
            return _is_base64_of(text, start, one, where)
        may_split_words = not one.isalpha() if self._is_own_text else is_distinctive(one)
        return stands_alone(text, start, end, may_split_words=may_split_words) and not is_in_hash(text, start, end)

    def is_in(self, text: str) -> bool:
        """Whether one of them stands in the text."""
        return bool(self.spans(text))

    def replace(self, text: str, replacements: Mapping[str, str]) -> str:
        """Put another text in the place of each; of two that overlap the earlier, then the longer one."""
        parts, place = [], 0
        for start, end, one in sorted(self.spans(text), key=lambda span: (span[0], -span[1])):
            if start >= place:
                parts += [text[place:start], replacements[one]]
                place = end
        return "".join([*parts, text[place:]])


def _places(automaton: ahocorasick.Automaton, text: str) -> Iterator[tuple[int, int, str, int]]:
    if len(automaton):
        for last, (length, entries) in automaton.iter(text):
            yield from ((last + 1 - length, last + 1, one, where) for one, where in entries)


def _automaton(words: Mapping[str, list[tuple[str, int]]]) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for word, entries in words.items():
        if word:
            automaton.add_word(word, (len(word), entries))
    if len(automaton):
        automaton.make_automaton()
    return automaton


def spellings(text: str) -> tuple[str, ...]:
    """Return the text as it is, and as JSON, URLs and HTML may write it; hexadecimal digits in both cases."""
    escaped = json.dumps(text)[1:-1]
    encoded = [quote(text, safe=safe, errors="surrogatepass") for safe in ("", "/", "@", "/@:+")]
    entities = [
        "".join(one if one.isalnum() and one.isascii() else form.format(ord(one)) for one in text) for form in _ENTITIES
    ]
    written = (
        *(text, json.dumps(text, ensure_ascii=False)[1:-1], escaped, _with_capitals(escaped)),
        *(*encoded, *(_with_small_letters(one) for one in encoded), encoded[0].replace("%20", "+")),
        *(quote(encoded[0], safe=""), escaped.replace("/", "\\/")),
        *(html.escape(text), html.escape(text, quote=False), *entities),
    )
    return tuple(dict.fromkeys(written))


def in_base64(text: str) -> Iterator[tuple[str, int]]:
    """Yield what every base64 text around a long string holds, and after how many bytes it begins, modulo 3."""
    data = text.encode(errors="surrogatepass")
    if len(data) >= _SHORTEST_IN_BASE64:
        for before in range(3):
            end = before + len(data)
            padded = bytes(before) + data + bytes(-end % 3)
            for encode in (b64encode, urlsafe_b64encode):
                # Six bits a letter: those at the edges hold bits of what stands before and after.
                yield encode(padded).decode()[_letters_before(before) : end * 8 // 6], before


def _letters_before(size_bytes: int) -> int:
    return -(-size_bytes * 8 // 6)


def _is_base64_of(text: str, start: int, one: str, before: int) -> bool:
    """Whether the bits at the edges are the string's as well."""
    data = one.encode(errors="surrogatepass")
    begin = start - _letters_before(before)
    found = text[max(begin, 0) : begin + -(-(before + len(data)) * 8 // 6)].translate(_STANDARD_BASE64)
    try:
        # What a text without its padding lacks are the bits behind the string.
        decoded = b64decode(found + "A" * (-len(found) % 4), validate=True)
    except ValueError:
        return False
    return begin >= 0 and decoded[before : before + len(data)] == data


def _with_capitals(text: str) -> str:
    return _JSON_ESCAPE.sub(lambda match: match[1] + match[2].upper(), text)


def _with_small_letters(text: str) -> str:
    return _PERCENT_ESCAPE.sub(lambda match: match[0].lower(), text)


def stands_alone(text: str, start: int, end: int, *, may_split_words: bool) -> bool:
    """Whether what stands there is no part of something longer: chat_1 is not in chat_10, but in x_chat_1_y.

    A number goes on with a digit, and with `may_split_words` with nothing else; a word goes on with letters and digits.
    """
    edges = [(text[place - 1], text[place]) for place in (start, end) if 0 < place < len(text)]
    if any(before.isdecimal() and after.isdecimal() for before, after in edges):
        return False
    return may_split_words or not any(before.isalnum() and after.isalnum() for before, after in edges)


def is_distinctive(clear_id: str) -> bool:
    """Whether an id has four digits or more: then it is in no longer word by chance."""
    return sum(map(str.isdecimal, clear_id)) >= _DISTINCTIVE_DIGITS


def is_in_hash(text: str, start: int, end: int) -> bool:
    """Whether what stands there is a part, and not the whole, of a hash or a UUID."""
    if not _HEXADECIMAL.fullmatch(text, start, end):
        return False
    first = max(0, start - _LONGEST_HASH)
    around = _HASH.finditer(text[first : end + _LONGEST_HASH])
    return any(
        first + one.start() <= start and end <= first + one.end() and one.end() - one.start() > end - start
        for one in around
    )
