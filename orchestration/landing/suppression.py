"""The people who asked to be forgotten: keyed hashes of their ids, and the surrogates that stand in their place.

The list holds no id. Whether a line belongs to a person on it is found by hashing the ids of the line; whether a text
mentions a person, by hashing every part of it that begins and ends at the edge of a word and is as long as an id.
"""

import hmac
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Literal

import duckdb

from orchestration.landing.fixed_strings import is_in_hash

Scope = Literal["user", "conversation"]
Pair = tuple[str, str | None]
# Shorter ids may be common words and numbers: they count only where an id is expected.
DISTINCTIVE_LETTERS = 6
# Every place but those inside a number or a word, so that chat_1 is found in x_chat_1_y and not in chat_10.
_EDGE = re.compile(r"(?!(?<=\d)(?=\d))(?!(?<=[^\W\d_])(?=[^\W\d_]))")
_ID_FIELD = re.compile(r"""_?id["']?\s{0,5}[:=]\s{0,5}["']?([^"',}\s]{1,5})(?=["',}\s]|\Z)""")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_COLUMNS = "key_hash, scope, id_namespace, surrogate, id_length"


class OtherKeyError(Exception):
    """The list was made with another key: the people on it would land in clear again."""


@dataclass(frozen=True)
class Suppression:
    """One id on the list; `id_namespace` None means every namespace."""

    key_hash: str
    scope: Scope
    id_namespace: str | None
    surrogate: str
    id_length: int


def hash_id(hash_key: bytes, clear_id: str) -> str:
    """HMAC-SHA256 of an id, hexadecimal; not the hash an address would get."""
    return hmac.digest(hash_key, b"suppression\0" + clear_id.encode(errors="surrogatepass"), "sha256").hex()


