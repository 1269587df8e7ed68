"""How much is found on the strings written for it, what is left around them, and that no text takes long."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.classification.evaluation.golden_set import GOLDEN
from orchestration.classification.evaluation.redaction import CASES, as_markdown, evaluate_redaction, read_cases
from orchestration.redaction import announcements, cards, cues, ibans, phones, secrets
from orchestration.redaction.redactor import Redacted, redact

# Reached when the list was made; a change that loses one of them states why.
LEAST_RECALL, LEAST_PRECISION = 0.98, 0.98
KINDS = ("key", "email", "iban", "card", "account", "ip", "phone")


def test_the_list_is_as_large_as_it_claims() -> None:
    cases = read_cases(GOLDEN / CASES)
    assert len(cases) >= 400
    assert len({case.text for case in cases}) == len(cases)
    assert {case.language for case in cases} == {"en", "de", "es", "fr", "it", "pt"}
    of_kind = Counter(case.kind for case in cases)
    assert set(of_kind) == {*KINDS, "none"}
    assert min(of_kind.values()) >= 16
    assert of_kind["none"] >= 100
    assert sum(case.form == "obfuscated" for case in cases) >= 75
    assert all(case.origin for case in cases)


def test_recall_and_precision_of_each_kind() -> None:
    report = evaluate_redaction(GOLDEN)
    table = as_markdown(report)
    assert {score.kind for score in report.scores} == {*KINDS, "all"}
    assert all(score.expected > 5 for score in report.scores)
    assert all(score.recall >= LEAST_RECALL for score in report.scores), table
    assert all(score.precision >= LEAST_PRECISION for score in report.scores), table


def test_the_measure_sees_what_is_missed_and_what_is_none() -> None:
    def nothing(text: str) -> Redacted:
        return Redacted(text, {})

    def everything(text: str) -> Redacted:
        return Redacted("[phone]", {"phone": 1})

    of_nothing = evaluate_redaction(GOLDEN, nothing).scores[-1]
    assert (of_nothing.kind, of_nothing.found, of_nothing.recall) == ("all", 0, 0.0)
    assert evaluate_redaction(GOLDEN, everything).scores[-1].precision < 0.1


# Written before they were tried, by somebody who had not seen the list.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hi, you can reach me on 07700 900123 after six", "hi, you can reach me on [phone] after six"),
        ("ruf mich bitte unter 030 23125 014 zurück", "ruf mich bitte unter [phone] zurück"),
        ("mi móvil es 612 345 678", "mi móvil es [phone]"),
        ("mon portable 06 12 34 56 78", "mon portable [phone]"),
        ("meu celular é (11) 91234-5678", "meu celular é [phone]"),
        ("la tarjeta 5555-5555-5555-4444 no funciona", "la tarjeta [card] no funciona"),
        ("mon iban est FR1420041010050500013M02606", "mon iban est [iban]"),
        ("schreib an müller@example.de", "schreib an [email]"),
        ("contraseña: perro.azul9", "contraseña: [key]"),
        ("minha senha é Carnaval#22", "minha senha é [key]"),
        ("postgres://admin:S3cr3tpw@db.example.com/x", "postgres://[key]@db.example.com/x"),
        ("4111\u200b1111\u200b1111\u200b1111", "[card]"),
        ("version 10.2.3.4 is broken", "version 10.2.3.4 is broken"),
        ("tracking 1Z999AA10123456784", "tracking 1Z999AA10123456784"),
        ("my secret santa2024 party", "my secret santa2024 party"),
        ("the meeting id is 823 4567 8901", "the meeting id is 823 4567 8901"),
        ("the password must have 8 characters", "the password must have 8 characters"),
    ],
)
def test_strings_of_nobody_who_knew_the_list(text: str, expected: str) -> None:
    assert redact(text).text == expected


UNITS = (
    *("1 ", "1.1.1.", "999.", "4111 1111 ", "0171 ", "a@", "@", "::", "1:", "eyJ", "-----BEGIN PRIVATE KEY-----"),
    *("password: ", "DE89 ", "+49 ", "\u200b1", "1\u0301", "sk-", "(at)", "[at] ", "://a:b@", "Bearer ", "call 1 "),
    *("passwort ist ", "= ", "'", '"', "1.000.000 € ", "and 0171 ", "12/12/2024 ", "fe80::", "AKIA", "key is ", "4-"),
    *("a.b@", "\u0661"),
)


def steps(text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Count the calls of what judges a candidate, and the letters that each was given."""
    counted = 0
    with monkeypatch.context() as patched:

        def count(module: Any, name: str) -> None:
            judge: Callable[..., Any] = getattr(module, name)

            def counting(*arguments: Any) -> Any:
                nonlocal counted
                counted += 1 + sum(len(one) for one in arguments[:1] if isinstance(one, str) and len(one) < len(text))
                return judge(*arguments)

            patched.setattr(module, name, counting)

        for module, name in (
            *((secrets, "is_random"), (secrets, "_value_after"), (phones, "_end_of_number"), (phones, "_is_phone")),
            *((ibans, "is_iban"), (cards, "_luhn_is_right"), (phones, "_exists")),
        ):
            count(module, name)
        before = announcements.Announcements._before

        def looked_up(self: announcements.Announcements, at: int) -> list[cues.Hit]:
            nonlocal counted
            hits = before(self, at)
            counted += 1 + len(hits)
            return hits

        patched.setattr(announcements.Announcements, "_before", looked_up)
        redact(text)
    return counted


def test_twice_the_text_takes_twice_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over adversarial repetitions, given and drawn: counted, not timed; `make bench` times them."""
    draw = random.Random(8)  # noqa: S311 - reproducible, not secret
    letters = "0123456789 .-/@:+()[]\"'=aeyJk\u200b\u0301\u0661\n"
    drawn = ["".join(draw.choice(letters) for _ in range(draw.randint(1, 8))) for _ in range(60)]
    for unit in (*UNITS, *drawn):
        counts = [steps(unit * (length // len(unit)), monkeypatch) for length in (4_000, 8_000)]
        assert counts[1] <= 2.2 * counts[0] + 50, (unit, counts)
        # A few candidates for each letter at most.
        assert counts[1] <= 6 * 8_000, (unit, counts)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from((*UNITS, *"0123456789 .-/@:+()", "tel ", "x", "\n")), max_size=30))
def test_redacting_twice_changes_nothing_more(parts: list[str]) -> None:
    once = redact("".join(parts)).text
    assert redact(once).text == once


def test_numbers_one_after_another_are_masked_at_once() -> None:
    once = redact("0171 0171 0171 0171 0171 ").text
    assert redact(once).text == once
