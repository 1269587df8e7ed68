"""Fixed strings are found where a search of one string at a time finds them, whatever they are made of."""

import html
import json
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.landing.fixed_strings import FixedStrings, stands_alone

LETTERS = st.text(alphabet='ab1_-é"\\%.*($', min_size=1, max_size=4)


def places(text: str, one: str) -> set[tuple[int, int]]:
    return {(at, at + len(one)) for at in range(len(text)) if text.startswith(one, at)}


@settings(max_examples=500, derandomize=True, deadline=None, database=None)
@given(strings=st.lists(LETTERS, max_size=5), anywhere=st.lists(LETTERS, max_size=2), text=st.text('ab1_-é"\\%.*($ '))
@example(strings=["a"], anywhere=["a"], text="aa")
def test_every_place_is_found(strings: list[str], anywhere: list[str], text: str) -> None:
    found = {(start, end) for start, end, _ in FixedStrings(strings, anywhere).spans(text)}
    for one in strings:
        assert {place for place in places(text, one) if stands_alone(text, *place)} <= found
    for one in anywhere:
        assert places(text, one) <= found
    spelled = {text[start:end] for start, end in found}
    assert all(_reads_as(written, {*strings, *anywhere}) for written in spelled)


def _reads_as(written: str, strings: set[str]) -> bool:
    return any(
        written in (one, json.dumps(one)[1:-1], json.dumps(one, ensure_ascii=False)[1:-1], html.escape(one))
        or written in (html.escape(one, quote=False), json.dumps(one)[1:-1].replace("\\u00e9", "\\u00E9"))
        or written.upper() in {quote(one, safe=safe).upper() for safe in ("", "/", "@", "/@:+")}
        for one in strings
    )


@pytest.mark.parametrize(
    ("text", "is_in"),
    [
        ("chat_1", True), ("x_chat_1_y", True), ("evt-chat_1.", True), ("é/chat_1", True), ("1chat_1a", True),
        ("chat_10", False), ("xchat_1", False), ("chat_", False), ("CHAT_1", False),
    ],
)  # fmt: skip
def test_a_part_of_a_longer_number_or_word_is_another_id(text: str, is_in: bool) -> None:
    assert FixedStrings(["chat_1"]).is_in(text) is is_in


@pytest.mark.parametrize(
    "written",
    [
        "Jérôme-77 <a@b.c>", "J\\u00e9r\\u00f4me-77 <a@b.c>", "J\\u00E9r\\u00F4me-77 <a@b.c>",
        "J%C3%A9r%C3%B4me-77%20%3Ca%40b.c%3E", "J%c3%a9r%c3%b4me-77%20%3ca%40b.c%3e",
        "J%C3%A9r%C3%B4me-77+%3Ca%40b.c%3E", "Jérôme-77 &lt;a@b.c&gt;",
    ],
)  # fmt: skip
def test_other_spellings_are_the_same_id(written: str) -> None:
    wanted = FixedStrings(["Jérôme-77 <a@b.c>"])
    assert wanted.replace(f"/{written}/", {"Jérôme-77 <a@b.c>": "gone"}) == "/gone/"


def test_bytes_are_searched_for_what_stands_there_in_utf_8() -> None:
    data = "\0id=Jérôme-77\xff".encode("latin-1") + "Jérôme-77".encode()
    found = [start for start, _, _ in FixedStrings(["Jérôme-77"], is_bytes=True).spans(data.decode("latin-1"))]
    assert found == [data.index("Jérôme-77".encode())]


def test_an_empty_list_finds_nothing() -> None:
    assert not FixedStrings([]).is_in("anything")
    assert FixedStrings([""]).replace("text", {"": "x"}) == "text"


def test_an_id_counts_before_another_spelling_of_one() -> None:
    wanted = FixedStrings(["a b-1", "a%20b-1"])
    assert wanted.replace("a%20b-1 a b-1", {"a b-1": "first", "a%20b-1": "second"}) == "second first"