# Where it stands in a name it stands for an id.
SURROGATE = re.compile("erased-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_surrogate() -> str:
    """Return an id that is unused and carries no information."""
    return f"erased-{uuid.uuid4()}"


class Suppressions:
    """The list, with what a load adds to it; `namespaces` maps a source to its id_namespace."""

    def __init__(
        self,
        hash_key: bytes,
        entries: Iterable[Suppression],
        namespaces: Mapping[str, str],
        make_surrogate: Callable[[], str] = new_surrogate,
    ) -> None:
        self._hash_key = hash_key
        self._namespaces = namespaces
        self._make_surrogate = make_surrogate
        self._by_hash: dict[str, list[Suppression]] = {}
        self._lengths: list[int] = []
        self._added: list[Suppression] = []
        for entry in entries:
            self._take(entry)

    def _take(self, entry: Suppression) -> None:
        self._by_hash.setdefault(entry.key_hash, []).append(entry)
        self._lengths = sorted({*self._lengths, entry.id_length}, reverse=True)

    def namespace(self, source: str) -> str:
        """Return the namespace of a source's ids."""
        return self._namespaces.get(source, source)

    def add(self, scope: Scope, namespace: str | None, clear_id: str) -> str:
        """Put an id on the list unless it is there, and return its surrogate."""
        known = self._find(scope, namespace, clear_id)
        if known is not None:
            return known
        entry = Suppression(hash_id(self._hash_key, clear_id), scope, namespace, self._make_surrogate(), len(clear_id))
        self._take(entry)
        self._added.append(entry)
        return entry.surrogate

    def is_listed(self, scope: Scope, namespace: str | None, clear_id: str) -> bool:
        """Whether an id is on the list: of the namespace, or in general when it is None."""
        return self._find(scope, namespace, clear_id) is not None

    def surrogate(self, scope: Scope, source: str, clear_id: str | None) -> str | None:
        """Return what stands in the place of an id of a source, None when it is not on the list."""
        return None if not clear_id else self._find(scope, self.namespace(source), clear_id)

    def _find(self, scope: Scope, namespace: str | None, clear_id: str) -> str | None:
        if len(clear_id) not in self._lengths:
            return None
        for entry in self._by_hash.get(hash_id(self._hash_key, clear_id), ()):
            if entry.scope == scope and entry.id_namespace in (None, namespace):
                return entry.surrogate
        return None

    def belonging(self, source: str, pairs: Iterable[Pair]) -> tuple[dict[str, str], dict[str, str]]:
        """Return conversations and users of (conversation, user) pairs that are on the list, with their surrogates.

        A conversation in which a person on the list takes part is put on it.
        """
        pairs = list(pairs)
        users = {
            user: surrogate
            for user in {user for _, user in pairs if user}
            if (surrogate := self.surrogate("user", source, user)) is not None
        }
        for conversation in sorted({conversation for conversation, user in pairs if user in users}):
            if self.surrogate("conversation", source, conversation) is None:
                self.add("conversation", self.namespace(source), conversation)
        conversations = {
            conversation: surrogate
            for conversation in {conversation for conversation, _ in pairs}
            if (surrogate := self.surrogate("conversation", source, conversation)) is not None
        }
        return conversations, users

    def replace_ids(self, text: str, *, shortest: int = 1) -> str:
        """Put surrogates in the place of the ids a text mentions, those of at least `shortest` letters."""
        parts, place = [], 0
        for start, end, surrogate in self._mentions(text, shortest):
            if start >= place:
                parts += [text[place:start], surrogate]
                place = end
        return "".join([*parts, text[place:]])

    def is_mentioned(self, line: str) -> bool:
        """Whether a line of a file names a person on the list: long ids anywhere, short ones as an id's value."""
        readable = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), line) if "\\u" in line else line
        if any(True for _ in self._mentions(readable, DISTINCTIVE_LETTERS)):
            return True
        return any(hash_id(self._hash_key, match[1]) in self._by_hash for match in _ID_FIELD.finditer(readable))

    def _mentions(self, text: str, shortest: int) -> Iterator[tuple[int, int, str]]:
        edges = [match.start() for match in _EDGE.finditer(text)]
        closing = set(edges)
        for start in edges:
            for length in self._lengths:
                if length >= shortest and start + length in closing:
                    found = self._by_hash.get(hash_id(self._hash_key, text[start : start + length]))
                    if found and not is_in_hash(text, start, start + length):
                        yield start, start + length, found[0].surrogate
                        break

    @property
    def entries(self) -> tuple[Suppression, ...]:
        """The whole list."""
        return tuple(entry for entries in self._by_hash.values() for entry in entries)

    def save(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write what this process has added, unless it is there: an earlier file may have rolled it back.

        Rows of these ids may have landed in clear before, so they are marked as not rewritten yet.
        """
        write_suppressions(connection, self._hash_key, self._added, is_rewritten=False)


def write_suppressions(
    connection: duckdb.DuckDBPyConnection, hash_key: bytes, entries: Iterable[Suppression], *, is_rewritten: bool
) -> None:
    """Add the entries that raw.suppressions lacks."""
    for entry in entries:
        connection.execute(
            f"""insert into raw.suppressions ({_COLUMNS}, key_check, is_rewritten) select ?, ?, ?, ?, ?, ?, ?
            where ? not in (select surrogate from raw.suppressions)""",
            [*astuple(entry), key_check(hash_key), is_rewritten, entry.surrogate],
        )


def key_check(hash_key: bytes) -> str:
    """Return a word that differs between two keys."""
    return hash_id(hash_key, "which key is this?")[:16]


def read_suppressions(
    connection: duckdb.DuckDBPyConnection, hash_key: bytes, namespaces: Mapping[str, str]
) -> Suppressions | None:
    """Read the list; None when it is empty. Raises OtherKeyError when it was made with another key."""
    rows = connection.execute(f"select {_COLUMNS}, key_check from raw.suppressions order by all").fetchall()
    if not rows:
        return None
    if {row[-1] for row in rows} != {key_check(hash_key)}:
        raise OtherKeyError(
            "raw.suppressions was made with another key, and erased people would land in clear again: put back the "
            "COLLOQUY_HASH_KEY or private/hash_key that was in use"
        )
    return Suppressions(hash_key, [Suppression(*row[:-1]) for row in rows], namespaces)
