"""Finds in bytes what is left of a person. It shares neither code nor rules with what replaces ids.

An id, a key or a part of a text counts wherever it stands. Of ids some places do not count, because what stands there
is not the person's:

- inside an id of another user or conversation of the warehouse (`chat_a` in `chat_alice`)
- inside a longer number (`chat_1` in `chat_10`, `490817` in 1490817000)
- inside a hash or a UUID, where every number stands sooner or later
- inside a longer word, when the id has fewer than four digits (`user-a` in `user-agent`, `custom` in `customers`)
- at the end of the eight bytes that DuckDB keeps of the least and the greatest value of a column: it may go on
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import ahocorasick

from orchestration.privacy.written_forms import WrittenForm, written_forms

# Of one escape the last digits are no number.
_ESCAPE_BEFORE = re.compile(rb"(?:%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[bfnrt])\Z")
# In a file of a database values stand side by side without a gap: a hash may run on.
_HASHES = re.compile(rb"[0-9A-Fa-f]{32,}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# An id of at most 512 bytes, each of them written with up to nine letters, and a hash around it.
AROUND_BYTES = 512 * 9 + 128
_DUCKDB_STATISTICS = (b"\xc8\x00\x08", b"\xc9\x00\x08")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]+")
_URLSAFE_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_BEFORE_VALUE, _AFTER_VALUE = rb"id[^0-9A-Za-z_\n]{1,8}", rb"[\"',}\s]"
_PLAIN_VALUE = re.compile(_BEFORE_VALUE + rb"(?=([^\"',}\s]{1,64})" + _AFTER_VALUE + rb")")
_PLAIN = re.compile(rb"[0-9A-Za-z_][^\"',}\s]{0,63}")


@dataclass(frozen=True, slots=True)
class _Entry:
    term: str
    form: WrittenForm
    is_id: bool


class ProofSearch:
    """Search for ids, keys and texts of people, made ready once; `others` holds ids that contain one of them.

    Ids of fewer than six letters are found where the value of an id stands.
    """

    def __init__(
        self,
        long_ids: Iterable[str],
        short_ids: Iterable[str],
        texts: Iterable[str],
        others: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._others = {term: [one.encode(errors="surrogatepass") for one in longer] for term, longer in others.items()}
        exact: dict[bytes, list[_Entry]] = {}
        folded: dict[bytes, list[_Entry]] = {}
        for is_id, terms in ((True, long_ids), (False, texts)):
            for one in terms:
                for form in written_forms(one):
                    exact.setdefault(form.data, []).append(_Entry(one, form, is_id))
                    if is_id and "@" in one and form.is_text:
                        folded.setdefault(form.data.lower(), []).append(_Entry(one, form, is_id))
        self._exact, self._folded = _automaton(exact), _automaton(folded)
        self.longest = max((64, *map(len, exact)))
        short = {form.data for one in short_ids for form in written_forms(one) if form.is_text}
        plain = {one for one in short if _PLAIN.fullmatch(one)}
        self._short = frozenset(plain)
        odd = b"|".join(map(re.escape, sorted(short - plain)))
        self._odd_short = re.compile(_BEFORE_VALUE + rb"(?:" + odd + rb")" + _AFTER_VALUE) if odd else None

    def is_in(self, data: bytes, *, first: int = 0, last: int | None = None) -> bool:
        """Whether the data hold something that counts and begins at `first` or later, and ends at `last` or before."""
        end_of_search = len(data) if last is None else last
        return self._holds_short(data) or any(
            first <= start and end <= end_of_search and self._counts(data, start, end, entry)
            for start, end, entries in self._places(data)
            for entry in entries
        )

    def _holds_short(self, data: bytes) -> bool:
        if self._short and any(match[1] in self._short for match in _PLAIN_VALUE.finditer(data)):
            return True
        return self._odd_short is not None and self._odd_short.search(data) is not None

    def _places(self, data: bytes) -> Iterator[tuple[int, int, list[_Entry]]]:
        for automaton, searched in ((self._exact, data), (self._folded, data.lower() if len(self._folded) else data)):
            if len(automaton):
                # Latin-1 has a letter for every byte.
                for last, (length, entries) in automaton.iter(searched.decode("latin-1")):
                    yield last + 1 - length, last + 1, entries

    def _counts(self, data: bytes, start: int, end: int, entry: _Entry) -> bool:
        term, form = entry.term, entry.form
        if form.base64_before is not None:
            return _holds_when_decoded(data, start - form.base64_before, len(form.data) + 8, term)
        if not (entry.is_id and form.is_text):
            return True
        return not (
            _is_in_number(data, start, end)
            or (_is_like_a_word(term) and _is_in_word(data, start, end))
            or _is_in_hash(data, start, end)
            or data[end - 11 : end - 8] in _DUCKDB_STATISTICS
            or any(_is_inside(data, start, end, other) for other in self._others.get(term, ()))
        )


def _automaton(words: Mapping[bytes, list[_Entry]]) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for word, entries in words.items():
        if word:
            automaton.add_word(word.decode("latin-1"), (len(word), entries))
    if len(automaton):
        automaton.make_automaton()
    return automaton


def _holds_when_decoded(data: bytes, start: int, length: int, term: str) -> bool:
    """Whether base64 that begins at `start` holds the term: its first and last letters hold bits of others as well."""
    if start < 0:
        return False
    letters = _BASE64.match(data, start, start + length)
    if letters is None:
        return False
    whole = letters[0].translate(_URLSAFE_TO_STANDARD)
    # Missing letters at the end of a text stand for its padding.
    decoded = base64.b64decode(whole + b"A" * (-len(whole) % 4))
    return term.encode(errors="surrogatepass") in decoded


def _is_in_number(data: bytes, start: int, end: int) -> bool:
    before, first = data[start - 1 : start], data[start : start + 1]
    if before.isdigit() and first.isdigit() and not _ESCAPE_BEFORE.search(data[max(0, start - 6) : start]):
        return True
    return data[end - 1 : end].isdigit() and data[end : end + 1].isdigit()


def _is_like_a_word(term: str) -> bool:
    return len([letter for letter in term if letter.isdecimal()]) <= 3


def _is_in_word(data: bytes, start: int, end: int) -> bool:
    is_escaped = _ESCAPE_BEFORE.search(data[max(0, start - 6) : start]) is not None
    goes_on_before = _is_letter(data[start - 1 : start]) and _is_letter(data[start : start + 1])
    goes_on_after = _is_letter(data[end - 1 : end]) and _is_letter(data[end : end + 1])
    return (goes_on_before and not is_escaped) or goes_on_after


def _is_letter(byte: bytes) -> bool:
    return byte.isalnum() or byte >= b"\x80"


def _is_in_hash(data: bytes, start: int, end: int) -> bool:
    first = max(0, start - 128)
    for match in _HASHES.finditer(data, first, min(len(data), end + 128)):
        if match.start() <= start and end <= match.end() and match.end() - match.start() > end - start:
            return True
    return False


def _is_inside(data: bytes, start: int, end: int, other: bytes) -> bool:
    found = data[start:end]
    at = other.find(found)
    while at >= 0:
        if start >= at and data[start - at : start - at + len(other)] == other:
            return True
        at = other.find(found, at + 1)
    return False
