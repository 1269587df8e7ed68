"""The proof finds a person in every form a file may hold, and nothing that is somebody else's."""

import base64
import html
import json
import random
from urllib.parse import quote, quote_plus

import pytest

from orchestration.privacy.proof_search import ProofSearch

IDS = (
    *("cust_90817263", "max.q+shop@example.com", "Jérôme-77 d'Arc", "日本-客-1234", "\U0001f4a9-1234", "4900017"),
    *("a b/c?d=1&e", '"quoted"-12', "back\\slash-1", "$(id)-1234", "00000000-1111-4222-8333-444444444444"),
)


def search_for(*ids: str, others: dict[str, tuple[str, ...]] | None = None) -> ProofSearch:
    return ProofSearch([one for one in ids if len(one) > 5], [one for one in ids if len(one) < 6], (), others or {})


def forms(clear_id: str) -> dict[str, bytes]:
    """Return what the standard libraries write of an id."""
    texts = {
        "as it is": clear_id,
        "JSON": json.dumps(clear_id)[1:-1],
        "JSON, capital escapes": "\\u".join(
            part[:4].upper() + part[4:] if place else part
            for place, part in enumerate(json.dumps(clear_id)[1:-1].split("\\u"))
        ),
        "JSON, slashes escaped": json.dumps(clear_id)[1:-1].replace("/", "\\/"),
        "path of a URL": quote(clear_id),
        "part of a URL": quote(clear_id, safe=""),
        "query of a URL": quote_plus(clear_id),
        "query of a URL in a URL": quote(quote(clear_id, safe=""), safe=""),
        "HTML": html.escape(clear_id),
        "HTML numbers": clear_id.encode("ascii", "xmlcharrefreplace").decode(),
    }
    return {name: text.encode() for name, text in texts.items()} | {
        "UTF-16": clear_id.encode("utf-16"),
        "UTF-16 big-endian": clear_id.encode("utf-16-be"),
        **{
            f"base64 after {before} bytes": encode(before * b"\x17" + clear_id.encode() + after)
            for before in range(3)
            for after, encode in ((b"", base64.b64encode), (b"\xfe?", base64.urlsafe_b64encode))
        },
    }


@pytest.mark.parametrize("clear_id", IDS)
def test_every_form_is_found_among_random_bytes(clear_id: str) -> None:
    draw = random.Random(clear_id)  # noqa: S311 - reproducible, not secret
    search = search_for(clear_id)
    for name, data in forms(clear_id).items():
        before, after = draw.randbytes(50) + b" (", b") " + draw.randbytes(50)
        assert search.is_in(before + data + after), name
        assert not search.is_in(before + data[: len(data) // 2] + after), name


def test_an_address_is_found_in_any_case() -> None:
    search = search_for("max.q@example.com")
    assert search.is_in(b"to Max.Q@Example.COM")
    assert search.is_in(b"to MAX.Q%40EXAMPLE.COM")
    assert not search_for("chat_ab12").is_in(b"CHAT_AB12")


@pytest.mark.parametrize(
    ("clear_id", "data", "is_theirs"),
    [
        ("cust_9081", b"evtcust_9081x", True),  # four digits are in no word by chance
        ("custom", b"customers", False),  # a word inside a word
        ("custom", b"x=custom;", True),
        ("chat_10", b"chat_107", False),  # a longer number
        ("490817", b"1490817000", False),
        ("490817", b"%20490817", True),  # 20 belongs to the escape
        ("490817", b"\\u00e9490817", True),
        ("490817", b"a1b2490817c" + 21 * b"0", False),  # inside a hash of 32 letters
        ("490817", b"x1b2490817c" + 21 * b"0", False),  # a longer number
        ("490817", b"xb-490817c" + 20 * b"0", True),  # no hash: too short
        ("user-a", b"a user-agent", False),
        ("user-a", b"a user-a9", False),
        ("cust_9081", b"conversation cust_9081-b says", False),  # somebody else's id
        ("cust_9081", b"conversation cust_9081-c says", True),
        ("490817", b"g\x00\xc8\x00\x08e-490817\xc9\x00\x08zz", False),  # the first bytes of e-490817123, perhaps
        ("490817", b"g\x00\xc8\x00\x08-490817x\xc9\x00\x08zz", True),
        ("7", b'"user_id": "7"', True),
        ("7", b'"id","id","7"', True),
        ("7", b'"user_id": "70", "n": 7', False),
        ("-7 x", b'"user_id": "-7 x"', True),
    ],
)
def test_whose_it_is(clear_id: str, data: bytes, is_theirs: bool) -> None:
    search = search_for(clear_id, others={"cust_9081": ("cust_9081-b",)})
    assert search.is_in(data) is is_theirs


def test_a_text_is_found_wherever_it_stands() -> None:
    search = ProofSearch([], [], ["where is my blue parcel"], {})
    assert search.is_in(b"xwhere is my blue parcelx")
    assert search.is_in(base64.b64encode(b"1where is my blue parcel"))
    assert not search.is_in(b"where is my blue parce")


def test_places_outside_the_limits_do_not_count() -> None:
    search = search_for("cust_90817263")
    data = b"cust_90817263 ..... cust_90817263"
    assert search.is_in(data, first=1)
    assert search.is_in(data, last=len(data) - 1)
    assert not search.is_in(data, first=1, last=len(data) - 1)
