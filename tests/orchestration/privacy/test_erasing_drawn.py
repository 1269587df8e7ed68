"""Many people with awkward ids, planted in every field and spelling, erased one after the other: nothing is left.

The search is the test's own: every cell of raw and every byte of the home, for every spelling, wherever it stands.
"""

import html
import json
import random
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from orchestration.landing import suppression
from orchestration.privacy.erasure import begin_erasure, conclude_erasure, request_erasure
from tests.support.erasures import message
from tests.support.warehouse import HASH_KEY, LOADED_AT, WarehouseUnderTest

# Awkward kinds of ids; a number makes each of them one of its own.
KINDS = (
    *("cust_{}", "max.q{}@example.com", "Jérôme-{}", "user$1{}", "-dash-{}", '"quoted"-{}', "back\\slash{}"),
    *(
        "a b+c/d?{}",
        "100%{}",
        "日本-客-{}",
        "\U0001f4a9-{}",
        "<tag>&{}",
        "4900000{}",
        "{}-x_y",
        "$(id){}",
        "[0-9]*{}",
        "it's-{}",
    ),
)


def spelled(clear_id: str) -> set[str]:
    """Return how a file may write an id; written here once more, so that it shares nothing with what is tested."""
    slashed = clear_id.replace("\\", "\\\\").replace('"', '\\"')
    json_small, json_capital = (
        "".join(
            letter if letter.isascii() else "".join("\\u" + format(unit, form) for unit in _utf16(letter))
            for letter in slashed
        )
        for form in ("04x", "04X")
    )
    percent = "".join(
        chr(byte) if byte < 128 and (chr(byte).isalnum() or chr(byte) in "-._~") else f"%{byte:02X}"
        for byte in clear_id.encode()
    )
    return {clear_id, json_small, json_capital, percent, html.escape(clear_id), *in_base64(clear_id)}


def in_base64(clear_id: str) -> set[str]:
    """Return the middle of what base64 writes of it, after none, one or two other bytes."""
    whole = (b64encode(before * b"\0" + clear_id.encode() + b"\0\0").decode() for before in range(3))
    return {text[3 if before else 0 : -4].rstrip("A") for before, text in enumerate(whole)}


def _utf16(letter: str) -> list[int]:
    data = letter.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def lookalike(clear_id: str) -> str:
    """Return another id, of which this one is a part: a longer number, or a longer word."""
    return f"{clear_id}{'0' if clear_id[-1].isdigit() else 'z'}"


def plant(warehouse: WarehouseUnderTest, people: dict[str, str]) -> None:
    """Write a conversation of each person, and one of a neighbour whose ids look alike."""
    lines: list[dict[str, Any]] = []
    refused: list[str] = []
    for number, (user, conversation) in enumerate(people.items()):
        inside = {
            name: f"{name} of {conversation}" for name in ("goal", "intent", "model", "flow_name", "button", "note")
        }
        coded = b64encode(f"{'ab'[: number % 3]}{user}/".encode()).decode()
        page = f"https://shop.test/u/{quote(user, safe='')}/{coded}/c?id={quote(conversation)}"
        lines += [
            message(f"evt_{user}_{conversation}_a_0", conversation, user, page_url=page, **inside),
            message(f"evt{user}x", conversation, user, page_url=f"/{quote(quote(conversation, safe=''), safe='')}"),
            message(f"evt-{number}", conversation, user, content=f"I am {user}, code {number}-{number}-secret"),
            # Somebody else writes about the person, an address in capitals.
            message(
                f"m{number}",
                "mentions",
                "a colleague",
                content=f"case {number} of {user.upper() if '@' in user else user}, {coded}",
                page_url=f"/cases/{coded}",
            ),
            message(
                f"n{number}",
                lookalike(conversation),
                lookalike(user),
                content=f"good day from shop {number}",
                goal="refund",
            ),
        ]
        capital = json.dumps({"user_id": user, "about": conversation})
        refused.append(
            "\\u".join(part[:4].upper() + part[4:] if at else part for at, part in enumerate(capital.split("\\u")))
        )
        refused.append(html.escape(f"{{user: {user}"))
    warehouse.write_events(lines)
    (warehouse.settings.landing / "events" / "refused.jsonl").write_text("\n".join(refused) + "\n")
    warehouse.land()


def cells(warehouse: WarehouseUnderTest, query: str = "select * from {}") -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(warehouse.home.raw_database), read_only=True) as connection:
        found = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        return {
            f"{schema}.{table}": connection.execute(query.format(f'"raw"."{schema}"."{table}"')).fetchall()
            for schema, table in found
        }


def holding(warehouse: WarehouseUnderTest, people: dict[str, str]) -> set[str]:
    """Return the ids that are still there, in any spelling; ids of neighbours are taken out of what is searched."""
    texts = ["\n".join(str(value) for row in rows for value in row) for rows in cells(warehouse).values()]
    texts += [
        path.read_bytes().decode("utf-8", errors="replace")
        for path in sorted(warehouse.home.root.rglob("*"))
        if path.is_file()
    ]
    ids = [*people, *people.values()]
    alike = sorted((one for clear_id in ids for one in spelled(lookalike(clear_id))), key=len, reverse=True)
    found = set()
    for text in texts:
        for one in alike:
            text = text.replace(one, "")  # noqa: PLW2901 - one after the other
        found |= {clear_id for clear_id in ids if any(one in text for one in spelled(clear_id))}
        found |= {clear_id for clear_id in ids if "@" in clear_id and clear_id in text.lower()}
    return found


