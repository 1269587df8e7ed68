"""What to look for when proving that a person is gone: ids between edges of words, and texts of that person alone."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import duckdb

from orchestration.landing.anonymising import VOCABULARY, user_of
from orchestration.landing.fixed_strings import FixedStrings, spellings
from orchestration.landing.suppression import DISTINCTIVE_LETTERS, Suppressions
from orchestration.warehouse.source_contracts import SOURCES, content_columns

# Shorter texts are common to many people. Of a longer one a part is enough: no other text holds it.
_TEXT_LETTERS = range(12, 49)
# Of a person who wrote more, the longest texts stand for the rest, which lie in the same rows.
_MOST_TEXTS = 500
_ROWS_AT_ONCE = 10_000
# Texts of people whose erasure has not come to its end wait here: no model reads this schema.
WITHHELD = "withheld"
# Letters that every format writes as they are.
_PLAIN_RUN = re.compile(r"[ !#-\[\]-~]+")


@dataclass(frozen=True)
class SearchTerms:
    """Ids, `keys` (namespace:id, as the marts name a conversation), parts of texts; in clear, and kept nowhere.

    Of the ids, `words` are what other people and the warehouse itself say: `parcel`, `customer`, `user_message`.
    """

    ids: tuple[str, ...]
    keys: tuple[str, ...]
    texts: tuple[str, ...]
    words: frozenset[str] = frozenset()

    @property
    def long_ids(self) -> tuple[str, ...]:
        """Ids that are unlikely to be anything else, wherever they stand, and keys."""
        wanted = (*self.ids, *self.keys)
        return tuple(dict.fromkeys(one for one in wanted if len(one) >= DISTINCTIVE_LETTERS and one not in self.words))

    @property
    def short_ids(self) -> tuple[str, ...]:
        """Ids that may be a common word or number: they count where an id is expected."""
        return tuple(one for one in self.ids if len(one) < DISTINCTIVE_LETTERS or one in self.words)

    def __or__(self, other: "SearchTerms") -> "SearchTerms":
        """Return the terms of both, each once."""
        ids, keys, texts = (
            tuple(dict.fromkeys((*getattr(self, name), *getattr(other, name)))) for name in ("ids", "keys", "texts")
        )
        return SearchTerms(ids, keys, texts, self.words | other.words)

    def line_finder(self) -> "LineFinder":
        """Return what shows whether a refused line names a person."""
        short = "|".join(re.escape(spelling) for one in self.short_ids for spelling in spellings(one))
        pattern = re.compile(rf"""id[^0-9A-Za-z_\n]{{1,8}}(?:{short})["',}}\s]""") if short else None
        return LineFinder(FixedStrings(self.long_ids, self.texts, is_own_text=True), pattern)


@dataclass(frozen=True)
class LineFinder:
    """Shows whether a refused line names a person, in time linear in its length; a doubtful line does."""

    distinctive: FixedStrings
    short_ids: re.Pattern[str] | None

    def is_in(self, line: str) -> bool:
        """Whether the line holds a long id or a text, or a short id as the value of an id."""
        return self.distinctive.is_in(line) or (self.short_ids is not None and self.short_ids.search(line) is not None)


def collect_search_terms(connection: duckdb.DuckDBPyConnection, suppressions: Suppressions) -> SearchTerms:
    """Find in the raw tables of the current catalog the people of the list whose data are there in clear.

    Leaves the temporary tables of `find_clear_rows`.
    """
    ids, keys = find_clear_rows(connection, suppressions)
    return SearchTerms(ids, keys, _texts_of_nobody_else(connection), _words_among(connection, ids))


def _words_among(connection: duckdb.DuckDBPyConnection, ids: Iterable[str]) -> frozenset[str]:
    """Return the ids made of letters alone, and those that are a type of event, an environment or a role."""
    known = {
        word
        for name, contract in SOURCES.items()
        for column in VOCABULARY
        if column in content_columns(contract)
        for word in values_of(connection.execute(f"select distinct {column} from raw.{name}"))
    }
    return frozenset(one for one in ids if one.isalpha() or one in known)


