"""Fixed strings are found where a search of one string at a time finds them, whatever they are made of."""

import html
import json
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.landing.fixed_strings import FixedStrings, is_distinctive, stands_alone

LETTERS = st.text(alphabet='ab1_-é"\\%.*($', min_size=1, max_size=4)


def places(text: str, one: str) -> set[tuple[int, int]]:
    return {(at, at + len(one)) for at in range(len(text)) if text.startswith(one, at)}


@settings(max_examples=500, derandomize=True, deadline=None, database=None)
@given(strings=st.lists(LETTERS, max_size=5), anywhere=st.lists(LETTERS, max_size=2), text=st.text('ab1_-é"\\%.*($ '))
@example(strings=["a"], anywhere=["a"], text="aa")
def test_every_place_is_found(strings: list[str], anywhere: list[str], text: str) -> None:
    found = {(start, end) for start, end, _ in FixedStrings(strings, anywhere).spans(text)}
    for one in strings:
        splits = is_distinctive(one)
        assert {place for place in places(text, one) if stands_alone(text, *place, may_split_words=splits)} <= found
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
        ("chat_1", True), ("x_chat_1_y", True), ("evt-chat_1.", True), ("é/chat_1", True), ("1chat_1a", False),
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


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_an_id_inside_base64_is_replaced(before: str) -> None:
    written = b64encode(f"{before}cust_90817263/x".encode()).decode()
    assert FixedStrings(["cust_90817263"]).is_in(written)
    assert not FixedStrings(["cust_90817264"]).is_in(written)


def test_an_address_is_the_same_in_capitals() -> None:
    wanted = FixedStrings(["max.q@example.com"])
    assert wanted.replace("To: Max.Q@Example.COM.", {"max.q@example.com": "x"}) == "To: x."
    assert not FixedStrings(["chat_A1"]).is_in("chat_a1")


@pytest.mark.parametrize(
    ("text", "is_in"),
    [
        ("3f490000ab" + 54 * "0", False), ("12490000-ab12-4abc-8abc-0123456789ab", False), ("490000", True),
        ("v490000ab", True), ("a490000b", True), ("1490000", False),
    ],
)  # fmt: skip
def test_a_part_of_a_hash_is_no_id(text: str, is_in: bool) -> None:
    assert FixedStrings(["490000"]).is_in(text) is is_in


def test_in_text_of_the_person_only_words_and_numbers_go_on() -> None:
    wanted = FixedStrings(["cust_1a", "custom"], is_own_text=True)
    replacements = {"cust_1a": "x", "custom": "y"}
    assert wanted.replace("evtcust_1ab customs custom cust_1a1", replacements) == "evtxb customs y x1"


def test_what_is_kept_keeps_its_place() -> None:
    wanted = FixedStrings(["cust_9081"], kept=["ab_cust_9081"])
    assert wanted.replace("ab_cust_9081, cust_9081x, xcust_9081", {"cust_9081": "-"}) == "ab_cust_9081, -x, x-"


def test_an_empty_list_finds_nothing() -> None:
    assert not FixedStrings([]).is_in("anything")
    assert FixedStrings([""]).replace("text", {"": "x"}) == "text"


def test_an_id_counts_before_another_spelling_of_one() -> None:
    wanted = FixedStrings(["a b-1", "a%20b-1"])
    assert wanted.replace("a%20b-1 a b-1", {"a b-1": "first", "a%20b-1": "second"}) == "second first"
