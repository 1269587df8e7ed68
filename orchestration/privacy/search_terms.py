"""What to look for when proving that a person is gone: ids between edges of words, and texts of that person alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from orchestration.landing.anonymising import user_of
from orchestration.landing.fixed_strings import FixedStrings, spellings
from orchestration.landing.suppression import DISTINCTIVE_LETTERS, Suppressions
from orchestration.warehouse.source_contracts import SOURCES

# Shorter texts are common to many people. Of a longer one a part is enough: no other text holds it.
_TEXT_LETTERS = range(12, 49)
# Of a person who wrote more, the longest texts stand for the rest, which lie in the same rows.
_MOST_TEXTS = 500
_ROWS_AT_ONCE = 10_000
# Letters that every format writes as they are.
_PLAIN_RUN = re.compile(r"[ !#-\[\]-~]+")


@dataclass(frozen=True)
class SearchTerms:
    """Ids, `keys` (namespace:id, as the marts name a conversation), parts of texts; in clear, and kept nowhere."""

    ids: tuple[str, ...]
    keys: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def long_ids(self) -> tuple[str, ...]:
        """Ids that are unlikely to be anything else, wherever they stand, and keys."""
        wanted = (*self.ids, *self.keys)
        return tuple(dict.fromkeys(one for one in wanted if len(one) >= DISTINCTIVE_LETTERS))

    @property
    def short_ids(self) -> tuple[str, ...]:
        """Ids that may be a common word or number: they count where an id is expected."""
        return tuple(one for one in self.ids if len(one) < DISTINCTIVE_LETTERS)

    def distinctive(self, *, is_bytes: bool = False) -> FixedStrings:
        """Return what is looked for in every text, or in bytes read as Latin-1: long ids, keys, parts of texts."""
        return FixedStrings(self.long_ids, self.texts, is_bytes=is_bytes)

    def short_id_values(self) -> re.Pattern[str] | None:
        """Return a pattern that finds a short id as the value of an id field; None without short ids.

        Of fewer letters than DISTINCTIVE_LETTERS each, so that the pattern stays as small as the list.
        """
        short = "|".join(re.escape(spelling) for one in self.short_ids for spelling in spellings(one))
        return re.compile(rf"""id["']?\s{{0,5}}[:=]\s{{0,5}}["']?(?:{short})["',}}\s]""") if short else None


@dataclass(frozen=True)
class TermFinder:
    """Tells whether a text holds a search term, in time linear in its length."""

    distinctive: FixedStrings
    short_ids: re.Pattern[str] | None

    def is_in(self, text: str) -> bool:
        """Whether the text holds one."""
        return self.distinctive.is_in(text) or (self.short_ids is not None and self.short_ids.search(text) is not None)


def term_finder(search_terms: SearchTerms) -> TermFinder:
    """Return what finds the search terms."""
    return TermFinder(search_terms.distinctive(), search_terms.short_id_values())


def collect_search_terms(connection: duckdb.DuckDBPyConnection, suppressions: Suppressions) -> SearchTerms:
    """Find in the raw tables of the current catalog the people of the list whose data are there in clear.

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
    return SearchTerms(tuple(ids), tuple(keys), _texts_of_nobody_else(connection))


def _texts_of_nobody_else(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    rows = connection.execute(
        "select distinct content from raw.message_texts semi join clear_events using (source, event_id)"
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
