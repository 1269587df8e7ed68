"""What to look for when proving that a person is gone: ids between edges of words, and texts of that person alone."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import duckdb

from orchestration.landing.anonymising import user_of
from orchestration.landing.suppression import DISTINCTIVE_LETTERS, Suppressions
from orchestration.warehouse.source_contracts import SOURCES

# Shorter texts are common to many people. Of a longer one a part is enough: no other text holds it.
_TEXT_LETTERS = range(12, 49)
# Of a person who wrote more, the longest texts stand for the rest, which lie in the same rows.
_MOST_TEXTS = 500
# Letters that every format writes as they are.
_PLAIN_RUN = re.compile(r"[ !#-\[\]-~]+")
_PATTERNS_AT_ONCE = 100
_BEFORE, _AFTER = r"(?:^|[^0-9A-Za-z_])", r"(?:[^0-9A-Za-z_]|$)"


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

    def patterns(self) -> list[str]:
        """Regular expressions, for DuckDB and for Python alike, that find any of them in a text or a line of JSON."""
        single = [f"{_BEFORE}(?:{_spellings(one)}){_AFTER}" for one in self.long_ids]
        single += [rf"""id["']?\s{{0,5}}[:=]\s{{0,5}}["']?(?:{_spellings(one)})["',}}\s]""" for one in self.short_ids]
        single += [_spellings(one) for one in self.texts]
        return [
            "|".join(single[start : start + _PATTERNS_AT_ONCE]) for start in range(0, len(single), _PATTERNS_AT_ONCE)
        ]


def _spellings(text: str) -> str:
    return "|".join(re.escape(one) for one in dict.fromkeys((text, json.dumps(text)[1:-1])))


def matches(column: str, patterns: Iterable[str]) -> tuple[str, list[str]]:
    """Return an SQL condition, false without patterns, and the parameters it binds."""
    wanted = list(patterns)
    condition = " or ".join(f"regexp_matches({column}, ?)" for _ in wanted)
    return f"({condition or 'false'})", wanted


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
    connection.execute(
        "create or replace temp table parts as select unnest($parts::varchar[]) as part", {"parts": parts[:_MOST_TEXTS]}
    )
    alone = connection.execute(
        """select part from parts where not exists (
            select 1 from (from raw.message_texts anti join clear_events using (source, event_id)) as others
            where contains(others.content, part))
        order by part"""
    ).fetchall()
    connection.execute("drop table parts")
    return tuple(part for (part,) in alone)


def _parts(content: str) -> Iterator[str]:
    """Yield the part of a text to look for, none of a short one."""
    runs = [run[0].strip() for run in _PLAIN_RUN.finditer(content)]
    longest = max(runs, key=len, default="")
    for candidate in (longest, content):
        if len(candidate) >= _TEXT_LETTERS.start:
            yield candidate[: _TEXT_LETTERS.stop - 1]
            return
