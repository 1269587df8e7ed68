"""What the redactor takes out and what it leaves, by hand; and that nasty texts cost it no more than their length."""

import math
import re
import string
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.redaction import redactor as redaction
from orchestration.redaction import secrets
from orchestration.redaction.redactor import redact

MIB = 1 << 20


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Write to joe.doe+shop@mail.example.co.uk, or JOE@EXAMPLE.COM!", "Write to [email], or [email]!"),
        ("jörg@bücher.example is mine", "[email] is mine"),
        ("mailto:joe@example.com?subject=hi", "mailto:[email]?subject=hi"),
        ("Call +49 (0)30 123 456-78 or +1-212-555-0123.", "Call [phone] or [phone]."),
        ("030 1234567, 0171/1234567 and (212) 555-0123", "[phone], [phone] and [phone]"),
        ("my number is 5551234", "my number is [phone]"),
        ("0044 20 7946 0958", "[phone]"),
        ("card 4111 1111 1111 1111, 12/27", "card [card], 12/27"),
        ("5500-0000-0000-0004 or 378282246310005", "[card] or [card]"),
        ("on 2026-03-01 4111111111111111", "on 2026-03-01 [card]"),
        ("IBAN DE89 3704 0044 0532 0130 00 bitte", "IBAN [iban] bitte"),
        ("gb82west12345698765432.", "[iban]."),
        ("from 192.168.0.1 via fe80::1, 2001:db8::8a2e:370:7334.", "from [ip] via [ip], [ip]."),
        ("sk-abcdefghij0123456789AB and ghp_0123456789abcdefghij", "[key] and [key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[key]"),
        ('password: "Tr0ub4dor&3x"', 'password: "[key]"'),
        ("Authorization: Bearer eyJhbGciOiJI.eyJzdWIiOiIx.dozjgNryP4J3", "Authorization: Bearer [key]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY-----\nthat was it", "[key]\nthat was it"),
        # The end was cut off: better too much than the key.
        ("-----BEGIN PRIVATE KEY-----\nMIIEow", "[key]"),
    ],
)
def test_what_is_found(text: str, redacted: str) -> None:
    assert redact(text).text == redacted


@pytest.mark.parametrize(
    "text",
    [
        "order 1234567890123456 of 2026-03-01 10:00 came at 05/03/2026 10:00:00",
        "01.02.2026 10:00 Uhr, 1 234 567 890 in total, 3.14159265358979",
        # Luhn's digit is wrong; the check digits are wrong; no country has this length.
        "4111 1111 1111 1112",
        "DE88 3704 0044 0532 0130 00 and DE89 3704 0044 0532 0130",
        "std::vector at 10:30:15, ratio 16:9, :: and 300.1.1.1",
        "the password is required, the token expires tomorrow, secret recipe",
        "me @ home, @joe, joe@localhost",
        "tracking 00340434161094042557",
        "Anna Schmidt, 12 Main Street",
        "",
    ],
)
def test_what_is_left(text: str) -> None:
    assert redact(text).text == text
    assert redact(text).count == 0


def test_kinds_are_counted() -> None:
    found = redact("a@b.example c@d.example 192.0.2.7 4111111111111111")
    assert (found.counts, found.count) == ({"email": 2, "card": 1, "ip": 1}, 4)
    assert found.text == "[email] [email] [ip] [card]"


def test_a_key_may_hold_anything_else() -> None:
    assert redact("password=joe@example.com1").text == "password=[key]"


NASTY = st.lists(
    st.sampled_from(
        ["a@", "@", ".", "1 ", "11", "4111 ", "DE89", "::", "fe80:", "+1(", "00", "token=", "a1B2", "-----BEGIN ",
         "eyJ",
         "password: ", "[email]", "é",
         "\n", "call ", "0171 ", "-", "sk-", "PRIVATE KEY-----", "192.168.", "joe", " "]
    )
    | st.text(alphabet=string.printable, max_size=5),
    max_size=60,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@example("a@192.168.a@192.168.")
@given(NASTY)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text).text
    assert redact(once).text == once


def patterns() -> list[re.Pattern[str]]:
    found = [
        value for module in (redaction, secrets) for value in vars(module).values() if isinstance(value, re.Pattern)
    ]
    assert len(found) >= 12
    return found


def backtracking(parsed: Any) -> Iterator[int | None]:
    """Yield the most a repetition that may give back what it took can take; None when there is no most."""
    for operation, argument in parsed:
        name = str(operation)
        if name in {"MAX_REPEAT", "MIN_REPEAT"}:
            factors = [None if str(argument[1]) == "MAXREPEAT" else int(argument[1]), *backtracking(argument[2])]
            yield None if None in factors else math.prod(filter(None, factors))
        elif name == "POSSESSIVE_REPEAT":
            yield from backtracking(argument[2])
        elif name in {"SUBPATTERN", "ASSERT", "ASSERT_NOT", "GROUPREF_EXISTS"}:
            yield from backtracking(argument[-1])
        elif name == "BRANCH":
            for branch in argument[1]:
                yield from backtracking(branch)


def test_no_pattern_can_take_back_more_than_a_few_hundred_letters() -> None:
    for pattern in patterns():
        for most in backtracking(re._parser.parse(pattern.pattern, pattern.flags)):  # type: ignore[attr-defined]
            assert most is not None, pattern.pattern
            assert most <= 600, pattern.pattern


def test_the_count_of_work_sees_a_catastrophe() -> None:
    assert None in set(backtracking(re._parser.parse(r"(a+)+@")))  # type: ignore[attr-defined]
    assert set(backtracking(re._parser.parse(r"[a-z]++@[a-z]{1,9}"))) == {9}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "piece", ["a", "a@", "a.", "1", ":", "DE89", "eyJaaaaaaaa.", "-----BEGIN PRIVATE KEY-----", "(1"]
)
def test_a_mebibyte_of_nasty_letters_comes_through(piece: str) -> None:
    text = (piece * (MIB // len(piece) + 1))[:MIB]
    redacted = redact(text).text
    assert redacted == text or "[" in redacted