def find_clear_rows(
    connection: duckdb.DuckDBPyConnection, suppressions: Suppressions
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return ids and keys of the people of the list that the raw tables hold in clear.

    Conversations a person on the list takes part in are put on it. Leaves the temporary tables `clear_conversations`
    (source, id) and `clear_events` (source, event_id).
    """
    pairs = {
        name: connection.execute(
            f"select distinct {contract.conversation}, {user_of(contract)} from raw.{name}"
        ).fetchall()
        for name, contract in SOURCES.items()
    }
    # Twice: a conversation may become known from a source after another one that shares its ids.
    for name in SOURCES:
        suppressions.belonging(name, pairs[name])
    ids: dict[str, None] = {}
    keys: dict[str, None] = {}
    connection.execute("create or replace temp table clear_conversations (source varchar, id varchar)")
    connection.execute("create or replace temp table clear_events (source varchar, event_id varchar)")
    for name, contract in SOURCES.items():
        conversations, users = suppressions.belonging(name, pairs[name])
        ids |= dict.fromkeys([*users, *conversations])
        keys |= dict.fromkeys(f"{suppressions.namespace(name)}:{one}" for one in conversations)
        if conversations:
            connection.execute(
                "insert into clear_conversations select $name, unnest($ids::varchar[])",
                {"name": name, "ids": sorted(conversations)},
            )
            connection.execute(
                f"""insert into clear_events select $name, event_id from raw.{name}
                where {contract.conversation} in (select id from clear_conversations where source = $name)""",
                {"name": name},
            )
    return tuple(ids), tuple(keys)


def longer_ids(connection: duckdb.DuckDBPyConnection, search_terms: SearchTerms) -> dict[str, tuple[str, ...]]:
    """Return, by search term, ids of users and conversations in the raw tables that contain it."""
    wanted = FixedStrings((), search_terms.long_ids)
    found: dict[str, set[str]] = {}
    for name, contract in SOURCES.items():
        for column in (contract.conversation, user_of(contract)):
            for one in values_of(connection.execute(f"select distinct {column} from raw.{name}")):
                for start, end, term in wanted.spans(one):
                    if end - start < len(one):
                        found.setdefault(term, set()).add(one)
    # A key is a namespace, a colon and an id: that of a longer id contains it as well.
    for key in search_terms.keys:
        for place in (match.end() for match in re.finditer(":", key)):
            longer = found.get(key[place:], ())
            found.setdefault(key, set()).update(f"{key[:place]}{one}" for one in longer)
    return {term: tuple(sorted(ids)) for term, ids in found.items() if ids}


def _texts_of_nobody_else(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    withheld = connection.execute(
        f"select 1 from duckdb_tables() where database_name = current_database() and schema_name = '{WITHHELD}'"
    ).fetchall()
    texts = "raw.message_texts" if not withheld else f"(from raw.message_texts union all from {WITHHELD}.message_texts)"
    rows = connection.execute(
        f"select distinct content from {texts} semi join clear_events using (source, event_id)"
    ).fetchall()
    parts = sorted({part for (content,) in rows for part in _parts(content)}, key=lambda one: (-len(one), one))
    wanted = FixedStrings((), parts[:_MOST_TEXTS])
    others = connection.execute("select content from raw.message_texts anti join clear_events using (source, event_id)")
    said_by_others = {one for text in values_of(others) for _, _, one in wanted.spans(text)}
    return tuple(part for part in sorted(parts[:_MOST_TEXTS]) if part not in said_by_others)


def values_of(cursor: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield the texts of a query of one column, as many at a time as memory should hold."""
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield from (value for (value,) in rows if value is not None)


def _parts(content: str) -> Iterator[str]:
    """Yield the part of a text to look for, none of a short one."""
    runs = [run[0].strip() for run in _PLAIN_RUN.finditer(content)]
    longest = max(runs, key=len, default="")
    for candidate in (longest, content):
        if len(candidate) >= _TEXT_LETTERS.start:
            yield candidate[: _TEXT_LETTERS.stop - 1]
            return
