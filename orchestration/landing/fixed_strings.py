"""Finds many fixed strings in a text at once, in time linear in its length: ids are data, never patterns.

The Aho-Corasick automaton is pyahocorasick's.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

import ahocorasick

_JSON_ESCAPE = re.compile(r"(\\u)([0-9a-f]{4})")
_PERCENT_ESCAPE = re.compile("%[0-9A-F]{2}")


class FixedStrings:
    """Strings to look for, in every spelling that a text or a line of JSON may have.

    Of `alone` those places count that are no part of a longer number or word; of `anywhere` all.
    """

    def __init__(self, alone: Iterable[str], anywhere: Iterable[str] = (), *, is_bytes: bool = False) -> None:
        """With `is_bytes` the texts to search are bytes read as Latin-1, and the strings stand there in UTF-8."""
        self._automaton = ahocorasick.Automaton()
        self._is_bytes = is_bytes
        self.longest = 0
        alone, anywhere = tuple(alone), tuple(anywhere)
        # Of two that are written alike the one added last counts: an id before other spellings, anywhere before alone.
        for one in alone:
            for spelling in spellings(one):
                self._add(spelling, one, is_anywhere=False)
        for one in alone:
            self._add(one, one, is_anywhere=False)
        for one in anywhere:
            for spelling in spellings(one):
                self._add(spelling, one, is_anywhere=True)
        if self.longest:
            self._automaton.make_automaton()

    def _add(self, spelling: str, one: str, *, is_anywhere: bool) -> None:
        written = spelling.encode(errors="surrogatepass").decode("latin-1") if self._is_bytes else spelling
        if written:
            self._automaton.add_word(written, (len(written), is_anywhere, one))
            self.longest = max(self.longest, len(written))

    def spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield (start, end, string) of every place that counts, in the order of the ends."""
        if not self.longest:
            return
        for last, (length, is_anywhere, one) in self._automaton.iter(text):
            start, end = last + 1 - length, last + 1
            if is_anywhere or stands_alone(text, start, end, is_bytes=self._is_bytes):
                yield start, end, one

    def is_in(self, text: str) -> bool:
        """Whether one of them stands in the text."""
        return next(self.spans(text), None) is not None

    def replace(self, text: str, replacements: Mapping[str, str]) -> str:
        """Put another text in the place of each; of two that overlap the earlier, then the longer one."""
        parts, place = [], 0
        for start, end, one in sorted(self.spans(text), key=lambda span: (span[0], -span[1])):
            if start >= place:
                parts += [text[place:start], replacements[one]]
                place = end
        return "".join([*parts, text[place:]])


def spellings(text: str) -> tuple[str, ...]:
    """Return the text as it is, and as JSON, URLs and HTML may write it; hexadecimal digits in both cases."""
    escaped = json.dumps(text)[1:-1]
    encoded = [quote(text, safe=safe, errors="surrogatepass") for safe in ("", "/", "@", "/@:+")]
    written = (
        *(text, json.dumps(text, ensure_ascii=False)[1:-1], escaped, _with_capitals(escaped)),
        *(*encoded, *(_with_small_letters(one) for one in encoded), encoded[0].replace("%20", "+")),
        *(html.escape(text), html.escape(text, quote=False)),
    )
    return tuple(dict.fromkeys(written))


def _with_capitals(text: str) -> str:
    return _JSON_ESCAPE.sub(lambda match: match[1] + match[2].upper(), text)


def _with_small_letters(text: str) -> str:
    return _PERCENT_ESCAPE.sub(lambda match: match[0].lower(), text)


def stands_alone(text: str, start: int, end: int, *, is_bytes: bool = False) -> bool:
    """Whether what stands there is no part of a longer number or word: chat_1 is not in chat_10, but in x_chat_1_y.

    In bytes only letters of ASCII continue a word: of others a byte is no letter.
    """
    edges = ((place - 1, place) for place in (start, end) if 0 < place < len(text))
    return not any(_continues(text[before], text[after], is_bytes=is_bytes) for before, after in edges)


def _continues(before: str, after: str, *, is_bytes: bool) -> bool:
    if is_bytes and not (before.isascii() and after.isascii()):
        return False
    return (before.isdecimal() and after.isdecimal()) or (before.isalpha() and after.isalpha())