def check_people(tmp_path: Path, count: int, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - reproducible, not secret
    numbers = [str(number) for number in draw.sample(range(1000, 9999), 2 * count)]
    people = {
        KINDS[place % len(KINDS)].format(numbers[2 * place]): draw.choice(KINDS).format(numbers[2 * place + 1])
        for place in range(count)
    }
    warehouse = WarehouseUnderTest(tmp_path)
    plant(warehouse, people)

    def neighbours() -> list[tuple[Any, ...]]:
        with duckdb.connect(str(warehouse.home.raw_database), read_only=True) as connection:
            return connection.execute(
                "select * from raw.raw.events where event_id like 'n%' order by event_id"
            ).fetchall()

    before, counts = neighbours(), {table: len(rows) for table, rows in cells(warehouse).items()}
    assert len(before) == count
    assert holding(warehouse, people) == {*people, *people.values()}
    order = list(people)
    draw.shuffle(order)
    for user in order:
        request_erasure(warehouse.home, [("user", None, user)], HASH_KEY)
        begin_erasure(warehouse.home, HASH_KEY)
        assert conclude_erasure(warehouse.home, warehouse.settings.landing, HASH_KEY, now=LOADED_AT)
    assert neighbours() == before
    assert holding(warehouse, people) == set()
    after = {table: len(rows) for table, rows in cells(warehouse).items()}
    unchanged = ("raw.events", "raw.rejected_events", "raw.loaded_files")
    assert {table: after[table] for table in unchanged} == {table: counts[table] for table in unchanged}


def test_nothing_is_left_of_people_with_awkward_ids(tmp_path: Path) -> None:
    check_people(tmp_path, len(KINDS), 1)


@pytest.mark.full
def test_nothing_is_left_of_two_hundred_people(tmp_path: Path) -> None:
    check_people(tmp_path, 200, 2)


def test_the_work_grows_as_the_rows_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in hashes, which are most of it: twice the conversations of a person are twice the work."""
    hashes = 0
    hash_id = suppression.hash_id

    def counted(hash_key: bytes, clear_id: str) -> str:
        nonlocal hashes
        hashes += 1
        return hash_id(hash_key, clear_id)

    monkeypatch.setattr(suppression, "hash_id", counted)
    found = []
    for count in (50, 100):
        warehouse = WarehouseUnderTest(tmp_path / str(count))
        warehouse.write_events(
            [
                message(f"evt_chat_{n + 1000}", f"chat_{n + 1000}", "cust_90817263", content="hello")
                for n in range(count)
            ]
            + [message(f"o{n}", f"other_{n}", f"user_{n}", content="hello") for n in range(200)]
        )
        warehouse.land()
        request_erasure(warehouse.home, [("user", None, "cust_90817263")], HASH_KEY)
        hashes = 0
        begin_erasure(warehouse.home, HASH_KEY)
        found.append(hashes)
    assert found[0] > 50
    assert found[1] < 2.2 * found[0]


def published_texts(home: Path) -> str:
    """Return every cell of every published table, of the database and of Parquet, as text."""
    texts = []
    with duckdb.connect(str(home / "published" / "colloquy.duckdb"), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        for (table,) in tables:
            texts += [repr(row) for row in connection.execute(f'select * from marts."{table}"').fetchall()]
    for path in sorted((home / "published").rglob("*.parquet")):
        texts += [repr(row) for row in duckdb.sql(f"select * from read_parquet('{path}')").fetchall()]
    assert len(texts) > 100
    return "\n".join(texts)


@pytest.mark.full
def test_nothing_is_published_of_people_erased_between_runs(tmp_path: Path) -> None:
    """In drawn order, some at a time, with a build and a version after each request; neighbours stay as they were."""
    draw = random.Random(6)  # noqa: S311 - reproducible, not secret
    people = {kind.format(1000 + number): kind.format(5000 + number) for number, kind in enumerate(KINDS)}
    warehouse = WarehouseUnderTest(tmp_path)
    plant(warehouse, people)
    warehouse.build()
    warehouse.publish()
    of_neighbours = {
        table: f"select * from marts.{table} where {condition} order by all"
        for table, condition in {
            "fct_messages": "content like 'good day from shop%'",
            "fct_conversations": "conversation_key in (select conversation_key from marts.fct_messages "
            "where content like 'good day from shop%')",
        }.items()
    }
    before = {table: warehouse.rows(query) for table, query in of_neighbours.items()}
    assert [len(rows) for rows in before.values()] == [len(people), len(people)]
    conversations = warehouse.rows("select count(*) from marts.fct_conversations")
    order = list(people)
    draw.shuffle(order)
    while order:
        some, order = order[:4], order[4:]
        request_erasure(warehouse.home, [("user", None, user) for user in some], HASH_KEY)
        begin_erasure(warehouse.home, HASH_KEY)
        warehouse.build()
        warehouse.publish(keep=1)
        assert conclude_erasure(warehouse.home, warehouse.settings.landing, HASH_KEY, now=LOADED_AT)
        gone = {user: people[user] for user in people if user not in order}
        texts = published_texts(warehouse.home.root)
        alike = {one for clear_id in (*gone, *gone.values()) for one in spelled(lookalike(clear_id))}
        for one in sorted(alike, key=len, reverse=True):
            texts = texts.replace(one, "")
        found = {one for one in (*gone, *gone.values()) if any(written in texts for written in spelled(one))}
        assert found == set()
        assert holding(warehouse, gone) == set()
    assert {table: warehouse.rows(query) for table, query in of_neighbours.items()} == before
    assert warehouse.rows("select count(*) from marts.fct_conversations") == conversations
